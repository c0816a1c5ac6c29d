/* SPDX-License-Identifier: MIT */
/* Opening, running and closing the daemon; what happens in between is in turn.c. */
#include "executors/local/local_executor.h"
#include "scheduler/daemon/backlog.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/folder_watch.h"
#include "scheduler/daemon/hooks.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/daemon/janitor.h"
#include "scheduler/daemon/schedules.h"
#include "scheduler/daemon/server.h"
#include "scheduler/daemon/starts_hold.h"
#include "scheduler/daemon/wall_timer.h"
#include "scheduler/daemon/watch.h"
#include "scheduler/model/crash_point.h"

#include <sys/stat.h>

/** Without commits for this long, what waits in the write-ahead log goes into the database. */
#define IDLE_CHECKPOINT_MS 1000
/** That a task has started may be stored this much later. */
#define STARTED_DELAY_MS 10

void daemon_log(Daemon *daemon, DaemonLogLevel level, const char *format, ...)
{
    if (daemon->log == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    daemon->log(level, line, daemon->log_user);
}

void daemon_fail(Daemon *daemon, GError *error)
{
    if (daemon->fatal != NULL) {
        g_error_free(error);
        return;
    }
    daemon->fatal = error;
    if (daemon->is_loop_open)
        uv_stop(&daemon->loop);
}

/* ---- Handles of the loop ---- */

/* Timers run before prepare, sockets before check: between them, whatever came in is taken in at once. */
static void take_in(Daemon *daemon)
{
    turn_run_all(daemon);
    watch_deliver(daemon->watch);
    hooks_deliver(daemon);
}

static void on_prepare(uv_prepare_t *handle)
{
    take_in(handle->data);
}

static void on_check(uv_check_t *handle)
{
    take_in(handle->data);
}

static void on_timer(void *user)
{
    Daemon *daemon = user;
    daemon->timer_us = TIME_NONE;
    daemon->is_tick_due = true;
}

static void on_retry_timer(uv_timer_t *handle)
{
    Daemon *daemon = handle->data;
    if (daemon->is_blocked && daemon->fatal == NULL)
        turn_commit(daemon, g_get_real_time());
}

static void on_idle_timer(uv_timer_t *handle)
{
    Daemon *daemon = handle->data;
    if (daemon->is_blocked || daemon->fatal != NULL || store_wal_bytes(daemon->store) == 0)
        return;
    GError *error = NULL;
    if (!store_checkpoint(daemon->store, CHECKPOINT_PASSIVE, &error)) {
        if (g_error_matches(error, STORE_ERROR, STORE_ERROR_FULL))
            g_error_free(error); /* the log keeps everything; there is another chance after the next commit */
        else
            daemon_fail(daemon, error);
    }
}

static void on_started_timer(uv_timer_t *handle)
{
    Daemon *daemon = handle->data;
    daemon->is_report_urgent = true;
}

void turn_arm_started_timer(Daemon *daemon)
{
    if (!uv_is_active((uv_handle_t *)&daemon->started_timer))
        uv_timer_start(&daemon->started_timer, on_started_timer, STARTED_DELAY_MS, 0);
}

void turn_arm_idle_timer(Daemon *daemon)
{
    uv_timer_start(&daemon->idle_timer, on_idle_timer, IDLE_CHECKPOINT_MS, 0);
}

void turn_arm_retry_timer(Daemon *daemon)
{
    uv_timer_start(&daemon->retry_timer, on_retry_timer, 1000, 0);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    if (a_us == TIME_NONE || b_us == TIME_NONE)
        return a_us == TIME_NONE ? b_us : a_us;
    return MIN(a_us, b_us);
}

void turn_arm_timer(Daemon *daemon)
{
    if (daemon->is_recovering) /* a tick decides, and not all live attempts are known yet */
        return;
    int64_t due_us = earlier(engine_next_timer(daemon->engine), fire_next_due(daemon));
    due_us = earlier(due_us, hooks_next_due(daemon));
    if (due_us == daemon->timer_us)
        return;
    daemon->timer_us = due_us;
    wall_timer_set(daemon->timer, due_us);
}

static bool open_loop(Daemon *daemon, GError **error)
{
    int failure = uv_loop_init(&daemon->loop);
    if (failure != 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot make an event loop: %s", uv_strerror(failure));
        return false;
    }
    daemon->is_loop_open = true;
    uv_prepare_init(&daemon->loop, &daemon->prepare);
    uv_check_init(&daemon->loop, &daemon->check);
    uv_timer_init(&daemon->loop, &daemon->retry_timer);
    uv_timer_init(&daemon->loop, &daemon->idle_timer);
    uv_timer_init(&daemon->loop, &daemon->resync_timer);
    daemon->prepare.data = daemon->check.data = daemon;
    daemon->retry_timer.data = daemon->idle_timer.data = daemon;
    uv_timer_init(&daemon->loop, &daemon->started_timer);
    daemon->resync_timer.data = daemon->started_timer.data = daemon;
    uv_prepare_start(&daemon->prepare, on_prepare);
    uv_check_start(&daemon->check, on_check);
    daemon->are_handles_open = true;
    daemon->timer = wall_timer_new(&daemon->loop, on_timer, daemon, error);
    return daemon->timer != NULL;
}

/* ---- Open ---- */

static bool open_store(Daemon *daemon, GError **error)
{
    mode_t mask = umask(077); /* home_open() sets it for us; tasks keep what the user has */
    umask(mask);
    daemon->task_umask = (int)mask;
    daemon->home = home_open(daemon->settings->home, HOME_CREATE, error);
    if (daemon->home == NULL)
        return false;
    if (daemon->home->warning != NULL)
        daemon_log(daemon, DAEMON_LOG_WARNING, "%s", daemon->home->warning);
    if (daemon->lock == NULL)
        daemon->lock = store_lock_try(daemon->home->lock_path, daemon->verb, error);
    if (daemon->lock == NULL)
        return false;
    g_auto(StoreOpenReport) report = {0};
    daemon->store = store_open(daemon->home->db_path, &report, error);
    if (daemon->store == NULL)
        return false;
    if (report.was_empty)
        daemon_log(
            daemon, DAEMON_LOG_WARNING,
            "%s was empty, and a new database was made in it; if there was one before, stop weir and put "
            "back a backup",
            daemon->home->db_path);
    if (report.copy_path != NULL)
        daemon_log(daemon, DAEMON_LOG_INFO,
                   "upgraded the database from version %d to %d; the old one is kept as %s",
                   report.version_before, report.version_after, report.copy_path);
    return true;
}

static bool open_engine(Daemon *daemon, GError **error)
{
    daemon->engine = engine_new(daemon->settings->parallelism);
    g_autoptr(GPtrArray) pools = store_list_pools(store_conn(daemon->store), error);
    if (pools == NULL)
        return false;
    for (guint i = 0; i < pools->len; i++) {
        const Pool *pool = pools->pdata[i];
        engine_set_pool(daemon->engine, pool->name, pool->slots);
    }
    return true;
}

static bool open_executor(Daemon *daemon, GError **error)
{
    if (daemon->mode == DAEMON_OFFLINE)
        return true;
    LocalExecutorConfig config = {
        .loop = &daemon->loop,
        .home = daemon->home->dir,
        .instance_id = store_db_id(daemon->store),
        .task_umask = daemon->task_umask,
        .on_event = reports_on_event,
        .user = daemon,
    };
    daemon->executor = local_executor_new(&config, error);
    return daemon->executor != NULL;
}

static Daemon *daemon_new(const DaemonOptions *options)
{
    Daemon *daemon = g_new0(Daemon, 1);
    daemon->settings = options->settings;
    daemon->mode = options->mode;
    daemon->verb = g_strdup(options->verb != NULL ? options->verb : "weir");
    daemon->log = options->log;
    daemon->log_user = options->user;
    daemon->lock = options->lock;
    daemon->started_at_us = g_get_real_time();
    daemon->timer_us = TIME_NONE;
    daemon->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, run_entry_free);
    daemon->reports = g_array_new(FALSE, FALSE, sizeof(Report));
    daemon->unstarted = g_array_new(FALSE, FALSE, sizeof(AttemptId));
    daemon->writes = g_array_new(FALSE, TRUE, sizeof(PendingWrite));
    daemon->acknowledgements = g_array_new(FALSE, FALSE, sizeof(AttemptId));
    daemon->visited = g_array_new(FALSE, FALSE, sizeof(int64_t));
    daemon->outputs_read = g_ptr_array_new_with_free_func(g_free);
    g_queue_init(&daemon->commands);
    daemon->watch = watch_new();
    daemon->hooks = hooks_new();
    daemon->backlog = backlog_new();
    daemon->bag = dag_bag_new(options->settings->dags_folder, options->settings->default_timezone);
    return daemon;
}

