/* SPDX-License-Identifier: MIT */
/* Backfills: a limit, a pause and an order of their own, after all other runs. */
#include "tests/unit/engine/fixture.h"

static int64_t trigger(Fixture *fx, Dag *dag, int64_t backfill_id, int day)
{
    return fx_trigger_with(
        fx, dag,
        (FxTrigger){.backfill_id = backfill_id,
                    .logical_date_us = FX_EPOCH_US - 100 * USEC_PER_DAY + day * USEC_PER_DAY});
}

static void expect_run(Fixture *fx, int64_t run, const char *state)
{
    assert_string_equal(run_state_to_string(fx_run(fx, run)->state), state);
}

static void test_each_has_its_own_limit(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *d = fx_dag(fx, "d", "@ max_runs=1; a"), *e = fx_dag(fx, "e", "a");
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 2});
    fx_backfill(fx, (EngineBackfill){.id = 2, .max_active_runs = 1});
    int64_t of_d[3], of_e[2];
    for (int i = 0; i < 3; i++)
        of_d[i] = trigger(fx, d, 1, i);
    for (int i = 0; i < 2; i++)
        of_e[i] = trigger(fx, e, 2, i);
    int64_t manual = fx_trigger(fx, d), second = fx_trigger(fx, d);
    expect_run(fx, of_d[0], "running");
    expect_run(fx, of_d[1], "running");
    expect_run(fx, of_d[2], "queued");
    expect_run(fx, of_e[0], "running");
    expect_run(fx, of_e[1], "queued");
    expect_run(fx, manual, "running"); /* a DAG's own limit is apart */
    expect_run(fx, second, "queued");
    fx_exit(fx, manual, "a", 0);
    expect_run(fx, second, "running");
    expect_run(fx, of_d[2], "queued");
    fx_exit(fx, of_d[1], "a", 1);
    expect_run(fx, of_d[2], "running");
    expect_run(fx, of_e[1], "queued");
    fx_backfill(fx, (EngineBackfill){.id = 2, .max_active_runs = 5});
    expect_run(fx, of_e[1], "running");
}

static void test_pause(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a -> b");
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 1});
    int64_t first = trigger(fx, dag, 1, 0), second = trigger(fx, dag, 1, 1), third = trigger(fx, dag, 1, 2);
    fx_backfill(fx, (EngineBackfill){.id = 1, .is_paused = true, .max_active_runs = 1});
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, first, "a=success b=queued", "running"); /* what runs goes on */
    fx_exit(fx, first, "b", 0);
    expect_run(fx, second, "queued");
    int64_t manual = fx_trigger(fx, dag); /* others are not concerned */
    expect_run(fx, manual, "running");
    fx_crash(fx);
    expect_run(fx, second, "queued");
    fx_set_flags(fx, third, ENGINE_RUN_IGNORES_PAUSE); /* asked for by name */
    expect_run(fx, third, "running");
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 1});
    expect_run(fx, second, "queued");
    fx_exit_all(fx, 0, 4);
    fx_exit_all(fx, 0, 10);
    expect_run(fx, second, "success");
}

static void test_paused_dag(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a");
    fx_pause(fx, dag, true);
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 1});
    int64_t late = trigger(fx, dag, 1, 1), early = trigger(fx, dag, 1, 0), own = fx_trigger(fx, dag);
    expect_run(fx, late, "queued");
    g_string_truncate(fx->log, 0);
    fx_pause(fx, dag, false);
    expect_run(fx, own, "running");
    expect_run(fx, early, "running");
    expect_run(fx, late, "queued");
}

/** Forwards and backwards by logical date, in whatever order the runs came. */
static void test_order(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        g_autoptr(Fixture) fx = fx_new(32);
        Dag *dag = fx_dag(fx, "d", "a");
        EngineBackfill backfill = {
            .id = 1, .is_paused = true, .is_backwards = backwards == 1, .max_active_runs = 1};
        fx_backfill(fx, backfill);
        static const int days[] = {2, 0, 3, 1};
        int64_t runs[4];
        for (int i = 0; i < 4; i++)
            runs[days[i]] = trigger(fx, dag, 1, days[i]);
        fx_crash(fx);
        backfill.is_paused = false;
        backfill.is_backwards = !backfill.is_backwards; /* too late to change that */
        fx_backfill(fx, backfill);
        for (int i = 0; i < 4; i++) {
            int64_t run = runs[backwards ? 3 - i : i];
            expect_run(fx, run, "running");
            fx_exit(fx, run, "a", 0);
            expect_run(fx, run, "success");
        }
    }
}

