/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/explain_text.h"

#include "scheduler/daemon/starts_hold.h"
#include "scheduler/time/duration.h"
#include "scheduler/time/instant.h"

/** More than this of what is in the way is a number. */
#define NAMED_MAX 3

/** What is being explained. */
typedef struct {
    const Daemon *daemon;
    const DagRun *run;
    const Dag *dag;
    const Task *task;
    const TaskInstance *ti;
    int64_t now_us;
} Subject;

/* ---- Names of what is in the way ---- */

static void append_duration(GString *out, int64_t us)
{
    int64_t seconds = MAX(us, 0) / USEC_PER_SEC; /* to whoever waits, less is nothing */
    g_autofree char *text = seconds >= 60 ? duration_format(seconds * USEC_PER_SEC) : NULL;
    if (text != NULL)
        g_string_append(out, text);
    else
        g_string_append_printf(out, "%ds", (int)seconds);
}

static const char *state_name(TaskState state)
{
    const char *name = task_state_to_string(state);
    return name != NULL ? name : "not scheduled yet";
}

/** "running for 2m 03s", "retry in 41s", "failed" */
static void append_state(const Subject *subject, const TaskInstance *ti, GString *out)
{
    if (ti->state == TASK_STATE_RUNNING && ti->start_date_us != TIME_NONE) {
        g_string_append(out, "running for ");
        append_duration(out, subject->now_us - ti->start_date_us);
    } else if (ti->state == TASK_STATE_UP_FOR_RETRY && ti->retry_at_us > subject->now_us) {
        g_string_append(out, "retry in ");
        append_duration(out, ti->retry_at_us - subject->now_us);
    } else {
        g_string_append(out, state_name(ti->state));
    }
}

/** A task as the reader of this run needs it: of other runs and DAGs it says which. */
static void append_task(const Subject *subject, int64_t ti_id, GString *out)
{
    const TaskInstance *ti = engine_task_by_id(subject->daemon->engine, ti_id, NULL);
    const DagRun *run = ti != NULL ? engine_run(subject->daemon->engine, ti->dag_run_id) : NULL;
    if (run == NULL)
        return;
    bool is_own_dag = g_str_equal(run->dag_id, subject->run->dag_id);
    g_string_append_printf(out, "%s%s%s (", is_own_dag ? "" : run->dag_id, is_own_dag ? "" : ".",
                           ti->task_id);
    append_state(subject, ti, out);
    if (run->id != subject->run->id)
        g_string_append_printf(out, ", run %s", run->run_id);
    g_string_append_c(out, ')');
}

static void append_run(const Subject *subject, int64_t dag_run_id, GString *out)
{
    const DagRun *run = engine_run(subject->daemon->engine, dag_run_id);
    g_autoptr(DagRun) stored =
        run == NULL ? store_get_run_by_id(store_conn(subject->daemon->store), dag_run_id, NULL) : NULL;
    if (run == NULL)
        run = stored;
    g_string_append(out, run != NULL ? run->run_id : "that is gone");
}

static void append_ids(const Subject *subject, const GArray *ids,
                       void (*append_one)(const Subject *, int64_t id, GString *), GString *out)
{
    for (guint i = 0; i < MIN(ids->len, NAMED_MAX); i++) {
        if (i > 0)
            g_string_append(out, ", ");
        append_one(subject, g_array_index(ids, int64_t, i), out);
    }
    if (ids->len > NAMED_MAX)
        g_string_append_printf(out, " and %u more", ids->len - NAMED_MAX);
}

/** "; `what` a, b and 3 more"; nothing without ids. */
static void append_listed(const Subject *subject, const char *what, const GArray *ids, GString *out)
{
    if (ids->len == 0)
        return;
    g_string_append_printf(out, "%s ", what);
    append_ids(subject, ids, append_task, out);
}

/* ---- The task itself ---- */

