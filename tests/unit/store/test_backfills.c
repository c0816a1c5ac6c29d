/* SPDX-License-Identifier: MIT */
/* Backfills: rows, what the schema refuses, progress, and when one is complete. */
#include "tests/unit/store/fixture.h"

#include <string.h>

static Backfill add_backfill(Fixture *fixture, const char *dag_id)
{
    Backfill backfill = {.id = store_next_backfill_id(fixture->store),
                         .dag_id = dag_id,
                         .from_date_us = T0,
                         .to_date_us = T0 + 10 * USEC_PER_DAY,
                         .reprocess_behavior = REPROCESS_FAILED,
                         .run_backwards = true,
                         .max_active_runs = 3,
                         .conf_json = "{\"a\":\"it's\"}",
                         .triggering_user = "ada",
                         .created_at_us = T0,
                         .updated_at_us = T0 + 1,
                         .completed_at_us = TIME_NONE};
    assert_ok(store_insert_backfill(fixture->store, &backfill, &error));
    return backfill;
}

/** A run of the backfill; finished ones took `seconds`. */
static DagRun add_run(Fixture *fixture, int64_t backfill_id, const char *run_id, RunState state, int seconds)
{
    DagRun run = fixture_run(fixture, run_id);
    run.backfill_id = backfill_id;
    run.type = RUN_TYPE_BACKFILL;
    run.state = state;
    if (state != RUN_STATE_QUEUED)
        run.start_date_us = T0;
    if (run_state_is_finished(state))
        run.end_date_us = T0 + seconds * USEC_PER_SEC;
    assert_ok(store_insert_run(fixture->store, &run, &error));
    return run;
}

static void assert_completed(Fixture *fixture, int64_t id, int64_t at_us)
{
    g_autoptr(Backfill) row = NULL;
    assert_ok((row = store_get_backfill(store_conn(fixture->store), id, &error)) != NULL);
    assert_int_equal(row->completed_at_us, at_us);
}

