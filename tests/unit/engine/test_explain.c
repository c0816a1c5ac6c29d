/* SPDX-License-Identifier: MIT */
/* Why is it not running: each condition, alone and together with others; and that asking changes nothing. */
#include "tests/unit/engine/fixture.h"

static const char *const kinds[ENGINE_CONDITION_COUNT] = {
    "finished",     "executing",        "still_alive",     "run_ending",   "run_held",
    "run_after",    "max_active_runs",  "backfill_paused", "paused",       "retry",
    "trigger_rule", "depends_on_past",  "wait_downstream", "pool_missing", "pool_too_small",
    "pool_full",    "max_active_tasks", "max_active_tis",  "parallelism",  "starts_held",
};

static void append_ids(const Fixture *fx, const EngineCondition *condition, GString *text)
{
    for (guint i = 0; i < condition->ids->len; i++) {
        int64_t id = g_array_index(condition->ids, int64_t, i);
        bool are_runs = condition->kind == ENGINE_CONDITION_MAX_ACTIVE_RUNS ||
                        condition->kind == ENGINE_CONDITION_DEPENDS_ON_PAST ||
                        condition->kind == ENGINE_CONDITION_WAIT_FOR_DOWNSTREAM;
        const TaskInstance *ti = are_runs ? NULL : engine_task_by_id(fx->engine, id, NULL);
        g_string_append(text, i == 0 ? " [" : " ");
        if (ti != NULL)
            g_string_append(text, ti->task_id);
        else
            g_string_append_printf(text, "%" PRId64, id);
    }
    if (condition->ids->len > 0)
        g_string_append_c(text, ']');
}

/** "kind used/limit name [ids]; ...", and checks it against `want`. */
static void expect(Fixture *fx, int64_t run, const char *task, const char *want)
{
    uint32_t index = (uint32_t)dag_task_index(engine_run_dag(fx->engine, run), task);
    g_autoptr(GPtrArray) list = engine_explain(fx->engine, run, index, fx->now_us);
    assert_non_null(list);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const EngineCondition *condition = list->pdata[i];
        g_string_append_printf(text, "%s%s", i == 0 ? "" : "; ", kinds[condition->kind]);
        if (condition->limit != 0)
            g_string_append_printf(text, " %d/%d", (int)condition->used, (int)condition->limit);
        if (condition->name != NULL)
            g_string_append_printf(text, " %s", condition->name);
        if (condition->at_us != TIME_NONE)
            g_string_append_printf(text, " +%d", (int)((condition->at_us - fx->now_us) / USEC_PER_SEC));
        append_ids(fx, condition, text);
    }
    assert_string_equal(text->str, want);
    assert_false(engine_has_output(fx->engine));
    engine_check(fx->engine);
}

static void test_one_life(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1 delay=40] -> b"));
    expect(fx, run, "a", "executing");
    expect(fx, run, "b", "trigger_rule 0/1 [a]");
    fx_exit(fx, run, "a", 1);
    expect(fx, run, "a", "retry +40");
    fx_advance(fx, 30);
    expect(fx, run, "a", "retry +10");
    fx_advance(fx, 10);
    expect(fx, run, "a", "executing");
    fx_exit(fx, run, "a", 1);
    expect(fx, run, "a", "finished");
    expect(fx, run, "b", "finished [a]");
    assert_null(engine_explain(fx->engine, run, 2, fx->now_us));
    assert_null(engine_explain(fx->engine, run + 1, 0, fx->now_us));
}

static void test_rules(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d",
                                        "p -> c; a, b, c -> all; a, b, c -> one [one_failed];"
                                        "a, b, c -> done [all_done]; skipper -> after"));
    expect(fx, run, "all", "trigger_rule 0/3 [a b c]");
    fx_exit(fx, run, "b", 0);
    expect(fx, run, "all", "trigger_rule 1/3 [a c]");
    expect(fx, run, "one", "trigger_rule 1/3 [a c]");
    fx_exit(fx, run, "p", 0);
    fx_exit(fx, run, "a", 1);
    expect(fx, run, "all", "finished [a]");
    expect(fx, run, "one", "executing");
    expect(fx, run, "done", "trigger_rule 2/3 [c]");
    fx_exit(fx, run, "skipper", 99);
    expect(fx, run, "after", "finished [skipper]");
}

/* Those that are on their way stand before those that wait themselves. */
static void test_order_of_upstream(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "z -> a; a, b -> c"));
    expect(fx, run, "c", "trigger_rule 0/2 [b a]");
}

static void test_runs(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a -> b");
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    g_autofree char *full = g_strdup_printf("max_active_runs 1/1 [%" PRId64 "]", first);
    g_autofree char *both = g_strdup_printf("%s; trigger_rule 0/1 [a]", full);
    expect(fx, second, "a", full);
    expect(fx, second, "b", both);
    int64_t later = fx_trigger_with(fx, fx_dag(fx, "e", "a"),
                                    (FxTrigger){.run_after_us = fx->now_us + 60 * USEC_PER_SEC});
    expect(fx, later, "a", "run_after +60");
    fx_exit_all(fx, 0, 100);
    fx_advance(fx, 60);
    expect(fx, later, "a", "executing");
}

static void test_pause(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    Dag *dag = fx_dag(fx, "d", "a, b -> c");
    int64_t run = fx_trigger(fx, dag);
    fx_pause(fx, dag, true);
    expect(fx, run, "a", "executing");
    expect(fx, run, "b", "paused; parallelism 1/1");
    expect(fx, run, "c", "paused; trigger_rule 0/2 [a b]");
    int64_t queued = fx_trigger(fx, dag);
    expect(fx, queued, "a", "paused");
    fx_set_flags(fx, run, ENGINE_RUN_IGNORES_PAUSE);
    expect(fx, run, "b", "parallelism 1/1");
}

