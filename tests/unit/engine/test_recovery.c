/* SPDX-License-Identifier: MIT */
/* The daemon dies; runs are held and let go; runs leave the engine. Nothing may run twice or be forgotten. */
#include "tests/unit/engine/fixture.h"

/* All states at once: q queued, r running, re restarting, u up for retry, s scheduled, n null, m marked and
 * alive. */
#define ALL_STATES                                                                                           \
    "ok [weight=9] -> q [weight=20], r [weight=20], re [weight=20], m [weight=20], u [weight=20 retries=1 "  \
    "delay=60];"                                                                                             \
    "q -> n; s"

static int64_t all_states(Fixture *fx)
{
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "@ max_runs=1;" ALL_STATES));
    fx_exit(fx, run, "ok", 0);
    fx_exit(fx, run, "s", 0);
    fx_clear(fx, run, "s");
    fx_started(fx, run, "r");
    fx_started(fx, run, "re");
    fx_started(fx, run, "m");
    fx_exit(fx, run, "u", 1);
    fx_clear(fx, run, "re");
    fx_mark(fx, run, "m", TASK_STATE_SUCCESS);
    return run;
}

#define ALL_STATES_NOW "ok=success q=queued r=running re=restarting m=success u=up_for_retry n=none s=queued"

static void finish_all_states(Fixture *fx, int64_t run)
{
    fx_advance(fx, 60);
    fx_exit_all(fx, 0, 50);
    fx_expect(fx, run, "ok=success q=success r=success re=success m=success u=success n=success s=success",
              "success");
}

static void test_crash_in_each_state(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(6);
    int64_t run = all_states(fx);
    fx_expect(fx, run, ALL_STATES_NOW, "running");
    g_string_truncate(fx->log, 0);
    for (int i = 0; i < 3; i++) {
        fx_crash(fx);
        fx_expect(fx, run, ALL_STATES_NOW, "running");
        assert_int_equal(fx->n_rows, 0); /* loading changes nothing */
        assert_int_equal(engine_live_total(fx->engine), 5);
    }
    fx_expect_log(fx, "cancel re 1; cancel m 1; cancel re 1; cancel m 1; cancel re 1; cancel m 1");
    finish_all_states(fx, run);
}

/** The executor has lost everything, or has never had it: certain not to have been started. */
static void test_crash_before_the_effects(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(6);
    int64_t run = all_states(fx);
    g_hash_table_remove_all(fx->live);
    g_hash_table_remove(fx->started, "x");
    g_string_truncate(fx->log, 0);
    fx_crash(fx);
    /* queued ones start (again); the running one and the restarting one had been started: lost */
    fx_expect(fx, run, "q=queued r=failed re=queued m=success u=up_for_retry n=none s=queued", "running");
    assert_int_equal(fx_task(fx, run, "re")->try_number, 2); /* an attempt's number is never used again */
    assert_int_equal(fx_history(fx, run, "re", 1)->end_reason, END_CLEARED);
    assert_int_equal(fx_task(fx, run, "r")->end_reason, END_LOST);
    fx_advance(fx, 60);
    fx_exit_all(fx, 0, 50);
    fx_expect(fx, run, "q=success r=failed re=success m=success u=success n=success s=success", "failed");
}

static void test_lost_commit(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(6);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    AttemptOutcome good = {.reason = END_EXIT_CODE, .exit_code = 0, .end_us = fx->now_us};
    assert_true(engine_attempt_finished(fx->engine, fx_attempt(fx, run, "a"), &good, fx->now_us));
    fx_crash(fx); /* before the commit: the executor will tell again */
    fx_expect(fx, run, "a=queued b=none", "running");
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=queued", "running");
}

/** Nothing is given away before all runs are in and all strays are known. */
static void test_no_slot_before_the_tick(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(2);
    Dag *dag = fx_dag(fx, "d", "a [weight=2]; b -> c");
    int64_t first = fx_trigger(fx, dag);
    fx_mark(fx, first, "a b", TASK_STATE_SUCCESS); /* both alive; c scheduled */
    fx_expect(fx, first, "a=success b=success c=scheduled", "running");
    int64_t second = fx_trigger(fx, dag);
    fx_expect(fx, second, "a=scheduled b=scheduled", "running");
    g_string_truncate(fx->log, 0);
    fx_crash(fx);
    fx_expect(fx, first, "c=scheduled", "running");
    assert_int_equal(engine_live_total(fx->engine), 2);
    fx_exit_all(fx, 0, 10);
    fx_expect(fx, second, "a=success b=success c=success", "success");
}

