/* SPDX-License-Identifier: MIT */
/* DAGs, versions, import errors, XComs, pools, audit log: written and read back. */
#include "tests/unit/store/fixture.h"

#include <string.h>

static void test_dag(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRow dag = {.dag_id = "d",
                  .is_paused = true, /* not taken over: the row exists */
                  .is_stale = true,
                  .has_import_errors = true,
                  .fileloc = "/dags/d.yaml",
                  .folder = "/dags2",
                  .description = "Ünï \"quoted\" 'text'",
                  .owner = "me",
                  .timetable_summary = "0 2 * * *",
                  .timetable_description = "At 02:00",
                  .timezone = "Europe/London",
                  .max_active_runs = 1,
                  .max_active_tasks = 2,
                  .latest_version_id = fixture->version_id,
                  .first_seen_us = T0 + 5,
                  .last_parsed_us = T0 + 6};
    assert_ok(store_put_dag(fixture->store, &dag, &error));
    g_autoptr(DagRow) row = NULL;
    assert_ok((row = store_get_dag(conn, "d", &error)) != NULL);
    assert_false(row->is_paused);
    assert_int_equal(row->first_seen_us, T0);
    assert_true(row->is_stale);
    assert_true(row->has_import_errors);
    assert_string_equal(row->fileloc, dag.fileloc);
    assert_string_equal(row->folder, dag.folder);
    assert_string_equal(row->description, dag.description);
    assert_string_equal(row->owner, dag.owner);
    assert_string_equal(row->timetable_summary, dag.timetable_summary);
    assert_string_equal(row->timetable_description, dag.timetable_description);
    assert_string_equal(row->timezone, dag.timezone);
    assert_string_equal(row->tags_json, "[]");
    assert_int_equal(row->max_active_runs, 1);
    assert_int_equal(row->max_active_tasks, 2);
    assert_int_equal(row->latest_version_id, fixture->version_id);
    assert_int_equal(row->last_parsed_us, T0 + 6);

    assert_ok(store_set_dag_paused(fixture->store, "d", true, &error));
    assert_ok(store_set_dag_stale(fixture->store, "d", false, &error));
    g_autoptr(DagRow) again = NULL;
    assert_ok((again = store_get_dag(conn, "d", &error)) != NULL);
    assert_true(again->is_paused);
    assert_false(again->is_stale);
    assert_fails(store_set_dag_paused(fixture->store, "x", true, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(store_get_dag(conn, "x", &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
}

static guint count_dags(Fixture *fixture, DagQuery query, int64_t expected_total)
{
    int64_t total = -1;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_dags(store_conn(fixture->store), &query, &total, &error)) != NULL);
    assert_int_equal(total, expected_total);
    return rows->len;
}

static void test_list_dags(void **state)
{
    Fixture *fixture = *state;
    for (int i = 0; i < 10; i++) {
        g_autofree char *dag_id = g_strdup_printf("Sales_%d", i);
        fixture_add_dag(fixture->store, dag_id);
    }
    assert_ok(store_set_dag_paused(fixture->store, "Sales_3", true, &error));
    assert_ok(store_set_dag_stale(fixture->store, "Sales_4", true, &error));
    assert_int_equal(count_dags(fixture, (DagQuery)DAG_QUERY_ALL, 10), 10);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .include_stale = true}, 11), 11);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = 1}, 1), 1);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .name_part = "sALES_"}, 9), 9);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .name_part = "%"}, 0), 0);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .owner = "data"}, 10), 10);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .owner = "' OR 1 --"}, 0), 0);
    const char *const tags[] = {"batch", "it's", NULL}, *const other[] = {"batch", "x", NULL};
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .tags = tags}, 10), 10);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .tags = other}, 0), 0);
    assert_int_equal(count_dags(fixture, (DagQuery){.is_paused = -1, .page = {.limit = 3, .offset = 8}}, 10),
                     2);

    g_auto(GStrv) ids = NULL;
    assert_ok((ids = store_list_dag_ids(store_conn(fixture->store), &error)) != NULL);
    assert_int_equal(g_strv_length(ids), 11);
    assert_string_equal(ids[0], "Sales_0");
}

