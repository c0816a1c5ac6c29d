/* SPDX-License-Identifier: MIT */
/* The daemon: commit, then act; and what it does when it has died between any two steps of that. */
#include "tests/sim/calendar.h"
#include "tests/sim/world.h"

Engine *world_engine_new(World *world)
{
    Engine *engine = engine_new(world->parallelism);
    GHashTableIter iter;
    gpointer name, slots;
    g_hash_table_iter_init(&iter, world->pools);
    while (g_hash_table_iter_next(&iter, &name, &slots))
        engine_set_pool(engine, name, GPOINTER_TO_INT(slots));
    for (guint i = 0; i < world->latest->len; i++) {
        const Dag *dag = world->latest->pdata[i];
        engine_set_dag(engine, dag->dag_id, g_hash_table_contains(world->paused, dag->dag_id),
                       dag->max_active_runs);
    }
    for (guint i = 0; i < world->backfills->len; i++)
        engine_set_backfill(engine, &g_array_index(world->backfills, EngineBackfill, i));
    engine_set_starts_held(engine, world->are_starts_held, world->now_us);
    return engine;
}

static void carry_out(World *world, const EngineEffect *effect)
{
    world_trace(world, "effect %d run %" PRId64 " attempt %" PRId64 "/%d", effect->kind, effect->dag_run_id,
                effect->attempt.ti_id, effect->attempt.try_number);
    if (effect->kind == EFFECT_START) {
        executors_start(world, effect->attempt, effect->dag_run_id);
        if ((world->faults & FAULT_DUPLICATES) && chance(world, 10))
            executors_start(world, effect->attempt, effect->dag_run_id);
    } else if (effect->kind == EFFECT_CANCEL) {
        executors_cancel(world, effect->attempt);
    }
}

/** Finished runs leave the engine, as the daemon lets them. */
static void forget_finished(World *world, const GArray *effects)
{
    for (guint i = 0; i < effects->len; i++) {
        const EngineEffect *effect = &g_array_index(effects, EngineEffect, i);
        const DagRun *row = engine_run(world->engine, effect->dag_run_id);
        if (row != NULL && run_state_is_finished(row->state) && chance(world, 2))
            engine_forget_run(world->engine, effect->dag_run_id);
    }
}

void world_load_run(World *world, SimRun *run)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(TaskInstance));
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_array_append_vals(rows, &((SimTask *)value)->row, 1);
    g_autofree int8_t *states = g_new0(int8_t, run->dag->n_tasks + 1);
    EnginePast past = world_past(world, run->row, run->dag, states);
    engine_load_run(world->engine, run->row, run->dag, (TaskInstance *)(void *)rows->data, rows->len, &past,
                    ENGINE_RUN_NORMAL);
}

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    int64_t x = **(const int64_t *const *)a, y = **(const int64_t *const *)b;
    return (x > y) - (x < y);
}

/** All keys of a table of int64 ids, in order: hash order must not get into the trace. */
static GPtrArray *sorted_ids(GHashTable *table)
{
    GPtrArray *ids = g_ptr_array_new();
    GHashTableIter iter;
    gpointer id;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_ptr_array_add(ids, id);
    g_ptr_array_sort(ids, compare_ids);
    return ids;
}

/** What the executors know of attempts that the loaded rows expect, and of those they do not. */
static void resync(World *world, SimRun *run)
{
    g_autoptr(GPtrArray) ids = sorted_ids(run->tasks);
    for (guint i = 0; i < ids->len; i++) {
        const SimTask *task = g_hash_table_lookup(run->tasks, ids->pdata[i]);
        AttemptId id = {task->row.id, task->row.try_number};
        g_autofree char *key = attempt_key(id);
        SimAttempt *attempt = g_hash_table_lookup(world->attempts, key);
        if (task_state_is_executing(task->row.state)) {
            if (attempt == NULL)
                engine_attempt_not_started(world->engine, id, world->now_us);
            else
                attempt->started_reported = false;
        } else if (attempt != NULL && !attempt->finished) {
            engine_attempt_stray(world->engine, id, world->now_us);
        }
    }
}

