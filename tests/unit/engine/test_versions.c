/* SPDX-License-Identifier: MIT */
/* A run moves to another version of its DAG. */
#include "tests/unit/engine/fixture.h"

static void test_tasks_match_by_id(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b -> c"));
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, run, "b", 1);
    fx_expect(fx, run, "a=success b=failed c=upstream_failed", "failed");
    Dag *fixed = fx_dag(fx, "d", "new; c; a; b; a -> b -> c; new -> c");
    fx_set_version(fx, run, fixed);
    fx_expect(fx, run, "a=success b=failed c=upstream_failed new=queued", "running");
    assert_int_equal(fx_run(fx, run)->clear_number, 1);
    assert_int_equal(fx_run(fx, run)->dag_version_id, fx->next_version_id);
    fx_clear(fx, run, "b c");
    fx_expect(fx, run, "a=success b=queued c=none new=queued", "running");
    assert_int_equal(fx_run(fx, run)->clear_number, 1); /* it was on its way already */
    assert_int_equal(fx_task(fx, run, "b")->try_number, 2);
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "a=success b=success c=success new=success", "success");
}

static void test_nothing_new(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a"));
    fx_exit(fx, run, "a", 0);
    fx_set_version(fx, run, fx_dag(fx, "d", "a [retries=3]"));
    fx_expect(fx, run, "a=success", "success");
    assert_int_equal(fx_run(fx, run)->clear_number, 0);
    assert_false(engine_set_run_version(fx->engine, 77, fx->dags->pdata[0], 1, 100, fx->now_us));
}

static void test_tasks_vanish(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(5);
    int64_t run = fx_trigger(
        fx,
        fx_dag(
            fx, "d",
            "q [weight=9], r [weight=9], u [weight=9 retries=1 delay=60], m [weight=9], ok [weight=9] -> n;"
            "s [absolute weight=0]; keep [absolute weight=1]"));
    fx_started(fx, run, "r");
    fx_exit(fx, run, "u", 1);
    fx_exit(fx, run, "ok", 0);
    fx_mark(fx, run, "m", TASK_STATE_FAILED);
    fx_expect(fx, run,
              "q=queued r=running u=up_for_retry m=failed ok=success n=upstream_failed s=queued keep=queued",
              "running");
    g_string_truncate(fx->log, 0);
    fx_set_version(fx, run, fx_dag(fx, "d", "@ timeout=500; keep [weight=1]; s"));
    fx_expect(fx, run, "q=removed r=removed u=removed m=removed ok=removed n=removed keep=queued s=queued",
              "running");
    fx_expect_log(fx, "cancel q 1; cancel r 1; cancel m 1");
    fx_crash(fx);
    fx_exit(fx, run, "keep", 0);
    fx_exit(fx, run, "s", 0);
    fx_expect(fx, run, "keep=success", "running"); /* there are processes left */
    fx_exit_all(fx, 1, 3);
    fx_expect(fx, run, "q=removed keep=success", "success");
    assert_true(fx_forget(fx, run));
}

/** Away and back again, once with the processes still there and once without. */
static void test_tasks_are_restored(void **state)
{
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        g_autoptr(Fixture) fx = fx_new(4);
        Dag *full = fx_dag(fx, "d", "q [weight=9], r [weight=9], ok [weight=9], s; keep [weight=20]");
        Dag *less = fx_dag(fx, "d", "keep");
        int64_t run = fx_trigger(fx, full);
        fx_started(fx, run, "r");
        fx_exit(fx, run, "ok", 0);
        fx_exit(fx, run, "s", 1);
        fx_clear(fx, run, "s");
        int64_t filler = fx_trigger(fx, fx_dag(fx, "x", "f [absolute weight=99]"));
        fx_exit(fx, run, "s", 1);
        fx_clear(fx, run, "s");
        fx_expect(fx, run, "q=queued r=running ok=success s=scheduled keep=queued", "running");
        fx_set_version(fx, run, less);
        if (gone) {
            fx_finish(fx, run, "q", END_SIGNAL, EXIT_CODE_NONE, 15);
            fx_finish(fx, run, "r", END_SIGNAL, EXIT_CODE_NONE, 15);
        }
        fx_expect(fx, run, "q=removed r=removed ok=removed s=removed keep=queued", "running");
        fx_set_version(fx, run, full);
        if (gone) {
            fx_expect(fx, run, "q=queued r=queued ok=scheduled s=scheduled", "running");
        } else {
            fx_expect(fx, run, "q=restarting r=restarting ok=scheduled s=scheduled", "running");
            fx_finish(fx, run, "q", END_SIGNAL, EXIT_CODE_NONE, 15);
            fx_finish(fx, run, "r", END_SIGNAL, EXIT_CODE_NONE, 15);
        }
        fx_exit_all(fx, 0, 30);
        fx_expect(fx, filler, "f=success", "success");
        fx_expect(fx, run, "q=success r=success ok=success s=success keep=success", "success");
        assert_int_equal(fx_task(fx, run, "q")->try_number, 2);
        assert_int_equal(fx_task(fx, run, "s")->try_number, 3); /* no gaps */
        assert_non_null(fx_history(fx, run, "q", 1));
        assert_non_null(fx_history(fx, run, "ok", 1));
        assert_non_null(fx_history(fx, run, "s", 2));
    }
}

