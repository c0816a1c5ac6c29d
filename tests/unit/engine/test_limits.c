/* SPDX-License-Identifier: MIT */
/* Scheduled -> queued: pools, weights, and all other limits. fx_turn() compares each choice with its own. */
#include "tests/unit/engine/fixture.h"

static void test_parallelism(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(2);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a, b, c, d"));
    fx_expect(fx, run, "a=queued b=queued c=scheduled d=scheduled", "running");
    assert_int_equal(engine_live_total(fx->engine), 2);
    fx_started(fx, run, "a");
    fx_expect(fx, run, "c=scheduled", "running");
    fx_exit(fx, run, "b", 0);
    fx_expect(fx, run, "c=queued d=scheduled", "running");
}

static void test_order(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d",
                      "a [absolute weight=1], b [absolute weight=5], c [absolute weight=5], "
                      "n [absolute weight=-3]");
    Dag *blocker = fx_dag(fx, "x", "x [absolute weight=100]");
    int64_t x = fx_trigger(fx, blocker);
    fx_trigger_with(fx, dag, (FxTrigger){.logical_date_us = FX_EPOCH_US + 2});
    fx_trigger_with(fx, dag, (FxTrigger){.logical_date_us = FX_EPOCH_US + 1});
    fx_trigger_with(fx, dag, (FxTrigger){.logical_date_us = TIME_NONE});
    g_string_truncate(fx->log, 0);
    fx_exit(fx, x, "x", 0);
    fx_exit_all(fx, 0, 100);
    /* weight, then logical date (null first), then the older row; runs 4, 3, 2 */
    g_auto(GStrv) starts = g_strsplit(fx->log->str, "; ", -1);
    g_autoptr(GString) order = g_string_new(NULL);
    for (char **start = starts; *start != NULL; start++) {
        if (g_str_has_prefix(*start, "start "))
            g_string_append_c(order, (*start)[6]);
    }
    assert_string_equal(order->str, "bcbcbcaaannn");
}

static void test_weight_rules(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    const Dag *dag = fx_dag(fx, "d",
                            "a [weight=2] -> b [weight=3], c [weight=5] -> d [weight=7];"
                            "u1 [upstream] -> u2 [upstream], u3 [upstream] -> u4 [upstream];"
                            "p [absolute weight=9] -> q [absolute weight=4]");
    static const struct {
        const char *task;
        int want;
    } rows[] = {{"a", 17}, {"b", 10}, {"c", 12}, {"d", 7}, {"u1", 1},
                {"u2", 2}, {"u3", 2}, {"u4", 4}, {"p", 9}, {"q", 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(dag->tasks[dag_task_index(dag, rows[i].task)].effective_weight, rows[i].want);
}

static void test_pool(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    fx_set_pool(fx, "db", 3);
    int64_t run = fx_trigger(
        fx, fx_dag(fx, "d",
                   "a [pool=db slots=2 weight=9], big [pool=db slots=2 weight=8], small [pool=db weight=1],"
                   "huge [pool=db slots=4 weight=7], free"));
    fx_expect(fx, run, "a=queued big=scheduled small=queued huge=scheduled free=queued", "running");
    fx_exit(fx, run, "small", 0);
    fx_expect(fx, run, "big=scheduled", "running"); /* 1 of 3 free */
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "big=queued huge=scheduled", "running");
    fx_set_pool(fx, "db", 6);
    fx_expect(fx, run, "big=queued huge=queued", "running");
    fx_set_pool(fx, "db", 1); /* what runs goes on */
    fx_expect(fx, run, "big=queued huge=queued", "running");
}

static void test_pool_unlimited_and_missing(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [pool=p slots=5], b [pool=p], c"));
    fx_expect(fx, run, "a=scheduled b=scheduled c=queued", "running");
    fx_set_pool(fx, "p", 0);
    fx_expect(fx, run, "a=scheduled b=scheduled", "running");
    fx_set_pool(fx, "p", -1);
    fx_expect(fx, run, "a=queued b=queued", "running");
    fx_set_pool(fx, "p", 2);
    fx_exit(fx, run, "b", 0);
    fx_clear(fx, run, "b");
    fx_expect(fx, run, "a=queued b=scheduled", "running"); /* 5 used of 2 */
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "b=queued", "running");
}

