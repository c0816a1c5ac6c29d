/* SPDX-License-Identifier: MIT */
/* Runs from queued to finished, and the settling that ends each call (internal.h). */
#include "scheduler/engine/internal.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

int timer_compare(const void *a, const void *b)
{
    const Timer *x = a, *y = b;
    if (x->at_us != y->at_us)
        return COMPARE(x->at_us, y->at_us);
    return COMPARE(x->sequence, y->sequence);
}

void run_mark_to_check(Engine *engine, EngineRun *run)
{
    if (run->is_to_check)
        return;
    run->is_to_check = true;
    run->next_to_check = NULL;
    if (engine->to_check_last == NULL)
        engine->to_check_first = run;
    else
        engine->to_check_last->next_to_check = run;
    engine->to_check_last = run;
}

void run_change_state(Engine *engine, EngineRun *run, RunState state, int64_t now_us)
{
    bool counted = run_takes_place(run);
    RunState from = run->row->state;
    run_leave_queue(engine, run);
    run->row->state = state;
    switch (state) { /* dates as Airflow's DagRun.set_state */
    case RUN_STATE_QUEUED:
        run->row->queued_at_us = now_us;
        run->row->start_date_us = run->row->end_date_us = TIME_NONE;
        break;
    case RUN_STATE_RUNNING:
        if (run->row->start_date_us == TIME_NONE || run_state_is_finished(from))
            run->row->start_date_us = now_us;
        run->row->end_date_us = TIME_NONE;
        break;
    default:
        if (run->row->start_date_us == TIME_NONE)
            run->row->start_date_us = now_us;
        if (!run_state_is_finished(from))
            run->row->end_date_us =
                MAX(now_us, run->row->start_date_us); /* the clock may have been set back */
        break;
    }
    run->queue->n_running += (int)run_takes_place(run) - (int)counted;
    run_touch(engine, run);
    run_mark_to_check(engine, run);
}

void run_set_timeout(Engine *engine, EngineRun *run)
{
    int64_t timeout_us = run->dag->dagrun_timeout_us;
    if (run->row->state == RUN_STATE_RUNNING && !run_is_held(run))
        engine_set_timer(engine, &run->timer,
                         timeout_us > 0 ? time_after(run->row->start_date_us, timeout_us) : TIME_NONE);
}

static void run_start(Engine *engine, EngineRun *run, int64_t now_us)
{
    run_change_state(engine, run, RUN_STATE_RUNNING, now_us);
    engine_effect(engine, EFFECT_RUN_STARTED, run, NULL);
    gate_release_all(engine, &run->gate); /* what was scheduled before it was queued again */
    run_set_timeout(engine, run);
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        TaskState state = run->tasks[i].ti.state;
        if (state == TASK_STATE_NONE || state == TASK_STATE_UP_FOR_RETRY)
            task_make_pending(engine, &run->tasks[i]);
    }
}

static void promote(Engine *engine, const RunQueue *queue, int64_t now_us)
{
    while (run_queue_has_room(queue)) {
        EngineRun *run = run_queue_next(queue);
        if (run == NULL)
            return;
        run_start(engine, run, now_us);
    }
}

static void run_finish(Engine *engine, EngineRun *run, RunState state, EndReason reason, int64_t now_us)
{
    run->row->forced_state = RUN_STATE_INVALID;
    run->row->end_reason = reason;
    run_change_state(engine, run, state, now_us);
    if (reason != END_MARKED && reason != END_CANCELED) /* airflow-compatible: not for what a user sets */
        run_notice(engine, run);
    engine_effect(engine, EFFECT_RUN_FINISHED, run, NULL);
}

/** Airflow's update_state: failed if a leaf is failed or upstream_failed. */
static bool any_leaf_failed(const EngineRun *run)
{
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        if (task_state_is_failure(run->tasks[i].ti.state) && dag_downstream(run->dag, i).n == 0)
            return true;
    }
    return false;
}

/** Nothing is under way and nothing will come: all that is left is null, and not because of an earlier run.
 */
