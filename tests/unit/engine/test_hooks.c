/* SPDX-License-Identifier: MIT */
/* Which ends have a hook run: each that came by itself, once; none that a user has made. */
#include "tests/unit/engine/fixture.h"

static void test_each_end_once(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run =
        fx_trigger(fx, fx_dag(fx, "d", "@ hooks; a [hooks retries=1 delay=60] -> b [hooks], c [hooks]"));
    fx_expect_log(fx, "run started; start a 1");
    fx_started(fx, run, "a");
    fx_exit(fx, run, "a", 3);
    fx_expect_log(fx, "on_retry a 1");
    fx_advance(fx, 60);
    fx_exit(fx, run, "a", 0);
    fx_expect_log(fx, "start a 2; on_success a 2; start b 1; start c 1");
    fx_exit(fx, run, "b", 0);
    fx_finish(fx, run, "c", END_SIGNAL, EXIT_CODE_NONE, 9);
    fx_expect_log(fx, "on_success b 1; on_failure c 1; on_failure run; run finished");
    fx_expect(fx, run, "a=success b=success c=failed", "failed");
}

static void test_without_hooks_nothing(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1 delay=1] -> b"));
    fx_exit(fx, run, "a", 1);
    fx_advance(fx, 1);
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, run, "b", 1);
    fx_expect_log(fx, "run started; start a 1; start a 2; start b 1; run finished");
}

static void test_not_for_skipped_and_upstream_failed(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(
        fx, fx_dag(fx, "d", "a [hooks skip=99] -> b [hooks]; c [hooks] -> e [hooks]; f [hooks empty]"));
    fx_expect_log(fx, "on_success f 1; run started; start a 1; start c 1");
    fx_exit(fx, run, "a", 99);
    fx_exit(fx, run, "c", 1);
    fx_expect(fx, run, "a=skipped b=skipped c=failed e=upstream_failed f=success", "failed");
    fx_expect_log(fx, "on_failure c 1; run finished");
}

static void test_unknown_ends_are_failures(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [hooks retries=1 delay=60]"));
    fx_finish(fx, run, "a", END_LOST, EXIT_CODE_NONE, 0);
    fx_expect_log(fx, "run started; start a 1; on_retry a 1");
    fx_advance(fx, 60);
    fx_finish(fx, run, "a", END_START_FAILED, EXIT_CODE_NONE, 0);
    fx_expect_log(fx, "start a 2; on_failure a 2; run finished");
}

static void test_runs_that_end_otherwise(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t late = fx_trigger(fx, fx_dag(fx, "late", "@ hooks timeout=60; a [hooks] -> b [hooks]"));
    fx_advance(fx, 60);
    fx_expect_log(fx, "run started; start a 1; cancel a 1");
    fx_finish(fx, late, "a", END_CANCELED, EXIT_CODE_NONE, 15);
    fx_expect(fx, late, "a=skipped b=skipped", "failed"); /* airflow-compatible: only the run has failed */
    fx_expect_log(fx, "on_failure run; run finished");
    int64_t good = fx_trigger(fx, fx_dag(fx, "good", "@ hooks; a [empty]"));
    fx_expect(fx, good, "a=success", "success");
    fx_expect_log(fx, "on_success run; run started; run finished");
}

static void test_none_by_hand(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ hooks; a [hooks], b [hooks]");
    int64_t marked = fx_trigger(fx, dag);
    fx_started(fx, marked, "a");
    fx_mark(fx, marked, "a", TASK_STATE_FAILED);
    fx_finish(fx, marked, "a", END_CANCELED, EXIT_CODE_NONE, 15);
    fx_expect_log(fx, "run started; start a 1; start b 1; cancel a 1");
    fx_exit(fx, marked, "b", 0); /* the run itself was not marked */
    fx_expect_log(fx, "on_success b 1; on_failure run; run finished");

    int64_t canceled = fx_trigger(fx, dag);
    fx_mark_run(fx, canceled, RUN_STATE_FAILED);
    fx_finish(fx, canceled, "a", END_CANCELED, EXIT_CODE_NONE, 15);
    fx_exit(fx, canceled, "b", 0);
    fx_expect(fx, canceled, "a=failed b=failed", "failed");
    fx_expect_log(fx, "run started; start a 1; start b 1; cancel a 1; cancel b 1; run finished");

    int64_t cleared = fx_trigger(fx, dag);
    fx_started(fx, cleared, "a");
    fx_clear(fx, cleared, "a");
    fx_finish(fx, cleared, "a", END_CANCELED, EXIT_CODE_NONE, 15);
    fx_expect_log(fx, "run started; start a 1; start b 1; cancel a 1; start a 2");
    fx_exit(fx, cleared, "a", 0);
    fx_expect_log(fx, "on_success a 2");
}

static void test_once_more_after_a_clear(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "@ hooks; a [hooks]"));
    fx_exit(fx, run, "a", 1);
    fx_expect_log(fx, "run started; start a 1; on_failure a 1; on_failure run; run finished");
    fx_clear(fx, run, "a");
    fx_exit(fx, run, "a", 0);
    fx_expect_log(fx, "run started; start a 2; on_success a 2; on_success run; run finished");
}

/** What was not committed is said again by the executor, and then noticed again. */
static void test_after_a_crash(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "@ hooks; a [hooks]"));
    AttemptOutcome bad = {.reason = END_EXIT_CODE, .exit_code = 1, .end_us = fx->now_us};
    engine_attempt_finished(fx->engine, fx_attempt(fx, run, "a"), &bad, fx->now_us);
    fx_reload(fx);
    fx_expect_log(fx, "run started; start a 1");
    fx_exit(fx, run, "a", 1);
    fx_expect_log(fx, "on_failure a 1; on_failure run; run finished");
    fx_reload(fx);
    fx_expect_log(fx, "");
}

/** The run has moved to another version: that one's hooks count. */
static void test_of_the_version_that_the_run_is_on(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a"));
    fx_set_version(fx, run, fx_dag(fx, "d", "@ hooks; a [hooks], b"));
    fx_exit(fx, run, "a", 1);
    fx_exit(fx, run, "b", 0);
    fx_expect_log(fx, "run started; start a 1; start b 1; on_failure a 1; on_failure run; run finished");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_end_once),
        cmocka_unit_test(test_without_hooks_nothing),
        cmocka_unit_test(test_not_for_skipped_and_upstream_failed),
        cmocka_unit_test(test_unknown_ends_are_failures),
        cmocka_unit_test(test_runs_that_end_otherwise),
        cmocka_unit_test(test_none_by_hand),
        cmocka_unit_test(test_once_more_after_a_clear),
        cmocka_unit_test(test_after_a_crash),
        cmocka_unit_test(test_of_the_version_that_the_run_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
