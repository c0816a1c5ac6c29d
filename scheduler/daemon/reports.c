/* SPDX-License-Identifier: MIT */
/* What executors report -> the engine, with what the attempt left behind for others. */
#include "scheduler/daemon/hooks.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/daemon/run_context.h"
#include "scheduler/daemon/starts_hold.h"
#include "scheduler/daemon/xcom.h"
#include "scheduler/model/crash_point.h"

static AttemptOutcome outcome_of(const ExecutorEvent *event)
{
    static const EndReason reasons[EXECUTOR_OUTCOME_COUNT] = {
        [EXECUTOR_OUTCOME_EXITED] = END_EXIT_CODE,          [EXECUTOR_OUTCOME_SIGNALED] = END_SIGNAL,
        [EXECUTOR_OUTCOME_TIMED_OUT] = END_TIMEOUT,         [EXECUTOR_OUTCOME_CANCELED] = END_CANCELED,
        [EXECUTOR_OUTCOME_START_FAILED] = END_START_FAILED, [EXECUTOR_OUTCOME_LOST] = END_LOST,
    };
    return (AttemptOutcome){
        .reason = reasons[event->outcome],
        .exit_code = event->exit_code >= 0 ? event->exit_code : EXIT_CODE_NONE,
        .term_signal = event->signal,
        .end_us = event->at_us,
    };
}

void reports_add(Daemon *daemon, const Report *report)
{
    g_array_append_vals(daemon->reports, report, 1);
    if (report->kind != REPORT_STARTED)
        daemon->is_report_urgent = true;
}

void reports_on_event(const ExecutorEvent *event, void *user)
{
    Daemon *daemon = user;
    if (event->kind == EXECUTOR_EVENT_RESYNCED) {
        daemon->is_resynced = true;
        if (daemon->is_recovering)
            uv_stop(&daemon->loop); /* lest it waits once more for nothing */
        return;
    }
    Report report = {
        .attempt = event->key,
        .token = event->token,
        .at_us = event->at_us,
        .pid = event->pid,
        .log_begin = event->log_begin,
        .log_end = event->log_end,
    };
    if (event->kind == EXECUTOR_EVENT_STARTED) {
        report.kind = REPORT_STARTED;
    } else if (event->kind == EXECUTOR_EVENT_NOT_STARTED) {
        report.kind = REPORT_NOT_STARTED;
    } else if (executor_event_is_no_room(event)) {
        report.kind = REPORT_NO_ROOM;
        report.wants_acknowledgement = true;
        report.message = g_strdup(event->message);
    } else {
        report.kind = REPORT_FINISHED;
        report.outcome = outcome_of(event);
        report.wants_acknowledgement = true;
        report.has_ended_itself = event->outcome == EXECUTOR_OUTCOME_EXITED ||
                                  event->outcome == EXECUTOR_OUTCOME_SIGNALED ||
                                  event->outcome == EXECUTOR_OUTCOME_TIMED_OUT;
        /* A runner has written its line into the log itself; what the executor says for want of one, we do.
         */
        if (event->log_end == 0 && event->message != NULL && event->message[0] != '\0')
            report.message = g_strdup(event->message);
    }
    reports_add(daemon, &report);
}

void report_clear(Report *report)
{
    g_clear_pointer(&report->message, g_free);
}

void reports_add_failure(Daemon *daemon, AttemptId attempt, EndReason reason, int64_t now_us)
{
    Report report = {
        .kind = REPORT_FINISHED,
        .attempt = attempt,
        .at_us = now_us,
        .outcome = {.reason = reason, .exit_code = EXIT_CODE_NONE, .end_us = now_us},
    };
    reports_add(daemon, &report);
}

void reports_add_not_started(Daemon *daemon, AttemptId attempt, int64_t now_us)
{
    Report report = {.kind = REPORT_NOT_STARTED, .attempt = attempt, .at_us = now_us};
    reports_add(daemon, &report);
}

/* ---- XComs ---- */

typedef struct {
    Daemon *daemon;
    int64_t dag_run_id;
    const char *task_id;
    const char *log_path;
    int64_t now_us;
} XComTarget;

