/* SPDX-License-Identifier: MIT */
/* What must be done now that it is committed. */
#include "scheduler/daemon/attempt.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/model/crash_point.h"

#include <unistd.h>

static void fail_to_start(Daemon *daemon, const EngineEffect *effect, const char *log_path, EndReason reason,
                          const char *message, int64_t now_us)
{
    if (log_path != NULL)
        attempt_log_append(log_path, now_us, message);
    reports_add_failure(daemon, effect->attempt, reason, now_us);
}

static void start(Daemon *daemon, const EngineEffect *effect, int64_t now_us)
{
    uint32_t index;
    const TaskInstance *ti = engine_task_by_id(daemon->engine, effect->attempt.ti_id, &index);
    RunContext *context = run_context_of(daemon, effect->dag_run_id);
    if (ti == NULL || context == NULL || ti->try_number != effect->attempt.try_number)
        return;
    const Dag *dag = engine_run_dag(daemon->engine, effect->dag_run_id);
    const Task *task = &dag->tasks[index];
    if (task->body != TASK_BODY_COMMAND) {
        g_autofree char *log_path = run_context_log_path(context, ti->task_id, ti->try_number);
        fail_to_start(daemon, effect, log_path, END_START_FAILED,
                      "this version of weir cannot run tasks of this kind", now_us);
        return;
    }
    g_auto(Attempt) attempt = {0};
    g_autoptr(GError) error = NULL;
    const DagRun *run = engine_run(daemon->engine, effect->dag_run_id);
    if (!attempt_prepare(context, run, dag, task, ti, now_us, &attempt, &error)) {
        g_autofree char *message = g_strdup_printf("error: %s", error->message);
        fail_to_start(daemon, effect, attempt.log_path, END_TEMPLATE, message, now_us);
        return;
    }
    ExecutorRequest request = {
        .key = effect->attempt,
        .token = attempt_token(ti->queued_us),
        .argv = (const char *const *)attempt.argv->pdata,
        .env_extra = (const char *const *)attempt.environment->pdata,
        .cwd = attempt.cwd,
        .log_path = attempt.log_path,
        .header = attempt.header,
        .timeout_us = task->execution_timeout_us,
        .grace_us = daemon->settings->killed_task_cleanup_time_us,
    };
    /* A database that was put back gives names again, and the file may be there: it would be read as this
     * one's. */
    g_autofree char *output = run_context_output_path(context, ti->task_id, ti->try_number);
    unlink(output);
    executor_start(daemon->executor, &request);
    CRASH_POINT("daemon.effect_start");
}

static void cancel(Daemon *daemon, const EngineEffect *effect, int64_t now_us)
{
    if (executor_cancel(daemon->executor, effect->attempt)) {
        CRASH_POINT("daemon.effect_cancel");
        return;
    }
    /* Neither expected nor started: nobody has it, and no event will come but this one. */
    reports_add_not_started(daemon, effect->attempt, now_us);
}

void effects_carry_out(Daemon *daemon, const EngineEffect *effects, guint n, int64_t now_us)
{
    if (daemon->executor == NULL)
        return; /* OFFLINE: the next daemon derives them again from the rows */
    for (guint i = 0; i < n; i++) {
        if (effects[i].kind == EFFECT_START)
            start(daemon, &effects[i], now_us);
        else if (effects[i].kind == EFFECT_CANCEL)
            cancel(daemon, &effects[i], now_us);
    }
}

void effects_end_run(Daemon *daemon, int64_t dag_run_id)
{
    const Dag *dag = engine_run_dag(daemon->engine, dag_run_id);
    if (dag == NULL || engine_run_live(daemon->engine, dag_run_id) == 0)
        return;
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        const TaskInstance *ti = engine_task(daemon->engine, dag_run_id, i);
        if (task_state_is_executing(ti->state) &&
            !executor_cancel(daemon->executor, (AttemptId){ti->id, ti->try_number}))
            daemon->n_unstarted++;
    }
}