static void test_row(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    Backfill backfill = add_backfill(fixture, "d");
    g_autoptr(Backfill) row = NULL, updated = NULL;
    assert_ok((row = store_get_backfill(conn, backfill.id, &error)) != NULL);
    assert_string_equal(row->dag_id, "d");
    assert_int_equal(row->from_date_us, T0);
    assert_int_equal(row->to_date_us, backfill.to_date_us);
    assert_int_equal(row->reprocess_behavior, REPROCESS_FAILED);
    assert_true(row->run_backwards);
    assert_false(row->is_paused);
    assert_int_equal(row->max_active_runs, 3);
    assert_string_equal(row->conf_json, backfill.conf_json);
    assert_string_equal(row->triggering_user, "ada");
    assert_int_equal(row->created_at_us, T0);
    assert_int_equal(row->updated_at_us, T0 + 1);
    assert_int_equal(row->completed_at_us, TIME_NONE);
    backfill.is_paused = true;
    backfill.updated_at_us = T0 + 5;
    backfill.completed_at_us = T0 + 4;
    assert_ok(store_update_backfill(fixture->store, &backfill, &error));
    assert_ok((updated = store_get_backfill(conn, backfill.id, &error)) != NULL);
    assert_true(updated->is_paused);
    assert_int_equal(updated->updated_at_us, T0 + 5);
    assert_int_equal(updated->completed_at_us, T0 + 4);
    assert_fails(store_get_backfill(conn, 99, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    backfill.id = 99;
    assert_fails(store_update_backfill(fixture->store, &backfill, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
}

static void test_one_unfinished_a_dag(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    fixture_add_dag(fixture->store, "e");
    g_autoptr(Backfill) none = NULL, found = NULL;
    assert_ok(store_find_unfinished_backfill(conn, "d", &none, &error));
    assert_null(none);
    Backfill first = add_backfill(fixture, "d");
    add_backfill(fixture, "e");
    Backfill second = first;
    second.id = store_next_backfill_id(fixture->store);
    assert_fails(store_insert_backfill(fixture->store, &second, &error), WEIR_ERROR, WEIR_ERROR_CONFLICT);
    assert_ok(store_find_unfinished_backfill(conn, "d", &found, &error));
    assert_int_equal(found->id, first.id);
    assert_ok(store_complete_backfill(fixture->store, first.id, T0 + 7, &error));
    assert_ok(store_insert_backfill(fixture->store, &second, &error));

    int64_t total = 0;
    g_autoptr(GPtrArray) of_d = NULL, all = NULL;
    BackfillQuery query = {.dag_id = "d", .descending = true, .page = {.limit = 1}};
    assert_ok((of_d = store_list_backfills(conn, &query, &total, &error)) != NULL);
    assert_int_equal(total, 2);
    assert_int_equal(of_d->len, 1);
    assert_int_equal(((const Backfill *)of_d->pdata[0])->id, second.id);
    assert_ok((all = store_list_backfills(conn, &(BackfillQuery){0}, NULL, &error)) != NULL);
    assert_int_equal(all->len, 3);
    assert_int_equal(((const Backfill *)all->pdata[0])->id, first.id);

    fixture_close(fixture); /* ids are not given twice */
    fixture_open(fixture);
    assert_int_equal(store_next_backfill_id(fixture->store), second.id + 1);
}

static void test_refused(void **state)
{
    Fixture *fixture = *state;
    static const char *const wrong[] = {
        "from_date_us = to_date_us + 1",
        "reprocess_behavior = 'all'",
        "run_backwards = 2",
        "max_active_runs = 0",
        "is_paused = NULL",
        "conf = '[]'",
        "conf = 'x'",
        "dag_id = 'nobody'",
        "to_date_us = 'x'",
    };
    Backfill backfill = add_backfill(fixture, "d");
    BackfillDate dates[] = {{.logical_date_us = T0, .exception = BACKFILL_EXCEPTION_IN_FLIGHT}};
    assert_ok(store_insert_backfill_dates(fixture->store, backfill.id, dates, 1, &error));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *sql = g_strconcat("UPDATE backfill SET ", wrong[i], NULL);
        if (fixture_sql(fixture, sql) == SQLITE_OK)
            fail_msg("%s: not refused", sql);
    }
    assert_int_not_equal(fixture_sql(fixture, "UPDATE backfill_dag_run SET exception_reason = 'no'"),
                         SQLITE_OK);
    assert_int_not_equal(fixture_sql(fixture, "UPDATE backfill_dag_run SET sort_ordinal = 0"), SQLITE_OK);
    DagRun run = add_run(fixture, backfill.id, "r", RUN_STATE_QUEUED, 0);
    g_autofree char *both =
        g_strdup_printf("UPDATE backfill_dag_run SET dag_run_id = %" G_GINT64_FORMAT, run.id);
    assert_int_not_equal(fixture_sql(fixture, both), SQLITE_OK);
}

static void test_progress(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    int64_t id = add_backfill(fixture, "d").id;
    BackfillProgress progress;
    assert_ok(store_read_backfill_progress(conn, id, &progress, &error));
    assert_int_equal(progress.n_runs, 0);
    assert_int_equal(progress.mean_duration_us, TIME_NONE);
    DagRun runs[] = {
        add_run(fixture, id, "a", RUN_STATE_SUCCESS, 10), add_run(fixture, id, "b", RUN_STATE_FAILED, 20),
        add_run(fixture, id, "c", RUN_STATE_RUNNING, 0),  add_run(fixture, id, "e", RUN_STATE_QUEUED, 0),
        add_run(fixture, id, "f", RUN_STATE_QUEUED, 0),   add_run(fixture, id, "g", RUN_STATE_FAILED, 900),
    };
    runs[5].end_reason = END_CANCELED; /* says nothing about how long runs take */
    assert_ok(store_update_run(fixture->store, &runs[5], &error));
    BackfillDate dates[G_N_ELEMENTS(runs) + 1] = {
        {.logical_date_us = T0, .exception = BACKFILL_EXCEPTION_ALREADY_EXISTS}};
    for (size_t i = 0; i < G_N_ELEMENTS(runs); i++)
        dates[i + 1] =
            (BackfillDate){.logical_date_us = T0 + (int64_t)i * USEC_PER_DAY, .dag_run_id = runs[i].id};
    assert_ok(store_insert_backfill_dates(fixture->store, id, dates, G_N_ELEMENTS(dates), &error));
    assert_ok(store_read_backfill_progress(conn, id, &progress, &error));
    assert_int_equal(progress.n_runs, 6);
    assert_int_equal(progress.n_skipped, 1);
    assert_int_equal(progress.n_queued, 2);
    assert_int_equal(progress.n_running, 1);
    assert_int_equal(progress.n_failed, 1);
    assert_int_equal(progress.n_canceled, 1);
    assert_int_equal(progress.mean_duration_us, 15 * USEC_PER_SEC);
    bool is_first = true;
    assert_ok(store_is_first_of_backfill(conn, id, runs[0].id, &is_first, &error));
    assert_false(is_first); /* the date before it was left alone */

    RunQuery query = RUN_QUERY_ALL;
    query.backfill_id = id;
    query.states = 1u << RUN_STATE_QUEUED;
    g_autoptr(GPtrArray) queued = NULL;
    assert_ok((queued = store_list_runs(conn, &query, NULL, &error)) != NULL);
    assert_int_equal(queued->len, 2);
    assert_int_equal(((const DagRun *)queued->pdata[0])->id, runs[3].id);
}

static void test_complete(void **state)
{
    Fixture *fixture = *state;
    int64_t id = add_backfill(fixture, "d").id;
    DagRun one = add_run(fixture, id, "a", RUN_STATE_RUNNING, 0);
    add_run(fixture, 0, "other", RUN_STATE_RUNNING, 0);
    assert_ok(store_complete_backfill(fixture->store, id, T0 + 1, &error));
    assert_completed(fixture, id, TIME_NONE);
    one.state = RUN_STATE_SUCCESS;
    one.end_date_us = T0;
    assert_ok(store_update_run(fixture->store, &one, &error));
    assert_ok(store_complete_backfill(fixture->store, id, T0 + 2, &error));
    assert_completed(fixture, id, T0 + 2);
    assert_ok(store_complete_backfill(fixture->store, id, T0 + 3, &error));
    assert_completed(fixture, id, T0 + 2);
}

/** A run that goes leaves its date; a DAG that goes takes its backfills along. */
static void test_deletes(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    int64_t id = add_backfill(fixture, "d").id;
    DagRun run = add_run(fixture, id, "a", RUN_STATE_QUEUED, 0);
    BackfillDate date = {.logical_date_us = T0, .dag_run_id = run.id};
    assert_ok(store_insert_backfill_dates(fixture->store, id, &date, 1, &error));
    bool is_first = false;
    assert_ok(store_is_first_of_backfill(conn, id, run.id, &is_first, &error));
    assert_true(is_first);
    assert_ok(store_delete_run(fixture->store, run.id, &error));
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM backfill_dag_run WHERE dag_run_id IS NULL"),
                     1);
    assert_ok(store_delete_dag(fixture->store, "d", &error));
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM backfill"), 0);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM backfill_dag_run"), 0);
}

