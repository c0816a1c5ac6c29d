/* SPDX-License-Identifier: MIT */
/* Tries: how many, when, and what becomes of reports that come late or twice. */
#include "scheduler/engine/retry.h"
#include "tests/unit/engine/fixture.h"

static void test_attempts_are_retries_plus_one(void **state)
{
    (void)state;
    for (int retries = 0; retries <= 3; retries++) {
        g_autoptr(Fixture) fx = fx_new(32);
        g_autofree char *text = g_strdup_printf("a [retries=%d delay=60] -> b", retries);
        int64_t run = fx_trigger(fx, fx_dag(fx, "d", text));
        assert_int_equal(fx_task(fx, run, "a")->max_tries, retries);
        for (int try_number = 1; try_number <= retries; try_number++) {
            assert_int_equal(fx_task(fx, run, "a")->try_number, try_number);
            fx_started(fx, run, "a");
            fx_advance(fx, 10);
            fx_exit(fx, run, "a", try_number);
            fx_expect(fx, run, "a=up_for_retry b=none", "running");
            const TaskInstance *row = fx_task(fx, run, "a");
            assert_int_equal(row->retry_at_us, fx->now_us + 60 * USEC_PER_SEC);
            assert_int_equal(engine_next_timer(fx->engine), row->retry_at_us);
            const TaskInstance *old = fx_history(fx, run, "a", try_number);
            assert_non_null(old);
            assert_int_equal(old->state, TASK_STATE_FAILED);
            assert_int_equal(old->exit_code, try_number);
            assert_int_equal(old->end_date_us - old->start_date_us, 10 * USEC_PER_SEC);
            fx_advance(fx, 59);
            fx_expect(fx, run, "a=up_for_retry", "running");
            fx_advance(fx, 1);
            fx_expect(fx, run, "a=queued", "running");
            row = fx_task(fx, run, "a");
            assert_true(row->exit_code == EXIT_CODE_NONE && row->pid == 0 && row->end_reason == END_NONE);
        }
        assert_int_equal(fx_task(fx, run, "a")->try_number, retries + 1);
        fx_exit(fx, run, "a", 1);
        fx_expect(fx, run, "a=failed b=upstream_failed", "failed");
        assert_null(fx_history(fx, run, "a", retries + 1)); /* the last one is the row itself */
    }
}

static void test_delays(void **state)
{
    (void)state;
    static const struct {
        double backoff;
        int delay_s, max_delay_s, try_number;
        int64_t logical_date_us, want_s;
    } rows[] = {
        /* Airflow's: sha1("d#t#2026-01-01 00:00:00+00:00#N") */
        {2, 300, 0, 1, FX_EPOCH_US, 389},
        {2, 300, 0, 2, FX_EPOCH_US, 1115},
        {2, 300, 0, 3, FX_EPOCH_US, 1778},
        {2, 300, 0, 9, FX_EPOCH_US, 86400},
        {2, 300, 0, 1, TIME_NONE, 313},
        {2, 0, 0, 1, FX_EPOCH_US, 1},
        {2, 0, 0, 7, FX_EPOCH_US, 1},
        /* max_retry_delay caps after the jitter */
        {2, 300, 350, 1, FX_EPOCH_US, 350},
        {2, 300, 389, 1, FX_EPOCH_US, 389},
        {2, 300, 1200, 3, FX_EPOCH_US, 1200},
        {2, 300, 200000, 9, FX_EPOCH_US, 86400},
        /* and only with backoff; a constant delay has no cap at all */
        {0, 300, 200, 1, FX_EPOCH_US, 300},
        {0, 300, 200, 5, FX_EPOCH_US, 300},
        {1, 300, 200, 5, FX_EPOCH_US, 300},
        {0, 200000, 0, 1, FX_EPOCH_US, 200000},
        {0, 0, 0, 3, FX_EPOCH_US, 0},
        /* far beyond what a double or an int holds */
        {2, 300, 0, 2000, FX_EPOCH_US, 86400},
        {10, 300, 0, INT32_MAX, FX_EPOCH_US, 86400},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Task task = {.task_id = "t",
                     .retry_backoff = rows[i].backoff,
                     .retry_delay_us = rows[i].delay_s * USEC_PER_SEC,
                     .max_retry_delay_us = rows[i].max_delay_s * USEC_PER_SEC};
        int64_t got = retry_delay_us("d", &task, rows[i].logical_date_us, rows[i].try_number);
        if (got != rows[i].want_s * USEC_PER_SEC)
            fail_msg("row %zu: %" PRId64 " us, want %" PRId64 " s", i, got, rows[i].want_s);
    }
}

