/* SPDX-License-Identifier: MIT */
#include "tests/sim/world.h"

#include "scheduler/time/instant.h"
#include "tests/sim/calendar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EPOCH_US   (INT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01 */
#define TRACE_KEPT (64 * 1024)

char *attempt_key(AttemptId id)
{
    return g_strdup_printf("%" PRId64 "/%d", id.ti_id, id.try_number);
}

bool chance(World *world, int one_in)
{
    return g_rand_int_range(world->rng, 0, one_in) == 0;
}

int64_t between(World *world, int64_t low, int64_t high)
{
    return low + (int64_t)(g_rand_double(world->rng) * (double)(high - low));
}

void world_trace(World *world, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    for (const char *c = line; *c != '\0'; c++) /* FNV-1a: the same seed must give the same trace */
        world->trace_hash = (world->trace_hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    guint begin = (guint)world->trace->len;
    g_autofree char *now = instant_format(world->now_us, INSTANT_JSON);
    g_string_append_printf(world->trace, "%s %s\n", now, line);
    if (world->verbose)
        fputs(world->trace->str + begin, stdout);
    if (world->trace->len > TRACE_KEPT)
        g_string_erase(world->trace, 0, TRACE_KEPT / 2);
}

void world_fail(World *world, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    fflush(stdout);
    fprintf(stderr, "step %" PRIu64 ": %s\n", world->steps, message);
    abort(); /* sim.c prints the seed and the trace, as for assertions of the engine */
}

void world_print_failure(const World *world)
{
    if (!world->verbose)
        fputs(world->trace->str, stderr);
    fprintf(stderr, "seed=%" PRIu64 " step=%" PRIu64 "\nreplay: %s --seed %" PRIu64 " --verbose\n",
            world->seed, world->steps, g_get_prgname(), world->seed);
}

static void sim_run_free(gpointer data)
{
    SimRun *run = data;
    dag_run_free(run->row);
    g_hash_table_unref(run->tasks);
    g_free(run);
}

EngineBackfill *world_backfill(World *world, int64_t id)
{
    return &g_array_index(world->backfills, EngineBackfill, id - 1);
}

World *world_new(uint64_t seed, bool verbose)
{
    World *world = g_new0(World, 1);
    world->seed = seed;
    world->verbose = verbose;
    world->rng = g_rand_new_with_seed_array((guint32[]){(guint32)seed, (guint32)(seed >> 32)}, 2);
    world->begin_us = world->now_us = world->latest_us = EPOCH_US;
    world->trace = g_string_new(NULL);
    world->trace_hash = UINT64_C(14695981039346656037);
    world->faults = g_rand_int(world->rng); /* swarm: each seed has its own subset of faults */
    if (seed % 8 == 0)
        world->faults = 0;
    world->parallelism = (int)between(world, 1, 12);
    world->dags = g_ptr_array_new_with_free_func((GDestroyNotify)dag_unref);
    world->latest = g_ptr_array_new();
    world->backfills = g_array_new(FALSE, FALSE, sizeof(EngineBackfill));
    world->paused = g_hash_table_new(g_str_hash, g_str_equal);
    world->pools = g_hash_table_new(g_str_hash, g_str_equal);
    world->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, sim_run_free);
    world->open = g_hash_table_new(g_int64_hash, g_int64_equal);
    world->dates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->changed = g_ptr_array_new();
    world->history = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->attempts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    world->ever_started = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->noticed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->next_run_id = world->next_ti_id = world->next_version_id = 1;
    for (int i = 0; sim_pools[i] != NULL; i++)
        g_hash_table_insert(world->pools, (gpointer)sim_pools[i], GINT_TO_POINTER(sim_pool_slots[i]));
    return world;
}

void world_free(World *world)
{
    engine_free(world->engine);
    calendar_free(world->calendar);
    g_hash_table_unref(world->open);
    g_hash_table_unref(world->dates);
    g_ptr_array_unref(world->changed);
    g_hash_table_unref(world->runs);
    g_hash_table_unref(world->history);
    g_hash_table_unref(world->attempts);
    g_hash_table_unref(world->ever_started);
    g_hash_table_unref(world->noticed);
    g_hash_table_unref(world->paused);
    g_hash_table_unref(world->pools);
    g_ptr_array_unref(world->latest);
    g_array_unref(world->backfills);
    g_ptr_array_unref(world->dags);
    g_rand_free(world->rng);
    g_string_free(world->trace, TRUE);
    g_free(world);
}

SimRun *world_run_of(World *world, int64_t dag_run_id)
{
    return g_hash_table_lookup(world->runs, &dag_run_id);
}
