/* SPDX-License-Identifier: MIT */
/* What is found to be wrong between rows, and copies of a database that is being written. */
#include "tests/unit/store/fixture.h"

#include <string.h>

static void expect_problem(Fixture *fixture, const char *part)
{
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(store_conn(fixture->store), false, &problems, &error));
    for (guint i = 0; i < problems->len; i++) {
        if (strstr(problems->pdata[i], part) != NULL)
            return;
    }
    fail_msg("\"%s\" was not found among %u problems; the first is %s", part, problems->len,
             problems->len > 0 ? (const char *)problems->pdata[0] : "none");
}

static void test_findings(void **state)
{
    Fixture *fixture = *state;
    DagRun run = fixture_run(fixture, "one");
    int64_t ti = fixture_insert_run(fixture, &run, 2);
    TaskInstance attempt = fixture_task(ti, run.id, "t0", TASK_STATE_FAILED);
    assert_ok(store_archive_attempt(fixture->store, &attempt, &error));
    g_autoptr(GPtrArray) problems = NULL;
    assert_int_equal(fixture_sql(fixture, "UPDATE task_instance SET try_number = 1"), SQLITE_OK);
    assert_ok(store_check(store_conn(fixture->store), false, &problems, &error));
    if (problems->len > 0)
        fail_msg("%s", (const char *)problems->pdata[0]);

    static const char *const breaks[][2] = {
        {"UPDATE dag_run SET state = 'success', start_date_us = 1, end_date_us = 2",
         "run one of DAG d is success, but its task t1 is none"},
        {"UPDATE dag_run SET forced_state = 'failed'", "is success and still to become failed"},
        {"UPDATE task_instance SET try_number = 0", "try 1 of task t0 in run one of DAG d is in the history"},
        {"INSERT INTO xcom (dag_run_id, task_id, key, value, timestamp_us) SELECT id, 'nobody', 'k', '1', 0 "
         "FROM dag_run",
         "XCom k of run one of DAG d is of a task that it does not have: nobody"},
        {"INSERT INTO dag_version (dag_id, version_number, content_hash, folder, source, created_us) "
         "SELECT 'other', 1, hex(zeroblob(32)), '/', '', 0",
         ""},
        {"UPDATE dag_run SET dag_version_id = (SELECT id FROM dag_version WHERE dag_id = 'other')",
         "run one of DAG d is on a version of DAG other"},
        {"UPDATE dag SET latest_version_id = (SELECT id FROM dag_version WHERE dag_id = 'other')",
         "the latest version of DAG d is one of DAG other"},
        {"DELETE FROM task_instance", "run one of DAG d has no task instances"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(breaks); i++) {
        assert_int_equal(fixture_sql(fixture, breaks[i][0]), SQLITE_OK);
        expect_problem(fixture, breaks[i][1]);
    }
}

/** Of a hundred of the same kind, some are named and the rest counted. */
static void test_many_findings(void **state)
{
    Fixture *fixture = *state;
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 100);
    assert_int_equal(fixture_sql(fixture, "UPDATE dag_run SET state = 'success', start_date_us = 1, "
                                          "end_date_us = 2"),
                     SQLITE_OK);
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(store_conn(fixture->store), false, &problems, &error));
    assert_int_equal(problems->len, 11);
    expect_problem(fixture, "90 more: a finished run has no unfinished task");
}

static gpointer copy_in_thread(gpointer data)
{
    char **paths = data;
    g_autoptr(StoreConn) reader = store_reader_open(paths[0], NULL);
    return GINT_TO_POINTER(reader != NULL && store_copy_to(reader, paths[1], NULL));
}

/** Every commit adds one run with ten tasks; a copy has all of it or nothing. */
static void test_copy_while_written(void **state)
{
    Fixture *fixture = *state;
    for (int i = 0; i < 200; i++) {
        g_autofree char *run_id = g_strdup_printf("before%d", i);
        DagRun run = fixture_run(fixture, run_id);
        fixture_insert_run(fixture, &run, 100);
    }
    g_autofree char *copy_path = g_build_filename(fixture->dir, "copy.db", NULL);
    char *paths[] = {fixture->path, copy_path};
    GThread *thread = g_thread_new("copy", copy_in_thread, paths);
    for (int i = 0; i < 300 && !g_file_test(copy_path, G_FILE_TEST_EXISTS); i++) {
        g_autofree char *run_id = g_strdup_printf("during%d", i);
        assert_ok(store_begin(fixture->store, &error));
        DagRun run = fixture_run(fixture, run_id);
        fixture_insert_run(fixture, &run, 10);
        assert_ok(store_commit(fixture->store, &error));
    }
    assert_true(GPOINTER_TO_INT(g_thread_join(thread)));
    g_autoptr(StoreConn) copy = NULL;
    assert_ok((copy = store_reader_open(copy_path, &error)) != NULL);
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(copy, true, &problems, &error));
    assert_int_equal(problems->len, 0);
    int64_t n_runs = fixture_number(copy, "SELECT count(*) FROM dag_run");
    assert_true(n_runs >= 200);
    assert_int_equal(fixture_number(copy, "SELECT count(*) FROM task_instance"), 20000 + (n_runs - 200) * 10);
    assert_int_equal(fixture_number(copy, "SELECT max(id) FROM dag_run"),
                     fixture_number(copy, "SELECT min(id) + count(*) - 1 FROM dag_run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_findings, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many_findings, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_copy_while_written, fixture_set_up_store, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