static void append_end_reason(const Subject *subject, GString *out)
{
    const TaskInstance *ti = subject->ti;
    switch (ti->end_reason) {
    case END_EXIT_CODE:
        if (ti->exit_code != EXIT_CODE_NONE && ti->state != TASK_STATE_SUCCESS)
            g_string_append_printf(out, ", exit code %d", ti->exit_code);
        break;
    case END_SIGNAL:
        g_string_append_printf(out, ", killed by signal %d", ti->term_signal);
        break;
    case END_TIMEOUT:
        g_string_append(out, ti->state == TASK_STATE_SKIPPED ? ", its run reached dagrun_timeout"
                                                             : ", it reached execution_timeout");
        break;
    case END_LOST:
        g_string_append(out, ", lost: nobody knows how its process ended");
        break;
    case END_START_FAILED:
        g_string_append(out, ", it could not be started");
        break;
    case END_TEMPLATE:
        g_string_append(out, ", a template of it could not be rendered");
        break;
    case END_CANCELED:
        g_string_append(out, ", its run was canceled");
        break;
    case END_MARKED:
        g_string_append(out, ", marked by hand");
        break;
    case END_TRIGGER_RULE:
        g_string_append_printf(out, ", by its trigger rule %s",
                               trigger_rule_to_string(subject->task->trigger_rule));
        break;
    case END_RUN_ENDED:
        g_string_append(out, ", its run ended without it");
        break;
    default:
        break;
    }
}

static void explain_finished(const Subject *subject, const EngineCondition *condition, GString *out)
{
    const TaskInstance *ti = subject->ti;
    g_string_append_printf(out, "it has finished: %s", task_state_to_string(ti->state));
    append_end_reason(subject, out);
    append_listed(subject, " because of", condition->ids, out);
    if (ti->end_date_us != TIME_NONE && ti->end_date_us <= subject->now_us) {
        g_string_append(out, ", ");
        append_duration(out, subject->now_us - ti->end_date_us);
        g_string_append(out, " ago");
    }
    if (ti->try_number > 0)
        g_string_append_printf(out, " (try %d)", ti->try_number);
}

static void explain_executing(const Subject *subject, GString *out)
{
    const TaskInstance *ti = subject->ti;
    if (ti->state == TASK_STATE_RESTARTING) {
        g_string_append(out, "it was cleared while it ran: its process is being ended, then it starts anew");
    } else if (ti->state == TASK_STATE_QUEUED) {
        g_string_append_printf(out, "it has its slot and is being started (try %d)", ti->try_number);
    } else {
        g_string_append(out, "it is ");
        append_state(subject, ti, out);
        g_string_append_printf(out, " (try %d)", ti->try_number);
    }
}

static void explain_held(const Subject *subject, GString *out)
{
    const DagRun *run = subject->run;
    g_string_append(out, subject->daemon->mode == DAEMON_OFFLINE
                             ? "nobody advances its run, no scheduler is running"
                             : "the process that is running advances other runs only");
    g_string_append_printf(out, ": start `weir scheduler`, or continue it with `weir run %s --run-id %s`",
                           run->dag_id, run->run_id);
}

/* ---- Upstream and past ---- */

static void explain_rule(const Subject *subject, const EngineCondition *condition, GString *out)
{
    TriggerRule rule = subject->task->trigger_rule;
    g_string_append_printf(out, "trigger rule %s", trigger_rule_to_string(rule));
    if (condition->verdict != VERDICT_WAIT) {
        g_string_append_printf(out, ": it becomes %s",
                               condition->verdict == VERDICT_SKIP ? "skipped" : "upstream_failed");
        return;
    }
    const char *none_yet = rule == TRIGGER_RULE_ONE_FAILED    ? "failed"
                           : rule == TRIGGER_RULE_ONE_SUCCESS ? "succeeded"
                           : rule == TRIGGER_RULE_ONE_DONE    ? "succeeded or failed"
                                                              : NULL;
    if (none_yet != NULL)
        g_string_append_printf(out, ": none of its %d upstream tasks has %s yet;", (int)condition->limit,
                               none_yet);
    append_listed(subject, " waits for", condition->ids, out);
}