Daemon *daemon_open(const DaemonOptions *options, GError **error)
{
    Daemon *daemon = daemon_new(options);
    bool opened = open_loop(daemon, error) && open_store(daemon, error) && open_engine(daemon, error) &&
                  open_executor(daemon, error);
    if (opened) {
        daemon->starts_hold = starts_hold_new(daemon, options);
        opened = recover(daemon, error);
    }
    if (opened && daemon->mode == DAEMON_SERVICE)
        opened = fire_open(daemon, error);
    if (opened && daemon->mode != DAEMON_OFFLINE) {
        daemon->server = server_start(daemon, error);
        opened = daemon->server != NULL;
    }
    if (!opened) {
        daemon_close(daemon);
        return NULL;
    }
    if (daemon->mode == DAEMON_SERVICE)
        daemon->janitor = janitor_start(daemon);
    CRASH_POINT("daemon.opened");
    return daemon;
}

/* ---- Close ---- */

/* What is left on the loop is the owner's; its memory is still there, since its owner is about to return. */
static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void on_executor_closed(void *user)
{
    *(bool *)user = true;
}

static void close_loop(Daemon *daemon)
{
    server_free(daemon->server);
    folder_watch_free(daemon->folder_watch);
    bool executor_closed = daemon->executor == NULL;
    if (daemon->executor != NULL)
        executor_close(daemon->executor, on_executor_closed, &executor_closed);
    if (daemon->are_handles_open) {
        uv_prepare_stop(&daemon->prepare);
        uv_check_stop(&daemon->check);
    }
    while (!executor_closed)
        uv_run(&daemon->loop, UV_RUN_ONCE);
    uv_walk(&daemon->loop, close_handle, NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    uv_loop_close(&daemon->loop);
}

static void clear_inbox(Daemon *daemon)
{
    for (guint i = 0; i < daemon->reports->len; i++)
        report_clear(&g_array_index(daemon->reports, Report, i));
    g_array_unref(daemon->reports);
    g_array_unref(daemon->unstarted);
    g_queue_clear_full(&daemon->commands, (GDestroyNotify)pending_command_free);
    pending_command_free(daemon->answering);
    json_decref(daemon->answer);
    persist_clear(daemon);
    g_array_unref(daemon->writes);
    g_array_unref(daemon->acknowledgements);
    g_array_unref(daemon->visited);
    g_ptr_array_unref(daemon->outputs_read);
}

void daemon_close(Daemon *daemon)
{
    if (daemon == NULL)
        return;
    if (daemon->is_blocked && daemon->fatal == NULL)
        turn_commit(daemon, g_get_real_time());
    daemon->is_report_urgent = true; /* there is no later */
    if (daemon->engine != NULL)
        turn_run_all(daemon);
    if (daemon->is_blocked)
        daemon_log(daemon, DAEMON_LOG_ERROR, "the disk is still full; the last changes are not stored");
    CRASH_POINT("daemon.closing");
    if (daemon->is_loop_open)
        close_loop(daemon);
    CRASH_POINT("daemon.loop_closed");
    clear_inbox(daemon);
    wall_timer_free(daemon->timer);
    schedules_free(daemon->schedules);
    janitor_free(daemon->janitor);
    hooks_free(daemon->hooks);
    starts_hold_free(daemon->starts_hold);
    backlog_free(daemon->backlog);
    watch_free(daemon->watch);
    dag_bag_free(daemon->bag);
    g_hash_table_unref(daemon->runs);
    engine_free(daemon->engine);
    store_close(daemon->store);
    CRASH_POINT("daemon.store_closed");
    store_lock_release(daemon->lock);
    home_free(daemon->home);
    g_clear_error(&daemon->fatal);
    g_free(daemon->verb);
    g_free(daemon);
}

/* ---- The loop ---- */

uv_loop_t *daemon_uv_loop(Daemon *daemon)
{
    return &daemon->loop;
}

bool daemon_loop(Daemon *daemon, GError **error)
{
    if (daemon->fatal == NULL)
        uv_run(&daemon->loop, UV_RUN_DEFAULT);
    if (daemon->fatal == NULL)
        return true;
    g_propagate_error(error, g_error_copy(daemon->fatal));
    return false;
}

void daemon_stop(Daemon *daemon)
{
    uv_stop(&daemon->loop);
}

guint daemon_end_tasks(Daemon *daemon)
{
    daemon->is_ending_tasks = true;
    return turn_end_tasks(daemon);
}

DaemonDags daemon_dags(Daemon *daemon)
{
    return dag_bag_count(daemon->bag);
}
