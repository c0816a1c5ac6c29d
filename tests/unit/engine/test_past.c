/* SPDX-License-Identifier: MIT */
/* depends_on_past and wait_for_downstream, with the previous run in the engine and out of it. */
#include "tests/unit/engine/fixture.h"

/** A run after `previous` (0 = none). */
static int64_t trigger_after(Fixture *fx, Dag *dag, int64_t previous)
{
    g_autofree int8_t *states = g_new(int8_t, dag->n_tasks + 1);
    EnginePast past = fx_past(fx, dag, previous, states);
    return fx_trigger_with(fx, dag, (FxTrigger){.past = &past});
}

static void test_first_run_may_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past] -> b [past]");
    int64_t run = trigger_after(fx, dag, 0);
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, run, "a=success b=success", "success");
    fx_trigger_with(fx, dag, (FxTrigger){.logical_date_us = TIME_NONE}); /* no date: no past */
    assert_int_equal(fx_exit_all(fx, 0, 5), 2);
}

static void test_previous_in_the_engine(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past] -> b; free");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    int64_t third = trigger_after(fx, dag, second);
    fx_expect(fx, first, "a=queued free=queued", "running");
    fx_expect(fx, second, "a=none free=queued", "running");
    fx_expect(fx, third, "a=none free=queued", "running");
    fx_exit(fx, first, "a", 0); /* the task counts, not its run */
    fx_expect(fx, first, "a=success b=queued", "running");
    fx_expect(fx, second, "a=queued", "running");
    fx_expect(fx, third, "a=none", "running");
    fx_exit(fx, second, "a", 99); /* skipped is good enough */
    fx_expect(fx, third, "a=queued", "running");
}

static void test_failed_past_is_waited_for(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past] -> b");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    fx_exit(fx, first, "a", 1);
    fx_expect(fx, first, "a=failed b=upstream_failed", "failed");
    fx_advance(fx, 1000);
    fx_expect(fx, second, "a=none b=none", "running"); /* no deadlock: it may be cleared any time */
    fx_clear(fx, first, "a b");
    fx_expect(fx, second, "a=none", "running");
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, second, "a=queued", "running");
}

static void test_mark_wakes_the_next_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past]");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    fx_exit(fx, first, "a", 1);
    fx_mark(fx, first, "a", TASK_STATE_SUCCESS);
    fx_expect(fx, second, "a=queued", "running");
    fx_expect(fx, first, "a=success", "failed");
}

static void test_previous_not_in_the_engine(void **state)
{
    (void)state;
    static const struct {
        int past;
        const char *want;
    } rows[] = {
        {TASK_STATE_SUCCESS, "a=queued"}, {TASK_STATE_SKIPPED, "a=queued"},
        {PAST_FIRST, "a=queued"},         {PAST_MISSING, "a=none"},
        {TASK_STATE_NONE, "a=none"},      {TASK_STATE_RUNNING, "a=none"},
        {TASK_STATE_FAILED, "a=none"},    {TASK_STATE_UPSTREAM_FAILED, "a=none"},
        {TASK_STATE_REMOVED, "a=none"},   {TASK_STATE_UP_FOR_RETRY, "a=none"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Fixture) fx = fx_new(32);
        Dag *dag = fx_dag(fx, "d", "a [past]; b");
        int8_t states[] = {(int8_t)rows[i].past, TASK_STATE_FAILED};
        EnginePast past = {.dag_run_id = 999, .states = states};
        int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.past = &past});
        fx_expect(fx, run, rows[i].want, "running");
        fx_expect(fx, run, "b=queued", "running"); /* does not care */
    }
}

static void test_previous_leaves_and_comes_back(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a [past], c [past]");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    fx_exit(fx, first, "a", 1);
    fx_exit(fx, first, "c", 0);
    fx_expect(fx, first, "a=failed c=success", "failed");
    assert_true(fx_forget(fx, first));
    fx_expect(fx, second, "a=none c=queued", "running");
    fx_clear(fx, second, "a"); /* looked at again: what the first run was is still known */
    fx_expect(fx, second, "a=none c=queued", "running");
    fx_load(fx, first); /* to be cleared */
    assert_int_equal(fx->n_rows, 0);
    fx_clear(fx, first, "a");
    fx_expect(fx, first, "a=none", "queued"); /* the second run has the one place there is */
    fx_exit(fx, second, "c", 0);
    dag->max_active_runs = 2;
    fx_pause(fx, dag, false);
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, first, "a=success", "success");
    fx_expect(fx, second, "a=queued c=success", "running");
}

