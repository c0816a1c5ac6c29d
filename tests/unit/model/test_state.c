/* SPDX-License-Identifier: MIT */
/* Names and classes of states, the edges between them, reasons, ids, and "did you mean". */
#include "scheduler/model/records.h"

#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

static void test_task_states(void **state)
{
    (void)state;
    static const char *const words[] = {
        "scheduled",       "queued",       "running",           "success",  "failed",     "skipped",
        "upstream_failed", "up_for_retry", "up_for_reschedule", "deferred", "restarting", "removed"};
    assert_int_equal(G_N_ELEMENTS(words) + 1, TASK_STATE_COUNT);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        assert_string_equal(task_state_to_string(task_state_from_string(words[i])), words[i]);
    assert_null(task_state_to_string(TASK_STATE_NONE));
    assert_int_equal(task_state_from_string(NULL), TASK_STATE_NONE);
    assert_int_equal(task_state_from_string("none"), TASK_STATE_NONE);
    assert_int_equal(task_state_from_string(""), TASK_STATE_INVALID);
    assert_int_equal(task_state_from_string("Success"), TASK_STATE_INVALID);
    assert_int_equal(task_state_from_string("no_status"), TASK_STATE_INVALID);
}

static void test_classes(void **state)
{
    (void)state;
    for (int s = 0; s < TASK_STATE_COUNT; s++) {
        TaskState t = (TaskState)s;
        bool finished = t == TASK_STATE_SUCCESS || t == TASK_STATE_FAILED || t == TASK_STATE_SKIPPED ||
                        t == TASK_STATE_UPSTREAM_FAILED || t == TASK_STATE_REMOVED;
        assert_int_equal(task_state_is_finished(t), finished);
        assert_int_equal(task_state_is_failure(t), t == TASK_STATE_FAILED || t == TASK_STATE_UPSTREAM_FAILED);
        assert_int_equal(task_state_is_good(t), t == TASK_STATE_SUCCESS || t == TASK_STATE_SKIPPED);
        assert_int_equal(task_state_is_executing(t),
                         t == TASK_STATE_QUEUED || t == TASK_STATE_RUNNING || t == TASK_STATE_RESTARTING);
    }
}