/* What is left for a cleaner: completed long enough ago, and without runs. */
static void test_idle(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    Backfill old = add_backfill(fixture, "d");
    assert_ok(store_complete_backfill(fixture->store, old.id, T0 + 100, &error));
    Backfill with_run = add_backfill(fixture, "d");
    DagRun run = add_run(fixture, with_run.id, "r1", RUN_STATE_SUCCESS, 5);
    assert_ok(store_complete_backfill(fixture->store, with_run.id, T0 + 100, &error));
    add_backfill(fixture, "d"); /* not completed */
    g_autoptr(GArray) early = NULL, found = NULL, other = NULL, after = NULL;
    assert_ok((early = store_list_idle_backfills(conn, NULL, T0 + 100, 10, &error)) != NULL);
    assert_int_equal(early->len, 0);
    assert_ok((found = store_list_idle_backfills(conn, "d", T0 + 101, 10, &error)) != NULL);
    assert_int_equal(found->len, 1);
    assert_int_equal(g_array_index(found, int64_t, 0), old.id);
    assert_ok((other = store_list_idle_backfills(conn, "e", T0 + 101, 10, &error)) != NULL);
    assert_int_equal(other->len, 0);
    assert_ok(store_delete_backfill(fixture->store, old.id, &error));
    assert_ok(store_delete_run(fixture->store, run.id, &error));
    assert_ok((after = store_list_idle_backfills(conn, NULL, T0 + 101, 10, &error)) != NULL);
    assert_int_equal(after->len, 1);
    assert_int_equal(g_array_index(after, int64_t, 0), with_run.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_row, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_one_unfinished_a_dag, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_refused, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_progress, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_complete, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_idle, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_deletes, fixture_set_up_store, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/backfills", tests, NULL, NULL);
}
