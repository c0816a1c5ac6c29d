/* SPDX-License-Identifier: MIT */
/* Schedules -> runs: what is due becomes DAG runs, all of it in one turn. */
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/folder_watch.h"
#include "scheduler/daemon/scheduled_run.h"
#include "scheduler/model/crash_point.h"
#include "scheduler/model/param.h"

#include <sys/stat.h>

/** So many new runs share one commit at most; the rest follows in the next
 * turn. */
#define RUNS_A_TURN 2000

/* ---- One run ---- */

/* airflow-compatible: a run that exists at that logical date, of whatever type,
 * is the run of that tick. */
static bool is_taken(Daemon *daemon, const DagRun *run, bool *ret, GError **error)
{
    StoreConn *conn = store_conn(daemon->store);
    g_autoptr(DagRun) other = NULL;
    if (!store_find_run_by_date(conn, run->dag_id, run->logical_date_us, &other, error))
        return false;
    *ret = other != NULL;
    if (other != NULL)
        return true;
    g_autoptr(GError) failure = NULL;
    other = store_get_run(conn, run->dag_id, run->run_id, &failure);
    *ret = other != NULL;
    if (other != NULL || g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool set_params(DagRun *run, const Dag *dag, GError **error)
{
    json_t *conf = json_object();
    json_t *params = param_set_resolve(dag->params, conf, dag->folder, NULL, error);
    json_decref(conf);
    if (params == NULL)
        return false;
    run->params_json = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    return true;
}

static bool create_run(Daemon *daemon, const ScheduleTick *tick, int64_t now_us, GError **error)
{
    int64_t version_id;
    Dag *dag = dag_bag_get_current(daemon->bag, daemon, tick->dag_id, &version_id, error);
    if (dag == NULL)
        return false;
    g_autoptr(DagRun) run = scheduled_run_new(tick, version_id, now_us);
    bool is_known;
    if (!is_taken(daemon, run, &is_known, error))
        return false;
    if (is_known)
        return true;
    EnginePast past;
    g_autofree int8_t *states = NULL;
    if (!set_params(run, dag, error) || !past_find(daemon, run, dag, &past, &states, error) ||
        !runs_register_dag(daemon, run->dag_id, error))
        return false;
    run->id = store_next_run_id(daemon->store);
    int64_t first_ti_id = store_reserve_task_ids(daemon->store, MAX(dag->n_tasks, 1));
    runs_add(daemon, run);
    engine_create_run(daemon->engine, run, dag, first_ti_id, &past, ENGINE_RUN_NORMAL, now_us);
    return true;
}

/* ---- All that is due ---- */

void fire_due(Daemon *daemon, int64_t now_us)
{
    ScheduleTick tick;
    if (daemon->schedules == NULL || daemon->is_ending_tasks)
        return;
    for (guint n = 0; n < RUNS_A_TURN && schedules_take_due(daemon->schedules, now_us, &tick); n++) {
        g_autoptr(GError) error = NULL;
        if (!create_run(daemon, &tick, now_us, &error))
            daemon_log(daemon, DAEMON_LOG_ERROR, "dag=%s a run that is due cannot be made: %s", tick.dag_id,
                       error->message);
    }
}

int64_t fire_next_due(const Daemon *daemon)
{
    return daemon->schedules != NULL && !daemon->is_ending_tasks ? schedules_next_due(daemon->schedules)
                                                                 : TIME_NONE;
}

void fire_look_again(Daemon *daemon, const EngineOutput *output, int64_t now_us)
{
    if (daemon->schedules != NULL)
        scheduled_runs_ended(daemon->schedules, daemon->engine, output, now_us);
}

void fire_set_paused(Daemon *daemon, const char *dag_id, bool is_paused, int64_t now_us)
{
    if (daemon->schedules != NULL)
        schedules_set_paused(daemon->schedules, dag_id, is_paused, now_us);
}

void fire_forget_dag(Daemon *daemon, const char *dag_id)
{
    dag_bag_forget(daemon->bag, dag_id);
    if (daemon->schedules == NULL)
        return;
    schedules_remove(daemon->schedules, dag_id);
    daemon->is_folder_due = true;
}

/* ---- The folder ---- */

static void on_folder_changed(void *user)
{
    ((Daemon *)user)->is_folder_due = true;
}

static void on_folder_warning(const char *message, void *user)
{
    daemon_log(user, DAEMON_LOG_WARNING, "%s", message);
}

void fire_apply_folder(Daemon *daemon, int64_t now_us)
{
    GError *error = NULL;
    daemon->is_folder_due = false;
    daemon->is_tick_due = true; /* limits may have changed */
    if (dag_bag_apply_folder(daemon->bag, daemon, now_us, &error))
        return;
    if (!g_error_matches(error, STORE_ERROR, STORE_ERROR_FULL)) {
        daemon_fail(daemon, error);
        return;
    }
    daemon_log(daemon, DAEMON_LOG_ERROR, "%s; the DAG folder is looked at again when there is room",
               error->message);
    g_error_free(error);
    folder_watch_look_later(daemon->folder_watch);
}

static guint count_active(const char *dag_id, void *user)
{
    return engine_count_active_runs(((Daemon *)user)->engine, dag_id);
}

bool fire_open(Daemon *daemon, GError **error)
{
    const char *folder = daemon->settings->dags_folder;
    FolderWatchCallbacks callbacks = {on_folder_changed, on_folder_warning, daemon};
    if (g_mkdir_with_parents(folder, 0755) != 0 && !g_file_test(folder, G_FILE_TEST_EXISTS))
        daemon_log(daemon, DAEMON_LOG_WARNING, "cannot make the DAG folder %s: waiting for it", folder);
    daemon->schedules = schedules_new(count_active, daemon);
    daemon->folder_watch = folder_watch_new(&daemon->loop, folder, &callbacks);
    turn_run_folder(daemon);
    if (daemon->fatal == NULL)
        return true;
    g_propagate_error(error, g_error_copy(daemon->fatal));
    return false;
}
