/* SPDX-License-Identifier: MIT */
/*
 * At the start: rows say what should be, executors say what is. Load what is unfinished, tell the executor
 * which attempts are expected, take in its verdicts, commit, acknowledge.
 */
#include "executors/local/local_executor.h"
#include "scheduler/daemon/backlog.h"
#include "scheduler/daemon/hooks.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/model/crash_point.h"

/** A runner that has not answered by then is waited for while everything else goes on. */
#define RESYNC_TIMEOUT_MS  5000
#define COLLECT_TIMEOUT_US (5 * USEC_PER_SEC)

/** Attempts that are, or may be, with an executor. */
static void expect_attempts(const TaskList *executing, GArray *expected)
{
    for (size_t i = 0; i < executing->n_items; i++) {
        const TaskInstance *ti = &executing->items[i];
        ExecutorExpected one = {
            .key = {ti->id, ti->try_number},
            .token = attempt_token(ti->queued_us),
            .expectation = ti->state == TASK_STATE_QUEUED ? EXECUTOR_EXPECT_QUEUED : EXECUTOR_EXPECT_RUNNING,
        };
        g_array_append_val(expected, one);
    }
}

static void load_run(Daemon *daemon, const DagRun *run)
{
    g_autoptr(GError) failure = NULL;
    if (!runs_load(daemon, run, runs_stored_flags(daemon), &failure))
        daemon_log(daemon, DAEMON_LOG_ERROR, "run %s of %s stays as it is: %s", run->run_id, run->dag_id,
                   failure->message);
}

/** Runs that have something with an executor, whatever their state: what it costs goes by these. */
static bool load_executing(Daemon *daemon, const TaskList *executing, GError **error)
{
    int64_t last_id = 0;
    for (size_t i = 0; i < executing->n_items; i++) {
        int64_t id = executing->items[i].dag_run_id;
        if (id == last_id || runs_find(daemon, id) != NULL)
            continue;
        last_id = id; /* said once of a run that cannot be loaded: rows of one run are mostly together */
        g_autoptr(DagRun) run = store_get_run_by_id(store_conn(daemon->store), id, error);
        if (run == NULL)
            return false;
        load_run(daemon, run);
    }
    return true;
}

static void on_resync_timer(uv_timer_t *timer)
{
    Daemon *daemon = timer->data;
    daemon->is_resync_late = true;
}

/* Turns the loop until the executor has said what it knows. Verdicts are taken in on the way. */
static void wait_for_resync(Daemon *daemon)
{
    uv_update_time(&daemon->loop);
    uv_timer_start(&daemon->resync_timer, on_resync_timer, RESYNC_TIMEOUT_MS, 0);
    while (!daemon->is_resynced && !daemon->is_resync_late && daemon->fatal == NULL)
        uv_run(&daemon->loop, UV_RUN_ONCE);
    uv_timer_stop(&daemon->resync_timer);
    if (daemon->is_resync_late)
        daemon_log(daemon, DAEMON_LOG_WARNING,
                   "a runner does not answer; its tasks are taken in when it does");
}

static bool commit_collected(void *user)
{
    Daemon *daemon = user;
    daemon->is_tick_due = true;
    turn_run_all(daemon);
    return !daemon->is_blocked && daemon->fatal == NULL && !daemon->has_kept_records;
}

/* Without a loop of our own: what runners hold, brought in once. */
static bool collect(Daemon *daemon, const GArray *expected, GError **error)
{
    LocalExecutorConfig config = {
        .home = daemon->home->dir,
        .instance_id = store_db_id(daemon->store),
        .task_umask = daemon->task_umask,
        .on_event = reports_on_event,
        .user = daemon,
    };
    return local_executor_collect(&config, (const ExecutorExpected *)(void *)expected->data, expected->len,
                                  commit_collected, COLLECT_TIMEOUT_US, error);
}

bool recover(Daemon *daemon, GError **error)
{
    g_autoptr(GArray) expected = g_array_new(FALSE, FALSE, sizeof(ExecutorExpected));
    g_autoptr(TaskList) executing = store_list_executing_tasks(store_conn(daemon->store), error);
    if (executing == NULL || !hooks_expect(daemon, expected, error))
        return false;
    expect_attempts(executing, expected);
    if (!load_executing(daemon, executing, error))
        return false;
    if (daemon->mode == DAEMON_SERVICE && !backlog_load(daemon, error))
        return false;
    CRASH_POINT("daemon.loaded");
    if (daemon->mode == DAEMON_OFFLINE) {
        if (!collect(daemon, expected, error))
            return false;
    } else {
        executor_resync(daemon->executor, (const ExecutorExpected *)(void *)expected->data, expected->len);
        daemon->is_recovering = true;
        wait_for_resync(daemon);
        daemon->is_recovering = false;
    }
    daemon->is_tick_due = true;
    turn_run_all(daemon);
    if (daemon->fatal != NULL) {
        g_propagate_error(error, g_error_copy(daemon->fatal));
        return false;
    }
    CRASH_POINT("daemon.recovered");
    return true;
}