/** A process of an attempt that the rows have given up: no other one of this task starts beside it. */
static void test_stray(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(2);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1 delay=10 weight=9]; b; c"));
    AttemptId id = fx_attempt(fx, run, "a");
    FxAttempt *attempt = g_memdup2(g_hash_table_lookup(fx->live, &id.ti_id), sizeof *attempt);
    fx_started(fx, run, "a");
    fx_finish(fx, run, "a", END_LOST, EXIT_CODE_NONE, 0);
    fx_expect(fx, run, "a=up_for_retry b=queued c=queued", "running");
    g_hash_table_insert(fx->live, &attempt->id.ti_id, attempt);
    assert_true(engine_attempt_stray(fx->engine, id, fx->now_us));
    assert_false(engine_attempt_stray(fx->engine, id, fx->now_us)); /* known by now */
    g_string_truncate(fx->log, 0);
    fx_turn(fx);
    fx_expect_log(fx, "cancel a 1");
    assert_int_equal(engine_live_total(fx->engine), 3); /* over the limit, but so it is */
    fx_exit(fx, run, "b", 0);
    fx_advance(fx, 10);
    fx_expect(fx, run, "a=up_for_retry", "running");
    fx_finish(fx, run, "a", END_SIGNAL, EXIT_CODE_NONE, 15);
    fx_expect(fx, run, "a=queued", "running");
    assert_int_equal(fx_task(fx, run, "a")->try_number, 2);
}

static bool end_stray(Fixture *fx, AttemptId id)
{
    AttemptOutcome killed = {
        .reason = END_CANCELED, .exit_code = EXIT_CODE_NONE, .term_signal = 15, .end_us = fx->now_us};
    bool was_live = engine_attempt_finished(fx->engine, id, &killed, fx->now_us);
    fx_turn(fx);
    return was_live;
}

/** The rows are older than the process, as after a backup was put back: its task waits until it is gone. */
static void test_stray_of_a_later_try(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(3);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a -> b"));
    AttemptId later = {fx_attempt(fx, run, "b").ti_id, 2};
    assert_true(engine_attempt_stray(fx->engine, later, fx->now_us));
    assert_int_equal(engine_live_total(fx->engine), 2);
    const EngineOutput *output = engine_output(fx->engine);
    const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, 0);
    assert_int_equal(effect->kind, EFFECT_CANCEL);
    assert_int_equal(effect->attempt.try_number, 2);
    engine_output_clear(fx->engine);
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=none", "running");
    assert_false(end_stray(fx, (AttemptId){later.ti_id, 1})); /* not that one */
    assert_true(end_stray(fx, later));
    fx_expect(fx, run, "a=success b=queued", "running");
    assert_int_equal(fx_task(fx, run, "b")->try_number, 1);
    fx_exit(fx, run, "b", 0);
    fx_expect(fx, run, "b=success", "success");
}

/** A scheduled task that such a process is in the way of is started after it, too. */
static void test_stray_of_a_scheduled_task(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [weight=9]; b"));
    fx->check_order = false; /* it knows nothing of strays that its executors do not have */
    AttemptId id = fx_attempt(fx, run, "b");
    assert_true(engine_attempt_stray(fx->engine, id, fx->now_us));
    engine_check(fx->engine);
    engine_output_clear(fx->engine);
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "b=scheduled", "running");
    assert_true(end_stray(fx, id));
    fx_expect(fx, run, "b=queued", "running");
    fx_exit(fx, run, "b", 0);
    fx_expect(fx, run, "b=success", "success");
}