static void test_versions(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagVersion version = {.dag_id = "d",
                          .folder = "/dags",
                          .source = "tasks: {a: {}}",
                          .fileloc = "/dags/d.yaml",
                          .created_us = T0};
    int64_t two = 0, three = 0, again = 0;
    assert_ok(store_put_dag_version(fixture->store, &version, &two, &error));
    version.folder = "/elsewhere";
    assert_ok(store_put_dag_version(fixture->store, &version, &three, &error));
    version.folder = "/dags";
    version.created_us = T0 + 1;
    assert_ok(store_put_dag_version(fixture->store, &version, &again, &error));
    assert_int_equal(again, two);
    assert_int_not_equal(three, two);

    g_autoptr(DagVersion) row = NULL;
    assert_ok((row = store_get_dag_version(conn, two, &error)) != NULL);
    assert_int_equal(row->version_number, 2);
    assert_string_equal(row->source, "tasks: {a: {}}");
    assert_string_equal(row->folder, "/dags");
    assert_string_equal(row->fileloc, "/dags/d.yaml");
    assert_int_equal(strlen(row->content_hash), 64);
    assert_int_equal(row->created_us, T0);
    assert_fails(store_get_dag_version(conn, 99, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);

    int64_t total = 0;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_dag_versions(conn, "d", (Page){.limit = 2}, &total, &error)) != NULL);
    assert_int_equal(total, 3);
    assert_int_equal(rows->len, 2);
    assert_int_equal(((DagVersion *)rows->pdata[0])->id, three);
    assert_null(((DagVersion *)rows->pdata[0])->source);
}

static void test_import_errors(void **state)
{
    Fixture *fixture = *state;
    ImportError items[] = {{.filename = "/a.yaml", .timestamp_us = T0, .stack_trace = "a:1:1: error: x"},
                           {.filename = "/b.yaml", .timestamp_us = T0, .stack_trace = "b:1:1: error: y"}};
    assert_ok(store_replace_import_errors(fixture->store, items, 2, &error));
    items[0].timestamp_us = items[1].timestamp_us = T0 + 9;
    items[1].stack_trace = "b:2:2: error: z";
    ImportError next[] = {items[1], {.filename = "/c.yaml", .timestamp_us = T0, .stack_trace = "c"}};
    assert_ok(store_replace_import_errors(fixture->store, next, 2, &error));
    int64_t total = 0;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_import_errors(store_conn(fixture->store), (Page){0}, &total, &error)) !=
              NULL);
    assert_int_equal(total, 2);
    const ImportError *b = rows->pdata[0];
    assert_string_equal(b->filename, "/b.yaml");
    assert_int_equal(b->import_error_id, 2);
    assert_string_equal(b->stack_trace, "b:2:2: error: z");
    assert_int_equal(b->timestamp_us, T0 + 9);
    assert_ok(store_replace_import_errors(fixture->store, NULL, 0, &error));
    assert_int_equal(fixture_number(store_conn(fixture->store), "SELECT count(*) FROM import_error"), 0);
}

