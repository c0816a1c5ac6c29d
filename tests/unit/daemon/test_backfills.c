/* SPDX-License-Identifier: MIT */
/* Backfills as commands without a scheduler: what is made, what is refused, what is left in the store. */
#include "tests/unit/daemon/fixture.h"

#include <string.h>

#define DAY "schedule: '0 2 * * *'\n"
#define JAN "'dag_id': 'd', 'from_date': '2025-01-01', 'to_date': '2025-01-04T12:00:00Z'"

static int set_up(void **state)
{
    fixture_set_up(state);
    fixture_write(*state, "dags/d.yaml",
                  "dag_id: d\n" DAY "start_date: 2026-01-01\nend_date: 2026-02-01\n"
                  "params: {n: {type: integer, default: 1}}\n"
                  "tasks:\n  a: {command: 'true'}\n  b: {command: 'true', depends_on: a}\n");
    fixture_open(*state, DAEMON_OFFLINE);
    return 0;
}

static DagRun *run_of(const Fixture *f, const char *run_id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    GError *error = NULL;
    DagRun *run = store_get_run(conn, "d", run_id, &error);
    if (run == NULL)
        fail_msg("%s", error->message);
    return run;
}

static Backfill *backfill_of(const Fixture *f, int64_t id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    Backfill *backfill = store_get_backfill(conn, id, NULL);
    assert_non_null(backfill);
    return backfill;
}

static BackfillProgress progress_of(const Fixture *f, int64_t id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    BackfillProgress progress;
    assert_true(store_read_backfill_progress(conn, id, &progress, NULL));
    return progress;
}

static json_int_t number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static void test_create(void **state)
{
    Fixture *f = *state;
    json_t *answer =
        fixture_execute(f, "backfills.create", "{" JAN ", 'max_active_runs': 3, 'dag_run_conf': {'n': 5}}");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "note")), "no scheduler"));
    const json_t *result = json_object_get(answer, "result");
    assert_int_equal(number(result, "id"), 1);
    assert_int_equal(number(result, "created"), 4); /* whatever start_date and end_date say */
    assert_int_equal(number(result, "skipped"), 0);
    assert_int_equal(number(result, "max_active_runs"), 3);
    assert_string_equal(json_string_value(json_object_get(result, "from_date")), "2025-01-01T00:00:00Z");
    assert_string_equal(json_string_value(json_object_get(result, "reprocess_behavior")), "none");
    assert_int_equal(number(json_object_get(result, "dag_run_conf"), "n"), 5);
    assert_true(json_is_null(json_object_get(result, "completed_at")));
    json_decref(answer);

    g_autoptr(DagRun) run = run_of(f, "backfill__2025-01-03T02:00:00+00:00");
    assert_int_equal(run->type, RUN_TYPE_BACKFILL);
    assert_int_equal(run->state, RUN_STATE_QUEUED);
    assert_int_equal(run->backfill_id, 1);
    assert_string_equal(run->triggered_by, "backfill");
    assert_string_equal(run->triggering_user, "ada");
    assert_string_equal(run->conf_json, "{\"n\":5}");
    assert_string_equal(run->params_json, "{\"n\":5}");
    assert_int_equal(run->logical_date_us, run->run_after_us);
    assert_string_equal(fixture_state(f, "d", run->run_id, "b"), "none");
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_runs, 4);
    assert_int_equal(progress.n_queued, 4);
    g_autoptr(StoreConn) conn = fixture_reader(f);
    EventQuery query = EVENT_QUERY_ALL;
    query.event = "create_backfill";
    g_autoptr(GPtrArray) audit = store_list_events(conn, &query, NULL, NULL);
    assert_int_equal(audit->len, 1);
    fixture_refuse(f, "backfills.create", "{" JAN "}", "conflict",
                   "Another backfill is running for Dag d. There can be only one running backfill per Dag");
}

