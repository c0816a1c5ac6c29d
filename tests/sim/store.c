/* SPDX-License-Identifier: MIT */
/* Committed rows: all that outlives the daemon, besides the executors. */
#include "tests/sim/calendar.h"
#include "tests/sim/world.h"

#include <string.h>

static char *date_key(const char *dag_id, int64_t logical_date_us)
{
    return g_strdup_printf("%s %" PRId64, dag_id, logical_date_us);
}

SimRun *world_run_at(const World *world, const char *dag_id, int64_t logical_date_us)
{
    g_autofree char *key = date_key(dag_id, logical_date_us);
    return g_hash_table_lookup(world->dates, key);
}

static void note_change(World *world, SimRun *run)
{
    if (!run->changed)
        g_ptr_array_add(world->changed, run);
    run->changed = true;
}

void world_touch(World *world, SimRun *run)
{
    GHashTableIter iter;
    gpointer value;
    run->by_hand = run->touched = true;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SimTask *task = value;
        task->by_hand = task->touched = true;
    }
    note_change(world, run);
}

static void store_task(World *world, SimRun *run, const TaskInstance *ti)
{
    SimTask *task = g_hash_table_lookup(run->tasks, &ti->id);
    note_change(world, run);
    if (task == NULL) {
        task = g_new0(SimTask, 1);
        task->row = *ti;
        task->row.state = TASK_STATE_NONE;
        task->not_before_us = INT64_MIN;
        g_hash_table_insert(run->tasks, &task->row.id, task);
    }
    oracle_check_row_change(world, run, task, ti);
    task->row = *ti;
    task->row.task_id = g_intern_string(ti->task_id); /* rows outlive the engine's strings */
    task->row.pool = g_intern_string(ti->pool);
}

static void store_created(World *world, int64_t id)
{
    SimRun *run = g_new0(SimRun, 1);
    run->row = dag_run_copy(engine_run(world->engine, id));
    run->dag = engine_run_dag(world->engine, id);
    run->tasks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    g_hash_table_insert(world->runs, &run->row->id, run);
    if (!run_state_is_finished(run->row->state)) /* empty tasks take no time */
        g_hash_table_insert(world->open, &run->row->id, run);
    if (!g_hash_table_insert(world->dates, date_key(run->row->dag_id, run->row->logical_date_us), run))
        world_fail(world, "%s has two runs of one logical date", run->row->dag_id);
    run->started = run->row->state == RUN_STATE_RUNNING;
    note_change(world, run);
    calendar_stored(world, run->row);
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        store_task(world, run, engine_task(world->engine, id, i));
}

static void store_run(World *world, const DagRun *row)
{
    SimRun *run = world_run_of(world, row->id);
    oracle_check_run_change(world, run, row);
    g_hash_table_steal(world->runs, &run->row->id);
    g_hash_table_remove(world->open, &run->row->id);
    run->started = row->state == RUN_STATE_RUNNING && run->row->state != RUN_STATE_RUNNING;
    dag_run_free(run->row);
    run->row = dag_run_copy(row);
    g_hash_table_insert(world->runs, &run->row->id, run);
    if (!run_state_is_finished(row->state))
        g_hash_table_insert(world->open, &run->row->id, run);
    note_change(world, run);
    run->dag = engine_run_dag(world->engine, row->id);
}

void world_commit(World *world, const EngineOutput *output)
{
    notices_check_commit(world, output);
    for (guint i = 0; i < output->created_runs->len; i++)
        store_created(world, g_array_index(output->created_runs, int64_t, i));
    for (guint i = 0; i < output->archived->len; i++) {
        const TaskInstance *ti = &g_array_index(output->archived, TaskInstance, i);
        g_hash_table_add(world->history, attempt_key((AttemptId){ti->id, ti->try_number}));
    }
    for (guint i = 0; i < output->runs->len; i++) /* before the tasks: a version decides what they mean */
        store_run(world, output->runs->pdata[i]);
    for (guint i = 0; i < output->added_tasks->len; i++) {
        const TaskInstance *ti = output->added_tasks->pdata[i];
        store_task(world, world_run_of(world, ti->dag_run_id), ti);
    }
    for (guint i = 0; i < output->tasks->len; i++) {
        const TaskInstance *ti = output->tasks->pdata[i];
        store_task(world, world_run_of(world, ti->dag_run_id), ti);
    }
    oracle_check_commit(world);
}

void world_delete_run(World *world, SimRun *run)
{
    g_autofree char *key = date_key(run->row->dag_id, run->row->logical_date_us);
    world_trace(world, "delete run %" PRId64, run->row->id);
    g_ptr_array_remove(world->changed, run);
    g_hash_table_remove(world->dates, key);
    g_hash_table_remove(world->runs, &run->row->id);
}

EnginePast world_past(World *world, const DagRun *row, const Dag *dag, int8_t *states)
{
    const SimRun *previous = NULL;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimRun *other = value;
        if (strcmp(other->row->dag_id, row->dag_id) == 0 &&
            other->row->logical_date_us < row->logical_date_us &&
            (previous == NULL || other->row->logical_date_us > previous->row->logical_date_us))
            previous = other;
    }
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        states[i] = PAST_FIRST;
    if (previous == NULL)
        return (EnginePast){.states = states};
    g_hash_table_iter_init(&iter, previous->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimTask *task = value;
        int32_t index = dag_task_index(dag, task->row.task_id);
        if (index >= 0)
            states[index] = (int8_t)task->row.state;
    }
    return (EnginePast){.dag_run_id = previous->row->id, .states = states};
}