static void test_delete_dag(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    fixture_add_dag(fixture->store, "e");
    DagRun run = fixture_run(fixture, "one");
    int64_t ti = fixture_insert_run(fixture, &run, 3);
    TaskInstance attempt = fixture_task(ti, run.id, "t0", TASK_STATE_FAILED);
    assert_ok(store_archive_attempt(fixture->store, &attempt, &error));
    XCom xcom = {.dag_run_id = run.id, .task_id = "t0", .key = "k", .value_json = "1", .timestamp_us = T0};
    assert_ok(store_put_xcom(fixture->store, &xcom, &error));
    assert_ok(store_delete_dag(fixture->store, "d", &error));
    static const char *const empty[] = {"dag_run", "task_instance", "task_instance_history", "xcom"};
    for (size_t i = 0; i < G_N_ELEMENTS(empty); i++) {
        g_autofree char *sql = g_strconcat("SELECT count(*) FROM ", empty[i], NULL);
        assert_int_equal(fixture_number(conn, sql), 0);
    }
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM dag_version"), 1);
    assert_fails(store_delete_dag(fixture->store, "d", &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(conn, true, &problems, &error));
    assert_int_equal(problems->len, 0);
}

static void test_xcom(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 2);
    XCom xcom = {
        .dag_run_id = run.id, .task_id = "t0", .key = "k", .value_json = "{\"a\": [1]}", .timestamp_us = T0};
    assert_ok(store_put_xcom(fixture->store, &xcom, &error));
    xcom.value_json = "\"second\\u0000\"";
    assert_ok(store_put_xcom(fixture->store, &xcom, &error));
    xcom.key = "return_value";
    assert_ok(store_put_xcom(fixture->store, &xcom, &error));
    xcom.task_id = "t1";
    assert_ok(store_put_xcom(fixture->store, &xcom, &error));
    char *value = NULL;
    assert_ok(store_find_xcom(conn, run.id, "t0", "k", &value, &error));
    assert_string_equal(value, "\"second\\u0000\"");
    g_free(value);
    assert_ok(store_find_xcom(conn, run.id, "t0", "none", &value, &error));
    assert_null(value);
    int64_t total = 0;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_xcoms(conn, run.id, "t0", NULL, (Page){0}, &total, &error)) != NULL);
    assert_int_equal(total, 2);
    assert_string_equal(((XCom *)rows->pdata[1])->key, "return_value");
    assert_ok(store_delete_xcom(fixture->store, run.id, "t0", "k", &error));
    assert_fails(store_delete_xcom(fixture->store, run.id, "t0", "k", &error), WEIR_ERROR,
                 WEIR_ERROR_NOT_FOUND);
    assert_ok(store_delete_xcoms(fixture->store, run.id, "t0", &error));
    assert_ok(store_delete_xcoms(fixture->store, run.id, "t0", &error));
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM xcom"), 1);
}

