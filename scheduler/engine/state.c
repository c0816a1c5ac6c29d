/* SPDX-License-Identifier: MIT */
#include "scheduler/engine/internal.h"

bool run_is_held(const EngineRun *run)
{
    return (run->flags & ENGINE_RUN_HELD) != 0;
}

const Task *task_definition(const EngineTask *task)
{
    return task->index == UINT32_MAX ? NULL : &task->run->dag->tasks[task->index];
}

void task_touch(Engine *engine, EngineTask *task)
{
    if (task->is_dirty || task->run->is_new)
        return;
    task->is_dirty = true;
    g_ptr_array_add(engine->output.tasks, &task->ti);
}

void run_touch(Engine *engine, EngineRun *run)
{
    if (run->is_dirty || run->is_new)
        return;
    run->is_dirty = true;
    g_ptr_array_add(engine->output.runs, run->row);
}

void task_make_pending(Engine *engine, EngineTask *task)
{
    if (task->is_pending)
        return;
    task->is_pending = true;
    task->next_pending = NULL;
    if (engine->pending_last == NULL)
        engine->pending_first = task;
    else
        engine->pending_last->next_pending = task;
    engine->pending_last = task;
}

/** What is canceled in the turn in which it was to be started need not be started at all. */
static void drop_start(Engine *engine, AttemptId attempt)
{
    GArray *effects = engine->output.effects;
    for (guint i = effects->len; i > 0; i--) {
        const EngineEffect *effect = &g_array_index(effects, EngineEffect, i - 1);
        if (effect->kind == EFFECT_START && effect->attempt.ti_id == attempt.ti_id &&
            effect->attempt.try_number == attempt.try_number)
            g_array_remove_index(effects, i - 1);
    }
}

void engine_effect(Engine *engine, EffectKind kind, EngineRun *run, const EngineTask *task)
{
    EngineEffect effect = {.kind = kind, .dag_run_id = run->row->id};
    if (task != NULL)
        effect.attempt = (AttemptId){task->ti.id, task->is_live ? task->live_try : task->ti.try_number};
    if (kind == EFFECT_CANCEL)
        drop_start(engine, effect.attempt);
    g_array_append_val(engine->output.effects, effect);
}

bool task_attempt_is_unstarted(const EngineTask *task)
{
    const TaskInstance *ti = &task->ti;
    return ti->pid == 0 && (ti->start_date_us == TIME_NONE || ti->start_date_us == ti->end_date_us);
}

int64_t time_after(int64_t at_us, int64_t delay_us)
{
    int64_t sum;
    return __builtin_add_overflow(at_us, delay_us, &sum) ? INT64_MAX : sum;
}

void task_end_dates(EngineTask *task, EndReason reason, int64_t now_us)
{
    if (task->ti.start_date_us == TIME_NONE)
        task->ti.start_date_us = now_us;
    if (task->ti.end_date_us == TIME_NONE)
        task->ti.end_date_us = MAX(now_us, task->ti.start_date_us); /* the clock may have been set back */
    task->ti.end_reason = reason;
}

void task_archive(Engine *engine, const EngineTask *task, TaskState state)
{
    TaskInstance attempt = task->ti;
    attempt.state = state;
    attempt.retry_at_us = TIME_NONE;
    g_array_append_val(engine->output.archived, attempt);
}

void task_notice(Engine *engine, const EngineTask *task, HookEvent event)
{
    if (task_definition(task)->hooks[event] == NULL)
        return;
    EngineNotice notice = {.event = event,
                           .dag_run_id = task->run->row->id,
                           .attempt = task->ti,
                           .run_state = RUN_STATE_INVALID};
    g_array_append_val(engine->output.notices, notice);
}

void run_notice(Engine *engine, const EngineRun *run)
{
    HookEvent event = run->row->state == RUN_STATE_SUCCESS ? HOOK_ON_SUCCESS : HOOK_ON_FAILURE;
    if (run->dag->hooks[event] == NULL)
        return;
    EngineNotice notice = {.event = event,
                           .dag_run_id = run->row->id,
                           .run_state = run->row->state,
                           .run_reason = run->row->end_reason};
    g_array_append_val(engine->output.notices, notice);
}

