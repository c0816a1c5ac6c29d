/* SPDX-License-Identifier: MIT */
/* What the engine puts out: each row once, nothing for nothing, effects in order. The rest is in fx_turn().
 */
#include "tests/unit/engine/fixture.h"

static void test_nothing_for_nothing(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    assert_false(engine_has_output(fx->engine));
    assert_true(engine_next_timer(fx->engine) == TIME_NONE);
    engine_tick(fx->engine, fx->now_us);
    assert_false(engine_has_output(fx->engine));
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    engine_tick(fx->engine, fx->now_us);
    engine_set_pool(fx->engine, DEFAULT_POOL, 128);
    engine_set_dag(fx->engine, "d", false, 16);
    engine_tick(fx->engine, fx->now_us);
    assert_true(engine_set_run_flags(fx->engine, run, ENGINE_RUN_NORMAL, fx->now_us));
    assert_false(engine_has_output(fx->engine));
    fx_exit_all(fx, 0, 5);
    assert_true(fx_forget(fx, run));
    fx_load(fx, run); /* a finished run, to look at */
    assert_int_equal(fx->n_rows, 0);
}

static void test_created_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d", "a [empty] -> b, c");
    DagRun row = {.id = 7,
                  .dag_id = (char *)"d",
                  .run_id = (char *)"r",
                  .logical_date_us = TIME_NONE,
                  .run_after_us = fx->now_us,
                  .queued_at_us = fx->now_us,
                  .start_date_us = TIME_NONE,
                  .end_date_us = TIME_NONE,
                  .conf_json = (char *)"{}"};
    engine_create_run(fx->engine, &row, dag, 100, NULL, ENGINE_RUN_NORMAL, fx->now_us);
    const EngineOutput *output = engine_output(fx->engine);
    assert_int_equal(output->created_runs->len,
                     1); /* the rows are inserted as they are at the end of the turn */
    assert_int_equal(output->runs->len + output->tasks->len + output->added_tasks->len, 0);
    assert_int_equal(output->effects->len, 2);
    assert_int_equal(g_array_index(output->effects, EngineEffect, 0).kind, EFFECT_RUN_STARTED);
    const EngineEffect *start = &g_array_index(output->effects, EngineEffect, 1);
    assert_true(start->kind == EFFECT_START && start->dag_run_id == 7);
    assert_true(start->attempt.ti_id == 101 && start->attempt.try_number == 1);
    uint32_t index = 99;
    assert_ptr_equal(engine_task_by_id(fx->engine, 101, &index), engine_task(fx->engine, 7, 1));
    assert_int_equal(index, 1);
    const DagRun *run = engine_run(fx->engine, 7);
    assert_true(run != &row && run->dag_id != row.dag_id); /* a copy */
    assert_string_equal(run->conf_json, "{}");
    assert_int_equal(engine_run_live(fx->engine, 7), 1);
    assert_ptr_equal(engine_run_dag(fx->engine, 7), dag);
    g_autoptr(GArray) ids = engine_run_ids(fx->engine);
    assert_int_equal(ids->len, 1);
}

/** Many changes of one row in one turn are one row, as it is at the end. */
static void test_each_row_once(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b, c"));
    AttemptId id = fx_attempt(fx, run, "a");
    AttemptOutcome good = {.reason = END_EXIT_CODE, .exit_code = 0, .end_us = fx->now_us};
    engine_attempt_started(fx->engine, id, 55, fx->now_us, fx->now_us);
    engine_attempt_finished(fx->engine, id, &good, fx->now_us);
    engine_clear_tasks(fx->engine, run, (uint32_t[]){0}, 1, fx->now_us);
    const EngineOutput *output = engine_output(fx->engine);
    assert_int_equal(output->tasks->len, 3);
    assert_int_equal(output->runs->len, 0); /* was running, is running */
    assert_int_equal(output->archived->len, 1);
    const TaskInstance *archived = &g_array_index(output->archived, TaskInstance, 0);
    assert_true(archived->try_number == 1 && archived->state == TASK_STATE_SUCCESS && archived->pid == 55);
    g_hash_table_remove_all(fx->live);
    fx->check_order = false;
    fx_turn(fx);
    fx_expect(fx, run, "a=queued b=queued c=queued", "running");
    assert_int_equal(fx_task(fx, run, "a")->try_number, 2);
}

static void test_order_of_effects(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a -> b");
    int64_t run = fx_trigger(fx, dag);
    fx_trigger(fx, dag);
    fx_started(fx, run, "a");
    fx_expect_log(fx, "run started; start a 1");
    fx_exit(fx, run, "a", 1);
    fx_expect_log(fx,
                  "run finished; run started; start a 1"); /* the next one has its place in the same turn */
    fx_clear(fx, run, "a b");
    fx_expect_log(fx, "");
    fx_exit_all(fx, 0, 10);
    fx_expect_log(fx, "start b 1; run finished; run started; start a 2; start b 1; run finished");
}

/** Started and canceled before anybody was told: nobody is told to start it. */
static void test_canceled_before_its_start(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b, c, e"));
    AttemptOutcome good = {.reason = END_EXIT_CODE, .exit_code = 0, .end_us = fx->now_us};
    AttemptId a = fx_attempt(fx, run, "a");
    g_hash_table_remove(fx->live, &a.ti_id);
    g_string_truncate(fx->log, 0);
    fx->check_order = false; /* several calls in one turn */
    assert_true(engine_attempt_finished(fx->engine, a, &good, fx->now_us));
    engine_mark_tasks(fx->engine, run, (uint32_t[]){1}, 1, TASK_STATE_FAILED, fx->now_us);
    engine_clear_tasks(fx->engine, run, (uint32_t[]){2}, 1, fx->now_us);
    fx_turn(fx);
    fx_expect(fx, run, "a=success b=failed c=restarting e=queued", "running");
    fx_expect_log(fx, "start e 1; cancel b 1; cancel c 1");
    assert_true(engine_attempt_not_started(fx->engine, fx_attempt(fx, run, "b"), fx->now_us));
    assert_true(engine_attempt_not_started(fx->engine, fx_attempt(fx, run, "c"), fx->now_us));
    fx_turn(fx);
    fx_expect(fx, run, "b=failed c=queued", "running");
    fx_expect_log(fx, "start c 1"); /* nothing was started: the numbers are free again */
    assert_int_equal(fx_task(fx, run, "c")->max_tries, 0);
    assert_int_equal(fx_task(fx, run, "b")->try_number, 0);
    assert_int_equal(engine_live_total(fx->engine), 2);
    fx_clear(fx, run, "b");
    fx_expect_log(fx, "start b 1");
    assert_null(fx_history(fx, run, "b", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_for_nothing),
        cmocka_unit_test(test_created_run),
        cmocka_unit_test(test_each_row_once),
        cmocka_unit_test(test_order_of_effects),
        cmocka_unit_test(test_canceled_before_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
