/* SPDX-License-Identifier: MIT */
/* Runs: written, read back, listed, found. */
#include "tests/unit/store/fixture.h"

#include <string.h>

static void assert_same_run(const DagRun *a, const DagRun *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->dag_id, b->dag_id);
    assert_string_equal(a->run_id, b->run_id);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->dag_version_id, b->dag_version_id);
    assert_int_equal(a->logical_date_us, b->logical_date_us);
    assert_int_equal(a->data_interval_start_us, b->data_interval_start_us);
    assert_int_equal(a->data_interval_end_us, b->data_interval_end_us);
    assert_int_equal(a->run_after_us, b->run_after_us);
    assert_int_equal(a->queued_at_us, b->queued_at_us);
    assert_int_equal(a->start_date_us, b->start_date_us);
    assert_int_equal(a->end_date_us, b->end_date_us);
    assert_int_equal(a->forced_state, b->forced_state);
    assert_int_equal(a->end_reason, b->end_reason);
    assert_int_equal(a->clear_number, b->clear_number);
    assert_int_equal(a->backfill_id, b->backfill_id);
    assert_int_equal(g_strcmp0(a->conf_json, b->conf_json), 0);
    assert_int_equal(g_strcmp0(a->params_json, b->params_json), 0);
    assert_int_equal(g_strcmp0(a->triggered_by, b->triggered_by), 0);
    assert_int_equal(g_strcmp0(a->triggering_user, b->triggering_user), 0);
    assert_int_equal(g_strcmp0(a->note, b->note), 0);
}

