/* SPDX-License-Identifier: MIT */
/* States of runs: how they end, when they start, pause, max_active_runs, dagrun_timeout. */
#include "tests/unit/engine/fixture.h"

static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *dag;
        const char *failing; /* tasks that fail; all others succeed */
        const char *want, *want_run;
        EndReason reason;
    } rows[] = {
        {"a -> b", "", "a=success b=success", "success", END_NONE},
        {"a -> b", "b", "a=success b=failed", "failed", END_TASK_FAILURE},
        {"a -> b", "a", "a=failed b=upstream_failed", "failed", END_TASK_FAILURE},
        {"a -> b [all_done]", "a", "a=failed b=success", "success", END_NONE},
        {"a -> b [one_failed]", "", "a=success b=skipped", "success", END_NONE},
        {"a -> b [all_done]; c", "c", "b=success c=failed", "failed", END_TASK_FAILURE},
        {"a, b", "a", "a=failed b=success", "failed", END_TASK_FAILURE},
        {"a -> b -> c [all_done]; a -> d [always]", "a", "b=upstream_failed c=success d=success", "success",
         END_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Fixture) fx = fx_new(1);
        int64_t run = fx_trigger(fx, fx_dag(fx, "d", rows[i].dag));
        while (g_hash_table_size(fx->live) > 0) {
            GHashTableIter iter;
            gpointer attempt;
            g_hash_table_iter_init(&iter, fx->live);
            g_hash_table_iter_next(&iter, NULL, &attempt);
            const char *task = ((FxAttempt *)attempt)->task_id;
            fx_exit(fx, run, task, strcmp(task, rows[i].failing) == 0);
        }
        fx_expect(fx, run, rows[i].want, rows[i].want_run);
        assert_int_equal(fx_run(fx, run)->end_reason, rows[i].reason);
        assert_int_equal(fx_run(fx, run)->end_date_us, fx->now_us);
    }
}

static void test_no_tasks(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", ""));
    assert_int_equal(fx_run(fx, run)->state, RUN_STATE_SUCCESS);
    fx_expect_log(fx, "run started; run finished");
    assert_true(fx_forget(fx, run));
}

/** Only a removed upstream task can leave a task with nothing to wait for. */
static void test_deadlock(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(4);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b -> c; x"));
    ((TaskInstance *)fx_task(fx, run, "a"))->state = TASK_STATE_REMOVED;
    ((TaskInstance *)fx_task(fx, run, "a"))->start_date_us = fx->now_us;
    ((TaskInstance *)fx_task(fx, run, "a"))->end_date_us = fx->now_us;
    g_hash_table_remove(fx->live, &fx_task(fx, run, "a")->id);
    fx_crash(fx);
    fx_expect(fx, run, "a=removed b=none c=none x=queued", "running");
    fx_exit(fx, run, "x", 0);
    fx_expect(fx, run, "a=removed b=skipped c=skipped x=success", "failed");
    assert_int_equal(fx_run(fx, run)->end_reason, END_DEADLOCK);
    assert_int_equal(fx_task(fx, run, "b")->end_reason, END_RUN_ENDED);
}

static void test_timeout(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(2);
    Dag *dag = fx_dag(fx, "d", "@ timeout=100; a -> b; c; r [retries=1 delay=1000]");
    int64_t run = fx_trigger(fx, dag);
    fx_started(fx, run, "a");
    fx_advance(fx, 99);
    fx_expect(fx, run, "a=running b=none c=queued r=scheduled", "running");
    fx_expect_log(fx, "run started; start a 1; start c 1");
    fx_advance(fx, 1);
    fx_expect(fx, run, "a=skipped b=skipped c=skipped r=skipped",
              "running"); /* until its processes are gone */
    fx_expect_log(fx, "cancel a 1; cancel c 1");
    assert_int_equal(fx_task(fx, run, "r")->try_number, 0);
    fx_advance(fx, 5);
    fx_finish(fx, run, "a", END_SIGNAL, EXIT_CODE_NONE, 15);
    fx_expect(fx, run, "a=skipped", "running");
    fx_exit(fx, run, "c", 0); /* ended by itself in the meantime: too late */
    fx_expect(fx, run, "a=skipped b=skipped c=skipped r=skipped", "failed");
    assert_int_equal(fx_run(fx, run)->end_reason, END_TIMEOUT);
    fx_expect_log(fx, "run finished");

    fx_advance(fx, 1000); /* a clear starts the clock anew */
    fx_clear(fx, run, "*");
    fx_advance(fx, 99);
    fx_expect(fx, run, "a=queued b=none c=queued r=scheduled", "running");
    fx_advance(fx, 1);
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "a=skipped b=skipped c=skipped r=skipped", "failed");
}

