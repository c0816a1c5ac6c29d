/* SPDX-License-Identifier: MIT */
/*
 * Random DAGs, limits and commands by seed, one call of the engine a turn: after each, fx_turn() compares the
 * starts with a selection from scratch, so that no order is wrong, no limit broken and no wake-up lost.
 */
#include "tests/unit/engine/fixture.h"

#include <stdlib.h>

#define STEPS 150

static const char *const pools[] = {"p0", "p1", "p2", "p3"};

typedef struct {
    Fixture *fx;
    GRand *rng;
    GPtrArray *dags;
    GArray *runs; /* int64_t */
} Walk;

static int pick(Walk *walk, int n)
{
    return g_rand_int_range(walk->rng, 0, n);
}

static Dag *random_dag(Walk *walk, const char *dag_id)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int n = 1 + pick(walk, 12);
    g_string_printf(text, "@ max_runs=%d max_tasks=%d", 1 + pick(walk, 4), 1 + pick(walk, 5));
    if (pick(walk, 4) == 0)
        g_string_append_printf(text, " timeout=%d", 50 + pick(walk, 400));
    for (int i = 0; i < n; i++) {
        g_string_append_printf(text, "; t%d [%s weight=%d pool=%s slots=%d retries=%d delay=%d", i,
                               pick(walk, 2) ? "absolute" : "downstream", pick(walk, 6),
                               pools[pick(walk, G_N_ELEMENTS(pools))],
                               1 + (pick(walk, 4) == 0 ? pick(walk, 3) : 0), pick(walk, 3), pick(walk, 60));
        if (i % 5 == 3) /* in each version, so that all attempts of it count */
            g_string_append_printf(text, " tis=%d", 1 + pick(walk, 2));
        if (pick(walk, 8) == 0)
            g_string_append(text, " empty");
        if (pick(walk, 3) == 0)
            g_string_append_printf(text, " %s",
                                   trigger_rule_to_string((TriggerRule)pick(walk, TRIGGER_RULE_COUNT)));
        g_string_append_c(text, ']');
    }
    for (int e = pick(walk, 2 * n); n > 1 && e > 0; e--) {
        int to = 1 + pick(walk, n - 1);
        g_string_append_printf(text, "; t%d -> t%d", pick(walk, to), to);
    }
    return fx_dag(walk->fx, dag_id, text->str);
}

static char *random_tasks(Walk *walk, int64_t run)
{
    const Dag *dag = engine_run_dag(walk->fx->engine, run);
    g_autoptr(GString) names = g_string_new(NULL);
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (pick(walk, 3) == 0 || (i + 1 == dag->n_tasks && names->len == 0))
            g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", dag->tasks[i].task_id);
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    int64_t x = ((const FxAttempt *)a)->id.ti_id, y = ((const FxAttempt *)b)->id.ti_id;
    return (x > y) - (x < y);
}

/** One live attempt starts or ends. */
static void executor_step(Walk *walk)
{
    Fixture *fx = walk->fx;
    g_autoptr(GList) live = g_list_sort(g_hash_table_get_values(fx->live), compare_ids);
    if (live == NULL)
        return;
    const FxAttempt *attempt = g_list_nth_data(live, (guint)pick(walk, (int)g_list_length(live)));
    if (!attempt->started && pick(walk, 2) == 0)
        fx_started(fx, attempt->dag_run_id, attempt->task_id);
    else if (attempt->canceled)
        fx_finish(fx, attempt->dag_run_id, attempt->task_id, END_SIGNAL, EXIT_CODE_NONE, 15);
    else if (pick(walk, 20) == 0)
        fx_finish(fx, attempt->dag_run_id, attempt->task_id, END_LOST, EXIT_CODE_NONE, 0);
    else
        fx_exit(fx, attempt->dag_run_id, attempt->task_id, pick(walk, 3) ? 0 : pick(walk, 2) ? 99 : 1);
}

static void command_step(Walk *walk)
{
    static const TaskState marks[] = {TASK_STATE_SUCCESS, TASK_STATE_FAILED, TASK_STATE_SKIPPED};
    static const RunState ends[] = {RUN_STATE_SUCCESS, RUN_STATE_FAILED, RUN_STATE_QUEUED};
    Fixture *fx = walk->fx;
    int64_t run = g_array_index(walk->runs, int64_t, pick(walk, (int)walk->runs->len));
    g_autofree char *tasks = random_tasks(walk, run);
    switch (pick(walk, 13)) {
    case 0:
        fx_clear(fx, run, tasks);
        break;
    case 1:
        fx_mark(fx, run, tasks, marks[pick(walk, 3)]);
        break;
    case 2:
        fx_mark_run(fx, run, ends[pick(walk, 3)]);
        break;
    case 3:
        fx_pause(fx, walk->dags->pdata[pick(walk, (int)walk->dags->len)], pick(walk, 2));
        break;
    case 4:
    case 5:
        fx_set_pool(fx, pools[pick(walk, G_N_ELEMENTS(pools))], pick(walk, 8) - 1);
        break;
    case 6:
        fx_set_flags(fx, run, (EngineRunFlags)pick(walk, 4));
        break;
    case 7:
        fx_crash(fx);
        for (guint i = 0; i < walk->runs->len; i++) { /* and finished runs are loaded to be cleared */
            int64_t id = g_array_index(walk->runs, int64_t, i);
            if (engine_run(fx->engine, id) == NULL)
                fx_load(fx, id);
        }
        break;
    case 8:
        fx_set_version(fx, run, random_dag(walk, fx_run(fx, run)->dag_id));
        break;
    case 9:
        fx_backfill(fx, (EngineBackfill){.id = 1 + pick(walk, 6),
                                         .is_paused = pick(walk, 3) == 0,
                                         .max_active_runs = 1 + pick(walk, 3)});
        break;
    case 10:
        fx_hold_starts(fx, pick(walk, 3) == 0);
        break;
    default: {
        int dag = pick(walk, (int)walk->dags->len);
        int64_t id = fx_trigger_with(
            fx, walk->dags->pdata[dag],
            (FxTrigger){.logical_date_us = FX_EPOCH_US + pick(walk, 100) * USEC_PER_HOUR,
                        .run_after_us =
                            fx->now_us + (pick(walk, 4) == 0 ? pick(walk, 100) * USEC_PER_SEC : 0),
                        .backfill_id = pick(walk, 3) == 0 ? 1 + 2 * dag + pick(walk, 2) : 0});
        g_array_append_val(walk->runs, id);
    }
    }
}

