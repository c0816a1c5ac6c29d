/* SPDX-License-Identifier: MIT */
/* The simulated user. */
#include "tests/sim/calendar.h"
#include "tests/sim/world.h"

#include <string.h>

/** Users care about so many of the latest runs. */
#define RECENT_RUNS 40

void world_trigger(World *world)
{
    int64_t dag_index = between(world, 0, world->latest->len);
    Dag *dag = world->latest->pdata[dag_index];
    int64_t id = world->next_run_id++;
    int64_t backfill_id =
        chance(world, 3) ? dag_index * SIM_BACKFILLS + between(world, 1, SIM_BACKFILLS + 1) : 0;
    g_autofree char *run_id = g_strdup_printf("manual__%" PRId64, id);
    DagRun row = {
        .id = id,
        .dag_id = (char *)dag->dag_id,
        .run_id = run_id,
        .type = backfill_id != 0 ? RUN_TYPE_BACKFILL : RUN_TYPE_MANUAL,
        .backfill_id = backfill_id,
        .dag_version_id = 1,
        .logical_date_us = world->now_us + id, /* unique and rising, but for clock steps */
        .data_interval_start_us = TIME_NONE,
        .data_interval_end_us = TIME_NONE,
        .run_after_us = chance(world, 6) ? world->now_us + between(world, 0, USEC_PER_HOUR) : world->now_us,
        .queued_at_us = world->now_us,
        .start_date_us = TIME_NONE,
        .end_date_us = TIME_NONE,
        .forced_state = RUN_STATE_INVALID,
    };
    g_autofree int8_t *states = g_new(int8_t, dag->n_tasks + 1);
    EnginePast past = world_past(world, &row, dag, states);
    world_trace(world, "trigger %s run %" PRId64, dag->dag_id, id);
    engine_create_run(world->engine, &row, dag, world->next_ti_id, &past, ENGINE_RUN_NORMAL, world->now_us);
    world->next_ti_id += dag->n_tasks;
}

/** A run that the engine has, loading it if it has left. NULL if there is none. */
static SimRun *any_run(World *world)
{
    if (world->next_run_id == 1)
        return NULL;
    int64_t first = MAX(1, world->next_run_id - RECENT_RUNS);
    SimRun *run = world_run_of(world, between(world, first, world->next_run_id));
    if (run != NULL && engine_run(world->engine, run->row->id) == NULL)
        world_load_run(world, run);
    return run;
}

static void on_tasks(World *world, SimRun *run)
{
    const Dag *dag = engine_run_dag(world->engine, run->row->id);
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (chance(world, 3))
            g_array_append_val(indexes, i);
    }
    const uint32_t *list = (const uint32_t *)(void *)indexes->data;
    if (chance(world, 2)) {
        world_trace(world, "clear %u tasks of run %" PRId64, indexes->len, run->row->id);
        engine_clear_tasks(world->engine, run->row->id, list, indexes->len, world->now_us);
    } else {
        static const TaskState marks[] = {TASK_STATE_SUCCESS, TASK_STATE_FAILED, TASK_STATE_SKIPPED};
        TaskState mark = marks[between(world, 0, 3)];
        world_trace(world, "mark %u tasks of run %" PRId64 " %s", indexes->len, run->row->id,
                    task_state_to_string(mark));
        engine_mark_tasks(world->engine, run->row->id, list, indexes->len, mark, world->now_us);
    }
}

static void on_run(World *world, SimRun *run)
{
    static const RunState marks[] = {RUN_STATE_SUCCESS, RUN_STATE_FAILED, RUN_STATE_QUEUED};
    RunState mark = marks[between(world, 0, 3)];
    run->is_queued_again = mark == RUN_STATE_QUEUED;
    world_trace(world, "mark run %" PRId64 " %s", run->row->id, run_state_to_string(mark));
    engine_mark_run(world->engine, run->row->id, mark, chance(world, 2) ? END_MARKED : END_CANCELED,
                    world->now_us);
}

