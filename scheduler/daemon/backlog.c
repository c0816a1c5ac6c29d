/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/backlog.h"

/** So many of a queue are in the engine after each look; twice its limit, if that is more. */
#define QUEUED_AT_LEAST 64

typedef struct {
    char *dag_id; /**< of a DAG's own runs; else NULL */
    int64_t backfill_id;
    bool is_backwards;
    guint n_wanted; /**< in the engine after a look */
    guint n_gone;   /**< since then, at most */
} Queue;

struct Backlog {
    GPtrArray *queues;  /**< Queue: those that have more in the store */
    GHashTable *broken; /**< int64_t DagRun.id set: cannot be loaded, and it was said */
};

static void queue_free(gpointer data)
{
    Queue *queue = data;
    g_free(queue->dag_id);
    g_free(queue);
}

Backlog *backlog_new(void)
{
    Backlog *backlog = g_new0(Backlog, 1);
    backlog->queues = g_ptr_array_new_with_free_func(queue_free);
    backlog->broken = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return backlog;
}

void backlog_free(Backlog *backlog)
{
    if (backlog == NULL)
        return;
    g_ptr_array_unref(backlog->queues);
    g_hash_table_unref(backlog->broken);
    g_free(backlog);
}

static void load_run(Daemon *daemon, const DagRun *run)
{
    g_autoptr(GError) failure = NULL;
    GHashTable *broken = daemon->backlog->broken;
    if (g_hash_table_contains(broken, &run->id) ||
        runs_load(daemon, run, runs_stored_flags(daemon), &failure))
        return;
    g_hash_table_add(broken, g_memdup2(&run->id, sizeof run->id));
    daemon_log(daemon, DAEMON_LOG_ERROR, "run %s of %s stays as it is: %s", run->run_id, run->dag_id,
               failure->message);
}

/** The first of a queue that are not in the engine yet; `ret_is_all`: the store has no more. */
static bool load_first(Daemon *daemon, Queue *queue, bool *ret_is_all, GError **error)
{
    guint limit = queue->n_wanted + g_hash_table_size(daemon->backlog->broken);
    g_autoptr(GPtrArray) runs = store_list_queued_runs(store_conn(daemon->store), queue->dag_id,
                                                       queue->backfill_id, queue->is_backwards, limit, error);
    if (runs == NULL)
        return false;
    for (guint i = 0; i < runs->len; i++)
        load_run(daemon, runs->pdata[i]);
    queue->n_gone = 0;
    *ret_is_all = runs->len < limit;
    return true;
}

/** Takes `queue`. */
static bool begin_queue(Daemon *daemon, Queue *queue, int max_active_runs, GError **error)
{
    queue->n_wanted = (guint)MAX(QUEUED_AT_LEAST, 2 * (int64_t)max_active_runs);
    bool is_all = true;
    bool ok = load_first(daemon, queue, &is_all, error);
    if (ok && !is_all)
        g_ptr_array_add(daemon->backlog->queues, queue);
    else
        queue_free(queue);
    return ok;
}

static bool begin_dag(Daemon *daemon, const char *dag_id, GError **error)
{
    g_autoptr(DagRow) row = store_get_dag(store_conn(daemon->store), dag_id, error);
    if (row == NULL)
        return false;
    Queue *queue = g_new0(Queue, 1);
    queue->dag_id = g_strdup(dag_id);
    return begin_queue(daemon, queue, row->max_active_runs, error);
}

static bool begin_backfill(Daemon *daemon, int64_t id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Backfill) backfill = store_get_backfill(store_conn(daemon->store), id, &failure);
    if (backfill == NULL && !g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    Queue *queue = g_new0(Queue, 1);
    queue->backfill_id = id;
    queue->is_backwards = backfill != NULL && backfill->run_backwards;
    return begin_queue(daemon, queue, backfill != NULL ? backfill->max_active_runs : 0, error);
}

bool backlog_load(Daemon *daemon, GError **error)
{
    StoreConn *conn = store_conn(daemon->store);
    g_autoptr(GPtrArray) running = store_list_running_runs(conn, error);
    g_auto(GStrv) dag_ids = running != NULL ? store_list_dags_with_queued_runs(conn, error) : NULL;
    g_autoptr(GArray) backfills = dag_ids != NULL ? store_list_backfills_with_queued_runs(conn, error) : NULL;
    if (backfills == NULL)
        return false;
    for (guint i = 0; i < running->len; i++)
        load_run(daemon, running->pdata[i]);
    for (guint i = 0; dag_ids[i] != NULL; i++)
        if (!begin_dag(daemon, dag_ids[i], error))
            return false;
    for (guint i = 0; i < backfills->len; i++)
        if (!begin_backfill(daemon, g_array_index(backfills, int64_t, i), error))
            return false;
    return true;
}

static Queue *queue_of(const Backlog *backlog, const DagRun *run)
{
    for (guint i = 0; i < backlog->queues->len; i++) {
        Queue *queue = backlog->queues->pdata[i];
        if (run->backfill_id != 0 ? queue->backfill_id == run->backfill_id
                                  : g_strcmp0(queue->dag_id, run->dag_id) == 0)
            return queue;
    }
    return NULL;
}

void backlog_note(Daemon *daemon, const EngineOutput *output)
{
    const Backlog *backlog = daemon->backlog;
    for (guint i = 0; backlog->queues->len > 0 && i < output->effects->len; i++) {
        const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, i);
        if (effect->kind != EFFECT_RUN_STARTED && effect->kind != EFFECT_RUN_FINISHED)
            continue;
        const DagRun *run = engine_run(daemon->engine, effect->dag_run_id);
        Queue *queue = run != NULL ? queue_of(backlog, run) : NULL;
        if (queue != NULL)
            queue->n_gone++;
    }
}

void backlog_refill(Daemon *daemon)
{
    GPtrArray *queues = daemon->backlog->queues;
    for (guint i = queues->len; i > 0 && !daemon->is_ending_tasks; i--) {
        Queue *queue = queues->pdata[i - 1];
        if (queue->n_gone < queue->n_wanted / 2)
            continue;
        bool is_all = false;
        GError *error = NULL;
        if (!load_first(daemon, queue, &is_all, &error)) {
            daemon_fail(daemon, error);
            return;
        }
        if (is_all)
            g_ptr_array_remove_index(queues, i - 1);
        daemon->is_tick_due = true; /* nothing is decided before */
    }
}