static void add_xcom(const char *key, json_t *value, void *user)
{
    const XComTarget *target = user;
    XCom *xcom = g_new0(XCom, 1);
    xcom->dag_run_id = target->dag_run_id;
    xcom->task_id = g_strdup(target->task_id);
    xcom->key = g_strdup(key);
    xcom->value_json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    xcom->timestamp_us = target->now_us;
    persist_add_xcom(target->daemon, xcom);
}

static void warn_in_log(const char *text, void *user)
{
    const XComTarget *target = user;
    g_autofree char *line = g_strconcat("warning: ", text, NULL);
    attempt_log_append(target->log_path, target->now_us, line);
}

/* airflow-compatible: a return value is what success returns; what was pushed before stays, however it ended.
 */
static void take_xcoms(const Report *report, bool is_pushed, XComTarget *target, const char *output_path)
{
    if (is_pushed && report->outcome.reason == END_EXIT_CODE && report->outcome.exit_code == 0) {
        g_autofree char *line = xcom_read_last_line(target->log_path, report->log_begin, report->log_end);
        json_t *value = json_string(line);
        add_xcom("return_value", value, target);
        json_decref(value);
    }
    if (xcom_read_output(output_path, add_xcom, warn_in_log, target))
        g_ptr_array_add(target->daemon->outputs_read, g_strdup(output_path));
}

/* ---- Into the engine ---- */

/* An attempt that the engine does not have: one of a run that is not loaded. False if that cannot be told. */
static bool load_run_of(Daemon *daemon, AttemptId attempt, bool *ret_is_expected)
{
    g_autoptr(GError) error = NULL;
    *ret_is_expected = false;
    g_autoptr(TaskList) list = store_get_task_by_id(store_conn(daemon->store), attempt.ti_id, &error);
    if (list == NULL)
        return g_error_matches(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    const TaskInstance *ti = &list->items[0];
    *ret_is_expected = ti->try_number == attempt.try_number && task_state_is_executing(ti->state);
    g_autoptr(DagRun) run = store_get_run_by_id(store_conn(daemon->store), ti->dag_run_id, &error);
    if (run == NULL || !runs_load(daemon, run, runs_stored_flags(daemon), &error)) {
        daemon_log(daemon, DAEMON_LOG_WARNING,
                   "cannot load the run of task instance %" G_GINT64_FORMAT ": %s", attempt.ti_id,
                   error->message);
        return false;
    }
    g_array_append_val(daemon->visited, run->id);
    return true;
}

/* An attempt that had this number in a database that is no more: what waits for its own says nothing of it.
 */
static bool is_of_former(const TaskInstance *ti, const Report *report)
{
    return ti->try_number == report->attempt.try_number &&
           (ti->state == TASK_STATE_QUEUED || ti->state == TASK_STATE_RUNNING) &&
           attempt_tokens_differ(report->token, attempt_token(ti->queued_us));
}

static void take_started(Daemon *daemon, const Report *report, int64_t now_us)
{
    const TaskInstance *ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, NULL);
    bool is_expected;
    if (ti == NULL && load_run_of(daemon, report->attempt, &is_expected))
        ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, NULL);
    if (ti == NULL || is_of_former(ti, report))
        return;
    if (ti->try_number == report->attempt.try_number && task_state_is_executing(ti->state))
        engine_attempt_started(daemon->engine, report->attempt, report->pid, report->at_us, now_us);
    else
        engine_attempt_stray(daemon->engine, report->attempt, now_us);
}