static void test_pool_removed(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    fx_set_pool(fx, "p", 1);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [pool=p], b [pool=p]"));
    engine_remove_pool(fx->engine, "p");
    g_hash_table_remove(fx->pools, "p");
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=scheduled", "running");
    fx_set_pool(fx, "p", 1);
    fx_expect(fx, run, "b=queued", "running");
}

static void test_max_active_tasks_is_per_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_tasks=2; a, b, c");
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    fx_expect(fx, first, "a=queued b=queued c=scheduled", "running");
    fx_expect(fx, second, "a=queued b=queued c=scheduled", "running");
    fx_mark(fx, first, "a", TASK_STATE_SUCCESS); /* its process is still there */
    fx_expect(fx, first, "a=success c=scheduled", "running");
    fx_exit(fx, first, "a", 1);
    fx_expect(fx, first, "a=success c=queued", "running");
}

static void test_max_active_tis_per_dag(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [tis=2] -> b");
    int64_t runs[4];
    for (int i = 0; i < 4; i++)
        runs[i] = fx_trigger(fx, dag);
    fx_expect(fx, runs[1], "a=queued", "running");
    fx_expect(fx, runs[2], "a=scheduled", "running");
    fx_exit(fx, runs[0], "a", 0);
    fx_expect(fx, runs[0], "a=success b=queued", "running");
    fx_expect(fx, runs[2], "a=queued", "running");
    fx_expect(fx, runs[3], "a=scheduled", "running");
}

/** All runs count, but each task is stopped by what its own version of the DAG says. */
static void test_max_active_tis_per_dag_of_two_versions(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *one = fx_dag(fx, "d", "a [tis=1]");
    Dag *five = fx_dag(fx, "d", "a [tis=5]");
    fx_trigger(fx, one);
    int64_t waiting = fx_trigger(fx, one);
    int64_t newer = fx_trigger(fx, five);
    int64_t newest = fx_trigger(fx, five);
    fx_expect(fx, newer, "a=queued", "running");
    fx_expect(fx, newest, "a=queued", "running");
    fx_expect(fx, waiting, "a=scheduled", "running");
    fx_exit(fx, newer, "a", 0);
    fx_exit(fx, newest, "a", 0);
    fx_expect(fx, waiting, "a=scheduled", "running");
    fx_exit_all(fx, 0, 1);
    fx_expect(fx, waiting, "a=queued", "running");
}

/** Each limit is closed by itself; the most urgent must not be forgotten behind any of them. */
static void test_several_limits_at_once(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(3);
    fx_set_pool(fx, "p", 2);
    Dag *dag =
        fx_dag(fx, "d",
               "@ max_tasks=2 max_runs=5; a [pool=p weight=5 tis=1], b [pool=p weight=4], c [weight=3], "
               "e [pool=p slots=2 weight=6]");
    for (int i = 0; i < 5; i++)
        fx_trigger(fx, dag);
    assert_int_equal(fx_exit_all(fx, 0, 1000), 20);
    for (int64_t run = 1; run <= 5; run++)
        fx_expect(fx, run, "a=success b=success c=success e=success", "success");
}

/**
 * A task that became ready while another waited for a slot of parallelism, with the gate they share open: the
 * more urgent one goes first.
 */
static void test_late_urgent_task_goes_first(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(3);
    fx_set_pool(fx, "p", 1);
    Dag *one = fx_dag(fx, "one", "p1 [pool=p absolute weight=50], p2 [pool=p absolute weight=2]");
    Dag *two = fx_dag(fx, "two",
                      "f1 [absolute weight=99] -> u [pool=p absolute weight=20]; "
                      "low [pool=p absolute weight=1]");
    Dag *filler = fx_dag(fx, "filler", "x [absolute weight=1000], y [absolute weight=1000]");
    int64_t a = fx_trigger(fx, one);
    int64_t b = fx_trigger(fx, two);
    int64_t f = fx_trigger(fx, filler);
    fx_expect(fx, a, "p1=queued p2=scheduled", "running");
    fx_expect(fx, b, "f1=queued u=none low=scheduled", "running");
    fx_expect(fx, f, "x=queued y=scheduled", "running");
    fx_trigger(fx, filler);
    fx_exit(fx, a, "p1", 0); /* the pool is free, but y takes the slot of parallelism */
    fx_expect(fx, a, "p2=scheduled", "running");
    fx_exit(fx, b, "f1", 0); /* and another one takes this */
    fx_expect(fx, b, "u=scheduled low=scheduled", "running");
    fx_exit_all(fx, 0, 20);
    fx_expect(fx, b, "u=success low=success", "success");
}