/** Two runs on their way to a forced end, both with processes that the rows do not show. */
static void test_crash_with_forced_ends(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(8);
    Dag *dag = fx_dag(fx, "d", "a, b");
    int64_t runs[3];
    for (int i = 0; i < 3; i++) {
        runs[i] = fx_trigger(fx, dag);
        fx_mark_run(fx, runs[i], RUN_STATE_FAILED);
    }
    fx_crash(fx);
    for (int i = 0; i < 3; i++)
        fx_expect(fx, runs[i], "a=failed b=failed", "running");
    fx_exit_all(fx, 0, 10);
    for (int i = 0; i < 3; i++)
        fx_expect(fx, runs[i], "a=failed b=failed", "failed");
}

/** A finished run that is loaded for a late report leaves nothing open: other runs go on without a tick. */
static void test_finished_run_is_loaded_on_the_way(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(8);
    Dag *dag = fx_dag(fx, "d", "a -> b");
    int64_t old = fx_trigger(fx, dag);
    fx_exit_all(fx, 0, 5);
    int64_t run = fx_trigger(fx, dag);
    assert_true(fx_forget(fx, old));
    TaskInstance rows[] = {*fx_task(fx, old, "a"), *fx_task(fx, old, "b")};
    assert_true(engine_load_run(fx->engine, fx_run(fx, old), dag, rows, 2, NULL, ENGINE_RUN_NORMAL));
    assert_false(engine_has_output(fx->engine));
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=queued", "running");
    assert_true(fx_forget(fx, old));
}

static void test_crash_while_queued(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(8);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a");
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    int64_t backfill = fx_trigger_with(fx, dag, (FxTrigger){.backfill_id = 1});
    fx_crash(fx);
    fx_expect(fx, first, "a=queued", "running");
    fx_expect(fx, second, "a=none", "queued");
    fx_expect(fx, backfill, "a=queued", "running");
    fx_exit(fx, first, "a", 0);
    fx_expect(fx, second, "a=queued", "running");
    fx_pause(fx, dag, true);
    int64_t third = fx_trigger(fx, dag);
    fx_exit(fx, second, "a", 0);
    fx_crash(fx);
    fx_expect(fx, third, "a=none", "queued");
    fx_pause(fx, dag, false);
    fx_expect(fx, third, "a=queued", "running");
}

static void test_held(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(8);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1 timeout=1000; a -> b; c [retries=1 delay=10]; e [tis=1]");
    int64_t run = fx_trigger(fx, dag), next = fx_trigger(fx, dag);
    fx_started(fx, run, "a");
    fx_advance(fx, 1);
    fx_set_flags(fx, run, ENGINE_RUN_HELD);
    assert_true(engine_next_timer(fx->engine) == fx->now_us + 1000 * USEC_PER_SEC); /* of the next run */
    fx_expect(fx, next, "a=queued c=queued e=scheduled", "running"); /* a held run counts in no run limit */
    fx_exit(fx, run, "a", 0);
    fx_exit(fx, run, "c", 1);
    fx_expect(fx, run, "a=success b=none c=up_for_retry e=queued", "running");
    assert_true(fx_task(fx, run, "c")->retry_at_us == fx->now_us + 10 * USEC_PER_SEC);
    assert_true(engine_next_timer(fx->engine) == fx->now_us + 1000 * USEC_PER_SEC); /* none for a held one */
    fx_exit(fx, run, "e", 0);
    fx_expect(fx, next, "e=queued", "running");
    fx_advance(fx, 500);
    fx_expect(fx, run, "b=none c=up_for_retry", "running");
    fx_crash(fx); /* the flags come with the load */
    fx_expect(fx, run, "b=none c=up_for_retry", "running");
    fx_set_flags(fx, run, ENGINE_RUN_NORMAL);
    fx_expect(fx, run, "b=queued c=queued", "running");
    fx_exit(fx, run, "b", 0);
    fx_set_flags(fx, run, ENGINE_RUN_HELD);
    fx_exit(fx, run, "c", 0);
    fx_expect(fx, run, "b=success c=success", "running"); /* its end, too, waits */
    fx_set_flags(fx, run, ENGINE_RUN_NORMAL);
    fx_expect(fx, run, "b=success c=success", "success");
}