/** Slots go to other runs first, whatever the weights. */
static void test_tasks_come_last(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *busy = fx_dag(fx, "x", "x"), *dag = fx_dag(fx, "d", "a [absolute weight=9]");
    Dag *other = fx_dag(fx, "e", "b -> c");
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 3});
    int64_t x = fx_trigger(fx, busy);
    for (int i = 0; i < 3; i++)
        trigger(fx, dag, 1, i);
    int64_t own = fx_trigger(fx, other);
    fx_exit(fx, x, "x", 0);
    fx_expect(fx, own, "b=queued c=none", "running");
    fx_exit(fx, own, "b", 0);
    fx_expect(fx, own, "b=success c=queued", "running");
    assert_int_equal(fx_exit_all(fx, 0, 10), 4);
}

/** A finished run is done again in a backfill: under its limit, with its conf. */
static void test_reprocess(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a -> b");
    int64_t runs[2];
    for (int i = 0; i < 2; i++) {
        runs[i] = fx_trigger_with(fx, dag, (FxTrigger){.logical_date_us = FX_EPOCH_US + i});
        assert_false(engine_set_run_backfill(fx->engine, runs[i], 7, NULL, NULL)); /* not finished */
        fx_exit_all(fx, i == 0 ? 0 : 1, 10);
    }
    assert_false(engine_set_run_backfill(fx->engine, 99, 7, NULL, NULL));
    fx_backfill(fx, (EngineBackfill){.id = 7, .max_active_runs = 1});
    for (int i = 0; i < 2; i++) {
        assert_true(engine_set_run_backfill(fx->engine, runs[i], 7, i == 0 ? NULL : "{\"x\":1}", NULL));
        fx_clear(fx, runs[i], "*");
    }
    fx_expect(fx, runs[0], "a=queued b=none", "running");
    fx_expect(fx, runs[1], "a=none b=none", "queued");
    assert_int_equal(fx_run(fx, runs[0])->backfill_id, 7);
    assert_int_equal(fx_run(fx, runs[0])->type, RUN_TYPE_BACKFILL);
    assert_string_equal(fx_run(fx, runs[0])->triggered_by, "backfill");
    assert_null(fx_run(fx, runs[0])->conf_json);
    assert_string_equal(fx_run(fx, runs[1])->conf_json, "{\"x\":1}");
    int64_t own = fx_trigger(fx, dag);
    expect_run(fx, own, "running");
    fx_crash(fx);
    fx_exit(fx, runs[0], "a", 0);
    fx_exit(fx, runs[0], "b", 0);
    expect_run(fx, runs[1], "running");
}

/** Many queued runs, paused or not, cost no more each than few: a quadratic step would take minutes here. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past]");
    engine_set_dag(fx->engine, "d", true, 16);
    engine_set_backfill(fx->engine, &(EngineBackfill){.id = 1, .max_active_runs = 10});
    int64_t started_us = g_get_monotonic_time();
    for (int64_t i = 1; i <= N; i++) {
        DagRun row = {.id = i,
                      .dag_id = (char *)"d",
                      .run_id = (char *)"r",
                      .type = RUN_TYPE_BACKFILL,
                      .backfill_id = 1,
                      .dag_version_id = 1,
                      .logical_date_us = FX_EPOCH_US + i,
                      .data_interval_start_us = TIME_NONE,
                      .data_interval_end_us = TIME_NONE,
                      .run_after_us = fx->now_us,
                      .queued_at_us = fx->now_us,
                      .start_date_us = TIME_NONE,
                      .end_date_us = TIME_NONE,
                      .forced_state = RUN_STATE_INVALID};
        EnginePast past = {.dag_run_id = i - 1};
        engine_set_dag(fx->engine, "d", true, 16);
        engine_create_run(fx->engine, &row, dag, i, &past, ENGINE_RUN_NORMAL, fx->now_us);
    }
    assert_int_equal(engine_output(fx->engine)->created_runs->len, N);
    engine_output_clear(fx->engine);
    for (int64_t i = N; i > 10; i--) {
        engine_mark_run(fx->engine, i, RUN_STATE_FAILED, END_CANCELED, fx->now_us);
        engine_output_clear(fx->engine);
        assert_true(engine_forget_run(fx->engine, i));
    }
    assert_true(g_get_monotonic_time() - started_us < 20 * USEC_PER_SEC);
    engine_set_dag(fx->engine, "d", false, 16);
    engine_tick(fx->engine, fx->now_us);
    engine_check(fx->engine);
    assert_int_equal(engine_run(fx->engine, 10)->state, RUN_STATE_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_own_limit),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_paused_dag),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_tasks_come_last),
        cmocka_unit_test(test_reprocess),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