static void test_runs(void **state)
{
    (void)state;
    static const char *const states[] = {"queued", "running", "success", "failed"};
    static const char *const types[] = {"manual", "scheduled", "backfill", "asset_triggered"};
    for (int i = 0; i < RUN_STATE_COUNT; i++) {
        assert_string_equal(run_state_to_string((RunState)i), states[i]);
        assert_int_equal(run_state_from_string(states[i]), i);
        assert_int_equal(run_state_is_finished((RunState)i), i >= 2);
    }
    for (int i = 0; i < RUN_TYPE_COUNT; i++) {
        assert_string_equal(run_type_to_string((RunType)i), types[i]);
        assert_int_equal(run_type_from_string(types[i]), i);
    }
    assert_int_equal(run_state_from_string("skipped"), RUN_STATE_INVALID);
    assert_int_equal(run_state_from_string(NULL), RUN_STATE_INVALID);
    assert_int_equal(run_type_from_string("cron"), RUN_TYPE_INVALID);
    static const struct {
        const char *run_id;
        RunType type;
    } rows[] = {{"scheduled__2026-01-01T00:00:00+00:00", RUN_TYPE_SCHEDULED},
                {"backfill__x", RUN_TYPE_BACKFILL},
                {"manual__x", RUN_TYPE_MANUAL},
                {"asset_triggered__x", RUN_TYPE_ASSET_TRIGGERED},
                {"scheduled_x", RUN_TYPE_MANUAL},
                {"my__scheduled__x", RUN_TYPE_MANUAL},
                {"__x", RUN_TYPE_MANUAL},
                {"", RUN_TYPE_MANUAL}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(run_type_from_run_id(rows[i].run_id), rows[i].type);
}

/** What the engine relies on, and what must never be possible. */
static void test_edges(void **state)
{
    (void)state;
    for (int s = 0; s < TASK_STATE_COUNT; s++) {
        TaskState from = (TaskState)s;
        bool runs_now = task_state_is_executing(from);
        if (from != TASK_STATE_SCHEDULED) /* slots are given to scheduled tasks only */
            assert_false(task_state_may_become(from, TASK_STATE_QUEUED));
        if (from != TASK_STATE_QUEUED)
            assert_false(task_state_may_become(from, TASK_STATE_RUNNING));
        if (task_state_is_finished(from)) { /* never by itself back into work */
            assert_false(task_state_may_become(from, TASK_STATE_SCHEDULED));
            assert_false(task_state_may_become(from, TASK_STATE_UP_FOR_RETRY));
            assert_true(task_state_may_become(from, TASK_STATE_NONE)); /* clear */
        }
        if (runs_now) { /* an attempt cannot be forgotten */
            assert_int_equal(task_state_may_become(from, TASK_STATE_NONE), from == TASK_STATE_RESTARTING);
            assert_false(task_state_may_become(from, TASK_STATE_UPSTREAM_FAILED));
        }
        if (from != TASK_STATE_REMOVED)
            assert_true(task_state_may_become(from, TASK_STATE_SUCCESS) ||
                        from == TASK_STATE_SUCCESS); /* mark */
    }
}

static void test_end_reasons(void **state)
{
    (void)state;
    assert_null(end_reason_to_string(END_NONE));
    assert_int_equal(end_reason_from_string(NULL), END_NONE);
    for (int reason = 1; reason < END_REASON_COUNT; reason++)
        assert_int_equal(end_reason_from_string(end_reason_to_string((EndReason)reason)), reason);
    assert_int_equal(end_reason_from_string("whatever"), END_REASON_INVALID);
}

static void test_copy_run(void **state)
{
    (void)state;
    assert_null(dag_run_copy(NULL));
    dag_run_free(NULL);
    DagRun run = {.id = 3, .dag_id = (char *)"d", .run_id = (char *)"r", .note = (char *)"n"};
    g_autoptr(DagRun) copy = dag_run_copy(&run);
    assert_true(copy->id == 3 && copy->dag_id != run.dag_id && copy->conf_json == NULL);
    assert_string_equal(copy->note, "n");
}

static void test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        bool as_id, as_run_id;
    } rows[] = {
        {"a", true, true},
        {"0", true, true},
        {"pinterest_batch.v1-2", true, true},
        {"a.b", true, true},
        {"a.", true, true},
        {"scheduled__2026-01-01T00:00:00+00:00", false, true},
        {"a~b", false, true},
        {"a:b", false, true},
        {"", false, false},
        {"_a", false, false},
        {"-a", false, false},
        {".a", false, false},
        {"a..b", false, false},
        {"a..", false, false},
        {"..", false, false},
        {"a/b", false, false},
        {"a b", false, false},
        {"a\n", false, false},
        {"a%2e", false, false},
        {"\xc3\xa9", false, false},
        {"a\xc3\xa9", false, false},
        {"a\x7f", false, false},
        {NULL, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_int_equal(id_is_valid(rows[i].id), rows[i].as_id);
        assert_int_equal(run_id_is_valid(rows[i].id), rows[i].as_run_id);
    }
    char longest[202];
    memset(longest, 'x', sizeof longest);
    longest[200] = '\0';
    assert_true(id_is_valid(longest) && run_id_is_valid(longest));
    longest[200] = 'x';
    longest[201] = '\0';
    assert_false(id_is_valid(longest) || run_id_is_valid(longest));
}

static void test_suggest(void **state)
{
    (void)state;
    static const char *const words[] = {
        "depends_on", "depends_on_past", "retries", "retry_delay", "pool", "env", NULL};
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"depend_on", "depends_on"},
        {"dependson", "depends_on"},
        {"retires", "retries"},
        {"Retries", "retries"},
        {"retrydelay", "retry_delay"},
        {"polo", "pool"},
        {"evn", "env"},
        {"depends_on_pst", "depends_on_past"},
        {"command", NULL},
        {"xyzzy", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *got = suggest_nearest(rows[i].word, words);
        if (g_strcmp0(got, rows[i].want) != 0)
            fail_msg("'%s': %s, want %s", rows[i].word, got, rows[i].want);
    }
    static const char *const none[] = {NULL};
    assert_null(suggest_nearest("x", none));
    char very_long[300];
    memset(very_long, 'x', sizeof very_long - 1);
    very_long[299] = '\0';
    assert_null(suggest_nearest(very_long, words));
    const char *const candidates[] = {very_long, "env", NULL};
    assert_string_equal(suggest_nearest("env", candidates), "env");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_states), cmocka_unit_test(test_classes),
        cmocka_unit_test(test_runs),        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_end_reasons), cmocka_unit_test(test_copy_run),
        cmocka_unit_test(test_ids),         cmocka_unit_test(test_suggest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
