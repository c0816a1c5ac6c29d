/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/hooks.h"

#include "scheduler/daemon/hook_prepare.h"
#include "scheduler/daemon/run_context.h"
#include "scheduler/model/crash_point.h"
#include "scheduler/time/instant.h"

/** Until another try where there was no room to begin one. */
#define NO_ROOM_DELAY_US (5 * USEC_PER_SEC)

struct Hooks {
    GHashTable *live;    /**< int64_t id set: with the executor, or to be handed to it after the commit */
    GPtrArray *to_start; /**< Hook: to be handed to the executor after this turn's commit */
    bool is_due;         /**< rows have changed so that another one may start */
    int64_t next_us;     /**< when the next one that waits is due; TIME_NONE = none, or no room for it */
    bool has_ended;      /**< one has, since the last hooks_deliver() */
    void (*ended)(void *user);
    void *ended_user;
};

/* ---- Keys: executors tell hooks from tasks by the sign ---- */

static AttemptId key_of(const Hook *hook)
{
    return (AttemptId){.ti_id = -hook->id, .try_number = hook->attempt};
}

/** Any key that an executor may come with has a number, though not a row. */
static int64_t id_of(AttemptId attempt)
{
    return (int64_t)(0 - (uint64_t)attempt.ti_id);
}

bool attempt_is_of_hook(AttemptId attempt)
{
    return attempt.ti_id < 0;
}

/* ---- Life ---- */

Hooks *hooks_new(void)
{
    Hooks *hooks = g_new0(Hooks, 1);
    hooks->live = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    hooks->to_start = g_ptr_array_new_with_free_func((GDestroyNotify)hook_free);
    hooks->is_due = true; /* what the daemon before us has left */
    hooks->next_us = TIME_NONE;
    return hooks;
}

void hooks_free(Hooks *hooks)
{
    if (hooks == NULL)
        return;
    g_hash_table_unref(hooks->live);
    g_ptr_array_unref(hooks->to_start);
    g_free(hooks);
}

static void add_live(Hooks *hooks, int64_t id)
{
    g_hash_table_add(hooks->live, g_memdup2(&id, sizeof id));
}

guint hooks_live(const Daemon *daemon)
{
    return g_hash_table_size(daemon->hooks->live);
}

/* ---- From notices to rows ---- */

bool hooks_insert(Daemon *daemon, const EngineOutput *output, GError **error)
{
    int64_t now_us = output->notices->len > 0 ? g_get_real_time() : 0;
    for (guint i = 0; i < output->notices->len; i++) {
        const EngineNotice *notice = &g_array_index(output->notices, EngineNotice, i);
        const TaskInstance *attempt = &notice->attempt;
        bool is_of_run = attempt->task_id == NULL;
        bool is_success = notice->run_state == RUN_STATE_SUCCESS;
        Hook hook = {
            .dag_run_id = notice->dag_run_id,
            .task_id = attempt->task_id,
            .event = notice->event,
            .try_number = attempt->try_number,
            .max_tries = attempt->max_tries,
            .told_state = !is_of_run   ? attempt->state
                          : is_success ? TASK_STATE_SUCCESS
                                       : TASK_STATE_FAILED,
            .told_reason = is_of_run ? notice->run_reason : attempt->end_reason,
            .told_exit_code = is_of_run ? EXIT_CODE_NONE : attempt->exit_code,
            .told_term_signal = attempt->term_signal,
            .created_at_us = now_us,
            .next_attempt_us = now_us,
        };
        if (!store_insert_hook(daemon->store, &hook, error))
            return false;
    }
    return true;
}

/* ---- The log ---- */

static char *why(const Hook *hook)
{
    if (hook->end_reason == END_EXIT_CODE)
        return g_strdup_printf("exit code %d", hook->exit_code);
    if (hook->term_signal > 0)
        return g_strdup_printf("%s, signal %d", end_reason_to_string(hook->end_reason), hook->term_signal);
    return g_strdup(end_reason_to_string(hook->end_reason));
}