static void test_held_from_the_start(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a, b");
    int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.flags = ENGINE_RUN_HELD});
    fx_advance(fx, 60);
    fx_expect(fx, run, "a=none b=none", "queued");
    fx_set_flags(fx, run, ENGINE_RUN_NORMAL);
    fx_expect(fx, run, "a=queued b=scheduled", "running");
    fx_set_flags(fx, run, ENGINE_RUN_HELD);
    fx_exit(fx, run, "a", 0);
    fx_expect(fx, run, "a=success b=scheduled", "running");
    fx_mark(fx, run, "b", TASK_STATE_FAILED);
    fx_expect(fx, run, "b=failed", "running");
    fx_clear(fx, run, "b");
    fx_expect(fx, run, "b=none", "running");
    fx_mark_run(fx, run, RUN_STATE_FAILED); /* a user may end it while nobody runs it */
    fx_expect(fx, run, "a=success b=skipped", "failed");
    fx_clear(fx, run, "a b");
    fx_expect(fx, run, "a=none b=none", "queued");
    fx_set_flags(fx, run, ENGINE_RUN_NORMAL);
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, run, "a=success b=success", "success");
}

/** Handed over in each state, with and without a crash between. */
static void test_held_in_each_state(void **state)
{
    (void)state;
    for (int crash = 0; crash < 2; crash++) {
        g_autoptr(Fixture) fx = fx_new(6);
        int64_t run = all_states(fx);
        fx_set_flags(fx, run, ENGINE_RUN_HELD);
        fx_expect(fx, run, ALL_STATES_NOW, "running");
        if (crash)
            fx_crash(fx);
        fx_finish(fx, run, "re", END_SIGNAL, EXIT_CODE_NONE, 15);
        fx_expect(fx, run, "re=none", "running");
        fx_set_flags(fx, run, ENGINE_RUN_NORMAL);
        fx_expect(fx, run, "re=queued", "running");
        finish_all_states(fx, run);
    }
}

static void test_forget(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d", "a, b");
    int64_t run = fx_trigger(fx, dag);
    assert_false(fx_forget(fx, run)); /* alive */
    assert_false(engine_forget_run(fx->engine, 77));
    fx_exit_all(fx, 0, 5);
    AttemptId id = fx_attempt(fx, run, "a");
    assert_true(fx_forget(fx, run));
    assert_null(engine_run(fx->engine, run));
    assert_null(engine_task(fx->engine, run, 0));
    assert_null(engine_task_by_id(fx->engine, id.ti_id, NULL));
    assert_false(fx_forget(fx, run));
    AttemptOutcome good = {.reason = END_EXIT_CODE, .end_us = fx->now_us};
    assert_false(engine_attempt_finished(fx->engine, id, &good, fx->now_us));
    assert_false(engine_has_output(fx->engine));
    fx_load(fx, run);
    const TaskInstance *row = fx_task(fx, run, "a");
    assert_false(engine_load_run(fx->engine, fx_run(fx, run), dag, row, 1, NULL, ENGINE_RUN_NORMAL));
    fx_expect(fx, run, "a=success b=success", "success");
    fx_clear(fx, run, "a");
    fx_exit_all(fx, 0, 5);
    fx_expect(fx, run, "a=success b=success", "success");
    assert_int_equal(fx_task(fx, run, "a")->try_number, 2);
}

/** An unfinished run leaves (its DAG is deleted): its place and its scheduled tasks go with it. */
static void test_forget_unfinished(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a [pool=none]; b [pool=none] ");
    int64_t run = fx_trigger(fx, dag), next = fx_trigger(fx, dag);
    fx_expect(fx, run, "a=scheduled b=scheduled", "running");
    assert_true(fx_forget(fx, run));
    g_hash_table_remove(fx->runs, &run);
    fx_advance(fx, 0);
    fx_expect(fx, next, "a=scheduled b=scheduled", "running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_in_each_state),
        cmocka_unit_test(test_crash_before_the_effects),
        cmocka_unit_test(test_lost_commit),
        cmocka_unit_test(test_no_slot_before_the_tick),
        cmocka_unit_test(test_stray),
        cmocka_unit_test(test_stray_of_a_later_try),
        cmocka_unit_test(test_stray_of_a_scheduled_task),
        cmocka_unit_test(test_crash_with_forced_ends),
        cmocka_unit_test(test_finished_run_is_loaded_on_the_way),
        cmocka_unit_test(test_crash_while_queued),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_held_from_the_start),
        cmocka_unit_test(test_held_in_each_state),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_forget_unfinished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
