/* SPDX-License-Identifier: MIT */
/* Which runs are in the engine, and how they come from the store and leave again. */
#include "scheduler/daemon/backfill.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/daemon/run_context.h"

void run_entry_free(gpointer entry)
{
    RunEntry *e = entry;
    run_context_free(e->context);
    g_free(e->dag_id);
    g_free(e->run_id);
    g_free(e);
}

RunEntry *runs_find(Daemon *daemon, int64_t dag_run_id)
{
    return g_hash_table_lookup(daemon->runs, &dag_run_id);
}

RunEntry *runs_add(Daemon *daemon, const DagRun *run)
{
    RunEntry *entry = g_new0(RunEntry, 1);
    entry->id = run->id;
    entry->dag_id = g_strdup(run->dag_id);
    entry->run_id = g_strdup(run->run_id);
    g_hash_table_insert(daemon->runs, &entry->id, entry);
    return entry;
}

EngineRunFlags runs_stored_flags(const Daemon *daemon)
{
    return daemon->mode == DAEMON_SERVICE ? ENGINE_RUN_NORMAL : ENGINE_RUN_HELD;
}

EngineRunFlags runs_wanted_flags(const Daemon *daemon, bool own)
{
    if (daemon->mode == DAEMON_OFFLINE || daemon->is_ending_tasks)
        return ENGINE_RUN_HELD;
    return own || daemon->mode == DAEMON_RUN ? ENGINE_RUN_IGNORES_PAUSE : ENGINE_RUN_NORMAL;
}

bool runs_register_dag(Daemon *daemon, const char *dag_id, GError **error)
{
    g_autoptr(DagRow) row = store_get_dag(store_conn(daemon->store), dag_id, error);
    if (row == NULL)
        return false;
    engine_set_dag(daemon->engine, dag_id, row->is_paused, row->max_active_runs);
    return true;
}

static bool has_row_of_each_task(const TaskList *rows, const Dag *dag)
{
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < rows->n_items; i++)
        g_hash_table_add(ids, (gpointer)rows->items[i].task_id);
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (!g_hash_table_contains(ids, dag->tasks[i].task_id))
            return false;
    }
    return true;
}

static bool load(Daemon *daemon, const DagRun *run, EngineRunFlags flags, const BackfillPlace *place,
                 GError **error)
{
    if (runs_find(daemon, run->id) != NULL)
        return true;
    Dag *dag = dag_bag_get_version(daemon->bag, daemon, run->dag_version_id, error); /* borrowed */
    if (dag == NULL)
        return false;
    TaskQuery query = {.dag_run_id = run->id};
    g_autoptr(TaskList) rows = store_list_tasks(store_conn(daemon->store), &query, NULL, error);
    if (rows == NULL)
        return false;
    if (!has_row_of_each_task(rows, dag)) {
        if (run_state_is_finished(run->state)) {
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                        "run \"%s\" of DAG \"%s\" is being deleted: part of its task instances is gone",
                        run->run_id, run->dag_id);
            return false;
        }
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT, "run %s of %s lacks task instances", run->run_id,
                    run->dag_id);
        return false;
    }
    EnginePast past;
    g_autofree int8_t *states = NULL;
    bool is_found = place != NULL ? past_find_in_backfill(daemon, run, dag, place, &past, &states, error)
                                  : past_find(daemon, run, dag, &past, &states, error);
    if (!is_found || !runs_register_dag(daemon, run->dag_id, error) ||
        !backfill_register(daemon, run->backfill_id, error))
        return false;
    runs_add(daemon, run);
    engine_load_run(daemon->engine, run, dag, rows->items, rows->n_items, &past, flags);
    return true;
}

bool runs_load(Daemon *daemon, const DagRun *run, EngineRunFlags flags, GError **error)
{
    return load(daemon, run, flags, NULL, error);
}

bool runs_load_in_backfill(Daemon *daemon, const DagRun *run, EngineRunFlags flags,
                           const BackfillPlace *place, GError **error)
{
    return load(daemon, run, flags, place, error);
}

void runs_forget_finished(Daemon *daemon, int64_t dag_run_id)
{
    const DagRun *run = engine_run(daemon->engine, dag_run_id);
    bool is_held = engine_run_flags(daemon->engine, dag_run_id) & ENGINE_RUN_HELD;
    if (run == NULL || !(run_state_is_finished(run->state) || is_held) ||
        engine_run_live(daemon->engine, dag_run_id) > 0)
        return;
    if (engine_forget_run(daemon->engine, dag_run_id))
        g_hash_table_remove(daemon->runs, &dag_run_id);
}
