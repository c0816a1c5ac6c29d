/* SPDX-License-Identifier: MIT */
/*
 * sim, sim_years [--seeds N] [--from S] [--seed S] [--verbose]: runs seeds; a failure prints its seed and its
 * last events. What happens in a seed is the program's own world_run().
 */
#include "tests/sim/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static gint64 seeds = 1000, from = 1, one_seed = -1;
static gboolean verbose;

static GOptionEntry entries[] = {
    {"seeds", 0, 0, G_OPTION_ARG_INT64, &seeds, "How many seeds to run", "N"},
    {"from", 0, 0, G_OPTION_ARG_INT64, &from, "The first seed", "S"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &one_seed, "Run this seed only, twice, and compare the traces", "S"},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Print each event", NULL},
    G_OPTION_ENTRY_NULL,
};

typedef struct {
    uint64_t hash, steps, turns, crashes, starts;
    int64_t virtual_us;
} Totals;

static World *current;

/** Not async-signal-safe, but the process is at its end and the seed is what matters. */
static void on_abort(int signal_number)
{
    signal(signal_number, SIG_DFL);
    if (current != NULL)
        world_print_failure(current); // NOLINT(bugprone-signal-handler)
}

static uint64_t run_seed(uint64_t seed, Totals *totals)
{
    World *world = current = world_new(seed, verbose);
    world_run(world);
    uint64_t hash = world->trace_hash;
    totals->steps += world->steps;
    totals->turns += world->turns;
    totals->crashes += world->crashes;
    totals->starts += world->starts;
    totals->virtual_us += world->latest_us - world->begin_us;
    current = NULL;
    world_free(world);
    return hash;
}

int main(int argc, char **argv)
{
    g_autofree char *name = g_path_get_basename(argv[0]);
    g_set_prgname(name);
    g_autoptr(GOptionContext) context = g_option_context_new("- simulate");
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s\n", name, error->message);
        return 2;
    }
    if (one_seed >= 0) {
        from = one_seed;
        seeds = 1;
    }
    signal(SIGABRT, on_abort); // NOLINT(bugprone-signal-handler): the process is at its end
    signal(SIGTRAP, on_abort); // NOLINT(bugprone-signal-handler): so ends g_error()
    Totals totals = {0};
    for (gint64 seed = from; seed < from + seeds; seed++) {
        uint64_t hash = run_seed((uint64_t)seed, &totals);
        if ((one_seed >= 0 || seed % 100 == 0) && !verbose && hash != run_seed((uint64_t)seed, &totals)) {
            fprintf(stderr, "seed=%" G_GINT64_FORMAT ": two runs differ\n", seed);
            return 1;
        }
    }
    printf("%s: %" G_GINT64_FORMAT " seeds from %" G_GINT64_FORMAT ": %" PRIu64 " steps, %" PRIu64
           " commits, %" PRIu64 " crashes, %" PRIu64 " attempts, %" PRId64 " virtual days\n",
           name, seeds, from, totals.steps, totals.turns, totals.crashes, totals.starts,
           totals.virtual_us / USEC_PER_DAY);
    return 0;
}
