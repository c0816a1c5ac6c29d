/* SPDX-License-Identifier: MIT */
/* The executors: they outlive the daemon, and keep what it has not acknowledged. */
#include "tests/sim/world.h"

void executors_start(World *world, AttemptId id, int64_t dag_run_id)
{
    g_autofree char *key = attempt_key(id);
    if (g_hash_table_contains(world->attempts, key))
        return; /* the same attempt twice is one start */
    if ((world->faults & FAULT_DISK) && chance(world, 12)) {
        world_trace(world, "no room to begin %s", key);
        world->is_refused = true;
        return;
    }
    SimRun *run = world_run_of(world, dag_run_id);
    SimTask *task = g_hash_table_lookup(run->tasks, &id.ti_id);
    if (!g_hash_table_add(world->ever_started, g_strdup(key)))
        world_fail(world, "attempt %s was started twice", key);
    world->starts++;
    oracle_check_start(world, run, task);
    SimAttempt *attempt = g_new0(SimAttempt, 1);
    attempt->id = id;
    attempt->dag_run_id = dag_run_id;
    attempt->pool = task->row.pool;
    attempt->pool_slots = task->row.pool_slots;
    attempt->start_us = world->now_us + between(world, 0, 50 * USEC_PER_MSEC);
    attempt->end_us = attempt->start_us + between(world, 0, chance(world, 4) ? USEC_PER_HOUR : USEC_PER_MIN);
    attempt->outcome = (AttemptOutcome){.reason = END_EXIT_CODE, .exit_code = 0};
    if (chance(world, 3)) {
        static const EndReason reasons[] = {END_EXIT_CODE, END_EXIT_CODE, END_SIGNAL, END_TIMEOUT,
                                            END_START_FAILED};
        attempt->outcome.reason = reasons[between(world, 0, G_N_ELEMENTS(reasons))];
        attempt->outcome.exit_code = chance(world, 3) ? 99 : 1;
        attempt->outcome.term_signal = attempt->outcome.reason == END_SIGNAL ? 9 : 0;
        if (attempt->outcome.reason != END_EXIT_CODE)
            attempt->outcome.exit_code = EXIT_CODE_NONE;
    }
    g_hash_table_insert(world->attempts, g_steal_pointer(&key), attempt);
}

void executors_cancel(World *world, AttemptId id)
{
    g_autofree char *key = attempt_key(id);
    SimAttempt *attempt = g_hash_table_lookup(world->attempts, key);
    if (attempt == NULL || attempt->finished) {
        if (attempt == NULL) /* nothing to cancel: say so, as an end that changes nothing if nobody waits */
            engine_attempt_not_started(world->engine, id, world->now_us);
        return;
    }
    attempt->cancelled = true;
    attempt->end_us = MIN(attempt->end_us, world->now_us + between(world, 0, 5 * USEC_PER_SEC));
    attempt->outcome =
        (AttemptOutcome){.reason = END_CANCELED, .exit_code = EXIT_CODE_NONE, .term_signal = 15};
}

SimAttempt *executors_next_report(World *world, int64_t *ret_at_us)
{
    SimAttempt *best = NULL;
    int64_t best_us = INT64_MAX;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->attempts);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SimAttempt *attempt = value;
        int64_t at_us = attempt->started_reported ? attempt->end_us : MIN(attempt->start_us, attempt->end_us);
        if (at_us < best_us || (at_us == best_us && (attempt->id.ti_id < best->id.ti_id ||
                                                     (attempt->id.ti_id == best->id.ti_id &&
                                                      attempt->id.try_number < best->id.try_number)))) {
            best = attempt;
            best_us = at_us;
        }
    }
    *ret_at_us = best_us;
    return best;
}

void executors_kill(World *world)
{
    GHashTableIter iter;
    gpointer value;
    world_trace(world, "runner dies");
    g_hash_table_iter_init(&iter, world->attempts);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SimAttempt *attempt = value;
        if (attempt->finished)
            continue;
        attempt->outcome = (AttemptOutcome){.reason = END_LOST, .exit_code = EXIT_CODE_NONE};
        attempt->end_us = world->now_us;
    }
}