static void log_state(Daemon *daemon, const Hook *hook)
{
    int n_attempts = daemon->settings->hook_retries + 1;
    g_autofree char *task = hook->task_id == NULL
                                ? g_strdup("")
                                : g_strdup_printf("task=%s try=%d ", hook->task_id, hook->try_number);
    g_autofree char *name =
        g_strdup_printf("dag=%s run=%s %shook=%s attempt=%d/%d", hook->dag_id, hook->run_id, task,
                        hook_event_to_string(hook->event), hook->attempt, MAX(n_attempts, hook->attempt));
    g_autofree char *reason = why(hook), *log_path = hook_log_path(daemon->settings, hook);
    g_autofree char *at = instant_format(hook->next_attempt_us, INSTANT_JSON);
    switch (hook->state) {
    case HOOK_STATE_RUNNING:
        daemon_log(daemon, DAEMON_LOG_INFO, "%s started", name);
        break;
    case HOOK_STATE_SUCCESS:
        daemon_log(daemon, DAEMON_LOG_INFO, "%s success in %.3fs", name,
                   (double)(hook->end_date_us - hook->start_date_us) / USEC_PER_SEC);
        break;
    case HOOK_STATE_QUEUED:
        daemon_log(daemon, DAEMON_LOG_WARNING, "%s failed (%s), again at %s; log %s", name, reason, at,
                   log_path);
        break;
    default:
        daemon_log(daemon, DAEMON_LOG_ERROR, "%s failed (%s) and is given up; log %s", name, reason,
                   log_path);
        break;
    }
}

/* ---- From rows to attempts ---- */

static bool may_start(const Daemon *daemon)
{
    return daemon->executor != NULL && !daemon->is_recovering && !daemon->is_ending_tasks;
}

bool hooks_are_due(const Daemon *daemon)
{
    return may_start(daemon) && daemon->hooks->is_due;
}

int64_t hooks_next_due(const Daemon *daemon)
{
    return may_start(daemon) ? daemon->hooks->next_us : TIME_NONE;
}

static Hook *copy(const Hook *hook)
{
    Hook *other = g_memdup2(hook, sizeof *hook);
    other->dag_id = g_strdup(hook->dag_id);
    other->run_id = g_strdup(hook->run_id);
    other->task_id = g_strdup(hook->task_id);
    return other;
}

/** Takes `hook`, which is queued. */
static void set_running(Daemon *daemon, Hook *hook, int64_t now_us)
{
    hook->state = HOOK_STATE_RUNNING;
    hook->attempt++;
    hook->next_attempt_us = TIME_NONE;
    hook->start_date_us = now_us;
    add_live(daemon->hooks, hook->id);
    g_ptr_array_add(daemon->hooks->to_start, copy(hook));
    persist_add_hook(daemon, hook);
}

/** False when the store cannot say, which ends the daemon. */
static bool take(Daemon *daemon, int64_t now_us, GError **error)
{
    Hooks *hooks = daemon->hooks;
    StoreConn *conn = store_conn(daemon->store);
    int64_t room = HOOKS_AT_ONCE - (int64_t)hooks_live(daemon);
    hooks->next_us = TIME_NONE;
    if (room <= 0)
        return true; /* the next one that ends looks again */
    g_autoptr(GPtrArray) due = store_list_due_hooks(conn, now_us, room, error);
    if (due == NULL)
        return false;
    bool has_room = due->len < room;
    while (due->len > 0)
        set_running(daemon, g_ptr_array_steal_index(due, 0), now_us);
    return !has_room || store_next_hook_time(conn, now_us, &hooks->next_us, error);
}

void hooks_take_due(Daemon *daemon, int64_t now_us)
{
    Hooks *hooks = daemon->hooks;
    bool is_time = hooks->next_us != TIME_NONE && hooks->next_us <= now_us;
    if (!may_start(daemon) || !(hooks->is_due || is_time))
        return;
    hooks->is_due = false;
    GError *error = NULL;
    if (!take(daemon, now_us, &error))
        daemon_fail(daemon, error);
}