/** All limits open, no run held: everything comes to its end. */
static void quiet_end(Walk *walk)
{
    Fixture *fx = walk->fx;
    for (size_t i = 0; i < G_N_ELEMENTS(pools); i++)
        fx_set_pool(fx, pools[i], 3);
    for (guint i = 0; i < walk->dags->len; i++)
        fx_pause(fx, walk->dags->pdata[i], false);
    fx_hold_starts(fx, false);
    for (int id = 1; id <= 6; id++)
        fx_backfill(fx, (EngineBackfill){.id = id, .max_active_runs = 2});
    for (guint i = 0; i < walk->runs->len; i++)
        fx_set_flags(fx, g_array_index(walk->runs, int64_t, i), ENGINE_RUN_NORMAL);
    for (int i = 0; i < 20000; i++) {
        executor_step(walk);
        if (g_hash_table_size(fx->live) == 0)
            fx_advance(fx, 100);
        if (g_hash_table_size(fx->live) == 0 && engine_next_timer(fx->engine) == TIME_NONE)
            break;
    }
    for (guint i = 0; i < walk->runs->len; i++) {
        int64_t id = g_array_index(walk->runs, int64_t, i);
        if (!run_state_is_finished(fx_run(fx, id)->state))
            fail_msg("run %" PRId64 " has not ended", id);
    }
}

/** Whatever is not running is told why; and what is told is what there is. */
static void check_explanations(Walk *walk)
{
    Engine *engine = walk->fx->engine;
    for (guint i = 0; i < walk->runs->len; i++) {
        int64_t id = g_array_index(walk->runs, int64_t, i);
        const Dag *dag = engine_run_dag(engine, id);
        for (uint32_t t = 0; dag != NULL && t < dag->n_tasks; t++) {
            g_autoptr(GPtrArray) list = engine_explain(engine, id, t, walk->fx->now_us);
            const TaskInstance *ti = engine_task(engine, id, t);
            bool is_due = ti->state == TASK_STATE_UP_FOR_RETRY && ti->retry_at_us <= walk->fx->now_us;
            if (list->len == 0 && !is_due) /* a retry without delay starts at the next tick */
                fail_msg("run %" PRId64 " (%s): nothing keeps %s (%s) from running", id,
                         run_state_to_string(engine_run(engine, id)->state), ti->task_id,
                         task_state_to_string(ti->state));
            if (list->len == 0)
                continue;
            EngineConditionKind first = ((const EngineCondition *)list->pdata[0])->kind;
            assert_int_equal(first == ENGINE_CONDITION_FINISHED, task_state_is_finished(ti->state));
            assert_int_equal(first == ENGINE_CONDITION_EXECUTING, task_state_is_executing(ti->state));
        }
    }
    assert_false(engine_has_output(engine));
}

static void walk_seed(guint32 seed)
{
    Walk walk = {.rng = g_rand_new_with_seed(seed), .dags = g_ptr_array_new()};
    walk.fx = fx_new(1 + pick(&walk, 8));
    walk.runs = g_array_new(FALSE, FALSE, sizeof(int64_t));
    static const char *const names[] = {"d0", "d1", "d2"};
    for (size_t i = 0; i < G_N_ELEMENTS(pools); i++)
        fx_set_pool(walk.fx, pools[i], 1 + pick(&walk, 4));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_ptr_array_add(walk.dags, random_dag(&walk, names[i]));
    for (int i = 0; i < 3; i++) {
        int64_t id = fx_trigger(walk.fx, walk.dags->pdata[i]);
        g_array_append_val(walk.runs, id);
    }
    for (int i = 0; i < STEPS; i++) {
        int what = pick(&walk, 10);
        if (what < 6)
            executor_step(&walk);
        else if (what < 9)
            command_step(&walk);
        else
            fx_advance(walk.fx, pick(&walk, 30));
        check_explanations(&walk);
    }
    quiet_end(&walk);
    fx_free(walk.fx);
    g_array_unref(walk.runs);
    g_ptr_array_unref(walk.dags);
    g_rand_free(walk.rng);
}

static guint32 current_seed;

/** RANDOM_SEED=N runs from there, or this one only without RANDOM_SEEDS=M. */
static void test_random_walks(void **state)
{
    (void)state;
    const char *one = g_getenv("RANDOM_SEED"), *many = g_getenv("RANDOM_SEEDS");
    guint32 n = many != NULL ? (guint32)g_ascii_strtoull(many, NULL, 10) : one != NULL ? 1 : 200;
    guint32 first = one == NULL ? 1 : (guint32)g_ascii_strtoull(one, NULL, 10);
    for (guint32 seed = first; seed < first + n; seed++) {
        current_seed = seed;
        walk_seed(seed);
    }
}

static int print_seed(void **state)
{
    (void)state;
    print_message("last seed: %u (RANDOM_SEED=%u replays it)\n", current_seed, current_seed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_random_walks, print_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