static void test_backoff_in_a_run(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "t [retries=3 delay=300 backoff=2]");
    int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.logical_date_us = FX_EPOCH_US});
    static const int delays[] = {389, 1115, 1778};
    for (size_t i = 0; i < G_N_ELEMENTS(delays); i++) {
        fx_exit(fx, run, "t", 1);
        fx_advance(fx, delays[i] - 1);
        fx_expect(fx, run, "t=up_for_retry", "running");
        fx_advance(fx, 1);
        fx_expect(fx, run, "t=queued", "running");
    }
}

static void test_kinds_of_failure(void **state)
{
    (void)state;
    static const struct {
        EndReason reason;
        int code, signal_number;
    } rows[] = {
        {END_EXIT_CODE, 1, 0},
        {END_SIGNAL, EXIT_CODE_NONE, 9},
        {END_TIMEOUT, EXIT_CODE_NONE, 15},
        {END_LOST, EXIT_CODE_NONE, 0},
        {END_START_FAILED, EXIT_CODE_NONE, 0},
        {END_TEMPLATE, EXIT_CODE_NONE, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int started = 0; started < 2; started++) {
            g_autoptr(Fixture) fx = fx_new(32);
            int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1 delay=0]"));
            if (started)
                fx_started(fx, run, "a");
            fx_finish(fx, run, "a", rows[i].reason, rows[i].code, rows[i].signal_number);
            fx_expect(fx, run, "a=up_for_retry", "running");
            const TaskInstance *old = fx_history(fx, run, "a", 1);
            assert_int_equal(old->end_reason, rows[i].reason);
            assert_int_equal(old->exit_code, rows[i].code);
            assert_int_equal(old->term_signal, rows[i].signal_number);
            fx_advance(fx, 0);
            fx_expect(fx, run, "a=queued", "running");
            fx_finish(fx, run, "a", rows[i].reason, rows[i].code, rows[i].signal_number);
            fx_expect(fx, run, "a=failed", "failed");
            assert_int_equal(fx_task(fx, run, "a")->end_reason, rows[i].reason);
        }
    }
}

static void test_lost_with_code_0_is_no_success(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a"));
    fx_finish(fx, run, "a", END_LOST, 0, 0);
    fx_expect(fx, run, "a=failed", "failed");
}

static void test_clear_gives_retries_again(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=2 delay=1]"));
    for (int try_number = 1; try_number <= 3; try_number++) {
        fx_exit(fx, run, "a", 1);
        fx_advance(fx, 1);
    }
    fx_expect(fx, run, "a=failed", "failed");
    assert_int_equal(fx_task(fx, run, "a")->try_number, 3);
    assert_int_equal(fx_task(fx, run, "a")->max_tries, 2);
    assert_int_equal(fx_clear(fx, run, "a"), 1);
    assert_int_equal(fx_task(fx, run, "a")->max_tries, 5);
    for (int try_number = 4; try_number <= 6; try_number++) {
        fx_expect(fx, run, "a=queued", "running");
        assert_int_equal(fx_task(fx, run, "a")->try_number, try_number);
        fx_exit(fx, run, "a", 1);
        fx_advance(fx, 1);
    }
    fx_expect(fx, run, "a=failed", "failed");
    for (int try_number = 1; try_number <= 5; try_number++)
        assert_non_null(fx_history(fx, run, "a", try_number));
}

static void test_no_retries_stays_none_after_a_clear(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a"));
    fx_exit(fx, run, "a", 1);
    fx_clear(fx, run, "a");
    assert_int_equal(fx_task(fx, run, "a")->max_tries, 1);
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=failed", "failed"); /* try 2 of max 1 */
}

