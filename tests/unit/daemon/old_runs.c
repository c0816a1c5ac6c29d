/* SPDX-License-Identifier: MIT */
#include "tests/unit/daemon/old_runs.h"

#include "scheduler/store/store.h"

#include <glib/gstdio.h>

int old_runs_set_up(void **state)
{
    fixture_set_up(state);
    Fixture *f = *state;
    fixture_write(f, "dags/shop.yaml", "dag_id: shop\ntasks: {load: {command: 'true'}}\n");
    fixture_open(f, DAEMON_OFFLINE); /* makes the store */
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}"));
    fixture_close(f);
    return 0;
}

void old_runs_add(Fixture *f, const char *run_id, RunType type, RunState state, int day, int64_t backfill_id)
{
    g_autofree char *path = g_build_filename(f->home, "weir.db", NULL);
    g_autoptr(Store) store = store_open(path, NULL, NULL);
    g_autoptr(DagRow) dag = store_get_dag(store_conn(store), "shop", NULL);
    bool is_finished = run_state_is_finished(state);
    DagRun run = {
        .id = store_next_run_id(store),
        .dag_id = (char *)"shop",
        .run_id = (char *)run_id,
        .type = type,
        .state = state,
        .dag_version_id = dag->latest_version_id,
        .logical_date_us = DAY(day),
        .data_interval_start_us = DAY(day),
        .data_interval_end_us = DAY(day),
        .run_after_us = DAY(day),
        .queued_at_us = DAY(day),
        .start_date_us = is_finished ? DAY(day) : TIME_NONE,
        .end_date_us = is_finished ? DAY(day) + USEC_PER_HOUR : TIME_NONE,
        .forced_state = RUN_STATE_INVALID,
        .backfill_id = backfill_id,
    };
    TaskInstance ti = {
        .id = store_reserve_task_ids(store, 1),
        .dag_run_id = run.id,
        .task_id = "load",
        .state = is_finished ? TASK_STATE_SUCCESS : TASK_STATE_NONE,
        .exit_code = EXIT_CODE_NONE,
        .try_number = is_finished,
        .scheduled_us = TIME_NONE,
        .queued_us = TIME_NONE,
        .start_date_us = run.start_date_us,
        .end_date_us = run.end_date_us,
        .retry_at_us = TIME_NONE,
        .pool = "default_pool",
        .pool_slots = 1,
        .priority_weight = 1,
    };
    assert_true(store_insert_run(store, &run, NULL));
    assert_true(store_insert_tasks(store, &ti, 1, NULL));
    g_autofree char *folder = g_strdup_printf("%s/logs/dag_id=shop/run_id=%s/task_id=load", f->home, run_id);
    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    g_autofree char *log = g_build_filename(folder, "attempt=1.log", NULL);
    assert_true(g_file_set_contents(log, "hello\n", -1, NULL));
}

void old_runs_expect(Fixture *f, const char *want)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    RunQuery query = RUN_QUERY_ALL;
    query.order = RUN_ORDER_RUN_ID;
    g_autoptr(GPtrArray) runs = store_list_runs(conn, &query, NULL, NULL);
    g_autoptr(GString) found = g_string_new(NULL);
    for (guint i = 0; i < runs->len; i++) {
        const DagRun *run = runs->pdata[i];
        g_autofree char *logs = g_strdup_printf("%s/logs/dag_id=shop/run_id=%s", f->home, run->run_id);
        g_string_append_printf(found, "%s%s%s", i > 0 ? " " : "", run->run_id,
                               g_file_test(logs, G_FILE_TEST_IS_DIR) ? "" : " (without logs)");
    }
    assert_string_equal(found->str, want);
    g_autofree char *folder = g_build_filename(f->home, "logs/dag_id=shop", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    while (dir != NULL && g_dir_read_name(dir) != NULL)
        n++;
    assert_int_equal(n, runs->len);
}

int64_t old_runs_count_tasks(Fixture *f, const char *run_id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(DagRun) run = store_get_run(conn, "shop", run_id, NULL);
    RunRows rows = {0};
    assert_true(run == NULL || store_count_run_rows(conn, run->id, INT64_MAX, &rows, NULL));
    return rows.n_tasks;
}

void old_runs_expect_sound(Fixture *f)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(GPtrArray) problems = NULL;
    assert_true(store_check(conn, true, &problems, NULL));
    assert_int_equal(problems->len, 0);
}

bool old_runs_has_logs(Fixture *f, const char *run_id)
{
    g_autofree char *logs = g_strdup_printf("%s/logs/dag_id=shop/run_id=%s", f->home, run_id);
    return g_file_test(logs, G_FILE_TEST_EXISTS);
}