static void test_backfill(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=9; a");
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 1});
    int64_t first = fx_trigger_with(fx, dag, (FxTrigger){.backfill_id = 1});
    int64_t second = fx_trigger_with(fx, dag, (FxTrigger){.backfill_id = 1});
    g_autofree char *full = g_strdup_printf("max_active_runs 1/1 [%" PRId64 "]", first);
    expect(fx, second, "a", full);
    fx_backfill(fx, (EngineBackfill){.id = 1, .is_paused = true, .max_active_runs = 2});
    expect(fx, second, "a", "backfill_paused");
    fx_backfill(fx, (EngineBackfill){.id = 1, .max_active_runs = 2});
    expect(fx, second, "a", "executing");
}

static void test_held(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "@ max_runs=1; a -> b");
    fx_trigger(fx, dag);
    int64_t run = fx_trigger_with(fx, dag, (FxTrigger){.flags = ENGINE_RUN_HELD});
    expect(fx, run, "a", "run_held");
    expect(fx, run, "b", "run_held; trigger_rule 0/1 [a]");
}

static void test_ending_and_alive(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a [retries=1 delay=10] -> b"));
    AttemptId id = fx_attempt(fx, run, "a");
    FxAttempt *attempt = g_memdup2(g_hash_table_lookup(fx->live, &id.ti_id), sizeof *attempt);
    fx_started(fx, run, "a");
    fx_finish(fx, run, "a", END_LOST, EXIT_CODE_NONE, 0);
    g_hash_table_insert(fx->live, &attempt->id.ti_id, attempt);
    assert_true(engine_attempt_stray(fx->engine, id, fx->now_us));
    fx_turn(fx);
    expect(fx, run, "a", "still_alive; retry +10");
    fx_advance(fx, 10);
    expect(fx, run, "a", "still_alive");
    fx_finish(fx, run, "a", END_SIGNAL, EXIT_CODE_NONE, 15);
    fx_started(fx, run, "a");
    fx_clear(fx, run, "a");
    expect(fx, run, "a", "executing"); /* restarting */
    fx_mark_run(fx, run, RUN_STATE_FAILED);
    expect(fx, run, "b", "finished");
}

static void test_pools(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    fx_set_pool(fx, "db", 3);
    Dag *dag = fx_dag(fx, "d",
                      "a [pool=db slots=2], b [pool=db], c [pool=db], big [pool=db slots=4],"
                      "lost [pool=nope]; free -> late [pool=nope], full [pool=db]");
    int64_t run = fx_trigger(fx, dag);
    expect(fx, run, "c", "pool_full 3/3 db [a b]");
    expect(fx, run, "big", "pool_too_small 3/3 db [a b]");
    expect(fx, run, "lost", "pool_missing nope");
    expect(fx, run, "late", "trigger_rule 0/1 [free]; pool_missing nope");
    expect(fx, run, "full", "trigger_rule 0/1 [free]"); /* by then there may be room */
    fx_exit(fx, run, "b", 0);
    expect(fx, run, "c", "executing");
}

static void test_limits(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(3);
    Dag *dag = fx_dag(fx, "d", "@ max_tasks=2; a [tis=1 weight=9], b [weight=8], c");
    int64_t first = fx_trigger(fx, dag), second = fx_trigger(fx, dag);
    expect(fx, first, "c", "max_active_tasks 2/2 [a b]; parallelism 3/3");
    expect(fx, second, "a", "max_active_tis 1/1 [a]; parallelism 3/3");
    expect(fx, second, "c", "parallelism 3/3");
}

static void test_past(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(32);
    Dag *dag = fx_dag(fx, "d", "a [past] -> b [past]; w [wait] -> x");
    int64_t first = fx_trigger(fx, dag);
    int8_t states[8];
    EnginePast past = fx_past(fx, dag, first, states);
    int64_t second = fx_trigger_with(fx, dag, (FxTrigger){.past = &past});
    g_autofree char *of_a = g_strdup_printf("depends_on_past a [%" PRId64 "]", first);
    g_autofree char *of_b = g_strdup_printf("trigger_rule 0/1 [a]; depends_on_past b [%" PRId64 "]", first);
    g_autofree char *of_w =
        g_strdup_printf("depends_on_past w [%" PRId64 "]; wait_downstream x [%" PRId64 "]", first, first);
    g_autofree char *of_x = g_strdup_printf("wait_downstream x [%" PRId64 "]", first);
    expect(fx, second, "a", of_a);
    expect(fx, second, "b", of_b);
    expect(fx, second, "w", of_w);
    fx_exit(fx, first, "a", 0);
    expect(fx, second, "a", "executing");
    fx_exit(fx, first, "w", 0);
    expect(fx, second, "w", of_x);
    fx_exit(fx, first, "x", 0);
    expect(fx, second, "w", "executing");
}

static void test_starts_held(void **state)
{
    (void)state;
    g_autoptr(Fixture) fx = fx_new(1);
    int64_t run = fx_trigger(fx, fx_dag(fx, "d", "a; b -> c"));
    fx_hold_starts(fx, true);
    expect(fx, run, "a", "parallelism 1/1; starts_held");
    expect(fx, run, "c", "trigger_rule 0/1 [b]");
    expect(fx, run, "b", "executing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_life),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_order_of_upstream),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_backfill),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_ending_and_alive),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_past),
        cmocka_unit_test(test_starts_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