static void explain_past(const Subject *subject, const EngineCondition *condition, GString *out)
{
    bool is_own = condition->kind == ENGINE_CONDITION_DEPENDS_ON_PAST;
    g_string_append_printf(out, "%s: %s ", is_own ? "depends_on_past" : "wait_for_downstream",
                           condition->name);
    if (condition->past == PAST_MISSING)
        g_string_append(out, "has not run");
    else
        g_string_append_printf(out, "is %s", state_name((TaskState)condition->past));
    g_string_append(out, " in the previous run ");
    append_ids(subject, condition->ids, append_run, out);
}

/* ---- Limits ---- */

static void explain_pool(const Subject *subject, const EngineCondition *condition, GString *out)
{
    if (condition->kind == ENGINE_CONDITION_POOL_MISSING) {
        g_string_append_printf(out, "there is no pool \"%s\": make it with `weir pools set %s SLOTS`",
                               condition->name, condition->name);
    } else if (condition->kind == ENGINE_CONDITION_POOL_TOO_SMALL) {
        g_string_append_printf(out, "it wants %d slots of pool \"%s\", which has %d: it never fits",
                               (int)condition->wanted, condition->name, (int)condition->limit);
    } else {
        g_string_append_printf(out, "pool \"%s\" is full: %d of %d slots are taken", condition->name,
                               (int)condition->used, (int)condition->limit);
        if (condition->wanted > 1)
            g_string_append_printf(out, ", it wants %d", (int)condition->wanted);
        append_listed(subject, ", held by", condition->ids, out);
    }
}

static void explain_limit(const Subject *subject, const char *what, const EngineCondition *condition,
                          GString *out)
{
    g_string_append_printf(out, "%s %d is reached", what, (int)condition->limit);
    append_listed(subject, " by", condition->ids, out);
}

/* ---- All of it ---- */

static const char *const names[ENGINE_CONDITION_COUNT] = {
    [ENGINE_CONDITION_FINISHED] = "Task Instance State",
    [ENGINE_CONDITION_EXECUTING] = "Task Instance Not Running",
    [ENGINE_CONDITION_STILL_ALIVE] = "Task Instance Not Running",
    [ENGINE_CONDITION_RUN_ENDING] = "Dagrun Running",
    [ENGINE_CONDITION_RUN_HELD] = "Scheduler Running",
    [ENGINE_CONDITION_RUN_AFTER] = "Dagrun Running",
    [ENGINE_CONDITION_MAX_ACTIVE_RUNS] = "Dagrun Running",
    [ENGINE_CONDITION_BACKFILL_PAUSED] = "Backfill Not Paused",
    [ENGINE_CONDITION_PAUSED] = "Dag Not Paused",
    [ENGINE_CONDITION_RETRY] = "Not In Retry Period",
    [ENGINE_CONDITION_TRIGGER_RULE] = "Trigger Rule",
    [ENGINE_CONDITION_DEPENDS_ON_PAST] = "Previous Dagrun State",
    [ENGINE_CONDITION_WAIT_FOR_DOWNSTREAM] = "Previous Dagrun State",
    [ENGINE_CONDITION_POOL_MISSING] = "Pool Slots Available",
    [ENGINE_CONDITION_POOL_TOO_SMALL] = "Pool Slots Available",
    [ENGINE_CONDITION_POOL_FULL] = "Pool Slots Available",
    [ENGINE_CONDITION_MAX_ACTIVE_TASKS] = "Task Instance Slots Available",
    [ENGINE_CONDITION_MAX_ACTIVE_TIS_PER_DAG] = "Task Concurrency",
    [ENGINE_CONDITION_PARALLELISM] = "Executor Slots Available",
    [ENGINE_CONDITION_STARTS_HELD] = "Disk Space Available",
};

