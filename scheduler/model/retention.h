/* SPDX-License-Identifier: MIT */
/** How long what has ended is kept: by the settings, or by a DAG's own words. Pure. */
#pragma once

#include "scheduler/model/types.h"

/** Not said: as the settings say. */
#define RETENTION_DEFAULT (-1)

/** From the end of a run on. 0 = for ever. */
typedef struct {
    int64_t runs_us;
    int64_t logs_us; /**< of its tasks and hooks; 0 = as long as the run */
} Retention;

#define RETENTION_UNSAID                                                                                     \
    {                                                                                                        \
        .runs_us = RETENTION_DEFAULT, .logs_us = RETENTION_DEFAULT                                           \
    }

/** What `own` says, and for what it does not say, `fallback`. */
Retention retention_or(Retention own, Retention fallback);

/** What ended before this is old at `now_us`; TIME_NONE, before which nothing ends, when it is kept for ever.
 */
int64_t retention_before(int64_t now_us, int64_t kept_us);
