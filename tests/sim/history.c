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
        world->now_us += between(world, -USEC_PER_MIN, USEC_PER_MIN), world->clock_was_set = true;
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

/** DAGs that only users start, and backfills that only have their limits. */
static void make_dags(World *world)
{
    int n_dags = (int)between(world, 1, 4);
    for (int i = 0; i < n_dags; i++) {
        g_autofree char *dag_id = g_strdup_printf("dag%d", i);
        Dag *dag = generate_dag(world->rng, dag_id, NULL);
        g_ptr_array_add(world->dags, dag);
        g_ptr_array_add(world->latest, dag);
    }
    for (int64_t id = 1; id <= n_dags * SIM_BACKFILLS; id++) {
        EngineBackfill backfill = {
            .id = id, .is_backwards = chance(world, 2), .max_active_runs = (int)between(world, 1, 4)};
        g_array_append_val(world->backfills, backfill);
    }
    world->engine = world_engine_new(world);
}

void world_run(World *world)
{
    make_dags(world);
    world_trigger(world);
    world_turn(world);
    for (int i = 0; i < FAULTY_STEPS; i++) {
        faulty_step(world);
        step(world);
    }
    world_calm_down(world);
    int left = QUIET_STEPS;
    while (step(world)) {
        if (--left == 0)
            world_fail(world, "no end in sight after %d quiet steps", QUIET_STEPS);
    }
    world->latest_us = world->now_us;
    oracle_check_end(world);
}
