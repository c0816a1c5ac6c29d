/* SPDX-License-Identifier: MIT */
/** Which runs are old enough to go. Pure: the simulation deletes by it, too. */
#pragma once

#include "scheduler/model/records.h"

/** What the runs of one DAG are measured by. */
typedef struct {
    int64_t before_us;         /**< runs that ended before are old; TIME_NONE = none is */
    int64_t logs_before_us;    /**< the same of their logs */
    int64_t last_scheduled_us; /**< logical date of the last run by schedule; TIME_NONE = none */
    int64_t backfill_id;       /**< of its unfinished backfill; 0 = none */
} RetentionRule;

/**
 * Whether the run may be deleted. Never: what is unfinished; the DAG's last scheduled run, from which its
 * schedule goes on; runs of a backfill that is not done.
 */
bool retention_is_old(const DagRun *run, const RetentionRule *rule);
/** Whether its logs may be deleted while the run stays, for whatever reason. Never of what is unfinished. */
bool retention_logs_are_old(const DagRun *run, const RetentionRule *rule);
