/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/retention.h"

bool retention_is_old(const DagRun *run, const RetentionRule *rule)
{
    if (!run_state_is_finished(run->state) || run->end_date_us >= rule->before_us)
        return false;
    if (run->backfill_id != 0 && run->backfill_id == rule->backfill_id)
        return false;
    return run->logical_date_us == TIME_NONE || run->logical_date_us != rule->last_scheduled_us;
}

bool retention_logs_are_old(const DagRun *run, const RetentionRule *rule)
{
    return run_state_is_finished(run->state) && run->end_date_us < rule->logs_before_us;
}
