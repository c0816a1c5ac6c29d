/* SPDX-License-Identifier: MIT */
/* What happens in a seed: steps with faults, then quiet until everything has ended. */
#include "tests/sim/world.h"

#define FAULTY_STEPS 220
#define QUIET_STEPS  200000

static void faulty_step(World *world)
{
    if (chance(world, 8))
        world_trigger(world);
    else if ((world->faults & (FAULT_COMMANDS | FAULT_LIMITS | FAULT_VERSIONS)) && chance(world, 6))
        world_command(world), engine_tick(world->engine, world->now_us);
    else if ((world->faults & FAULT_EXECUTOR) && chance(world, 60))
        executors_kill(world);
    else if ((world->faults & FAULT_DISK) && chance(world, world->are_starts_held ? 6 : 30))
        world_hold_starts(world, !world->are_starts_held);
    else if ((world->faults & FAULT_CLOCK) && chance(world, 60))
        world->now_us += between(world, -USEC_PER_MIN, USEC_PER_MIN);
    else
        return;
    world_turn(world);
}

/** Advances to the next event; false when nothing is left to happen. */
static bool step(World *world)
{
    world->steps++;
    int64_t report_us, timer_us = engine_next_timer(world->engine);
    SimAttempt *attempt = executors_next_report(world, &report_us);
    if (timer_us == TIME_NONE && attempt == NULL)
        return false;
    if (timer_us != TIME_NONE && (attempt == NULL || timer_us <= report_us)) {
        world->now_us = MAX(world->now_us, timer_us);
        engine_tick(world->engine, world->now_us);
        world_turn(world);
    } else {
        world->now_us = MAX(world->now_us, report_us);
        world_deliver(world, attempt);
    }
    engine_check(world->engine);
    return true;
}

/** No faults any more, all limits as they were: everything that can run must come to its end. */
static void calm_down(World *world)
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

void world_run(World *world)
{
    world_trigger(world);
    world_turn(world);
    for (int i = 0; i < FAULTY_STEPS; i++) {
        faulty_step(world);
        step(world);
    }
    calm_down(world);
    int left = QUIET_STEPS;
    while (step(world)) {
        if (--left == 0)
            world_fail(world, "no end in sight after %d quiet steps", QUIET_STEPS);
    }
    oracle_check_end(world);
}