static void test_refused(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/past.yaml",
                  "dag_id: past\n" DAY "tasks: {a: {command: 'true', depends_on_past: true}}\n");
    fixture_write(f, "dags/manual.yaml", "dag_id: manual\ntasks: {a: {command: 'true'}}\n");
    fixture_write(f, "dags/once.yaml", "dag_id: once\nschedule: '@once'\ntasks: {a: {command: 'true'}}\n");
    fixture_write(f, "dags/needs.yaml",
                  "dag_id: needs\n" DAY "params: {n: {type: integer}}\ntasks: {a: {command: 'true'}}\n");
    fixture_write(f, "dags/often.yaml",
                  "dag_id: often\nschedule: '* * * * *'\ntasks: {a: {command: 'true'}}\n");
    fixture_write(f, "dags/broken.yaml", "dag_id: broken\ntasks: {a: {comand: x}}\n");
    static const struct {
        const char *args, *code, *said;
    } rows[] = {
        {"'dag_id': 'manual', 'from_date': '2025-01-01', 'to_date': '2025-01-02'", "invalid",
         "manual has a non-periodic schedule that does not support backfills"},
        {"'dag_id': 'once', 'from_date': '2025-01-01', 'to_date': '2025-01-02'", "invalid",
         "once has a non-periodic schedule that does not support backfills"},
        {"'dag_id': 'd', 'from_date': '2025-01-03', 'to_date': '2025-01-02'", "invalid",
         "from_date (2025-01-03T00:00:00+00:00) must not be after to_date (2025-01-02T00:00:00+00:00)."},
        {"'dag_id': 'd', 'from_date': '2199-01-01', 'to_date': '2199-01-02'", "invalid",
         "Backfill cannot be executed for future dates."},
        {"'dag_id': 'past', 'from_date': '2025-01-01', 'to_date': '2025-01-02'", "invalid",
         "You must set reprocess behavior to reprocess completed or reprocess failed."},
        {"'dag_id': 'past', 'from_date': '2025-01-01', 'to_date': '2025-01-02', 'run_backwards': true, "
         "'reprocess_behavior': 'failed'",
         "invalid", "Backfill cannot be run in reverse"},
        {"'dag_id': 'd', 'from_date': '2025-01-01T03:00:00Z', 'to_date': '2025-01-02'", "invalid",
         "No runs to create for Dag d"},
        {JAN ", 'dag_run_conf': {'n': 'x'}", "invalid", "n"},
        {JAN ", 'dag_run_conf': {'m': 1}", "invalid", "m"},
        {"'dag_id': 'needs', 'from_date': '2025-01-01', 'to_date': '2025-01-03'", "invalid", "n"},
        {JAN ", 'reprocess_behavior': 'all'", "invalid", "['none', 'failed', 'completed']"},
        {JAN ", 'max_active_runs': 0", "invalid", "from 1 on"},
        {"'dag_id': 'd', 'from_date': 'soon', 'to_date': '2025-01-02'", "invalid", "from_date"},
        {"'dag_id': 'd', 'to_date': '2025-01-02'", "invalid", "needs \"from_date\""},
        {"'dag_id': 'dd', 'from_date': '2025-01-01', 'to_date': '2025-01-02'", "not_found", "was not found"},
        {"'dag_id': 'broken', 'from_date': '2025-01-01', 'to_date': '2025-01-02'", "invalid", "comand"},
        {"'dag_id': 'often', 'from_date': '2025-01-01', 'to_date': '2025-06-02'", "invalid",
         "at most 100000 runs"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *args = g_strdup_printf("{%s}", rows[i].args);
        fixture_refuse(f, "backfills.create", args, rows[i].code, rows[i].said);
    }
    g_autoptr(StoreConn) conn = fixture_reader(f);
    RunQuery all = RUN_QUERY_ALL;
    g_autoptr(GPtrArray) runs = store_list_runs(conn, &all, NULL, NULL);
    assert_int_equal(runs->len, 0);
    fixture_refuse(f, "backfills.pause", "{'backfill_id': 1}", "not_found",
                   "Could not find backfill with id 1");
}

static void test_dry_run(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "dags.trigger",
                           "{'dag_id': 'd', 'run_id': 'mine', 'logical_date': '2025-01-02T02:00:00Z'}"));
    json_t *result = fixture_do(f, "backfills.create", "{" JAN ", 'dry_run': true, 'run_backwards': true}");
    assert_int_equal(number(result, "total_entries"), 3);
    const json_t *first = json_array_get(json_object_get(result, "backfills"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "logical_date")), "2025-01-04T02:00:00Z");
    assert_string_equal(json_string_value(json_object_get(first, "action")), "create");
    const json_t *left = json_array_get(json_object_get(result, "skipped"), 0);
    assert_string_equal(json_string_value(json_object_get(left, "exception_reason")), "in flight");
    json_decref(result);
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(GPtrArray) backfills = store_list_backfills(conn, &(BackfillQuery){0}, NULL, NULL);
    assert_int_equal(backfills->len, 0);
}