void engine_set_timer(Engine *engine, Timer *timer, int64_t at_us)
{
    heap_remove(&engine->timers, timer);
    if (at_us == TIME_NONE)
        return;
    timer->at_us = at_us;
    timer->sequence = ++engine->timer_sequence;
    heap_push(&engine->timers, timer);
}

static uint32_t *count_of(UpstreamCounts *counts, TaskState state)
{
    switch (state) {
    case TASK_STATE_SUCCESS:
        return &counts->success;
    case TASK_STATE_SKIPPED:
        return &counts->skipped;
    case TASK_STATE_FAILED:
        return &counts->failed;
    case TASK_STATE_UPSTREAM_FAILED:
        return &counts->upstream_failed;
    case TASK_STATE_REMOVED:
        return &counts->removed;
    default:
        return NULL;
    }
}

/** Tells the direct downstream tasks that one of their upstream tasks went from one state to another. */
static void count_downstream(Engine *engine, EngineTask *task, TaskState from, TaskState to)
{
    bool was = task_state_is_finished(from), is = task_state_is_finished(to);
    if (!was && !is)
        return;
    GraphSpan down = dag_downstream(task->run->dag, task->index);
    for (uint32_t i = 0; i < down.n; i++) {
        EngineTask *other = &task->run->tasks[down.items[i]];
        if (was)
            (*count_of(&other->upstream, from))--;
        if (is)
            (*count_of(&other->upstream, to))++;
        if (other->ti.state == TASK_STATE_NONE || other->ti.state == TASK_STATE_UP_FOR_RETRY)
            task_make_pending(engine, other);
    }
}

void task_set_state(Engine *engine, EngineTask *task, TaskState to)
{
    TaskState from = task->ti.state;
    EngineRun *run = task->run;
    if (from == to)
        return;
    if (!task_state_may_become(from, to))
        g_error("%s/%s/%s: illegal edge %s -> %s", run->row->dag_id, run->row->run_id, task->ti.task_id,
                from == TASK_STATE_NONE ? "none" : task_state_to_string(from),
                to == TASK_STATE_NONE ? "none" : task_state_to_string(to));

    if (from == TASK_STATE_SCHEDULED) {
        task_make_unready(engine, task);
        if (to != TASK_STATE_QUEUED) {
            task->ti.try_number--; /* no attempt was made under this number */
            task->ti.scheduled_us = TIME_NONE;
        }
    }
    if (from == TASK_STATE_UP_FOR_RETRY) {
        engine_set_timer(engine, &task->timer, TIME_NONE);
        task->ti.retry_at_us = TIME_NONE;
        task->ti.scheduled_us = TIME_NONE; /* this attempt is in history */
    }
    task->ti.state = to;
    task_touch(engine, task);
    if (task_state_is_finished(to))
        run_mark_to_check(engine, run);
    if (task->index == UINT32_MAX)
        return; /* the Dag does not have it: nothing counts it and nothing waits for it */

    run->n_by_state[from]--;
    run->n_by_state[to]++;
    run->n_unfinished += (uint32_t)!task_state_is_finished(to) - (uint32_t)!task_state_is_finished(from);
    count_downstream(engine, task, from, to);
    if (task_state_is_good(to))
        past_task_is_good(engine, task);
}

void task_go_live(Engine *engine, EngineTask *task)
{
    g_assert(!task->is_live);
    task->is_live = true;
    task->live_try = task->ti.try_number;
    task->run->n_live++;
    engine->n_live++;
    dispatch_take_slots(engine, task);
}

void task_end_live(Engine *engine, EngineTask *task)
{
    g_assert(task->is_live);
    task->is_live = false;
    task->run->n_live--;
    engine->n_live--;
    dispatch_free_slots(engine, task);
    run_mark_to_check(engine, task->run);
}
