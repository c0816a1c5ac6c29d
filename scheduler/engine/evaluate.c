/* SPDX-License-Identifier: MIT */
/* One task's way from null (or a due retry) to scheduled, or to an end without an attempt. */
#include "scheduler/engine/internal.h"

Obstacles task_obstacles(const EngineTask *task, int64_t now_us)
{
    const EngineRun *run = task->run;
    Obstacles found = 0;
    if (run->row->state != RUN_STATE_RUNNING)
        found |= OBSTACLE_RUN_STATE;
    if (run_is_held(run))
        found |= OBSTACLE_RUN_HELD;
    if (run->row->forced_state != RUN_STATE_INVALID)
        found |= OBSTACLE_RUN_ENDING;
    if (task->is_live)
        found |= OBSTACLE_LIVE;
    if (task->ti.state == TASK_STATE_UP_FOR_RETRY && task->ti.retry_at_us > now_us)
        found |= OBSTACLE_RETRY;
    if (task->index == UINT32_MAX ||
        (task->ti.state != TASK_STATE_NONE && task->ti.state != TASK_STATE_UP_FOR_RETRY))
        found |= OBSTACLE_STATE;
    return found;
}

TriggerVerdict task_verdict(const EngineTask *task)
{
    return trigger_rule_evaluate(task_definition(task)->trigger_rule, &task->upstream);
}

/** An end that no attempt led to. */
static void end_by_rule(Engine *engine, EngineTask *task, TaskState state, int64_t now_us)
{
    task_end_dates(task, END_TRIGGER_RULE, now_us);
    task_set_state(engine, task, state);
}

static void schedule(Engine *engine, EngineTask *task, int64_t now_us)
{
    task->ti.try_number++;
    task->ti.queued_us = task->ti.start_date_us = task->ti.end_date_us = TIME_NONE;
    task->ti.end_reason = END_NONE;
    task->ti.exit_code = EXIT_CODE_NONE;
    task->ti.term_signal = 0;
    task->ti.pid = 0;
    if (task_definition(task)->body ==
        TASK_BODY_EMPTY) { /* as Airflow's EmptyOperator: no queue, no process */
        task->ti.start_date_us = task->ti.end_date_us = now_us;
        task_set_state(engine, task, TASK_STATE_SUCCESS);
        task->ti.scheduled_us = now_us;
        task_notice(engine, task, HOOK_ON_SUCCESS);
        return;
    }
    task_set_state(engine, task, TASK_STATE_SCHEDULED);
    task->ti.scheduled_us = now_us;
    task_make_ready(engine, task);
}

void task_evaluate(Engine *engine, EngineTask *task, int64_t now_us)
{
    if (task_obstacles(task, now_us) != 0)
        return;
    switch (task_verdict(task)) {
    case VERDICT_WAIT:
        return;
    case VERDICT_SKIP:
        end_by_rule(engine, task, TASK_STATE_SKIPPED, now_us);
        return;
    case VERDICT_UPSTREAM_FAILED:
        end_by_rule(engine, task, TASK_STATE_UPSTREAM_FAILED, now_us);
        return;
    case VERDICT_RUN:
        if (past_allows(task))
            schedule(engine, task, now_us);
        return;
    }
}
