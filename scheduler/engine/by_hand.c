/* SPDX-License-Identifier: MIT */
/* What users ask: clear, mark, cancel (airflow-compatible: clear_task_instances, api/common/mark_tasks.py).
 */
#include "scheduler/engine/internal.h"

void task_reset(EngineTask *task)
{
    const Task *definition = task_definition(task);
    task->ti.max_tries = definition == NULL ? MAX(task->ti.max_tries, task->ti.try_number)
                                            : task->ti.try_number + definition->retries;
    task->ti.end_reason = END_NONE;
    task->ti.exit_code = EXIT_CODE_NONE;
    task->ti.term_signal = 0;
    task->ti.pid = 0;
    task->ti.scheduled_us = task->ti.queued_us = TIME_NONE;
    task->ti.start_date_us = task->ti.end_date_us = task->ti.retry_at_us = TIME_NONE;
}

void run_reopen(Engine *engine, EngineRun *run, int64_t now_us)
{
    bool was_forced = run->row->forced_state != RUN_STATE_INVALID;
    if (!run_state_is_finished(run->row->state) && !was_forced)
        return;
    run->row->forced_state = RUN_STATE_INVALID;
    run->row->end_reason = END_NONE;
    run->row->clear_number++;
    run_change_state(engine, run, RUN_STATE_QUEUED, now_us);
    run_enqueue(engine, run, now_us);
}

static void clear_task(Engine *engine, EngineTask *task)
{
    switch (task->ti.state) {
    case TASK_STATE_RESTARTING:
        return;
    case TASK_STATE_QUEUED:
    case TASK_STATE_RUNNING:
        task_set_state(engine, task, TASK_STATE_RESTARTING);
        engine_effect(engine, EFFECT_CANCEL, task->run, task);
        return;
    case TASK_STATE_SCHEDULED:
    case TASK_STATE_UP_FOR_RETRY:
    case TASK_STATE_NONE:
        break; /* the attempt, if any, is in history already */
    default:
        if (task->is_live) { /* marked, and its process is still being ended */
            if (task_attempt_is_unstarted(task))
                task->ti.start_date_us = TIME_NONE;
            task->ti.end_date_us = TIME_NONE;
            task_set_state(engine, task, TASK_STATE_RESTARTING);
            return;
        }
        if (task->ti.scheduled_us != TIME_NONE) /* else its last attempt is in history already */
            task_archive(engine, task, task->ti.state);
        break;
    }
    task_touch(engine, task);
    task_set_state(engine, task, TASK_STATE_NONE);
    task_reset(task);
    task_make_pending(engine, task);
}

static void clear_indexes(Engine *engine, EngineRun *run, const uint32_t *indexes, guint n, int64_t now_us)
{
    for (guint i = 0; i < n; i++)
        clear_task(engine, &run->tasks[indexes[i]]);
    if (n > 0)
        run_reopen(engine, run, now_us);
}

guint engine_clear_tasks(Engine *engine, int64_t dag_run_id, const uint32_t *indexes, guint n, int64_t now_us)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL || n == 0)
        return 0;
    clear_indexes(engine, run, indexes, n, now_us);
    engine_settle(engine, now_us);
    return n;
}

static void mark_task(Engine *engine, EngineTask *task, TaskState state, EndReason reason, int64_t now_us)
{
    if (task->is_live && !task_state_is_finished(task->ti.state))
        engine_effect(engine, EFFECT_CANCEL, task->run, task);
    task_end_dates(task, reason, now_us);
    task_set_state(engine, task, state);
}

/** All transitive downstream tasks of those in `from`, without these, that failed or could not run. */
static GArray *failed_downstream(EngineRun *run, const uint32_t *from, guint n)
{
    g_autofree bool *seen = g_new0(bool, MAX(run->dag->n_tasks, 1));
    g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    GArray *failed = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (guint i = 0; i < n; i++)
        seen[from[i]] = true;
    g_array_append_vals(queue, from, n);
    for (guint head = 0; head < queue->len; head++) {
        GraphSpan down = dag_downstream(run->dag, g_array_index(queue, uint32_t, head));
        for (uint32_t i = 0; i < down.n; i++) {
            uint32_t index = down.items[i];
            if (seen[index])
                continue;
            seen[index] = true;
            g_array_append_val(queue, index);
            if (task_state_is_failure(run->tasks[index].ti.state))
                g_array_append_val(failed, index);
        }
    }
    return failed;
}

guint engine_mark_tasks(Engine *engine, int64_t dag_run_id, const uint32_t *indexes, guint n, TaskState state,
                        int64_t now_us)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    guint changed = 0;
    if (run == NULL || n == 0)
        return 0;
    for (guint i = 0; i < n; i++) {
        EngineTask *task = &run->tasks[indexes[i]];
        if (task->ti.state == state)
            continue;
        mark_task(engine, task, state, END_MARKED, now_us);
        changed++;
    }
    if (changed > 0) {
        g_autoptr(GArray) failed = failed_downstream(run, indexes, n);
        clear_indexes(engine, run, (const uint32_t *)(void *)failed->data, failed->len, now_us);
    }
    engine_settle(engine, now_us);
    return changed;
}

/** What a task becomes when its run is ended with `state`; TASK_STATE_INVALID = stays. */
static TaskState state_at_end(const EngineTask *task, RunState state)
{
    if (state == RUN_STATE_SUCCESS)
        return task->ti.state == TASK_STATE_SUCCESS ? TASK_STATE_INVALID : TASK_STATE_SUCCESS;
    switch (task->ti.state) {
    case TASK_STATE_QUEUED:
    case TASK_STATE_RUNNING:
    case TASK_STATE_DEFERRED:
    case TASK_STATE_UP_FOR_RESCHEDULE:
        return TASK_STATE_FAILED;
    default:
        return task_state_is_finished(task->ti.state) ? TASK_STATE_INVALID : TASK_STATE_SKIPPED;
    }
}

/** A task that never had its turn because its run was marked was not marked itself. */
static EndReason reason_at_end(TaskState to, EndReason reason)
{
    return to == TASK_STATE_SKIPPED && reason == END_MARKED ? END_RUN_ENDED : reason;
}

bool engine_mark_run(Engine *engine, int64_t dag_run_id, RunState state, EndReason reason, int64_t now_us)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL)
        return false;
    if (state == RUN_STATE_QUEUED || state == RUN_STATE_RUNNING) {
        run->row->forced_state = RUN_STATE_INVALID;
        run->row->end_reason = END_NONE;
        run_change_state(engine, run, RUN_STATE_QUEUED, now_us);
        run_enqueue(engine, run, now_us);
        engine_settle(engine, now_us);
        return true;
    }
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        TaskState to = state_at_end(&run->tasks[i], state);
        if (to != TASK_STATE_INVALID)
            mark_task(engine, &run->tasks[i], to, reason_at_end(to, reason), now_us);
    }
    run->row->end_reason = reason;
    run_touch(engine, run);
    if (run_state_is_finished(run->row->state)) {
        run_change_state(engine, run, state, now_us);
    } else {
        run->row->forced_state = state;
        run_leave_queue(engine, run);
        run_mark_to_check(engine, run);
    }
    engine_settle(engine, now_us);
    return true;
}