static void start(Daemon *daemon, const Hook *hook, int64_t now_us)
{
    g_auto(Attempt) attempt = {0};
    g_autoptr(GError) error = NULL;
    if (!hook_prepare(daemon, hook, now_us, &attempt, &error)) {
        g_autofree char *message = g_strdup_printf("error: %s", error->message);
        attempt_log_append(attempt.log_path, now_us, message);
        reports_add_failure(daemon, key_of(hook), END_TEMPLATE, now_us);
        return;
    }
    ExecutorRequest request = {
        .key = key_of(hook),
        .token = attempt_token(hook->start_date_us),
        .argv = (const char *const *)attempt.argv->pdata,
        .env_extra = (const char *const *)attempt.environment->pdata,
        .cwd = attempt.cwd,
        .log_path = attempt.log_path,
        .header = attempt.header,
        .timeout_us = daemon->settings->hook_timeout_us,
        .grace_us = daemon->settings->killed_task_cleanup_time_us,
    };
    executor_start(daemon->executor, &request);
    CRASH_POINT("daemon.hook_start");
}

void hooks_follow_up(Daemon *daemon, const EngineOutput *output, int64_t now_us)
{
    Hooks *hooks = daemon->hooks;
    if (output->notices->len > 0)
        hooks->is_due = true;
    for (guint i = 0; i < daemon->writes->len; i++) {
        const PendingWrite *write = &g_array_index(daemon->writes, PendingWrite, i);
        if (write->kind == WRITE_DELETE_RUN || write->kind == WRITE_DELETE_RUN_ROWS)
            hooks->has_ended = true; /* with its hooks: whoever waits for one of them waits no more */
        if (write->kind != WRITE_HOOK)
            continue;
        log_state(daemon, write->hook);
        hooks->is_due = hooks->is_due || write->hook->state != HOOK_STATE_RUNNING;
        hooks->has_ended = hooks->has_ended || write->hook->end_date_us != TIME_NONE;
    }
    if (hooks->to_start->len > 0)
        CRASH_POINT("daemon.before_hooks");
    for (guint i = 0; i < hooks->to_start->len; i++)
        start(daemon, hooks->to_start->pdata[i], now_us);
    g_ptr_array_set_size(hooks->to_start, 0);
}

/* ---- What became of them ---- */

bool hooks_expect(Daemon *daemon, GArray *expected, GError **error)
{
    g_autoptr(GPtrArray) running = store_list_running_hooks(store_conn(daemon->store), error);
    if (running == NULL)
        return false;
    for (guint i = 0; i < running->len; i++) {
        const Hook *hook = running->pdata[i];
        /* Its start may not have reached anybody: what a row says of a hook is the intent. */
        ExecutorExpected one = {.key = key_of(hook),
                                .token = attempt_token(hook->start_date_us),
                                .expectation = EXECUTOR_EXPECT_QUEUED};
        g_array_append_val(expected, one);
        add_live(daemon->hooks, hook->id);
    }
    return true;
}

/** Success is exit code 0 and nothing else; what is not known is tried again. */
static void set_outcome(Daemon *daemon, Hook *hook, const AttemptOutcome *outcome, int64_t now_us)
{
    const Settings *settings = daemon->settings;
    bool is_success = outcome->reason == END_EXIT_CODE && outcome->exit_code == 0;
    bool was_ended = outcome->reason == END_CANCELED; /* together with weir; that is no fault of its own */
    hook->end_reason = is_success ? END_NONE : outcome->reason;
    hook->exit_code = outcome->exit_code;
    hook->term_signal = outcome->term_signal;
    if (!is_success && (was_ended || hook->attempt <= settings->hook_retries)) {
        hook->state = HOOK_STATE_QUEUED;
        hook->next_attempt_us = was_ended ? now_us : now_us + settings->hook_retry_delay_us;
        return;
    }
    hook->state = is_success ? HOOK_STATE_SUCCESS : HOOK_STATE_FAILED;
    hook->end_date_us = MAX(outcome->end_us, hook->start_date_us); /* the clock may have been set back */
}