/** A finished run becomes one of a backfill, and is cleared. */
static void on_reprocess(World *world, SimRun *run)
{
    if (world->calendar != NULL || !run_state_is_finished(run->row->state))
        return;
    int64_t dag_index = g_ascii_strtoll(run->row->dag_id + strlen("dag"), NULL, 10);
    int64_t backfill_id = dag_index * SIM_BACKFILLS + between(world, 1, SIM_BACKFILLS + 1);
    const Dag *dag = engine_run_dag(world->engine, run->row->id);
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        g_array_append_val(indexes, i);
    world_trace(world, "run %" PRId64 " again in backfill %" PRId64, run->row->id, backfill_id);
    engine_set_run_backfill(world->engine, run->row->id, backfill_id, "{\"again\":1}", NULL);
    engine_clear_tasks(world->engine, run->row->id, (const uint32_t *)(void *)indexes->data, indexes->len,
                       world->now_us);
}

static void on_version(World *world, SimRun *run)
{
    Dag *dag = generate_dag(world->rng, run->row->dag_id, engine_run_dag(world->engine, run->row->id));
    g_ptr_array_add(world->dags, dag);
    world_trace(world, "version of run %" PRId64, run->row->id);
    engine_set_run_version(world->engine, run->row->id, dag, ++world->next_version_id, world->next_ti_id,
                           world->now_us);
    world->next_ti_id += dag->n_tasks;
}

static void on_backfill(World *world)
{
    EngineBackfill *backfill = world_backfill(world, between(world, 1, world->backfills->len + 1));
    backfill->is_paused = chance(world, 2);
    backfill->max_active_runs = (int)between(world, 1, 4);
    world_trace(world, "backfill %" PRId64 " %s, at most %d", backfill->id,
                backfill->is_paused ? "paused" : "goes on", backfill->max_active_runs);
    engine_set_backfill(world->engine, backfill);
    engine_tick(world->engine, world->now_us);
}

static void on_limits(World *world)
{
    if (world->backfills->len > 0 && chance(world, 4)) {
        on_backfill(world);
    } else if (chance(world, 2)) {
        int pool = (int)between(world, 0, 4);
        int slots = (int)between(world, -1, 6);
        world_trace(world, "pool %s %d", sim_pools[pool], slots);
        g_hash_table_insert(world->pools, (gpointer)sim_pools[pool], GINT_TO_POINTER(slots));
        engine_set_pool(world->engine, sim_pools[pool], slots);
    } else {
        const Dag *dag = world->latest->pdata[between(world, 0, world->latest->len)];
        bool pause = chance(world, 2);
        world_trace(world, "%s %s", pause ? "pause" : "unpause", dag->dag_id);
        if (pause)
            g_hash_table_add(world->paused, (gpointer)dag->dag_id);
        else
            g_hash_table_remove(world->paused, dag->dag_id);
        engine_set_dag(world->engine, dag->dag_id, pause, dag->max_active_runs);
        calendar_set_paused(world, dag->dag_id, pause);
        engine_tick(world->engine, world->now_us);
    }
}

void world_command(World *world)
{
    if ((world->faults & FAULT_LIMITS) && chance(world, 3)) {
        on_limits(world);
        return;
    }
    SimRun *run = any_run(world);
    if (run == NULL)
        return;
    world_touch(world, run);
    if ((world->faults & FAULT_VERSIONS) && chance(world, 6))
        on_version(world, run);
    else if ((world->faults & FAULT_COMMANDS) && chance(world, 4))
        on_run(world, run);
    else if ((world->faults & FAULT_COMMANDS) && chance(world, 6))
        on_reprocess(world, run);
    else if (world->faults & FAULT_COMMANDS)
        on_tasks(world, run);
}

void world_calm_down(World *world)
{
    world->quiet = true;
    world->faults = 0;
    for (int i = 0; sim_pools[i] != NULL; i++) {
        g_hash_table_insert(world->pools, (gpointer)sim_pools[i], GINT_TO_POINTER(sim_pool_slots[i]));
        engine_set_pool(world->engine, sim_pools[i], sim_pool_slots[i]);
    }
    g_hash_table_remove_all(world->paused);
    for (guint i = 0; i < world->latest->len; i++) {
        const Dag *dag = world->latest->pdata[i];
        engine_set_dag(world->engine, dag->dag_id, false, dag->max_active_runs);
        calendar_set_paused(world, dag->dag_id, false);
    }
    for (guint i = 0; i < world->backfills->len; i++) {
        EngineBackfill *backfill = &g_array_index(world->backfills, EngineBackfill, i);
        backfill->is_paused = false;
        engine_set_backfill(world->engine, backfill);
    }
    engine_tick(world->engine, world->now_us);
    world_turn(world);
    world_hold_starts(world, false);
}
