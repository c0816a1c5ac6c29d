/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/hook_prepare.h"

#include "executors/local/exit_text.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/error_tail.h"
#include "scheduler/daemon/renderer.h"

/** Of a run's failed tasks, at most so many are named. */
#define FAILED_TASKS_NAMED 100
#define FAILED_TASKS_BYTES 4096

/** All that a hook is about. */
typedef struct {
    const Hook *hook;
    DagRun *run;
    const Dag *dag;   /**< the version of the run; borrowed */
    const Task *task; /**< NULL: it is the run's */
    RunContext *context;
} Subject;

static void subject_clear(Subject *subject)
{
    g_clear_pointer(&subject->context, run_context_free);
    g_clear_pointer(&subject->run, dag_run_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Subject, subject_clear)

static bool find_subject(Daemon *daemon, const Hook *hook, Subject *ret, GError **error)
{
    *ret = (Subject){.hook = hook};
    ret->run = store_get_run_by_id(store_conn(daemon->store), hook->dag_run_id, error);
    if (ret->run == NULL)
        return false;
    ret->dag = dag_bag_get_version(daemon->bag, daemon, ret->run->dag_version_id, error);
    if (ret->dag == NULL)
        return false;
    int32_t index = hook->task_id != NULL ? dag_task_index(ret->dag, hook->task_id) : -1;
    ret->task = index >= 0 ? &ret->dag->tasks[index] : NULL;
    ret->context = run_context_new(daemon->home->dir, daemon->settings->logs_folder,
                                   store_conn(daemon->store), ret->run);
    return true;
}

/** NULL with an error when the run has moved to a version without it. */
static const CommandLine *find_command(const Subject *subject, GError **error)
{
    const Hook *hook = subject->hook;
    const CommandLine *command = NULL;
    if (subject->task != NULL)
        command = subject->task->hooks[hook->event];
    else if (hook->task_id == NULL)
        command = subject->dag->hooks[hook->event];
    if (command == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "the version of the DAG that the run is on has no %s here any more",
                    hook_event_to_string(hook->event));
    return command;
}

/* ---- In words ---- */

static char *timeout_text(const Hook *hook, const Task *task)
{
    if (hook->task_id == NULL)
        return g_strdup("dagrun_timeout");
    if (task == NULL || task->execution_timeout_us <= 0)
        return g_strdup("timed out");
    g_autofree char *duration = duration_text_format(task->execution_timeout_us);
    return g_strdup_printf("timed out after %s", duration);
}

char *hook_reason_text(const Hook *hook, const Task *task)
{
    switch (hook->told_reason) {
    case END_NONE:
        return g_strdup("");
    case END_EXIT_CODE:
        return g_strdup_printf("exit code %d", hook->told_exit_code);
    case END_SIGNAL:
        return g_strdup_printf("killed by signal %d", hook->told_term_signal);
    case END_TIMEOUT:
        return timeout_text(hook, task);
    case END_LOST:
        return g_strdup("lost: it is not known how it ended");
    case END_START_FAILED:
        return g_strdup("could not be started");
    case END_TEMPLATE:
        return g_strdup("a template could not be rendered");
    case END_CANCELED:
        return g_strdup("ended together with weir");
    case END_TASK_FAILURE:
        return g_strdup("failed tasks");
    default:
        return g_strdup(end_reason_to_string(hook->told_reason));
    }
}

/* ---- What went wrong ---- */

typedef struct {
    char *log_path, *error, *failed_tasks; /**< owned; "" when there is nothing to say */
} Evidence;

static void evidence_clear(Evidence *evidence)
{
    g_clear_pointer(&evidence->log_path, g_free);
    g_clear_pointer(&evidence->error, g_free);
    g_clear_pointer(&evidence->failed_tasks, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Evidence, evidence_clear)

static char *join_ids(const TaskList *tasks)
{
    GString *ids = g_string_new(NULL);
    for (size_t i = 0; i < tasks->n_items; i++) {
        const char *task_id = tasks->items[i].task_id;
        if (ids->len + strlen(task_id) + 1 > FAILED_TASKS_BYTES)
            break;
        g_string_append_printf(ids, "%s%s", i > 0 ? " " : "", task_id);
    }
    return g_string_free(ids, FALSE);
}

/** Of a run: the tasks that failed, and the log of the one that was first. */
static bool find_evidence_of_run(StoreConn *conn, const Subject *subject, Evidence *ret, GError **error)
{
    TaskQuery query = {.dag_run_id = subject->hook->dag_run_id,
                       .states = 1u << TASK_STATE_FAILED,
                       .order = TASK_ORDER_END_DATE,
                       .page = {.limit = FAILED_TASKS_NAMED}};
    g_autoptr(TaskList) failed = store_list_tasks(conn, &query, NULL, error);
    if (failed == NULL)
        return false;
    ret->failed_tasks = join_ids(failed);
    if (failed->n_items == 0)
        return true;
    const TaskInstance *first = &failed->items[0];
    ret->log_path = run_context_log_path(subject->context, first->task_id, MAX(1, first->try_number));
    return true;
}

static bool find_evidence(StoreConn *conn, const Subject *subject, Evidence *ret, GError **error)
{
    const Hook *hook = subject->hook;
    if (hook->task_id != NULL)
        ret->log_path = run_context_log_path(subject->context, hook->task_id, hook->try_number);
    else if (hook->event == HOOK_ON_FAILURE && !find_evidence_of_run(conn, subject, ret, error))
        return false;
    if (ret->log_path != NULL && hook->event != HOOK_ON_SUCCESS)
        ret->error = error_tail_read(ret->log_path);
    return true;
}

/* ---- The environment ---- */

static void add(GPtrArray *environment, const char *name, const char *value)
{
    g_ptr_array_add(environment, g_strconcat(name, "=", value != NULL ? value : "", NULL));
}

/** "" for 0: a run has none. */
static void add_number(GPtrArray *environment, const char *name, int64_t number, bool is_known)
{
    g_autofree char *text = is_known ? g_strdup_printf("%" G_GINT64_FORMAT, number) : NULL;
    add(environment, name, text);
}

/** All names are always there, so that a script may run with `set -u`. */
static void add_told(const Subject *subject, const Evidence *evidence, GPtrArray *environment)
{
    const Hook *hook = subject->hook;
    bool has_task = hook->task_id != NULL;
    g_autofree char *reason = hook_reason_text(hook, subject->task);
    const GPtrArray *shared = subject->context->environment;
    for (guint i = 0; i < shared->len; i++)
        g_ptr_array_add(environment, g_strdup(shared->pdata[i]));
    add(environment, "WEIR_HOOK", hook_event_to_string(hook->event));
    add_number(environment, "WEIR_HOOK_ID", hook->id, true);
    add_number(environment, "WEIR_HOOK_ATTEMPT", hook->attempt, true);
    add(environment, "WEIR_TASK_ID", hook->task_id);
    add_number(environment, "WEIR_TRY_NUMBER", hook->try_number, has_task);
    add_number(environment, "WEIR_MAX_TRIES", hook->max_tries, has_task);
    add(environment, "WEIR_STATE", task_state_to_string(hook->told_state));
    add(environment, "WEIR_REASON", reason);
    add(environment, "WEIR_LOG_PATH", evidence->log_path);
    add(environment, "WEIR_ERROR", evidence->error);
    add(environment, "WEIR_FAILED_TASKS", evidence->failed_tasks);
    const char *owner = subject->task != NULL ? subject->task->owner : subject->dag->owner;
    add(environment, "AIRFLOW_CTX_DAG_OWNER", owner);
    add(environment, "AIRFLOW_CTX_TASK_ID", hook->task_id);
    add_number(environment, "AIRFLOW_CTX_TRY_NUMBER", hook->try_number, has_task);
}

/*
 * What keeps a task from being started shall not keep its hook from telling so: what cannot be rendered is
 * left out, and the hook's log says so.
 */
static void note_left_out(const Attempt *attempt, const char *instead, const GError *error, int64_t now_us)
{
    g_autofree char *line = g_strdup_printf("warning: %s%s", error->message, instead);
    attempt_log_append(attempt->log_path, now_us, line);
}

static void add_env(Renderer *renderer, const EnvVar *env, uint32_t n, const Attempt *attempt, int64_t now_us)
{
    for (uint32_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        if (!renderer_env(renderer, &env[i], 1, attempt->environment, &error))
            note_left_out(attempt, "; the hook goes without it", error, now_us);
    }
}

/** What the DAG file says, then what the hook tells; later ones win. */
static void make_environment(Renderer *renderer, const Subject *subject, const Evidence *evidence,
                             const Attempt *attempt, int64_t now_us)
{
    const Dag *dag = subject->dag;
    const Task *task = subject->task;
    add_env(renderer, dag->env, dag->n_env, attempt, now_us);
    if (task != NULL)
        add_env(renderer, task->env, task->n_env, attempt, now_us);
    add_told(subject, evidence, attempt->environment);
}

/** The folder of the task. If it could not be started there, it is tried in that of the DAG. */
static char *choose_cwd(Renderer *renderer, const Subject *subject, const Attempt *attempt, int64_t now_us)
{
    const Hook *hook = subject->hook;
    bool is_refused = hook->attempt > 1 && hook->end_reason == END_START_FAILED;
    if (subject->task == NULL || subject->task->cwd == NULL || is_refused)
        return renderer_cwd(renderer, NULL, NULL);
    g_autoptr(GError) error = NULL;
    char *cwd = renderer_cwd(renderer, subject->task->cwd, &error);
    if (cwd != NULL)
        return cwd;
    note_left_out(attempt, "; the hook runs in the folder of the DAG", error, now_us);
    return renderer_cwd(renderer, NULL, NULL);
}

bool hook_prepare(Daemon *daemon, const Hook *hook, int64_t now_us, Attempt *ret, GError **error)
{
    attempt_init(ret);
    ret->log_path = hook_log_path(daemon->settings, hook);
    g_auto(Subject) subject = {0};
    g_auto(Evidence) evidence = {0};
    if (!find_subject(daemon, hook, &subject, error))
        return false;
    const CommandLine *command = find_command(&subject, error);
    if (command == NULL || !find_evidence(store_conn(daemon->store), &subject, &evidence, error))
        return false;
    TaskInstance ti = {
        .task_id = hook->task_id, .try_number = hook->try_number, .max_tries = hook->max_tries};
    Renderer renderer;
    renderer_init(&renderer, subject.context, subject.run, subject.dag, subject.task, &ti, now_us);
    const char *event = hook_event_to_string(hook->event);
    g_autoptr(GString) header = g_string_sized_new(256);
    g_string_printf(header, "%s of %s%s%s, attempt %d: ", event, hook->dag_id,
                    hook->task_id != NULL ? "." : "", hook->task_id != NULL ? hook->task_id : "",
                    hook->attempt);
    if (!renderer_command(&renderer, command, event, ret->argv, header, error))
        return false;
    make_environment(&renderer, &subject, &evidence, ret, now_us);
    ret->cwd = choose_cwd(&renderer, &subject, ret, now_us);
    ret->header = renderer_header_line(header, now_us);
    g_ptr_array_add(ret->argv, NULL);
    g_ptr_array_add(ret->environment, NULL);
    return true;
}
