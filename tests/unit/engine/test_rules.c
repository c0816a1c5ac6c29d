/* SPDX-License-Identifier: MIT */
/* Trigger rules in a running run: cascades, verdicts that do not wait, empty tasks, exit codes. */
#include "tests/unit/engine/fixture.h"

static void test_all_success_waits_for_all(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "load -> a, b; a, b -> query"));
    fx_expect(fx, run, "load=queued a=none b=none query=none", "running");
    fx_exit(fx, run, "load", 0);
    fx_expect(fx, run, "load=success a=queued b=queued query=none", "running");
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=queued query=none", "running");
    fx_exit(fx, run, "b", 0);
    fx_expect(fx, run, "query=queued", "running");
    fx_exit(fx, run, "query", 0);
    fx_expect(fx, run, "query=success", "success");
}

static void test_failure_cascades_at_once(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a, slow -> b -> c -> d -> last [all_done]; slow -> last"));
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=failed slow=queued b=upstream_failed c=upstream_failed d=upstream_failed last=none",
              "running");
    assert_int_equal(fx_task(fx, run, "c")->end_reason, END_TRIGGER_RULE);
    assert_int_equal(fx_task(fx, run, "c")->try_number, 0);
    fx_exit(fx, run, "slow", 0);
    fx_expect(fx, run, "last=queued", "running");
    fx_exit(fx, run, "last", 0);
    fx_expect(fx, run, "last=success", "success"); /* a failure that is no leaf does not fail the run */
}

static void test_skip_cascades(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(
        fx,
        fx_dag(fx, "d", "a, slow -> b -> c; b -> d [none_failed] -> e; a -> f [all_done]; a -> g [always]"));
    fx_expect(fx, run, "g=queued", "running"); /* always waits for nobody */
    fx_exit(fx, run, "a", 99);
    fx_expect(fx, run, "a=skipped slow=queued b=skipped c=skipped d=queued e=none f=queued", "running");
    assert_int_equal(fx_task(fx, run, "a")->exit_code, 99);
    assert_int_equal(fx_task(fx, run, "a")->end_reason, END_EXIT_CODE);
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "b=skipped c=skipped d=success e=success f=success", "success");
}

static void test_everything_skipped_is_success(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b -> c"));
    fx_exit(fx, run, "a", 99);
    fx_expect(fx, run, "a=skipped b=skipped c=skipped", "success");
}

static void test_skip_codes(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [skip=7 retries=3], b [skip=7], c [skip=0], d, e"));
    fx_exit(fx, run, "a", 7); /* a skip is no failure: not retried */
    fx_exit(fx, run, "b", 99);
    fx_exit(fx, run, "c", 0); /* the code is looked up before it is compared with 0 */
    fx_finish(fx, run, "d", END_SIGNAL, 99, 9);
    fx_finish(fx, run, "e", END_TIMEOUT, 99, 0); /* killed, whatever code it left with */
    fx_expect(fx, run, "a=skipped b=failed c=skipped d=failed e=failed", "failed");
}

static void test_empty_tasks(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "start [empty] -> a, b -> end [empty]"));
    fx_expect(fx, run, "start=success a=queued b=queued end=none", "running");
    fx_expect_log(fx, "run started; start a 1; start b 1");
    fx_exit(fx, run, "a", 0);
    fx_advance(fx, 5);
    fx_exit(fx, run, "b", 0);
    fx_expect(fx, run, "end=success", "success");
    const TaskInstance *end = fx_task(fx, run, "end");
    assert_int_equal(end->try_number, 1);
    assert_true(end->start_date_us == end->end_date_us && end->end_date_us == fx->now_us);
    assert_int_equal(end->queued_us, TIME_NONE);
    fx_expect_log(fx, "run finished");
}

static void test_one_rules_do_not_wait(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d",
                                        "a, b -> os [one_success]; a, b -> of [one_failed];"
                                        "a, b -> od [one_done]; a, b -> af [all_failed]"));
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "os=queued of=none od=queued af=skipped", "running");
    fx_exit(fx, run, "b", 1);
    fx_expect(fx, run, "of=queued", "running");
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "os=success of=success od=success", "success"); /* b is no leaf */
}

static void test_verdicts_of_the_last_upstream(void **state)
{
    (void)state;
    static const struct {
        int a, b; /* exit codes */
        const char *want;
    } rows[] = {
        {99, 99, "os=skipped of=skipped od=skipped nf1=skipped as=queued ad1=skipped ns=skipped"},
        {1, 1,
         "os=upstream_failed of=queued od=queued nf1=upstream_failed as=skipped ad1=upstream_failed "
         "ns=queued"},
        {99, 1,
         "os=upstream_failed of=queued od=queued nf1=upstream_failed as=skipped ad1=skipped ns=skipped"},
        {0, 0, "os=queued of=skipped od=queued nf1=queued as=skipped ad1=queued ns=queued"},
        {0, 99, "os=queued of=skipped od=queued nf1=queued as=skipped ad1=skipped ns=skipped"},
        {0, 1, "os=queued of=queued od=queued nf1=upstream_failed as=skipped ad1=queued ns=queued"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Fixture) fx = fx_new(32);
        int64_t run = fx_trigger(fx, fx_dag(fx, "d",
                                            "a, b -> os [one_success], of [one_failed], od [one_done],"
                                            "nf1 [none_failed_min_one_success], as [all_skipped],"
                                            "ad1 [all_done_min_one_success], ns [none_skipped]"));
        fx_exit(fx, run, "a", rows[i].a);
        fx_exit(fx, run, "b", rows[i].b);
        fx_expect(fx, run, rows[i].want, NULL);
    }
}

/** An upstream that is up for retry, restarting or marked counts as what it is by then. */
static void test_unfinished_upstream_states_wait(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1 delay=60] -> b [all_done], c"));
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=up_for_retry b=none c=none", "running");
    fx_advance(fx, 60);
    fx_started(fx, run, "a");
    fx_clear(fx, run, "a");
    fx_expect(fx, run, "a=restarting b=none c=none", "running");
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=queued b=none c=none", "running");
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=queued c=queued", "running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_success_waits_for_all),
        cmocka_unit_test(test_failure_cascades_at_once),
        cmocka_unit_test(test_skip_cascades),
        cmocka_unit_test(test_everything_skipped_is_success),
        cmocka_unit_test(test_skip_codes),
        cmocka_unit_test(test_empty_tasks),
        cmocka_unit_test(test_one_rules_do_not_wait),
        cmocka_unit_test(test_verdicts_of_the_last_upstream),
        cmocka_unit_test(test_unfinished_upstream_states_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