/* 1st: none; 2nd: success; 3rd: failed; 4th: queued. */
static void make_runs(Fixture *f)
{
    static const char *const ends[] = {NULL, "success", "failed", NULL};
    for (int day = 2; day <= 4; day++) {
        g_autofree char *args = g_strdup_printf(
            "{'dag_id': 'd', 'run_id': 'r%d', 'logical_date': '2025-01-0%dT02:00:00Z', 'conf': {'n': 7}}",
            day, day);
        json_decref(fixture_do(f, "dags.trigger", args));
        if (ends[day - 1] == NULL)
            continue;
        g_autofree char *mark =
            g_strdup_printf("{'dag_id': 'd', 'run_id': 'r%d', 'state': '%s'}", day, ends[day - 1]);
        json_decref(fixture_do(f, "dags.mark", mark));
    }
}

static void test_reprocess(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *behavior;
        int cleared;
        const char *states[3]; /* of r2, r3, r4 */
    } rows[] = {
        {"none", 0, {"success", "failed", "queued"}},
        {"failed", 1, {"success", "queued", "queued"}},
        {"completed", 2, {"queued", "queued", "queued"}},
    };
    make_runs(f);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *args = g_strdup_printf("{" JAN ", 'reprocess_behavior': '%s'}", rows[i].behavior);
        json_t *result = fixture_do(f, "backfills.create", args);
        assert_int_equal(number(result, "created"), i == 0); /* later it is there, failed by the cancel */
        assert_int_equal(number(result, "cleared"), rows[i].cleared + (i > 0));
        json_int_t id = number(result, "id");
        json_decref(result);
        for (int day = 2; day <= 4; day++) {
            g_autofree char *run_id = g_strdup_printf("r%d", day);
            g_autoptr(DagRun) run = run_of(f, run_id);
            assert_string_equal(run_state_to_string(run->state), rows[i].states[day - 2]);
            assert_int_equal(run->type == RUN_TYPE_BACKFILL, run->backfill_id != 0);
            assert_string_equal(run->conf_json, "{\"n\":7}");
        }
        g_autoptr(DagRun) in_flight = run_of(f, "r4");
        assert_int_equal(in_flight->backfill_id, 0);
        g_autofree char *cancel = g_strdup_printf("{'backfill_id': %d}", (int)id);
        json_decref(fixture_do(f, "backfills.cancel", cancel));
    }
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_skipped, 3);
}

/* Runs that are done again are cleared as a whole, get the new conf, and move to the DAG as it is now. */
static void test_done_again(void **state)
{
    Fixture *f = *state;
    make_runs(f);
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\n" DAY
                  "params: {n: {type: integer, default: 1}, m: {type: string, default: x}}\n"
                  "tasks:\n  a: {command: 'true'}\n  c: {command: 'true', depends_on: a}\n");
    json_decref(fixture_do(f, "backfills.create",
                           "{" JAN ", 'reprocess_behavior': 'completed', 'dag_run_conf': {'n': 9}}"));
    g_autoptr(DagRun) run = run_of(f, "r2");
    assert_int_equal(run->backfill_id, 1);
    assert_int_equal(run->type, RUN_TYPE_BACKFILL);
    assert_string_equal(run->triggered_by, "backfill");
    assert_string_equal(run->conf_json, "{\"n\":9}");
    assert_non_null(strstr(run->params_json, "\"m\":\"x\""));
    assert_non_null(strstr(run->params_json, "\"n\":9"));
    assert_int_equal(run->clear_number, 1);
    assert_string_equal(fixture_state(f, "d", "r2", "a"), "none");
    assert_string_equal(fixture_state(f, "d", "r2", "c"), "none");
    assert_string_equal(fixture_state(f, "d", "r2", "b"), "removed");
}

static void test_done_again_on_its_version(void **state)
{
    Fixture *f = *state;
    make_runs(f);
    g_autoptr(DagRun) before = run_of(f, "r3");
    fixture_write(f, "dags/d.yaml", "dag_id: d\n" DAY "tasks:\n  a: {command: 'true'}\n");
    json_decref(fixture_do(f, "backfills.create",
                           "{" JAN ", 'reprocess_behavior': 'failed', 'run_on_latest_version': false}"));
    g_autoptr(DagRun) run = run_of(f, "r3");
    assert_int_equal(run->dag_version_id, before->dag_version_id);
    assert_int_equal(run->backfill_id, 1);
    assert_string_equal(run->conf_json, "{\"n\":7}"); /* none was given */
    assert_string_equal(fixture_state(f, "d", "r3", "b"), "none");
}

