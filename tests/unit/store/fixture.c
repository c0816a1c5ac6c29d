/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

char *fixture_make_dir(void)
{
    GError *error = NULL;
    char *dir = g_dir_make_tmp("weir-store-XXXXXX", &error);
    if (dir == NULL)
        fail_msg("no directory: %s", error->message);
    return dir;
}

void fixture_remove_dir(const char *dir)
{
    g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
    const char *name;
    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            fixture_remove_dir(path);
        else
            g_unlink(path);
    }
    g_rmdir(dir);
}

int fixture_set_up_dir(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);
    fixture->dir = fixture_make_dir();
    fixture->path = g_build_filename(fixture->dir, "weir.db", NULL);
    *state = fixture;
    return 0;
}

int fixture_set_up_store(void **state)
{
    fixture_set_up_dir(state);
    Fixture *fixture = *state;
    fixture_open(fixture);
    fixture->version_id = fixture_add_dag(fixture->store, "d");
    return 0;
}

int fixture_tear_down(void **state)
{
    Fixture *fixture = *state;
    store_close(fixture->store);
    fixture_remove_dir(fixture->dir);
    g_free(fixture->dir);
    g_free(fixture->path);
    g_free(fixture);
    return 0;
}

void fixture_open(Fixture *fixture)
{
    assert_ok((fixture->store = store_open(fixture->path, NULL, &error)) != NULL);
}

void fixture_close(Fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

int64_t fixture_add_dag(Store *store, const char *dag_id)
{
    DagVersion version = {.dag_id = dag_id, .folder = "/dags", .source = "tasks: {}", .created_us = T0};
    int64_t id = 0;
    assert_ok(store_put_dag_version(store, &version, &id, &error));
    DagRow dag = {.dag_id = dag_id,
                  .folder = "/dags",
                  .owner = "data",
                  .timezone = "UTC",
                  .tags_json = "[\"batch\", \"it's\"]",
                  .max_active_runs = 16,
                  .max_active_tasks = 16,
                  .latest_version_id = id,
                  .first_seen_us = T0,
                  .last_parsed_us = T0};
    assert_ok(store_put_dag(store, &dag, &error));
    return id;
}

DagRun fixture_run(Fixture *fixture, const char *run_id)
{
    return (DagRun){.id = store_next_run_id(fixture->store),
                    .dag_id = (char *)"d",
                    .run_id = (char *)run_id,
                    .type = RUN_TYPE_MANUAL,
                    .state = RUN_STATE_QUEUED,
                    .dag_version_id = fixture->version_id,
                    .logical_date_us = TIME_NONE,
                    .data_interval_start_us = TIME_NONE,
                    .data_interval_end_us = TIME_NONE,
                    .run_after_us = T0,
                    .queued_at_us = T0,
                    .start_date_us = TIME_NONE,
                    .end_date_us = TIME_NONE,
                    .forced_state = RUN_STATE_INVALID,
                    .conf_json = (char *)"{}",
                    .params_json = (char *)"{}"};
}

TaskInstance fixture_task(int64_t id, int64_t dag_run_id, const char *task_id, TaskState state)
{
    TaskInstance ti = {.id = id,
                       .dag_run_id = dag_run_id,
                       .task_id = task_id,
                       .state = state,
                       .exit_code = EXIT_CODE_NONE,
                       .scheduled_us = TIME_NONE,
                       .queued_us = TIME_NONE,
                       .start_date_us = TIME_NONE,
                       .end_date_us = TIME_NONE,
                       .retry_at_us = TIME_NONE,
                       .pool = "default_pool",
                       .pool_slots = 1,
                       .priority_weight = 1,
                       .operator_name = "BashOperator"};
    if (state == TASK_STATE_NONE)
        return ti;
    ti.try_number = 1;
    ti.scheduled_us = T0;
    ti.queued_us = T0;
    if (state != TASK_STATE_SCHEDULED && state != TASK_STATE_QUEUED)
        ti.start_date_us = T0;
    if (task_state_is_finished(state) || state == TASK_STATE_UP_FOR_RETRY)
        ti.end_date_us = T0 + USEC_PER_SEC;
    if (state == TASK_STATE_UP_FOR_RETRY)
        ti.retry_at_us = T0 + USEC_PER_MIN;
    return ti;
}

int64_t fixture_insert_run(Fixture *fixture, DagRun *run, int n_tasks)
{
    assert_ok(store_insert_run(fixture->store, run, &error));
    int64_t first = store_reserve_task_ids(fixture->store, (uint32_t)n_tasks);
    for (int i = 0; i < n_tasks; i++) {
        g_autofree char *task_id = g_strdup_printf("t%d", i);
        TaskInstance ti = fixture_task(first + i, run->id, task_id, TASK_STATE_NONE);
        assert_ok(store_insert_tasks(fixture->store, &ti, 1, &error));
    }
    return first;
}

int fixture_sql(Fixture *fixture, const char *sql)
{
    sqlite3 *db = store_conn(fixture->store)->db;
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? rc : sqlite3_extended_errcode(db);
}

int64_t fixture_number(StoreConn *conn, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}