/** What is queued and was never begun. */
static void report_refused(World *world, SimRun *run)
{
    g_autoptr(GPtrArray) ids = sorted_ids(run->tasks);
    for (guint i = 0; i < ids->len; i++) {
        const SimTask *task = g_hash_table_lookup(run->tasks, ids->pdata[i]);
        AttemptId id = {task->row.id, task->row.try_number};
        g_autofree char *key = attempt_key(id);
        if (task->row.state == TASK_STATE_QUEUED && !g_hash_table_contains(world->attempts, key))
            engine_attempt_not_started(world->engine, id, world->now_us);
    }
}

void world_crash(World *world)
{
    world->crashes++;
    world_trace(world, "crash");
    engine_free(world->engine);
    world->is_refused = false; /* the next daemon looks for itself */
    world->engine = world_engine_new(world);
    g_autoptr(GPtrArray) ids = sorted_ids(world->open);
    for (guint i = 0; i < ids->len; i++)
        world_load_run(world, g_hash_table_lookup(world->open, ids->pdata[i]));
    for (guint i = 0; i < ids->len; i++)
        resync(world, g_hash_table_lookup(world->open, ids->pdata[i]));
    calendar_restart(world);
    calendar_fire(world);
    engine_tick(world->engine, world->now_us);
    world_turn(world);
}

static bool may_crash(World *world)
{
    return !world->quiet && (world->faults & FAULT_CRASH) && chance(world, 40);
}

void world_hold_starts(World *world, bool are_held)
{
    world_trace(world, are_held ? "no room" : "room again");
    world->are_starts_held = are_held;
    engine_set_starts_held(world->engine, are_held, world->now_us);
    world_turn(world);
}

/** The reports of executors that had no room. */
static void take_refusals(World *world)
{
    world->is_refused = false;
    world->are_starts_held = true;
    engine_set_starts_held(world->engine, true, world->now_us);
    g_autoptr(GPtrArray) ids = sorted_ids(world->open);
    for (guint i = 0; i < ids->len; i++)
        report_refused(world, g_hash_table_lookup(world->open, ids->pdata[i]));
}

static void check_none_while_held(World *world, const GArray *effects)
{
    for (guint i = 0; world->are_starts_held && i < effects->len; i++) {
        if (g_array_index(effects, EngineEffect, i).kind == EFFECT_START)
            world_fail(world, "a start while starts are held");
    }
}

static void take_turns(World *world)
{
    while (engine_has_output(world->engine)) {
        world->turns++;
        engine_check(world->engine);
        if (may_crash(world)) {
            world_crash(world);
            return;
        }
        const EngineOutput *output = engine_output(world->engine);
        world_commit(world, output);
        g_autoptr(GArray) effects = g_array_copy(output->effects);
        calendar_look_again(world, output);
        engine_output_clear(world->engine);
        check_none_while_held(world, effects);
        forget_finished(world, effects);
        for (guint i = 0; i < effects->len; i++) {
            if (may_crash(world)) {
                world_crash(world);
                return;
            }
            carry_out(world, &g_array_index(effects, EngineEffect, i));
        }
    }
}

void world_turn(World *world)
{
    take_turns(world);
    while (world->is_refused) {
        take_refusals(world);
        take_turns(world);
    }
}

void world_deliver(World *world, SimAttempt *attempt)
{
    if (!attempt->started_reported && attempt->outcome.reason != END_START_FAILED &&
        attempt->outcome.reason != END_LOST && attempt->start_us <= attempt->end_us) {
        attempt->started_reported = true;
        engine_attempt_started(world->engine, attempt->id, 1000 + attempt->id.ti_id, attempt->start_us,
                               world->now_us);
        world_turn(world);
        return;
    }
    attempt->finished = true;
    attempt->outcome.end_us = attempt->end_us;
    AttemptId id = attempt->id;
    world_trace(world, "finished %" PRId64 "/%d reason %d exit %d", id.ti_id, id.try_number,
                attempt->outcome.reason, attempt->outcome.exit_code);
    engine_attempt_finished(world->engine, id, &attempt->outcome, world->now_us);
    if ((world->faults & FAULT_DUPLICATES) && chance(world, 10))
        engine_attempt_finished(world->engine, id, &attempt->outcome, world->now_us);
    uint64_t crashes = world->crashes;
    world_turn(world);
    g_autofree char *key = attempt_key(id);
    if (crashes == world->crashes) /* acknowledged: the record may go */
        g_hash_table_remove(world->attempts, key);
}
