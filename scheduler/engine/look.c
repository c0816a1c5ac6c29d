/* SPDX-License-Identifier: MIT */
/* Reading the engine: its output and its records. */
#include "scheduler/engine/internal.h"

const EngineOutput *engine_output(Engine *engine)
{
    return &engine->output;
}

bool engine_has_output(const Engine *engine)
{
    const EngineOutput *output = &engine->output;
    return output->created_runs->len + output->runs->len + output->tasks->len + output->added_tasks->len +
               output->archived->len + output->notices->len + output->effects->len >
           0;
}

/** The task that a row of the output is part of. */
static EngineTask *task_of(gpointer ti)
{
    return (EngineTask *)(void *)((char *)ti - offsetof(EngineTask, ti));
}

void engine_output_clear(Engine *engine)
{
    EngineOutput *output = &engine->output;
    for (guint i = 0; i < output->created_runs->len; i++) {
        EngineRun *run = engine_find_run(engine, g_array_index(output->created_runs, int64_t, i));
        if (run != NULL)
            run->is_new = false;
    }
    for (guint i = 0; i < output->runs->len; i++) {
        const DagRun *row = output->runs->pdata[i];
        engine_find_run(engine, row->id)->is_dirty = false;
    }
    for (guint i = 0; i < output->tasks->len; i++)
        task_of(output->tasks->pdata[i])->is_dirty = false;
    for (guint i = 0; i < output->added_tasks->len; i++)
        task_of(output->added_tasks->pdata[i])->is_dirty = false;
    g_array_set_size(output->created_runs, 0);
    g_ptr_array_set_size(output->runs, 0);
    g_ptr_array_set_size(output->tasks, 0);
    g_ptr_array_set_size(output->added_tasks, 0);
    g_array_set_size(output->archived, 0);
    g_array_set_size(output->notices, 0);
    g_array_set_size(output->effects, 0);
    g_ptr_array_set_size(engine->replaced_dags, 0);
}

const DagRun *engine_run(const Engine *engine, int64_t dag_run_id)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    return run == NULL ? NULL : run->row;
}

Dag *engine_run_dag(const Engine *engine, int64_t dag_run_id)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    return run == NULL ? NULL : run->dag;
}

EngineRunFlags engine_run_flags(const Engine *engine, int64_t dag_run_id)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    return run == NULL ? ENGINE_RUN_NORMAL : run->flags;
}

guint engine_run_live(const Engine *engine, int64_t dag_run_id)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    return run == NULL ? 0 : run->n_live;
}

const TaskInstance *engine_task(const Engine *engine, int64_t dag_run_id, uint32_t index)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    return run == NULL || index >= run->dag->n_tasks ? NULL : &run->tasks[index].ti;
}

const TaskInstance *engine_task_by_id(const Engine *engine, int64_t ti_id, uint32_t *ret_index)
{
    EngineTask *task = engine_find_task(engine, ti_id);
    if (task != NULL && ret_index != NULL)
        *ret_index = task->index;
    return task == NULL ? NULL : &task->ti;
}

bool engine_task_is_live(const Engine *engine, int64_t ti_id)
{
    const EngineTask *task = engine_find_task(engine, ti_id);
    return task != NULL && task->is_live;
}

GArray *engine_run_ids(const Engine *engine)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    GHashTableIter iter;
    gpointer id;
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_array_append_vals(ids, id, 1);
    return ids;
}

guint engine_live_total(const Engine *engine)
{
    return engine->n_live;
}

guint engine_count_active_runs(const Engine *engine, const char *dag_id)
{
    const DagEntry *entry = g_hash_table_lookup(engine->dags, dag_id);
    guint n = 0;
    for (guint i = 0; entry != NULL && i < entry->runs->len; i++) {
        const DagRun *row = ((const EngineRun *)entry->runs->pdata[i])->row;
        n += row->type != RUN_TYPE_BACKFILL && !run_state_is_finished(row->state);
    }
    return n;
}
