/* SPDX-License-Identifier: MIT */
/* A service's log: a line for each step of a run or task, after the commit that made it true. */
#include "scheduler/daemon/internal.h"
#include "scheduler/daemon/pool_hindrances.h"
#include "scheduler/time/duration.h"
#include "scheduler/time/instant.h"

static char *took(int64_t start_us, int64_t end_us)
{
    if (start_us == TIME_NONE || end_us == TIME_NONE)
        return g_strdup("");
    return g_strdup_printf(" in %.3fs", (double)MAX(end_us - start_us, 0) / USEC_PER_SEC);
}

static char *why(const TaskInstance *ti)
{
    const char *reason = end_reason_to_string(ti->end_reason);
    if (ti->exit_code != EXIT_CODE_NONE && ti->end_reason == END_EXIT_CODE)
        return g_strdup_printf(" (exit code %d)", ti->exit_code);
    if (ti->term_signal > 0)
        return g_strdup_printf(" (%s, signal %d)", reason != NULL ? reason : "ended", ti->term_signal);
    return reason != NULL ? g_strdup_printf(" (%s)", reason) : g_strdup("");
}

static void log_task(Daemon *daemon, const TaskInstance *ti)
{
    const DagRun *run = engine_run(daemon->engine, ti->dag_run_id);
    bool is_told =
        ti->state != TASK_STATE_NONE && ti->state != TASK_STATE_SCHEDULED && ti->state != TASK_STATE_QUEUED;
    if (run == NULL || !is_told)
        return;
    if (task_state_is_finished(ti->state) && engine_task_is_live(daemon->engine, ti->id)) {
        daemon_log(daemon, DAEMON_LOG_INFO,
                   "dag=%s run=%s task=%s try=%d its process is being ended, then it is %s", run->dag_id,
                   run->run_id, ti->task_id, (int)ti->try_number, task_state_to_string(ti->state));
        return;
    }
    bool has_ended = task_state_is_finished(ti->state) || ti->state == TASK_STATE_UP_FOR_RETRY;
    g_autofree char *duration = has_ended ? took(ti->start_date_us, ti->end_date_us) : g_strdup("");
    g_autofree char *reason = has_ended ? why(ti) : g_strdup("");
    g_autofree char *at = instant_format(ti->retry_at_us, INSTANT_JSON);
    bool has_retry = ti->state == TASK_STATE_UP_FOR_RETRY && at != NULL;
    daemon_log(daemon, DAEMON_LOG_INFO, "dag=%s run=%s task=%s try=%d %s%s%s%s%s", run->dag_id, run->run_id,
               ti->task_id, (int)ti->try_number, task_state_to_string(ti->state), duration, reason,
               has_retry ? ", again at " : "", has_retry ? at : "");
}

typedef struct {
    Daemon *daemon;
    const DagRun *run;
} LoggedRun;

static void log_hindrance(const char *text, void *user)
{
    const LoggedRun *logged = user;
    daemon_log(logged->daemon, DAEMON_LOG_WARNING, "dag=%s run=%s %s", logged->run->dag_id,
               logged->run->run_id, text);
}

static void log_run(Daemon *daemon, const DagRun *run)
{
    if (run->state == RUN_STATE_RUNNING && run->forced_state != RUN_STATE_INVALID) {
        daemon_log(daemon, DAEMON_LOG_INFO, "dag=%s run=%s its processes are being ended, then it is %s",
                   run->dag_id, run->run_id, run_state_to_string(run->forced_state));
        return;
    }
    bool has_ended = run_state_is_finished(run->state);
    const char *reason = has_ended ? end_reason_to_string(run->end_reason) : NULL;
    g_autofree char *duration = has_ended ? took(run->start_date_us, run->end_date_us) : g_strdup("");
    daemon_log(daemon, DAEMON_LOG_INFO, "dag=%s run=%s %s%s%s%s%s", run->dag_id, run->run_id,
               run_state_to_string(run->state), duration, reason != NULL ? " (" : "",
               reason != NULL ? reason : "", reason != NULL ? ")" : "");
    if (run->state == RUN_STATE_RUNNING)
        pool_hindrances(daemon->engine, run->id, log_hindrance, &(LoggedRun){daemon, run});
}

void progress_log(Daemon *daemon, const EngineOutput *output)
{
    if (daemon->mode != DAEMON_SERVICE || daemon->log == NULL)
        return;
    for (guint i = 0; i < output->created_runs->len; i++) {
        const DagRun *run = engine_run(daemon->engine, g_array_index(output->created_runs, int64_t, i));
        if (run != NULL)
            log_run(daemon, run);
    }
    for (guint i = 0; i < output->tasks->len; i++)
        log_task(daemon, output->tasks->pdata[i]);
    for (guint i = 0; i < output->runs->len; i++)
        log_run(daemon, output->runs->pdata[i]);
}