static void test_pools(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    Pool small = {.name = "small", .slots = 3, .description = "d", .include_deferred = true};
    Pool endless = {.name = "endless", .slots = -1};
    assert_ok(store_put_pool(fixture->store, &small, &error));
    assert_ok(store_put_pool(fixture->store, &endless, &error));
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 0);
    static const TaskState states[] = {TASK_STATE_NONE,    TASK_STATE_SCHEDULED,   TASK_STATE_QUEUED,
                                       TASK_STATE_RUNNING, TASK_STATE_DEFERRED,    TASK_STATE_RESTARTING,
                                       TASK_STATE_SUCCESS, TASK_STATE_UP_FOR_RETRY};
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        g_autofree char *task_id = g_strdup_printf("t%zu", i);
        TaskInstance ti = fixture_task(store_reserve_task_ids(fixture->store, 1), run.id, task_id, states[i]);
        ti.pool = "small";
        ti.pool_slots = states[i] == TASK_STATE_QUEUED ? 2 : 1;
        assert_ok(store_insert_tasks(fixture->store, &ti, 1, &error));
    }
    g_autoptr(GPtrArray) pools = NULL;
    assert_ok((pools = store_list_pools(conn, &error)) != NULL);
    assert_int_equal(pools->len, 3);
    const Pool *first = pools->pdata[0], *second = pools->pdata[1], *third = pools->pdata[2];
    assert_string_equal(first->name, "default_pool");
    assert_int_equal(first->occupied_slots, 0);
    assert_string_equal(second->name, "endless");
    assert_true(second->open_slots == INT64_MAX);
    assert_string_equal(third->name, "small");
    assert_int_equal(third->running_slots, 2);
    assert_int_equal(third->queued_slots, 2);
    assert_int_equal(third->scheduled_slots, 1);
    assert_int_equal(third->deferred_slots, 1);
    assert_int_equal(third->occupied_slots, 5);
    assert_int_equal(third->open_slots, -2);

    small.slots = 10;
    assert_ok(store_put_pool(fixture->store, &small, &error));
    g_autoptr(Pool) pool = NULL;
    assert_ok((pool = store_get_pool(conn, "small", &error)) != NULL);
    assert_int_equal(pool->open_slots, 5);
    assert_string_equal(pool->description, "d");
    assert_ok(store_delete_pool(fixture->store, "small", &error));
    assert_fails(store_delete_pool(fixture->store, "small", &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(store_get_pool(conn, "small", &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(store_delete_pool(fixture->store, "default_pool", &error), WEIR_ERROR, WEIR_ERROR_CONFLICT);
}

static void test_events(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    for (int i = 0; i < 5; i++) {
        EventLog event = {.when_us = T0 + i,
                          .event = i % 2 == 0 ? "trigger_dag_run" : "pause",
                          .owner = i == 4 ? NULL : "me",
                          .dag_id = i == 3 ? NULL : "d",
                          .run_id = "r",
                          .try_number = i,
                          .extra_json = i == 0 ? NULL : "{\"x\": 1}"};
        int64_t id = 0;
        assert_ok(store_add_event(fixture->store, &event, &id, &error));
        assert_int_equal(id, i + 1);
    }
    EventQuery query = EVENT_QUERY_ALL;
    query.page.limit = 2;
    int64_t total = 0;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_events(conn, &query, &total, &error)) != NULL);
    assert_int_equal(total, 5);
    assert_int_equal(rows->len, 2);
    const EventLog *newest = rows->pdata[0];
    assert_int_equal(newest->event_log_id, 5);
    assert_int_equal(newest->when_us, T0 + 4);
    assert_string_equal(newest->event, "trigger_dag_run");
    assert_null(newest->owner);
    assert_int_equal(newest->try_number, 4);
    assert_string_equal(newest->extra_json, "{\"x\": 1}");
    query = (EventQuery)EVENT_QUERY_ALL;
    query.dag_id = "d";
    query.event = "trigger_dag_run";
    query.when = (TimeRange){T0 + 1, T0 + 4};
    g_autoptr(GPtrArray) some = NULL;
    assert_ok((some = store_list_events(conn, &query, &total, &error)) != NULL);
    assert_int_equal(total, 2);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up_store, fixture_tear_down)

static void assert_retention(Fixture *fixture, int64_t runs_us, int64_t logs_us, bool is_any)
{
    Retention found;
    bool has_any;
    assert_ok(store_get_dag_retention(store_conn(fixture->store), "d", &found, &error));
    assert_ok(store_has_dag_retention(store_conn(fixture->store), &has_any, &error));
    assert_int_equal(found.runs_us, runs_us);
    assert_int_equal(found.logs_us, logs_us);
    assert_int_equal(has_any, is_any);
}

static void test_retention_of_dags(void **state)
{
    Fixture *fixture = *state;
    assert_retention(fixture, RETENTION_DEFAULT, RETENTION_DEFAULT, false);
    assert_ok(store_put_dag_retention(fixture->store, "d", (Retention){0, RETENTION_DEFAULT}, &error));
    assert_retention(fixture, 0, RETENTION_DEFAULT, false); /* it keeps */
    assert_ok(store_put_dag_retention(fixture->store, "d", (Retention){0, USEC_PER_DAY}, &error));
    assert_retention(fixture, 0, USEC_PER_DAY, true);
    assert_ok(store_put_dag_retention(fixture->store, "d", (Retention)RETENTION_UNSAID, &error));
    assert_retention(fixture, RETENTION_DEFAULT, RETENTION_DEFAULT, false);
    assert_ok(store_put_dag_retention(fixture->store, "d", (Retention){USEC_PER_DAY, 0}, &error));
    assert_ok(store_delete_dag(fixture->store, "d", &error));
    assert_retention(fixture, RETENTION_DEFAULT, RETENTION_DEFAULT, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_dag),           WITH_STORE(test_list_dags),  WITH_STORE(test_versions),
        WITH_STORE(test_import_errors), WITH_STORE(test_delete_dag), WITH_STORE(test_xcom),
        WITH_STORE(test_pools),         WITH_STORE(test_events),     WITH_STORE(test_retention_of_dags),
    };
    return cmocka_run_group_tests_name("store/rows", tests, NULL, NULL);
}