/** Canceled before it could start, while away; then restored: it must not be forgotten. */
static void test_restored_and_never_started(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(4);
    Dag *full = fx_dag(fx, "d", "q, keep"), *less = fx_dag(fx, "d", "keep");
    int64_t run = fx_trigger(fx, full);
    AttemptId id = fx_attempt(fx, run, "q");
    fx_set_version(fx, run, less);
    fx_set_version(fx, run, full);
    g_hash_table_remove(fx->live, &id.ti_id);
    g_autofree char *key = fx_key(id);
    g_hash_table_remove(fx->started, key);
    assert_true(engine_attempt_not_started(fx->engine, id, fx->now_us));
    fx_turn(fx);
    fx_expect(fx, run, "q=queued", "running");
    assert_int_equal(fx_task(fx, run, "q")->try_number, 1);
}

static void test_new_rules_and_bodies(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [weight=9] -> b; s; u [weight=50 retries=1 delay=10]"));
    fx_exit(fx, run, "u", 1);
    fx_exit(fx, run, "a", 1);
    fx_expect(fx, run, "a=failed b=upstream_failed s=queued u=up_for_retry", "running");
    fx_clear(fx, run, "b");
    fx_set_version(fx, run, fx_dag(fx, "d", "a -> b [all_done]; s; u [empty]"));
    fx_expect(fx, run, "a=failed b=upstream_failed u=up_for_retry", "running");
    fx_clear(fx, run, "b");
    fx_expect(fx, run, "b=scheduled", "running");
    fx_advance(fx, 10);
    fx_expect(fx, run, "u=success", "running"); /* its retry finds it empty */
    assert_int_equal(fx_task(fx, run, "u")->try_number, 2);
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "a=failed b=success s=success u=success", "success");
}

static void test_new_limits(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "@ max_tasks=1 timeout=100; a, b [pool=p], c, e [tis=1]"));
    fx_expect(fx, run, "a=queued b=scheduled c=scheduled e=scheduled", "running");
    fx_set_version(fx, run, fx_dag(fx, "d", "@ max_tasks=8 timeout=300; a, b, c [pool=p], e [tis=2]"));
    fx_expect(fx, run, "a=queued b=queued c=scheduled e=queued", "running");
    fx_advance(fx, 200);
    fx_expect(fx, run, "a=queued b=queued c=scheduled e=queued", "running"); /* the new timeout counts */
    fx_set_version(fx, run, fx_dag(fx, "d", "a, b, c, e"));
    fx_advance(fx, 2000);
    fx_expect(fx, run, "a=queued b=queued c=queued e=queued", "running");
    fx_set_version(fx, run, fx_dag(fx, "d", "@ timeout=300; a, b, c, e"));
    fx_advance(fx, 0);
    fx_expect(fx, run, "a=skipped b=skipped c=skipped e=skipped", "running");
}

/** Rows of attempts that were archived earlier in the turn outlive the version they came from. */
static void test_archive_and_version_in_one_turn(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *old = fx_dag(fx, "d", "a [retries=1 pool=some_pool], gone [retries=1]");
    fx_set_pool(fx, "some_pool", 5);
    int64_t run = fx_trigger(fx, old);
    AttemptOutcome bad = {.reason = END_EXIT_CODE, .exit_code = 1, .end_us = fx->now_us};
    engine_attempt_finished(fx->engine, fx_attempt(fx, run, "a"), &bad, fx->now_us);
    engine_attempt_finished(fx->engine, fx_attempt(fx, run, "gone"), &bad, fx->now_us);
    g_hash_table_remove_all(fx->live);
    Dag *latest = fx_dag(fx, "d", "a [retries=1], added");
    assert_true(engine_set_run_version(fx->engine, run, latest, 2, fx->next_ti_id, fx->now_us));
    g_ptr_array_remove(fx->dags, old); /* nobody else has it any more */
    fx->check_order = false;
    fx_turn(fx);
    assert_string_equal(fx_history(fx, run, "a", 1)->task_id, "a");
    assert_string_equal(fx_history(fx, run, "a", 1)->pool, "some_pool");
    assert_string_equal(fx_history(fx, run, "gone", 1)->task_id, "gone");
    fx_expect(fx, run, "a=up_for_retry gone=removed added=queued", "running");
}

static void test_two_runs_in_one_turn(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *old = fx_dag(fx, "d", "a"), *latest = fx_dag(fx, "d", "a -> b");
    int64_t one = fx_trigger(fx, old), two = fx_trigger(fx, old);
    assert_true(engine_set_run_version(fx->engine, one, latest, 2, 100, fx->now_us));
    assert_true(engine_set_run_version(fx->engine, two, latest, 2, 200, fx->now_us));
    fx_turn(fx);
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, one, "a=success b=success", "success");
    fx_expect(fx, two, "a=success b=success", "success");
}

static void test_past_follows_the_ids(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past]; b [past]; c");
    int8_t states[] = {TASK_STATE_SUCCESS, TASK_STATE_FAILED, TASK_STATE_FAILED};
    EnginePast past = {.dag_run_id = 999, .states = states};
    int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.past = &past});
    fx_expect(fx, run, "a=queued b=none c=queued", "running");
    fx_clear(fx, run, "a");
    fx_set_version(fx, run, fx_dag(fx, "d", "new [past]; c; b [past]; a [past]"));
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, run, "a=success b=none c=success new=success", "running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tasks_match_by_id),
        cmocka_unit_test(test_nothing_new),
        cmocka_unit_test(test_tasks_vanish),
        cmocka_unit_test(test_tasks_are_restored),
        cmocka_unit_test(test_restored_and_never_started),
        cmocka_unit_test(test_new_rules_and_bodies),
        cmocka_unit_test(test_new_limits),
        cmocka_unit_test(test_archive_and_version_in_one_turn),
        cmocka_unit_test(test_two_runs_in_one_turn),
        cmocka_unit_test(test_past_follows_the_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
