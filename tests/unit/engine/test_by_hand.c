/* SPDX-License-Identifier: MIT */
/* Clear, mark, cancel: what they do to tasks, attempts and runs. */
#include "tests/unit/engine/fixture.h"

static void test_mark_success_clears_failed_downstream(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(
        fx, fx_dag(fx, "d", "a -> b -> c [none_failed] -> e; a -> s [one_success] -> t [all_done]; x -> t"));
    fx_exit(fx, run, "x", 0);
    fx_exit(fx, run, "a", 1);
    fx_exit(fx, run, "t", 0);
    fx_expect(fx, run,
              "a=failed b=upstream_failed c=upstream_failed e=upstream_failed s=upstream_failed t=success",
              "failed");
    int64_t ended_us = fx_run(fx, run)->end_date_us;
    fx_advance(fx, 60);
    g_string_truncate(fx->log, 0);
    assert_int_equal(fx_mark(fx, run, "a", TASK_STATE_SUCCESS), 1);
    fx_expect(fx, run, "a=success b=queued c=none e=none s=queued t=success x=success", "running");
    fx_expect_log(fx, "run started; start b 1; start s 1");
    const DagRun *row = fx_run(fx, run);
    assert_true(row->queued_at_us == fx->now_us && row->start_date_us == fx->now_us && ended_us < fx->now_us);
    assert_int_equal(row->clear_number, 1);
    assert_int_equal(fx_task(fx, run, "a")->end_reason, END_MARKED);
    assert_int_equal(fx_task(fx, run, "a")->exit_code, 1); /* what it left with is still known */
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "b=success c=success e=success s=success", "success");
}

static void test_mark_leaf_leaves_the_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, run, "b", 1);
    fx_expect_log(fx, "run started; start a 1; start b 1; run finished");
    assert_int_equal(fx_mark(fx, run, "b", TASK_STATE_SUCCESS), 1);
    fx_expect(fx, run, "b=success", "failed");
    assert_int_equal(fx_mark(fx, run, "b", TASK_STATE_SUCCESS), 0);
    assert_int_equal(fx->n_rows, 0);
    assert_int_equal(fx_mark(fx, run, "b a", TASK_STATE_SKIPPED), 2);
    fx_expect(fx, run, "a=skipped b=skipped", "failed");
    assert_int_equal(fx_mark(fx, run, "b", TASK_STATE_FAILED), 1);
    fx_expect(fx, run, "b=failed", "failed");
    fx_expect_log(fx, "");
}

static void test_mark_each_state(void **state)
{
    (void)state;
    static const TaskState marks[] = {TASK_STATE_SUCCESS, TASK_STATE_FAILED, TASK_STATE_SKIPPED};
    for (size_t m = 0; m < G_N_ELEMENTS(marks); m++) {
        g_autoptr(Fixture) fx = fx_new(3);
        int64_t run =
            fx_trigger(fx, fx_dag(fx, "d",
                                  "q [weight=9], r [weight=9], u [weight=9 retries=1 delay=60] -> n; s; "
                                  "n -> after [all_done]; z [weight=8]"));
        fx_started(fx, run, "r");
        fx_exit(fx, run, "u", 1);
        fx_expect(fx, run, "q=queued r=running u=up_for_retry n=none s=scheduled z=queued", "running");
        g_string_truncate(fx->log, 0);
        assert_int_equal(fx_mark(fx, run, "q r u n s", marks[m]), 5);
        fx_expect_log(fx, "cancel q 1; cancel r 1");
        assert_int_equal(fx_task(fx, run, "s")->try_number, 0);
        assert_int_equal(fx_task(fx, run, "u")->try_number, 1);
        assert_true(engine_next_timer(fx->engine) == TIME_NONE);
        fx_expect(fx, run, "after=scheduled z=queued", "running"); /* the canceled ones hold their slots */
        static const char *const tasks[] = {"q", "r", "u", "n", "s"};
        for (size_t i = 0; i < G_N_ELEMENTS(tasks); i++) {
            assert_int_equal(fx_task(fx, run, tasks[i])->state, marks[m]);
            assert_int_equal(fx_task(fx, run, tasks[i])->end_reason, END_MARKED);
        }
        assert_true(fx_finish(fx, run, "q", END_SIGNAL, EXIT_CODE_NONE, 15));
        assert_int_equal(fx_task(fx, run, "q")->state, marks[m]); /* the mark stands */
        fx_expect(fx, run, "after=queued", "running");
        fx_exit_all(fx, 0, 10);
        assert_true(run_state_is_finished(fx_run(fx, run)->state));
        fx_clear(fx, run, "*");
        assert_non_null(fx_history(fx, run, "r", 1));
        fx_exit_all(fx, 0, 10);
        fx_expect(fx, run, "q=success r=success u=success n=success s=success after=success", "success");
    }
}