static bool is_deadlocked(const EngineRun *run)
{
    if (run->n_unfinished == 0 || run->n_unfinished != run->n_by_state[TASK_STATE_NONE])
        return false;
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        if (run->tasks[i].ti.state == TASK_STATE_NONE && run->dag->tasks[i].depends_on_past)
            return false;
    }
    return true;
}

/** Unfinished tasks that will never run; where Airflow leaves them null, weir says skipped. */
static void skip_unfinished(Engine *engine, EngineRun *run, EndReason reason, int64_t now_us)
{
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        EngineTask *task = &run->tasks[i];
        if (task_state_is_finished(task->ti.state))
            continue;
        if (task->is_live)
            engine_effect(engine, EFFECT_CANCEL, run, task);
        task_end_dates(task, reason, now_us);
        task_set_state(engine, task, TASK_STATE_SKIPPED);
    }
}

void run_expire(Engine *engine, EngineRun *run, int64_t now_us)
{
    if (run->row->forced_state != RUN_STATE_INVALID)
        return;
    run->row->forced_state = RUN_STATE_FAILED;
    run->row->end_reason = END_TIMEOUT;
    run_touch(engine, run);
    skip_unfinished(engine, run, END_TIMEOUT, now_us);
    run_mark_to_check(engine, run);
}

static void run_check_end(Engine *engine, EngineRun *run, int64_t now_us)
{
    if (run->n_live > 0 || run_state_is_finished(run->row->state))
        return;
    if (run->row->forced_state != RUN_STATE_INVALID) {
        run_finish(engine, run, run->row->forced_state, run->row->end_reason, now_us);
        return;
    }
    if (run->row->state != RUN_STATE_RUNNING || run_is_held(run))
        return;
    if (run->n_unfinished == 0) {
        bool failed = any_leaf_failed(run);
        run_finish(engine, run, failed ? RUN_STATE_FAILED : RUN_STATE_SUCCESS,
                   failed ? END_TASK_FAILURE : END_NONE, now_us);
    } else if (is_deadlocked(run)) {
        skip_unfinished(engine, run, END_RUN_ENDED, now_us);
        run_finish(engine, run, RUN_STATE_FAILED, END_DEADLOCK, now_us);
    }
}

static EngineTask *pop_pending(Engine *engine)
{
    EngineTask *task = engine->pending_first;
    if (task == NULL)
        return NULL;
    engine->pending_first = task->next_pending;
    if (engine->pending_first == NULL)
        engine->pending_last = NULL;
    task->is_pending = false;
    return task;
}

static EngineRun *pop_to_check(Engine *engine)
{
    EngineRun *run = engine->to_check_first;
    if (run == NULL)
        return NULL;
    engine->to_check_first = run->next_to_check;
    if (engine->to_check_first == NULL)
        engine->to_check_last = NULL;
    run->is_to_check = false;
    return run;
}

void engine_settle(Engine *engine, int64_t now_us)
{
    if (engine->is_loading)
        return;
    for (;;) {
        EngineTask *task = pop_pending(engine);
        if (task != NULL) {
            task_evaluate(engine, task, now_us);
            continue;
        }
        EngineRun *run = pop_to_check(engine);
        if (run == NULL)
            break;
        run_check_end(engine, run, now_us);
        promote(engine, &run->entry->own, now_us); /* before backfills */
        promote(engine, run->queue, now_us);
    }
    engine_dispatch(engine, now_us);
}

int64_t engine_next_timer(const Engine *engine)
{
    const Timer *first = heap_peek(&engine->timers);
    return first == NULL ? TIME_NONE : first->at_us;
}

void engine_tick(Engine *engine, int64_t now_us)
{
    engine->is_loading = false;
    for (;;) {
        Timer *timer = heap_peek(&engine->timers);
        if (timer == NULL || timer->at_us > now_us)
            break;
        heap_remove(&engine->timers, timer);
        if (timer->task != NULL)
            task_make_pending(engine, timer->task);
        else if (timer->run->row->state == RUN_STATE_QUEUED)
            run_enqueue(engine, timer->run, now_us);
        else
            run_expire(engine, timer->run, now_us);
    }
    engine_settle(engine, now_us);
}
