/* SPDX-License-Identifier: MIT */
/** Words of backfills, as Airflow has them. */
#pragma once

#include "scheduler/model/types.h"

/** Which of the runs that there are already are done again. */
typedef enum {
    REPROCESS_NONE,
    REPROCESS_FAILED,    /**< failed ones */
    REPROCESS_COMPLETED, /**< failed and successful ones */
    REPROCESS_COUNT,
    REPROCESS_INVALID = -1,
} ReprocessBehavior;

const char *reprocess_behavior_to_string(ReprocessBehavior behavior);
ReprocessBehavior reprocess_behavior_from_string(const char *name);

/** Why a backfill leaves a date alone. */
typedef enum {
    BACKFILL_EXCEPTION_NONE,
    BACKFILL_EXCEPTION_ALREADY_EXISTS, /**< its run is finished, and is not to be done again */
    BACKFILL_EXCEPTION_IN_FLIGHT,      /**< its run is queued or running */
    BACKFILL_EXCEPTION_COUNT,
} BackfillException;

const char *backfill_exception_to_string(BackfillException reason); /* NULL for NONE */