static void test_clear_each_state(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(3);
    int64_t run = fx_trigger(
        fx,
        fx_dag(
            fx, "d",
            "q [weight=9], r [weight=9 retries=2], u [weight=9 retries=1 delay=60] -> n; s; z [weight=8]"));
    fx_started(fx, run, "r");
    fx_exit(fx, run, "u", 1);
    fx_advance(fx, 5);
    g_string_truncate(fx->log, 0);
    fx_expect(fx, run, "q=queued r=running u=up_for_retry n=none s=scheduled z=queued", "running");
    assert_int_equal(fx_clear(fx, run, "q r u n s"), 5);
    fx_expect(fx, run, "q=restarting r=restarting u=scheduled n=none s=scheduled", "running");
    fx_expect_log(fx, "cancel q 1; cancel r 1");
    assert_int_equal(fx_run(fx, run)->clear_number, 0); /* it was not finished */
    assert_int_equal(fx_task(fx, run, "u")->try_number, 2);
    assert_int_equal(fx_task(fx, run, "u")->max_tries, 2);
    assert_int_equal(fx_task(fx, run, "s")->try_number, 1); /* no gap: try 1 had not begun */
    assert_int_equal(fx_task(fx, run, "s")->max_tries, 0);
    fx_clear(fx, run, "q r"); /* again: nothing more to do */
    fx_expect_log(fx, "");

    fx_finish(fx, run, "r", END_SIGNAL, EXIT_CODE_NONE, 15);
    fx_expect(fx, run, "r=queued", "running"); /* at once, as heavy as it is */
    assert_int_equal(fx_task(fx, run, "r")->try_number, 2);
    assert_int_equal(fx_task(fx, run, "r")->max_tries, 3);
    const TaskInstance *old = fx_history(fx, run, "r", 1);
    assert_int_equal(old->state, TASK_STATE_FAILED);
    assert_int_equal(old->end_reason, END_CLEARED);
    assert_int_equal(old->end_date_us - old->start_date_us, 5 * USEC_PER_SEC);
    fx_finish(fx, run, "q", END_EXIT_CODE, 0, 0); /* it came to its end before the signal */
    fx_expect(fx, run, "q=queued", "running");
    assert_int_equal(fx_history(fx, run, "q", 1)->state, TASK_STATE_SUCCESS);
    fx_exit_all(fx, 0, 20);
    fx_expect(fx, run, "q=success r=success u=success n=success s=success z=success", "success");
}

static void test_clear_finished_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a -> b -> c; k");
    int64_t run = fx_trigger(fx, dag);
    fx_exit(fx, run, "a", 1);
    fx_exit(fx, run, "k", 99);
    fx_expect(fx, run, "a=failed b=upstream_failed c=upstream_failed k=skipped", "failed");
    int64_t other = fx_trigger(fx, dag);
    fx_expect(fx, other, "a=queued", "running");
    fx_advance(fx, 10);
    assert_int_equal(fx_clear(fx, run, "a b c"), 3);
    fx_expect(fx, run, "a=none b=none c=none k=skipped", "queued");
    const DagRun *row = fx_run(fx, run);
    assert_int_equal(row->queued_at_us, fx->now_us);
    assert_true(row->start_date_us == TIME_NONE && row->end_date_us == TIME_NONE);
    assert_int_equal(row->clear_number, 1);
    assert_int_equal(row->end_reason, END_NONE);
    assert_int_equal(fx_history(fx, run, "a", 1)->exit_code, 1);
    assert_null(fx_history(fx, run, "b", 0)); /* there was no attempt */
    fx_exit_all(fx, 0, 20);
    fx_expect(fx, run, "a=success b=success c=success k=skipped", "success");
    assert_int_equal(fx_task(fx, run, "a")->try_number, 2);
    assert_int_equal(fx_task(fx, run, "b")->try_number, 1);
}