/* Nothing is left to do: it is over at once, and says what it left alone. */
static void test_all_skipped(void **state)
{
    Fixture *f = *state;
    make_runs(f);
    json_t *result = fixture_do(f, "backfills.create",
                                "{'dag_id': 'd', 'from_date': '2025-01-02', 'to_date': '2025-01-05'}");
    assert_int_equal(number(result, "skipped"), 3);
    assert_true(json_is_string(json_object_get(result, "completed_at")));
    json_decref(result);
    g_autoptr(Backfill) row = backfill_of(f, 1);
    assert_int_not_equal(row->completed_at_us, TIME_NONE);
    json_decref(fixture_do(f, "backfills.create", "{" JAN "}")); /* another one may come */
}

static void test_pause_and_cancel(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "backfills.create", "{" JAN "}"));
    json_t *result = fixture_do(f, "backfills.pause", "{'backfill_id': 1}");
    assert_true(json_is_true(json_object_get(result, "is_paused")));
    json_decref(result);
    json_decref(fixture_do(f, "backfills.pause", "{'backfill_id': 1}"));
    g_autoptr(Backfill) paused = backfill_of(f, 1);
    assert_true(paused->is_paused);
    json_decref(fixture_do(f, "backfills.unpause", "{'backfill_id': 1}"));
    g_autoptr(Backfill) unpaused = backfill_of(f, 1);
    assert_false(unpaused->is_paused);
    result = fixture_do(f, "backfills.cancel", "{'backfill_id': 1}");
    assert_int_equal(number(result, "canceled"), 4);
    json_decref(result);
    g_autoptr(Backfill) canceled = backfill_of(f, 1);
    assert_true(canceled->is_paused);
    assert_int_not_equal(canceled->completed_at_us, TIME_NONE);
    g_autoptr(DagRun) run = run_of(f, "backfill__2025-01-01T02:00:00+00:00");
    assert_int_equal(run->state, RUN_STATE_FAILED);
    assert_int_equal(run->end_reason, END_CANCELED);
    assert_string_equal(fixture_state(f, "d", run->run_id, "a"), "skipped");
    static const char *const commands[] = {"backfills.pause", "backfills.unpause", "backfills.cancel"};
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        fixture_refuse(f, commands[i], "{'backfill_id': 1}", "conflict", "Backfill is already completed.");
}

/* A run id may stand for another logical date, when the schedule was another one. */
static void test_run_id_is_taken(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "backfills.create", "{" JAN "}"));
    json_decref(fixture_do(f, "backfills.cancel", "{'backfill_id': 1}"));
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\n" DAY "data_interval: interval\ntasks: {a: {command: 'true'}}\n");
    json_t *result = fixture_do(f, "backfills.create", "{" JAN "}");
    assert_int_equal(number(result, "skipped"), 4); /* at the same dates; and the last one's id is new */
    json_decref(result);
    json_t *dry = fixture_do(f, "backfills.create",
                             "{'dag_id': 'd', 'from_date': '2024-12-30', 'to_date': '2025-01-01', "
                             "'dry_run': true}");
    assert_int_equal(number(dry, "total_entries"), 1);
    const json_t *skipped = json_array_get(json_object_get(dry, "skipped"), 0);
    assert_string_equal(json_string_value(json_object_get(skipped, "exception_reason")), "already exists");
    json_decref(dry);
}

/* Ten thousand runs in one transaction. */
static void test_many(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\nschedule: '*/5 * * * *'\ntasks:\n  a: {command: 'true'}\n"
                  "  b: {command: 'true', depends_on: a}\n");
    json_t *result =
        fixture_do(f, "backfills.create",
                   "{'dag_id': 'd', 'from_date': '2025-01-01', 'to_date': '2025-02-04T17:15:00Z'}");
    assert_int_equal(number(result, "created"), 10000);
    json_decref(result);
    result = fixture_do(f, "backfills.cancel", "{'backfill_id': 1}");
    assert_int_equal(number(result, "canceled"), 10000);
    json_decref(result);
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_canceled, 10000);
    assert_int_equal(progress.n_failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_dry_run, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_reprocess, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_done_again, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_done_again_on_its_version, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_all_skipped, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_pause_and_cancel, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_run_id_is_taken, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