/** It was not begun, so that was no attempt. Without its log there is none; the watermark does not hold
 * hooks. */
static void set_unbegun(const Daemon *daemon, Hook *hook, int64_t now_us)
{
    hook->attempt--;
    hook->state = HOOK_STATE_QUEUED;
    hook->end_reason = END_START_FAILED;
    hook->next_attempt_us = now_us + MAX(daemon->settings->hook_retry_delay_us, NO_ROOM_DELAY_US);
}

bool hooks_take_report(Daemon *daemon, const Report *report, int64_t now_us)
{
    if (report->kind == REPORT_STARTED)
        return true; /* nothing follows from it */
    int64_t id = id_of(report->attempt);
    g_autoptr(GError) error = NULL;
    g_autoptr(Hook) hook = store_get_hook(store_conn(daemon->store), id, &error);
    if (hook == NULL && !g_error_matches(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND)) {
        daemon_log(daemon, DAEMON_LOG_WARNING, "cannot take in how a hook ended: %s", error->message);
        return false;
    }
    if (hook == NULL) { /* its run was deleted */
        g_hash_table_remove(daemon->hooks->live, &id);
        daemon->hooks->is_due = true;
        return true;
    }
    if (hook->state != HOOK_STATE_RUNNING || hook->attempt != report->attempt.try_number ||
        attempt_tokens_differ(report->token, attempt_token(hook->start_date_us)))
        return true; /* an attempt of long ago */
    if (report->kind == REPORT_NOT_STARTED) {
        if (!daemon->is_ending_tasks) /* else the next start asks again */
            g_ptr_array_add(daemon->hooks->to_start, g_steal_pointer(&hook));
        return true;
    }
    if (report->message != NULL) {
        g_autofree char *log_path = hook_log_path(daemon->settings, hook);
        attempt_log_append(log_path, now_us, report->message);
    }
    g_hash_table_remove(daemon->hooks->live, &id);
    if (report->kind == REPORT_NO_ROOM)
        set_unbegun(daemon, hook, now_us);
    else
        set_outcome(daemon, hook, &report->outcome, now_us);
    persist_add_hook(daemon, g_steal_pointer(&hook));
    return true;
}

void hooks_end_all(Daemon *daemon)
{
    g_autoptr(GList) ids = g_hash_table_get_keys(daemon->hooks->live);
    for (GList *item = ids; item != NULL; item = item->next) {
        int64_t id = *(const int64_t *)item->data;
        g_autoptr(Hook) hook = store_get_hook(store_conn(daemon->store), id, NULL);
        if (hook == NULL || !executor_cancel(daemon->executor, key_of(hook)))
            g_hash_table_remove(daemon->hooks->live, &id); /* nobody has it; its row is enough */
    }
}

/* ---- Who waits for them ---- */

guint daemon_count_hooks(Daemon *daemon, int64_t dag_run_id)
{
    int64_t n = 0;
    g_autoptr(GError) error = NULL;
    if (!store_count_unfinished_hooks(store_conn(daemon->store), dag_run_id, &n, &error))
        daemon_log(daemon, DAEMON_LOG_WARNING, "cannot count the hooks of a run: %s", error->message);
    return (guint)n;
}

void daemon_watch_hooks(Daemon *daemon, void (*ended)(void *user), void *user)
{
    daemon->hooks->ended = ended;
    daemon->hooks->ended_user = user;
}

void hooks_deliver(Daemon *daemon)
{
    Hooks *hooks = daemon->hooks;
    if (!hooks->has_ended)
        return;
    hooks->has_ended = false;
    if (hooks->ended != NULL)
        hooks->ended(hooks->ended_user);
}