static void test_clear_nothing(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a"));
    fx_exit(fx, run, "a", 0);
    assert_int_equal(engine_clear_tasks(fx->engine, run, NULL, 0, fx->now_us), 0);
    assert_int_equal(engine_clear_tasks(fx->engine, 77, (uint32_t[]){0}, 1, fx->now_us), 0);
    assert_int_equal(engine_mark_tasks(fx->engine, 77, (uint32_t[]){0}, 1, TASK_STATE_FAILED, fx->now_us), 0);
    assert_false(engine_mark_run(fx->engine, 77, RUN_STATE_FAILED, END_MARKED, fx->now_us));
    assert_false(engine_has_output(fx->engine));
    fx_expect(fx, run, "a=success", "success");
}

/** The same index twice in one list is one task. */
static void test_repeated_indexes(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1] -> b"));
    fx_exit(fx, run, "a", 99);
    fx_clear(fx, run, "a a b b a");
    fx_expect(fx, run, "a=queued b=none", "running");
    assert_int_equal(fx_task(fx, run, "a")->try_number, 2);
    assert_int_equal(fx_task(fx, run, "a")->max_tries, 2);
    assert_int_equal(fx_mark(fx, run, "a a", TASK_STATE_SUCCESS), 1);
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, run, "a=success b=success", "success");
}

/** Marked, then cleared before the process is gone: it still restarts only then. */
static void test_clear_of_a_marked_process(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    fx_started(fx, run, "a");
    fx_mark(fx, run, "a", TASK_STATE_FAILED);
    fx_expect(fx, run, "a=failed b=upstream_failed", "running");
    fx_clear(fx, run, "a b");
    fx_expect(fx, run, "a=restarting b=none", "running");
    fx_mark(fx, run, "a", TASK_STATE_SUCCESS);
    fx_expect(fx, run, "a=success b=queued", "running");
    fx_clear(fx, run, "a");
    fx_exit(fx, run, "b", 0);
    fx_finish(fx, run, "a", END_SIGNAL, EXIT_CODE_NONE, 15);
    fx_expect(fx, run, "a=queued b=success", "running");
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=success", "success");
}

static void test_mark_run_success(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "f, a -> b -> c; u [retries=1]; k"));
    fx_exit(fx, run, "f", 1);
    fx_exit(fx, run, "u", 1);
    fx_exit(fx, run, "k", 99);
    fx_started(fx, run, "a");
    g_string_truncate(fx->log, 0);
    fx_mark_run(fx, run, RUN_STATE_SUCCESS);
    fx_expect(fx, run, "f=success a=success b=success c=success u=success k=success", "running");
    assert_int_equal(fx_run(fx, run)->forced_state, RUN_STATE_SUCCESS);
    fx_expect_log(fx, "cancel a 1");
    fx_finish(fx, run, "a", END_SIGNAL, EXIT_CODE_NONE, 15);
    fx_expect(fx, run, "a=success", "success");
    assert_int_equal(fx_run(fx, run)->end_reason, END_MARKED);
    fx_expect_log(fx, "run finished");
}