static void test_timeout_does_not_count_the_queue(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(2);
    Dag *dag = fx_dag(fx, "d", "@ timeout=100 max_runs=1; a");
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    fx_advance(fx, 90);
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, second, "a=queued", "running");
    fx_advance(fx, 90);
    fx_expect(fx, second, "a=queued", "running");
    fx_crash(fx);
    fx_advance(fx, 10);
    fx_expect(fx, second, "a=skipped", "running");
    fx_exit(fx, second, "a", 0);
    fx_expect(fx, second, "a=skipped", "failed");
}

static void test_very_long_timeout(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(2);
    Dag *dag = fx_dag(fx, "d", "a [retries=1]");
    dag->dagrun_timeout_us = INT64_MAX;
    dag->tasks[0].retry_delay_us = INT64_MAX - 5;
    int64_t run = fx_trigger(fx, dag);
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=up_for_retry", "running");
    assert_true(fx_task(fx, run, "a")->retry_at_us > fx->now_us);
    fx_crash(fx);
    fx_advance(fx, 86400 * 365);
    fx_expect(fx, run, "a=up_for_retry", "running");
}

static void test_max_active_runs(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=2; a");
    int64_t hour = USEC_PER_HOUR, now = fx->now_us;
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    int64_t later = fx_trigger_with(fx, dag, (FxTrigger){.run_after_us = now - hour});
    int64_t sooner = fx_trigger_with(fx, dag, (FxTrigger){.run_after_us = now - 2 * hour});
    int64_t backfill[3];
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 2});
    for (int i = 0; i < 3; i++)
        backfill[i] = fx_trigger_with(fx, dag, (FxTrigger){.backfill_id = 1});
    fx_expect(fx, first, "a=queued", "running");
    fx_expect(fx, second, "a=queued", "running");
    fx_expect(fx, later, "a=none", "queued");
    fx_expect(fx, sooner, "a=none", "queued");
    fx_expect(fx, backfill[0], "a=queued", "running"); /* counted apart */
    fx_expect(fx, backfill[1], "a=queued", "running");
    fx_expect(fx, backfill[2], "a=none", "queued");
    fx_exit(fx, second, "a", 1);
    fx_expect(fx, sooner, "a=queued", "running"); /* by run_after */
    fx_expect(fx, later, "a=none", "queued");
    fx_exit(fx, backfill[1], "a", 0);
    fx_expect(fx, backfill[2], "a=queued", "running");
    fx_expect(fx, later, "a=none", "queued");
    dag->max_active_runs = 3;
    fx_pause(fx, dag, false);
    fx_expect(fx, later, "a=queued", "running");
}

static void test_run_after_in_the_future(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a");
    int64_t at = fx->now_us + 60 * USEC_PER_SEC;
    int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.run_after_us = at});
    assert_int_equal(engine_next_timer(fx->engine), at);
    int64_t now = fx_trigger(fx, dag); /* one that waits for its time takes no place */
    fx_expect(fx, now, "a=queued", "running");
    fx_exit(fx, now, "a", 0);
    fx_crash(fx);
    fx_advance(fx, 59);
    fx_expect(fx, run, "a=none", "queued");
    fx_advance(fx, 1);
    fx_expect(fx, run, "a=queued", "running");
    assert_int_equal(fx_run(fx, run)->start_date_us, at);
}

static void test_pause(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a -> b -> c");
    int64_t run = fx_trigger(fx, dag);
    fx_pause(fx, dag, true);
    int64_t waiting = fx_trigger(fx, dag);
    int64_t ignores = fx_trigger_with(fx, dag, (FxTrigger){.flags = ENGINE_RUN_IGNORES_PAUSE});
    fx_expect(fx, waiting, "a=none", "queued");
    fx_expect(fx, ignores, "a=queued", "running");
    fx_exit(fx, ignores, "a", 0);
    fx_expect(fx, ignores, "a=success b=queued", "running");
    fx_exit(fx, run, "a", 0); /* what runs goes on; nothing new is queued */
    fx_expect(fx, run, "a=success b=scheduled c=none", "running");
    fx_set_flags(fx, run, ENGINE_RUN_IGNORES_PAUSE);
    fx_expect(fx, run, "b=queued", "running");
    fx_pause(fx, dag, false);
    fx_expect(fx, waiting, "a=queued", "running");
}

static void test_paused_run_ends(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a -> b [empty]");
    int64_t run = fx_trigger(fx, dag);
    fx_pause(fx, dag, true);
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=success", "success");
}

static void test_clock_set_back(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    fx_started(fx, run, "a");
    fx->now_us -= USEC_PER_HOUR;
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=failed b=upstream_failed", "failed"); /* fx_turn() looks at the dates */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_no_tasks),
        cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_timeout_does_not_count_the_queue),
        cmocka_unit_test(test_very_long_timeout),
        cmocka_unit_test(test_max_active_runs),
        cmocka_unit_test(test_run_after_in_the_future),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_paused_run_ends),
        cmocka_unit_test(test_clock_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
