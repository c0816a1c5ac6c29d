/* SPDX-License-Identifier: MIT */
/* What executors report about attempts, and what it makes of their tasks. */
#include "scheduler/engine/internal.h"
#include "scheduler/engine/retry.h"

static EngineTask *live_task(const Engine *engine, AttemptId attempt)
{
    EngineTask *task = engine_find_task(engine, attempt.ti_id);
    return task != NULL && task->is_live && task->live_try == attempt.try_number ? task : NULL;
}

void engine_attempt_started(Engine *engine, AttemptId attempt, int64_t pid, int64_t start_us, int64_t now_us)
{
    EngineTask *task = live_task(engine, attempt);
    if (task == NULL || task->ti.pid != 0)
        return; /* not all executors have a pid to tell */
    bool is_first = task->ti.start_date_us == TIME_NONE && task_state_is_executing(task->ti.state);
    if (!is_first && pid == 0)
        return;
    task->ti.pid = pid;
    if (is_first)
        task->ti.start_date_us = start_us;
    task_touch(engine, task);
    if (task->ti.state == TASK_STATE_QUEUED)
        task_set_state(engine, task, TASK_STATE_RUNNING);
    engine_settle(engine, now_us);
}

static bool is_success(const AttemptOutcome *outcome)
{
    return outcome->reason == END_EXIT_CODE && outcome->exit_code == 0;
}

static bool is_skip(const Task *definition, const AttemptOutcome *outcome)
{
    for (uint32_t i = 0; outcome->reason == END_EXIT_CODE && i < definition->n_skip_exit_codes; i++) {
        if (definition->skip_exit_codes[i] == outcome->exit_code)
            return true;
    }
    return false;
}

static void record_outcome(EngineTask *task, const AttemptOutcome *outcome)
{
    task->ti.exit_code = outcome->exit_code;
    task->ti.term_signal = outcome->term_signal;
    task->ti.end_reason = is_success(outcome) ? END_NONE : outcome->reason;
    if (task->ti.start_date_us == TIME_NONE) /* never started: an attempt of no duration */
        task->ti.start_date_us = outcome->end_us;
    task->ti.end_date_us =
        MAX(outcome->end_us, task->ti.start_date_us); /* the clock may have been set back */
}

static void end_success(Engine *engine, EngineTask *task)
{
    task_set_state(engine, task, TASK_STATE_SUCCESS);
    task_notice(engine, task, HOOK_ON_SUCCESS);
}

static void end_failed(Engine *engine, EngineTask *task)
{
    const Task *definition = task_definition(task);
    const DagRun *row = task->run->row;
    bool may_retry = task->ti.max_tries > 0 && task->ti.try_number <= task->ti.max_tries;
    if (!may_retry) {
        task_set_state(engine, task, TASK_STATE_FAILED);
        task_notice(engine, task, HOOK_ON_FAILURE);
        return;
    }
    task_archive(engine, task, TASK_STATE_FAILED);
    task_set_state(engine, task, TASK_STATE_UP_FOR_RETRY);
    int64_t delay_us = retry_delay_us(row->dag_id, definition, row->logical_date_us, task->ti.try_number);
    task->ti.retry_at_us = time_after(task->ti.end_date_us, delay_us);
    task_notice(engine, task, HOOK_ON_RETRY);
    if (!run_is_held(task->run))
        engine_set_timer(engine, &task->timer, task->ti.retry_at_us);
}

/** A task that was cleared while it ran: this attempt goes to history as it ended, and a new one follows. */
static void end_restarting(Engine *engine, EngineTask *task, bool succeeded)
{
    if (!succeeded)
        task->ti.end_reason = END_CLEARED;
    task_archive(engine, task, succeeded ? TASK_STATE_SUCCESS : TASK_STATE_FAILED);
    task_reset(task);
    task_set_state(engine, task, TASK_STATE_NONE);
    task_make_pending(engine, task);
}