static void test_mark_run_failed(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(4);
    int64_t run = fx_trigger(
        fx,
        fx_dag(fx, "d", "ok, a [weight=5] -> b; q; u [retries=1]; re [weight=5] ; s1 [absolute weight=-1]"));
    fx_exit(fx, run, "ok", 0);
    fx_exit(fx, run, "u", 1);
    fx_started(fx, run, "a");
    fx_started(fx, run, "re");
    fx_clear(fx, run, "re");
    fx_expect(fx, run, "ok=success a=running q=queued u=up_for_retry re=restarting s1=queued b=none",
              "running");
    fx_mark_run(fx, run, RUN_STATE_FAILED);
    fx_expect(fx, run, "ok=success a=failed q=failed u=skipped re=skipped s1=failed b=skipped", "running");
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "ok=success a=failed q=failed u=skipped re=skipped s1=failed b=skipped", "failed");
    assert_int_equal(fx_task(fx, run, "a")->end_reason, END_MARKED);
    assert_int_equal(fx_task(fx, run, "b")->end_reason, END_RUN_ENDED); /* nobody marked it: it was cut off */
    fx_mark_run(fx, run, RUN_STATE_SUCCESS);                            /* finished -> finished: dates stay */
    int64_t ended_us = fx_run(fx, run)->end_date_us;
    fx_advance(fx, 5);
    fx_mark_run(fx, run, RUN_STATE_FAILED);
    fx_expect(fx, run, "a=success b=success", "failed");
    assert_int_equal(fx_run(fx, run)->end_date_us, ended_us);
}

static void test_cancel_queued_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(4);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a -> b");
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    int64_t far = fx_trigger_with(fx, dag, (FxTrigger){.run_after_us = fx->now_us + USEC_PER_DAY});
    g_string_truncate(fx->log, 0);
    assert_true(engine_mark_run(fx->engine, second, RUN_STATE_FAILED, END_CANCELED, fx->now_us));
    fx_turn(fx);
    fx_expect(fx, second, "a=skipped b=skipped", "failed");
    assert_int_equal(fx_run(fx, second)->end_reason, END_CANCELED);
    fx_expect_log(fx, "run finished");
    fx_mark_run(fx, far, RUN_STATE_SUCCESS);
    fx_expect(fx, far, "a=success b=success", "success");
    assert_true(engine_next_timer(fx->engine) == TIME_NONE);
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, first, "a=success b=success", "success");
}

static void test_mark_run_queued(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(4);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=failed b=upstream_failed", "failed");
    fx_advance(fx, 5);
    fx_mark_run(fx, run, RUN_STATE_QUEUED); /* tasks untouched: it runs, and ends as it was */
    fx_expect(fx, run, "a=failed b=upstream_failed", "failed");
    assert_int_equal(fx_run(fx, run)->queued_at_us, fx->now_us);
    assert_int_equal(fx_run(fx, run)->clear_number, 0);

    int64_t busy = fx_trigger(fx, fx_dag(fx, "e", "a -> b [retries=1 delay=60] -> c; s"));
    fx_exit(fx, busy, "a", 0);
    fx_exit(fx, busy, "b", 1);
    fx_mark_run(fx, busy, RUN_STATE_QUEUED); /* and goes on */
    fx_expect(fx, busy, "a=success b=up_for_retry c=none s=queued", "running");
    fx_advance(fx, 60);
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, busy, "b=success c=success s=success", "success");
}

/** A run that was to be ended goes on when part of it is cleared before its processes are gone. */
static void test_clear_takes_a_cancel_back(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(4);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b; c"));
    fx_started(fx, run, "a");
    fx_mark_run(fx, run, RUN_STATE_FAILED);
    fx_expect(fx, run, "a=failed b=skipped c=failed", "running");
    fx_clear(fx, run, "b");
    fx_expect(fx, run, "a=failed b=upstream_failed c=failed", "running");
    assert_int_equal(fx_run(fx, run)->clear_number, 1);
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, run, "a=failed b=upstream_failed c=failed", "failed");
    assert_int_equal(fx_run(fx, run)->end_reason, END_TASK_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mark_success_clears_failed_downstream),
        cmocka_unit_test(test_mark_leaf_leaves_the_run),
        cmocka_unit_test(test_mark_each_state),
        cmocka_unit_test(test_clear_each_state),
        cmocka_unit_test(test_clear_finished_run),
        cmocka_unit_test(test_clear_nothing),
        cmocka_unit_test(test_repeated_indexes),
        cmocka_unit_test(test_clear_of_a_marked_process),
        cmocka_unit_test(test_mark_run_success),
        cmocka_unit_test(test_mark_run_failed),
        cmocka_unit_test(test_cancel_queued_run),
        cmocka_unit_test(test_mark_run_queued),
        cmocka_unit_test(test_clear_takes_a_cancel_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