static void test_past_survives_a_crash(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past]; b");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    int64_t third = trigger_after(fx, dag, second);
    fx_crash(fx);
    fx_expect(fx, third, "a=none", "running");
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, second, "a=queued", "running");
    fx_exit(fx, first, "b", 0);
    fx_crash(fx);
    fx_exit(fx, second, "a", 0);
    fx_expect(fx, third, "a=queued", "running");
}

static void test_wait_for_downstream(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [wait] -> b -> c; a -> k");
    assert_true(dag->tasks[0].depends_on_past);
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    fx_exit(fx, first, "a", 0);
    fx_exit(fx, first, "k", 99);
    fx_expect(fx, second, "a=none", "running");
    fx_exit(fx, first, "b", 1);
    fx_expect(fx, first, "b=failed c=upstream_failed", "failed");
    fx_expect(fx, second, "a=none", "running");
    fx_clear(fx, first, "b c");
    fx_exit(fx, first, "b", 0);
    fx_expect(fx, first, "b=success c=queued", "running"); /* direct downstream tasks only */
    fx_expect(fx, second, "a=queued", "running");
}

static void test_wait_for_downstream_from_the_store(void **state)
{
    (void)state;
    static const struct {
        int a, b;
        const char *want;
    } rows[] = {
        {TASK_STATE_SUCCESS, TASK_STATE_SUCCESS, "a=queued"},
        {TASK_STATE_SUCCESS, TASK_STATE_SKIPPED, "a=queued"},
        {TASK_STATE_SUCCESS, TASK_STATE_FAILED, "a=none"},
        {TASK_STATE_SUCCESS, TASK_STATE_NONE, "a=none"},
        {TASK_STATE_SUCCESS, PAST_MISSING, "a=queued"},
        {TASK_STATE_SUCCESS, PAST_FIRST, "a=queued"},
        {TASK_STATE_FAILED, TASK_STATE_SUCCESS, "a=none"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Fixture) fx = fx_new(32);
        Dag *dag = fx_dag(fx, "d", "a [wait] -> b");
        int8_t states[] = {(int8_t)rows[i].a, (int8_t)rows[i].b};
        EnginePast past = {.dag_run_id = 999, .states = states};
        int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.past = &past});
        fx_expect(fx, run, rows[i].want, "running");
    }
}

/** A rule's negative verdict does not wait for the past. */
static void test_rule_before_past(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "x -> a [past]");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    fx_exit(fx, second, "x", 1);
    fx_expect(fx, second, "x=failed a=upstream_failed", "failed");
    fx_expect(fx, first, "x=queued", "running");
}

/** A retry asks the past again. */
static void test_retry_asks_again(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past retries=1 delay=10]");
    int64_t first = trigger_after(fx, dag, 0), second = trigger_after(fx, dag, first);
    fx_exit(fx, first, "a", 0);
    fx_exit(fx, second, "a", 1);
    fx_clear(fx, first, "a");
    fx_advance(fx, 10);
    fx_expect(fx, second, "a=up_for_retry", "running");
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, second, "a=queued", "running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_run_may_run),
        cmocka_unit_test(test_previous_in_the_engine),
        cmocka_unit_test(test_failed_past_is_waited_for),
        cmocka_unit_test(test_mark_wakes_the_next_run),
        cmocka_unit_test(test_previous_not_in_the_engine),
        cmocka_unit_test(test_previous_leaves_and_comes_back),
        cmocka_unit_test(test_past_survives_a_crash),
        cmocka_unit_test(test_wait_for_downstream),
        cmocka_unit_test(test_wait_for_downstream_from_the_store),
        cmocka_unit_test(test_rule_before_past),
        cmocka_unit_test(test_retry_asks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