/* Whether the outcome may be acknowledged after the commit. */
static bool take_finished(Daemon *daemon, const Report *report, int64_t now_us)
{
    uint32_t index = UINT32_MAX;
    const TaskInstance *ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, &index);
    bool is_expected;
    if (ti == NULL) {
        if (!load_run_of(daemon, report->attempt, &is_expected))
            return false;
        ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, &index);
    }
    if (ti == NULL)
        return true; /* its run was deleted */
    if (is_of_former(ti, report))
        return true;
    int64_t dag_run_id = ti->dag_run_id;
    RunContext *context = run_context_of(daemon, dag_run_id);
    bool is_current = ti->try_number == report->attempt.try_number;
    if (report->pid > 0 && is_current && ti->state == TASK_STATE_QUEUED) {
        /* It started and ended while nobody looked; it cannot have been long in the queue. */
        engine_attempt_started(daemon->engine, report->attempt, report->pid, ti->queued_us, now_us);
        ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, &index);
    }
    const char *task_id = ti->task_id;
    g_array_append_val(daemon->visited, dag_run_id); /* it may have been all that kept a finished run here */
    if (!engine_attempt_finished(daemon->engine, report->attempt, &report->outcome, now_us) || !is_current)
        return true;
    if (!report->has_ended_itself && report->message == NULL)
        return true;
    g_autofree char *log_path = run_context_log_path(context, task_id, report->attempt.try_number);
    if (report->message != NULL)
        attempt_log_append(log_path, now_us, report->message);
    if (report->has_ended_itself) {
        const Dag *dag = engine_run_dag(daemon->engine, dag_run_id);
        bool is_pushed = index < dag->n_tasks && dag->tasks[index].do_xcom_push;
        XComTarget target = {daemon, dag_run_id, task_id, log_path, now_us};
        g_autofree char *output_path = run_context_output_path(context, task_id, report->attempt.try_number);
        take_xcoms(report, is_pushed, &target, output_path);
    }
    return true;
}

static bool is_held(Daemon *daemon, AttemptId attempt)
{
    const TaskInstance *ti = engine_task_by_id(daemon->engine, attempt.ti_id, NULL);
    return ti != NULL && (engine_run_flags(daemon->engine, ti->dag_run_id) & ENGINE_RUN_HELD) != 0;
}

static void take_not_started(Daemon *daemon, AttemptId attempt, int64_t now_us)
{
    if (is_held(daemon, attempt)) /* not wanted now; once its run is let go it is */
        g_array_append_val(daemon->unstarted, attempt);
    engine_attempt_not_started(daemon->engine, attempt, now_us);
}

/* Its record, if it has one, says only that it never began: gone before it is started again. */
static bool take_no_room(Daemon *daemon, const Report *report, int64_t now_us)
{
    bool is_expected;
    const TaskInstance *ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, NULL);
    if (ti == NULL && !load_run_of(daemon, report->attempt, &is_expected))
        return false;
    ti = engine_task_by_id(daemon->engine, report->attempt.ti_id, NULL);
    if (ti == NULL || is_of_former(ti, report))
        return true;
    if (daemon->mode != DAEMON_OFFLINE) /* which starts nothing anyway */
        starts_hold_refused(daemon, report->message, now_us);
    take_not_started(daemon, report->attempt, now_us);
    return true;
}

void reports_repeat_not_started(Daemon *daemon, int64_t now_us)
{
    for (guint i = daemon->unstarted->len; i > 0; i--) {
        AttemptId attempt = g_array_index(daemon->unstarted, AttemptId, i - 1);
        if (is_held(daemon, attempt))
            continue;
        engine_attempt_not_started(daemon->engine, attempt, now_us);
        g_array_remove_index_fast(daemon->unstarted, i - 1);
    }
}

/** Whether it may be acknowledged after the commit. */
static bool take_of_task(Daemon *daemon, const Report *report, int64_t now_us)
{
    switch (report->kind) {
    case REPORT_STARTED:
        take_started(daemon, report, now_us);
        return true;
    case REPORT_FINISHED:
        return take_finished(daemon, report, now_us);
    case REPORT_NOT_STARTED:
        take_not_started(daemon, report->attempt, now_us);
        return true;
    case REPORT_NO_ROOM:
        return take_no_room(daemon, report, now_us);
    }
    g_assert_not_reached();
}

void reports_take(Daemon *daemon, const Report *report, int64_t now_us)
{
    bool may_acknowledge = attempt_is_of_hook(report->attempt) ? hooks_take_report(daemon, report, now_us)
                                                               : take_of_task(daemon, report, now_us);
    if (!report->wants_acknowledgement)
        return;
    if (may_acknowledge)
        g_array_append_val(daemon->acknowledgements, report->attempt);
    else
        daemon->has_kept_records = true;
}