static void test_run(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRun plain = fixture_run(fixture, "manual__1");
    assert_ok(store_insert_run(fixture->store, &plain, &error));
    g_autoptr(DagRun) row = NULL;
    assert_ok((row = store_get_run(conn, "d", "manual__1", &error)) != NULL);
    assert_same_run(row, &plain);

    DagRun full = fixture_run(fixture, "backfill__1");
    full.type = RUN_TYPE_BACKFILL;
    full.state = RUN_STATE_RUNNING;
    full.logical_date_us = -5; /* before 1970 */
    full.data_interval_start_us = T0;
    full.data_interval_end_us = T0 + 1;
    full.start_date_us = T0 + 2;
    full.forced_state = RUN_STATE_FAILED;
    full.clear_number = 3;
    full.backfill_id = 4;
    full.conf_json = (char *)"{\"a\": \"it's\"}";
    full.params_json = (char *)"{\"a\": 1}";
    full.triggered_by = (char *)"cli";
    full.triggering_user = (char *)"me";
    full.note = (char *)"note";
    assert_ok(store_insert_run(fixture->store, &full, &error));
    full.state = RUN_STATE_FAILED;
    full.end_date_us = T0 + 3;
    full.end_reason = END_CANCELED;
    full.note = NULL;
    full.type = RUN_TYPE_SCHEDULED;
    full.backfill_id = 0;
    full.triggered_by = (char *)"timetable";
    assert_ok(store_update_run(fixture->store, &full, &error));
    g_autoptr(DagRun) updated = NULL;
    assert_ok((updated = store_get_run_by_id(conn, full.id, &error)) != NULL);
    assert_same_run(updated, &full);

    assert_fails(store_get_run(conn, "d", "none", &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(store_get_run_by_id(conn, 99, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    full.id = 99;
    assert_fails(store_update_run(fixture->store, &full, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(store_delete_run(fixture->store, 99, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
}

/** Six runs of "d" at T0 + i days: types and states in turn. */
static void add_runs(Fixture *fixture)
{
    for (int i = 0; i < 6; i++) {
        g_autofree char *run_id = g_strdup_printf("r%d", i);
        DagRun run = fixture_run(fixture, run_id);
        run.type = i % 2 == 0 ? RUN_TYPE_SCHEDULED : RUN_TYPE_MANUAL;
        run.state = (RunState)(i % RUN_STATE_COUNT);
        run.logical_date_us = T0 + i * USEC_PER_DAY;
        run.run_after_us = run.logical_date_us;
        run.start_date_us = run.state != RUN_STATE_QUEUED ? run.run_after_us : TIME_NONE;
        run.end_date_us = run_state_is_finished(run.state) ? run.run_after_us + 1 : TIME_NONE;
        assert_ok(store_insert_run(fixture->store, &run, &error));
    }
}

/** The run ids in order, as "r0 r1". */
static char *run_ids(Fixture *fixture, RunQuery query, int64_t expected_total)
{
    int64_t total = -1;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_runs(store_conn(fixture->store), &query, &total, &error)) != NULL);
    assert_int_equal(total, expected_total);
    GString *ids = g_string_new("");
    for (guint i = 0; i < rows->len; i++)
        g_string_append_printf(ids, "%s%s", i > 0 ? " " : "", ((DagRun *)rows->pdata[i])->run_id);
    return g_string_free(ids, FALSE);
}

static void assert_runs(Fixture *fixture, RunQuery query, int64_t expected_total, const char *expected)
{
    g_autofree char *ids = run_ids(fixture, query, expected_total);
    assert_string_equal(ids, expected);
}

static void test_list_runs(void **state)
{
    Fixture *fixture = *state;
    add_runs(fixture);
    RunQuery all = RUN_QUERY_ALL, query = all;
    assert_runs(fixture, query, 6, "r0 r1 r2 r3 r4 r5");
    query.descending = true;
    query.dag_id = "d";
    query.page = (Page){.limit = 2, .offset = 1};
    assert_runs(fixture, query, 6, "r4 r3");
    query = all;
    query.dag_id = "other";
    assert_runs(fixture, query, 0, "");
    query = all;
    query.states = 1u << RUN_STATE_QUEUED | 1u << RUN_STATE_RUNNING;
    assert_runs(fixture, query, 4, "r0 r1 r4 r5");
    query.states = 1u << RUN_STATE_FAILED;
    assert_runs(fixture, query, 1, "r3");
    query.states = 1u << RUN_STATE_FAILED | 1u << RUN_STATE_QUEUED;
    assert_runs(fixture, query, 3, "r0 r3 r4");
    query = all;
    query.types = 1u << RUN_TYPE_MANUAL;
    assert_runs(fixture, query, 3, "r1 r3 r5");
    query = all;
    query.logical_date = (TimeRange){T0 + USEC_PER_DAY, T0 + 3 * USEC_PER_DAY};
    assert_runs(fixture, query, 3, "r1 r2 r3");
    query.run_after = (TimeRange){T0 + 2 * USEC_PER_DAY, TIME_NONE};
    assert_runs(fixture, query, 2, "r2 r3");
    for (int order = 0; order < RUN_ORDER_COUNT; order++) {
        query = all;
        query.order = (RunOrder)order;
        query.descending = true;
        g_autofree char *ids = run_ids(fixture, query, 6);
        assert_int_equal(strlen(ids), 17);
    }
    g_autoptr(GPtrArray) on_way = NULL, waiting = NULL;
    assert_ok((on_way = store_list_running_runs(store_conn(fixture->store), &error)) != NULL);
    assert_int_equal(on_way->len, 2);
    assert_ok((waiting = store_list_queued_runs(store_conn(fixture->store), "d", 0, false, 9, &error)) !=
              NULL);
    assert_int_equal(waiting->len, 2);
    g_auto(GStrv) dag_ids = NULL;
    assert_ok((dag_ids = store_list_dags_with_queued_runs(store_conn(fixture->store), &error)) != NULL);
    assert_string_equal(dag_ids[0], "d");
    assert_null(dag_ids[1]);
    int64_t queued = 0, running = 0;
    assert_ok(store_count_active_runs(store_conn(fixture->store), "d", &queued, &running, &error));
    assert_int_equal(queued, 2);
    assert_int_equal(running, 2);
}

static void assert_found(DagRun *found, const char *run_id)
{
    g_autoptr(DagRun) run = found;
    if (run_id == NULL)
        assert_null(run);
    else
        assert_string_equal(run->run_id, run_id);
}

static void test_find_runs(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRun *run = NULL;
    assert_ok(store_find_latest_run(conn, "d", &run, &error));
    assert_found(run, NULL);
    add_runs(fixture);
    assert_ok(store_find_latest_run(conn, "d", &run, &error));
    assert_found(run, "r5");
    assert_ok(store_find_latest_scheduled_run(conn, "d", &run, &error));
    assert_found(run, "r4");
    assert_ok(store_find_run_by_date(conn, "d", T0 + USEC_PER_DAY, &run, &error));
    assert_found(run, "r1");
    assert_ok(store_find_run_by_date(conn, "d", T0 + 1, &run, &error));
    assert_found(run, NULL);
    assert_ok(store_find_previous_run(conn, "d", T0 + 4 * USEC_PER_DAY, true, &run, &error));
    assert_found(run, "r3");
    assert_ok(store_find_previous_run(conn, "d", T0 + 4 * USEC_PER_DAY, false, &run, &error));
    assert_found(run, "r2");
    assert_ok(store_find_previous_run(conn, "d", T0, true, &run, &error));
    assert_found(run, NULL);
    bool ran = true;
    assert_ok(store_task_ran_before(conn, "d", "t0", T0 + USEC_PER_DAY, &ran, &error));
    assert_false(ran);
    DagRun with_tasks = fixture_run(fixture, "early");
    with_tasks.logical_date_us = T0 - 1;
    fixture_insert_run(fixture, &with_tasks, 1);
    assert_ok(store_task_ran_before(conn, "d", "t0", T0 + USEC_PER_DAY, &ran, &error));
    assert_true(ran);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up_store, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_run),
        WITH_STORE(test_list_runs),
        WITH_STORE(test_find_runs),
    };
    return cmocka_run_group_tests_name("store/runs", tests, NULL, NULL);
}
