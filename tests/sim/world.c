/* SPDX-License-Identifier: MIT */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EPOCH_US     (INT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01 */
#define TRACE_KEPT   (64 * 1024)
#define FAULTY_STEPS 220
#define QUIET_STEPS  200000

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
    if (world->verbose)
        printf("%.3f %s\n", (double)(world->now_us - EPOCH_US) / 1e6, line);
    if (world->trace->len > TRACE_KEPT)
        g_string_erase(world->trace, 0, TRACE_KEPT / 2);
    g_string_append_printf(world->trace, "%.3f %s\n", (double)(world->now_us - EPOCH_US) / 1e6, line);
}

void world_fail(World *world, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "step %" PRIu64 ": %s\n", world->steps, message);
    abort(); /* sim.c prints the seed and the trace, as for assertions of the engine */
}

void world_print_failure(const World *world)
{
    if (!world->verbose)
        fputs(world->trace->str, stderr);
    fprintf(stderr, "seed=%" PRIu64 " step=%" PRIu64 "\nreplay: sim --seed %" PRIu64 " --verbose\n",
            world->seed, world->steps, world->seed);
}

static void sim_run_free(gpointer data)
{
    SimRun *run = data;
    dag_run_free(run->row);
    g_hash_table_unref(run->tasks);
    g_free(run);
}

static Engine *fresh_engine(World *world)
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
    return engine;
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
    world->now_us = EPOCH_US;
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
    world->history = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->attempts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    world->ever_started = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->next_run_id = world->next_ti_id = world->next_version_id = 1;
    for (int i = 0; sim_pools[i] != NULL; i++)
        g_hash_table_insert(world->pools, (gpointer)sim_pools[i], GINT_TO_POINTER(sim_pool_slots[i]));
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
    world->engine = fresh_engine(world);
    return world;
}

void world_free(World *world)
{
    engine_free(world->engine);
    g_hash_table_unref(world->runs);
    g_hash_table_unref(world->history);
    g_hash_table_unref(world->attempts);
    g_hash_table_unref(world->ever_started);
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

/* ---- The store ----------------------------------------------------------------------------------------- */

static void store_task(World *world, SimRun *run, const TaskInstance *ti)
{
    SimTask *task = g_hash_table_lookup(run->tasks, &ti->id);
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
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        store_task(world, run, engine_task(world->engine, id, i));
}

static void store_run(World *world, const DagRun *row)
{
    SimRun *run = world_run_of(world, row->id);
    oracle_check_run_change(world, run, row);
    g_hash_table_steal(world->runs, &run->row->id);
    dag_run_free(run->row);
    run->row = dag_run_copy(row);
    g_hash_table_insert(world->runs, &run->row->id, run);
    run->dag = engine_run_dag(world->engine, row->id);
}

static void commit(World *world, const EngineOutput *output)
{
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

/* ---- The executors ------------------------------------------------------------------------------------- */

static void executor_start(World *world, AttemptId id, int64_t dag_run_id)
{
    g_autofree char *key = attempt_key(id);
    if (g_hash_table_contains(world->attempts, key))
        return; /* the same attempt twice is one start */
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

static void executor_cancel(World *world, AttemptId id)
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

static void carry_out(World *world, const EngineEffect *effect)
{
    world_trace(world, "effect %d run %" PRId64 " attempt %" PRId64 "/%d", effect->kind, effect->dag_run_id,
                effect->attempt.ti_id, effect->attempt.try_number);
    if (effect->kind == EFFECT_START) {
        executor_start(world, effect->attempt, effect->dag_run_id);
        if ((world->faults & FAULT_DUPLICATES) && chance(world, 10))
            executor_start(world, effect->attempt, effect->dag_run_id);
    } else if (effect->kind == EFFECT_CANCEL) {
        executor_cancel(world, effect->attempt);
    }
}

/* ---- The daemon ---------------------------------------------------------------------------------------- */

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

static EnginePast past_of(World *world, SimRun *run, int8_t *states)
{
    EnginePast past = {0};
    SimRun *previous = NULL;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SimRun *other = value;
        if (g_strcmp0(other->row->dag_id, run->row->dag_id) == 0 &&
            other->row->logical_date_us < run->row->logical_date_us &&
            (previous == NULL || other->row->logical_date_us > previous->row->logical_date_us))
            previous = other;
    }
    if (previous == NULL)
        return past;
    past.dag_run_id = previous->row->id;
    past.states = states;
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        states[i] = PAST_FIRST;
    g_hash_table_iter_init(&iter, previous->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimTask *task = value;
        int32_t index = dag_task_index(run->dag, task->row.task_id);
        if (index >= 0)
            states[index] = (int8_t)task->row.state;
    }
    return past;
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
    EnginePast past = past_of(world, run, states);
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

static void crash(World *world)
{
    world->crashes++;
    world_trace(world, "crash");
    engine_free(world->engine);
    world->engine = fresh_engine(world);
    g_autoptr(GPtrArray) ids = sorted_ids(world->runs);
    for (guint i = 0; i < ids->len; i++) {
        SimRun *run = g_hash_table_lookup(world->runs, ids->pdata[i]);
        if (!run_state_is_finished(run->row->state))
            world_load_run(world, run);
    }
    for (guint i = 0; i < ids->len; i++) {
        SimRun *run = g_hash_table_lookup(world->runs, ids->pdata[i]);
        if (!run_state_is_finished(run->row->state))
            resync(world, run);
    }
    engine_tick(world->engine, world->now_us);
    world_turn(world);
}

static bool may_crash(World *world)
{
    return !world->quiet && (world->faults & FAULT_CRASH) && chance(world, 40);
}

void world_turn(World *world)
{
    while (engine_has_output(world->engine)) {
        world->turns++;
        engine_check(world->engine);
        if (may_crash(world)) {
            crash(world);
            return;
        }
        const EngineOutput *output = engine_output(world->engine);
        commit(world, output);
        g_autoptr(GArray) effects = g_array_copy(output->effects);
        engine_output_clear(world->engine);
        forget_finished(world, effects);
        for (guint i = 0; i < effects->len; i++) {
            if (may_crash(world)) {
                crash(world);
                return;
            }
            carry_out(world, &g_array_index(effects, EngineEffect, i));
        }
    }
}

/* ---- Time ---------------------------------------------------------------------------------------------- */

/** The next thing an executor will say, in order of time, then of identity. */
static SimAttempt *next_report(World *world, int64_t *ret_at_us)
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

static void deliver(World *world, SimAttempt *attempt)
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

/** A runner dies: everything it had is lost, whether it had been started or not. */
static void kill_runner(World *world)
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

static void faulty_step(World *world)
{
    if (chance(world, 8))
        world_trigger(world);
    else if ((world->faults & (FAULT_COMMANDS | FAULT_LIMITS | FAULT_VERSIONS)) && chance(world, 6))
        world_command(world), engine_tick(world->engine, world->now_us);
    else if ((world->faults & FAULT_EXECUTOR) && chance(world, 60))
        kill_runner(world);
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
    SimAttempt *attempt = next_report(world, &report_us);
    if (timer_us == TIME_NONE && attempt == NULL)
        return false;
    if (timer_us != TIME_NONE && (attempt == NULL || timer_us <= report_us)) {
        world->now_us = MAX(world->now_us, timer_us);
        engine_tick(world->engine, world->now_us);
        world_turn(world);
    } else {
        world->now_us = MAX(world->now_us, report_us);
        deliver(world, attempt);
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