/** Its slots come back, and nothing is in its way any more. What was decided of it meanwhile stands. */
static void end_aside(Engine *engine, EngineTask *task)
{
    task_end_live(engine, task);
    if (task->ti.state == TASK_STATE_SCHEDULED && !run_is_held(task->run))
        task_make_ready(engine, task);
    else
        task_make_pending(engine, task);
}

bool engine_attempt_finished(Engine *engine, AttemptId attempt, const AttemptOutcome *outcome, int64_t now_us)
{
    EngineTask *task = live_task(engine, attempt);
    if (task == NULL)
        return false;
    task_touch(engine, task);
    switch (task->ti.state) {
    case TASK_STATE_QUEUED:
    case TASK_STATE_RUNNING:
        task_end_live(engine, task);
        record_outcome(task, outcome);
        if (is_skip(task_definition(task), outcome)) /* first: 0 may be one of its codes */
            task_set_state(engine, task, TASK_STATE_SKIPPED);
        else if (is_success(outcome))
            end_success(engine, task);
        else
            end_failed(engine, task);
        break;
    case TASK_STATE_RESTARTING:
        task_end_live(engine, task);
        record_outcome(task, outcome);
        end_restarting(engine, task, is_success(outcome));
        break;
    default: /* ended by hand before, or a stray */
        end_aside(engine, task);
        break;
    }
    engine_settle(engine, now_us);
    return true;
}

/** It had been started, whatever is known of it now: its number is not used again. */
static bool end_lost(Engine *engine, AttemptId attempt, int64_t now_us)
{
    AttemptOutcome lost = {.reason = END_LOST, .exit_code = EXIT_CODE_NONE, .end_us = now_us};
    return engine_attempt_finished(engine, attempt, &lost, now_us);
}

/** Under the same number: nobody has begun it. */
static void start_again(Engine *engine, EngineTask *task)
{
    if (!engine->are_starts_held) {
        engine_effect(engine, EFFECT_START, task->run, task);
        return;
    }
    task_end_live(engine, task);
    task->ti.queued_us = TIME_NONE;
    task_set_state(engine, task, TASK_STATE_SCHEDULED);
    task_make_ready(engine, task);
}

bool engine_attempt_not_started(Engine *engine, AttemptId attempt, int64_t now_us)
{
    EngineTask *task = live_task(engine, attempt);
    if (task == NULL)
        return false;
    switch (task->ti.state) {
    case TASK_STATE_QUEUED:
        if (!run_is_held(task->run)) /* a held run starts it when it is let go, by the same question */
            start_again(engine, task);
        break;
    case TASK_STATE_RUNNING:
        return end_lost(engine, attempt, now_us);
    case TASK_STATE_RESTARTING:
        if (!task_attempt_is_unstarted(task))
            return end_lost(engine, attempt, now_us);
        task_end_live(engine, task);
        task_reset(task);
        task->ti.try_number--; /* no attempt was made under this number */
        task->ti.max_tries--;
        task_set_state(engine, task, TASK_STATE_NONE);
        task_make_pending(engine, task);
        break;
    default: /* ended by hand before, or a stray */
        if (task_state_is_finished(task->ti.state) && task_attempt_is_unstarted(task)) {
            task->ti.try_number--; /* no attempt was made under this number */
            task->ti.scheduled_us = TIME_NONE;
            task_touch(engine, task);
        }
        end_aside(engine, task);
        break;
    }
    engine_settle(engine, now_us);
    return true;
}

bool engine_attempt_stray(Engine *engine, AttemptId attempt, int64_t now_us)
{
    EngineTask *task = engine_find_task(engine, attempt.ti_id);
    if (task == NULL || task->is_live || task->ti.try_number > attempt.try_number)
        return false;
    task_make_unready(engine, task);
    task_go_live(engine, task);
    task->live_try = attempt.try_number;
    engine_effect(engine, EFFECT_CANCEL, task->run, task);
    engine_settle(engine, now_us);
    return true;
}