static void test_reports_that_do_not_count(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=3 delay=0]"));
    AttemptId first = fx_attempt(fx, run, "a");
    AttemptOutcome good = {.reason = END_EXIT_CODE, .exit_code = 0, .end_us = fx->now_us};
    fx_started(fx, run, "a");
    engine_attempt_started(fx->engine, first, 77, fx->now_us + 5, fx->now_us); /* again */
    assert_false(engine_has_output(fx->engine));
    assert_true(fx_exit(fx, run, "a", 1));
    assert_false(engine_attempt_finished(fx->engine, first, &good, fx->now_us)); /* again, and other */
    assert_false(engine_has_output(fx->engine));
    fx_advance(fx, 0);
    fx_expect(fx, run, "a=queued", "running");
    assert_false(engine_attempt_finished(fx->engine, first, &good, fx->now_us)); /* of a former attempt */
    engine_attempt_started(fx->engine, first, 77, fx->now_us, fx->now_us);
    assert_false(engine_attempt_not_started(fx->engine, first, fx->now_us));
    assert_false(engine_attempt_stray(fx->engine, first, fx->now_us));
    AttemptId next = {first.ti_id, 3}, unknown = {999, 1};
    assert_false(engine_attempt_finished(fx->engine, next, &good, fx->now_us));
    assert_false(engine_attempt_finished(fx->engine, unknown, &good, fx->now_us));
    assert_false(engine_attempt_stray(fx->engine, unknown, fx->now_us));
    assert_false(engine_attempt_not_started(fx->engine, unknown, fx->now_us));
    engine_attempt_started(fx->engine, unknown, 1, 1, fx->now_us);
    assert_false(engine_has_output(fx->engine));
    fx_expect(fx, run, "a=queued", "running");
    fx_exit(fx, run, "a", 0);
    assert_false(engine_attempt_finished(fx->engine, (AttemptId){first.ti_id, 2}, &good, fx->now_us));
    fx_expect(fx, run, "a=success", "success");
}

/** An executor without processes (pid 0) may report a start twice as well. */
static void test_starts_without_a_pid(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a"));
    AttemptId id = fx_attempt(fx, run, "a");
    engine_attempt_started(fx->engine, id, 0, fx->now_us, fx->now_us);
    fx_turn(fx);
    int64_t start_us = fx->now_us;
    fx_expect(fx, run, "a=running", "running");
    fx_advance(fx, 10);
    engine_attempt_started(fx->engine, id, 0, fx->now_us, fx->now_us);
    assert_false(engine_has_output(fx->engine));
    fx_clear(fx, run, "a");
    engine_attempt_started(fx->engine, id, 0, fx->now_us, fx->now_us);
    assert_false(engine_has_output(fx->engine));
    fx_finish(fx, run, "a", END_CANCELED, EXIT_CODE_NONE, 0);
    assert_int_equal(fx_history(fx, run, "a", 1)->start_date_us, start_us);
}

static void test_retry_waits_for_its_rule(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b [retries=2 delay=60]"));
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, run, "b", 1);
    fx_clear(fx, run, "a");
    fx_advance(fx, 60);
    fx_expect(fx, run, "a=queued b=up_for_retry", "running");
    assert_true(engine_next_timer(fx->engine) == TIME_NONE);
    fx_advance(fx, 60);
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=queued", "running");
    fx_exit(fx, run, "b", 1);
    fx_clear(fx, run, "a");
    fx_exit(fx, run, "a", 1);
    fx_advance(fx, 60);
    fx_expect(fx, run, "a=failed b=upstream_failed", "failed");
    fx_clear(fx, run, "b"); /* try 2 is in history already */
    fx_expect(fx, run, "a=failed b=upstream_failed", "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts_are_retries_plus_one),
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_backoff_in_a_run),
        cmocka_unit_test(test_kinds_of_failure),
        cmocka_unit_test(test_lost_with_code_0_is_no_success),
        cmocka_unit_test(test_clear_gives_retries_again),
        cmocka_unit_test(test_no_retries_stays_none_after_a_clear),
        cmocka_unit_test(test_reports_that_do_not_count),
        cmocka_unit_test(test_starts_without_a_pid),
        cmocka_unit_test(test_retry_waits_for_its_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