static void explain(const Subject *subject, const EngineCondition *condition, GString *out)
{
    g_autofree char *at =
        condition->at_us != TIME_NONE ? instant_format(condition->at_us, INSTANT_JSON) : NULL;
    switch (condition->kind) {
    case ENGINE_CONDITION_FINISHED:
        explain_finished(subject, condition, out);
        break;
    case ENGINE_CONDITION_EXECUTING:
        explain_executing(subject, out);
        break;
    case ENGINE_CONDITION_STILL_ALIVE:
        g_string_append(out, "the process of its earlier try has yet to end");
        break;
    case ENGINE_CONDITION_RUN_ENDING:
        g_string_append(out, "its run is being ended");
        break;
    case ENGINE_CONDITION_RUN_HELD:
        explain_held(subject, out);
        break;
    case ENGINE_CONDITION_RUN_AFTER:
        g_string_append_printf(out, "its run is not due before %s", at);
        break;
    case ENGINE_CONDITION_MAX_ACTIVE_RUNS:
        g_string_append_printf(out, "its run is queued: max_active_runs %d is reached",
                               (int)condition->limit);
        if (condition->ids->len > 0)
            g_string_append(out, " by ");
        append_ids(subject, condition->ids, append_run, out);
        break;
    case ENGINE_CONDITION_BACKFILL_PAUSED:
        g_string_append(out, "its run is queued, and its backfill is paused");
        break;
    case ENGINE_CONDITION_PAUSED:
        g_string_append_printf(out, "the DAG is paused: `weir dags unpause %s`", subject->run->dag_id);
        break;
    case ENGINE_CONDITION_RETRY:
        g_string_append_printf(out, "try %d failed; the next is due in ", subject->ti->try_number);
        append_duration(out, condition->at_us - subject->now_us);
        g_string_append_printf(out, ", at %s", at);
        break;
    case ENGINE_CONDITION_TRIGGER_RULE:
        explain_rule(subject, condition, out);
        break;
    case ENGINE_CONDITION_DEPENDS_ON_PAST:
    case ENGINE_CONDITION_WAIT_FOR_DOWNSTREAM:
        explain_past(subject, condition, out);
        break;
    case ENGINE_CONDITION_POOL_MISSING:
    case ENGINE_CONDITION_POOL_TOO_SMALL:
    case ENGINE_CONDITION_POOL_FULL:
        explain_pool(subject, condition, out);
        break;
    case ENGINE_CONDITION_MAX_ACTIVE_TASKS:
        explain_limit(subject, "max_active_tasks", condition, out);
        break;
    case ENGINE_CONDITION_MAX_ACTIVE_TIS_PER_DAG:
        explain_limit(subject, "max_active_tis_per_dag", condition, out);
        break;
    case ENGINE_CONDITION_PARALLELISM:
        explain_limit(subject, "parallelism", condition, out);
        break;
    case ENGINE_CONDITION_STARTS_HELD:
        g_string_append_printf(out, "nothing new is started: %s", starts_hold_reason(subject->daemon));
        break;
    case ENGINE_CONDITION_COUNT:
        break;
    }
}

json_t *explain_to_json(const Daemon *daemon, int64_t dag_run_id, const TaskInstance *ti,
                        const GPtrArray *conditions, int64_t now_us)
{
    Subject subject = {
        .daemon = daemon,
        .run = engine_run(daemon->engine, dag_run_id),
        .dag = engine_run_dag(daemon->engine, dag_run_id),
        .ti = ti,
        .now_us = now_us,
    };
    subject.task = &subject.dag->tasks[dag_task_index(subject.dag, ti->task_id)];
    json_t *list = json_array();
    for (guint i = 0; i < conditions->len; i++) {
        const EngineCondition *condition = conditions->pdata[i];
        g_autoptr(GString) reason = g_string_new(NULL);
        explain(&subject, condition, reason);
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "name", names[condition->kind], "reason", reason->str));
    }
    return list;
}