/** A run that is queued again starts nothing, also not what had been scheduled before. */
static void test_queued_run_starts_nothing(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a [weight=2], b");
    int64_t run = fx_trigger(fx, dag);
    fx_expect(fx, run, "a=queued b=scheduled", "running");
    int64_t older = fx_trigger_with(fx, dag, (FxTrigger){.run_after_us = fx->now_us - 1});
    fx_mark_run(fx, run, RUN_STATE_QUEUED); /* the older one takes its place */
    fx_expect(fx, older, "a=scheduled b=scheduled", "running");
    fx_expect(fx, run, "a=queued b=scheduled", "queued");
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, older, "a", 0);
    fx_exit(fx, older, "b", 0);
    fx_expect(fx, older, "a=success b=success", "success");
    fx_expect(fx, run, "a=success b=queued", "running");
    fx_exit(fx, run, "b", 0);
    fx_expect(fx, run, "a=success b=success", "success");
}

/* What runs goes on and its results count; what becomes ready waits, and retries that are due as well. */
static void test_held_starts(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a -> b -> e [empty]; c [retries=1 delay=5]; f [empty]");
    int64_t run = fx_trigger(fx, dag);
    fx_hold_starts(fx, true);
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, run, "c", 1);
    fx_advance(fx, 10);
    int64_t other = fx_trigger(fx, dag); /* runs are made, and begin as far as nothing is started */
    fx_expect(fx, run, "a=success b=scheduled c=scheduled e=none f=success", "running");
    fx_expect(fx, other, "a=scheduled c=scheduled f=success", "running");
    g_string_truncate(fx->log, 0);
    fx_hold_starts(fx, false);
    fx_expect(fx, run, "b=queued c=queued", "running");
    fx_exit_all(fx, 0, 100);
    fx_expect(fx, run, "a=success b=success c=success e=success f=success", "success");
    fx_expect(fx, other, "a=success b=success c=success", "success");
}

/* Queued, and nobody has begun it: it is scheduled again, under its number. */
static void test_held_starts_and_recovery(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a, b, c"));
    fx_started(fx, run, "a");
    AttemptId b = fx_attempt(fx, run, "b"), c = fx_attempt(fx, run, "c");
    fx_hold_starts(fx, true);
    g_hash_table_remove(fx->live, &b.ti_id); /* no room for its log: never begun */
    g_hash_table_remove(fx->live, &c.ti_id);
    g_string_truncate(fx->log, 0);
    fx_crash(fx);
    fx_expect_log(fx, "");
    fx_expect(fx, run, "a=running b=scheduled c=scheduled", "running");
    assert_int_equal(fx_task(fx, run, "b")->try_number, 1);
    assert_int_equal(engine_live_total(fx->engine), 1);
    fx_mark(fx, run, "c", TASK_STATE_FAILED);
    fx_expect(fx, run, "c=failed", "running");
    fx_hold_starts(fx, false);
    fx_expect(fx, run, "a=running b=queued c=failed", "running");
    fx_exit(fx, run, "b", 0);
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=success c=failed", "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parallelism),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_weight_rules),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_pool_unlimited_and_missing),
        cmocka_unit_test(test_pool_removed),
        cmocka_unit_test(test_max_active_tasks_is_per_run),
        cmocka_unit_test(test_max_active_tis_per_dag),
        cmocka_unit_test(test_max_active_tis_per_dag_of_two_versions),
        cmocka_unit_test(test_several_limits_at_once),
        cmocka_unit_test(test_late_urgent_task_goes_first),
        cmocka_unit_test(test_queued_run_starts_nothing),
        cmocka_unit_test(test_held_starts),
        cmocka_unit_test(test_held_starts_and_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
