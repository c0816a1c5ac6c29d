/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/scheduled_run.h"

#include "scheduler/daemon/run_id.h"

DagRun *scheduled_run_new(const ScheduleTick *tick, int64_t dag_version_id, int64_t now_us)
{
    DagRun *run = g_new0(DagRun, 1);
    run->dag_id = g_strdup(tick->dag_id);
    run->run_id = run_id_make(RUN_TYPE_SCHEDULED, tick->times.logical_date_us, true);
    run->type = RUN_TYPE_SCHEDULED;
    run->state = RUN_STATE_QUEUED;
    run->dag_version_id = dag_version_id;
    run->logical_date_us = tick->times.logical_date_us;
    run->data_interval_start_us = tick->times.data_interval_start_us;
    run->data_interval_end_us = tick->times.data_interval_end_us;
    run->run_after_us = tick->times.run_after_us;
    run->queued_at_us = now_us;
    run->start_date_us = run->end_date_us = TIME_NONE;
    run->forced_state = RUN_STATE_INVALID;
    run->conf_json = g_strdup("{}");
    run->triggered_by = g_strdup("timetable");
    return run;
}

static void look_at(Schedules *schedules, const DagRun *run, int64_t now_us)
{
    if (run_state_is_finished(run->state))
        schedules_look_again(schedules, run->dag_id, now_us);
}

void scheduled_runs_ended(Schedules *schedules, const Engine *engine, const EngineOutput *output,
                          int64_t now_us)
{
    for (guint i = 0; i < output->runs->len; i++)
        look_at(schedules, output->runs->pdata[i], now_us);
    /* One without a task that takes time ends in the turn that makes it. */
    for (guint i = 0; i < output->created_runs->len; i++)
        look_at(schedules, engine_run(engine, g_array_index(output->created_runs, int64_t, i)), now_us);
}
