/* SPDX-License-Identifier: MIT */
/* db.clean and dags.delete: what goes, what stays, in how many slices, and what happens to logs. */
#include "executors/local/runner.h"
#include "scheduler/daemon/clean.h"
#include "scheduler/store/store.h"
#include "tests/unit/daemon/fixture.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

#define DAY(n) (INT64_C(1767225600) * USEC_PER_SEC + (n)*USEC_PER_DAY) /* from 2026-01-01 on */

/** A stored run of DAG "shop", as if it had run on that day, with logs. */
static void add_run(Fixture *f, const char *run_id, RunType type, RunState state, int day,
                    int64_t backfill_id)
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

static int set_up(void **state)
{
    fixture_set_up(state);
    Fixture *f = *state;
    fixture_write(f, "dags/shop.yaml", "dag_id: shop\ntasks: {load: {command: 'true'}}\n");
    fixture_open(f, DAEMON_OFFLINE); /* makes the store */
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}"));
    fixture_close(f);
    return 0;
}

/** All runs that are left, and that have a log folder: "a b c", sorted. */
static void expect_runs(Fixture *f, const char *want)
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

/** Slices until there is no more; gives their number. */
static int clean(Fixture *f, const char *more_args)
{
    g_autofree char *position = g_strdup("");
    for (int n = 1;; n++) {
        assert_true(n < 1000);
        g_autofree char *args = g_strdup_printf("{'before': '2026-01-20'%s%s}", position, more_args);
        json_t *result = fixture_do(f, "db.clean", args);
        json_t *next = json_object_get(result, "after");
        bool has_more = json_is_integer(next);
        g_free(position);
        position = g_strdup_printf(", 'after': %d", (int)json_integer_value(next));
        json_decref(result);
        if (!has_more)
            return n;
    }
}

static int64_t count_tasks(Fixture *f, const char *run_id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(DagRun) run = store_get_run(conn, "shop", run_id, NULL);
    RunRows rows = {0};
    assert_true(run == NULL || store_count_run_rows(conn, run->id, INT64_MAX, &rows, NULL));
    return rows.n_tasks;
}

static void expect_sound(Fixture *f)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(GPtrArray) problems = NULL;
    assert_true(store_check(conn, true, &problems, NULL));
    assert_int_equal(problems->len, 0);
}

/* ---- What a service deletes by itself ---- */

/** Opens a service that is set so. */
static void open_service(Fixture *f, const char *retention, const char *log_retention)
{
    settings_free(f->settings);
    g_setenv("WEIR__SCHEDULER__RETENTION", retention, TRUE);
    g_setenv("WEIR__SCHEDULER__LOG_RETENTION", log_retention, TRUE);
    f->settings = settings_load(NULL);
    g_unsetenv("WEIR__SCHEDULER__RETENTION");
    g_unsetenv("WEIR__SCHEDULER__LOG_RETENTION");
    fixture_open(f, DAEMON_SERVICE);
}

static void wait_for_line(Fixture *f, const char *line)
{
    for (int i = 0; i < 100 && strstr(f->log->str, line) == NULL; i++)
        fixture_loop_for(f, 100);
    if (strstr(f->log->str, line) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, f->log->str);
}

static void write_shop(Fixture *f, const char *keys)
{
    g_autofree char *text = g_strdup_printf("dag_id: shop\n%stasks: {load: {command: 'true'}}\n", keys);
    fixture_write(f, "dags/shop.yaml", text);
}

/** Old runs by hand, and one by schedule. */
static void add_old_runs(Fixture *f)
{
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_run(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_FAILED, 2, 0);
    add_run(f, "scheduled__3", RUN_TYPE_SCHEDULED, RUN_STATE_SUCCESS, 3, 0);
}

static bool has_logs(Fixture *f, const char *run_id)
{
    g_autofree char *logs = g_strdup_printf("%s/logs/dag_id=shop/run_id=%s", f->home, run_id);
    return g_file_test(logs, G_FILE_TEST_EXISTS);
}

static void test_retention(void **state)
{
    Fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        g_autofree char *run_id = g_strdup_printf("manual__%d", i);
        add_run(f, run_id, RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, i, 0);
    }
    open_service(f, "2d", "0s");
    assert_true(f->settings->retention.runs_us == 2 * USEC_PER_DAY);
    wait_for_line(f, "retention: deleted 5 runs with 5 task instances");
    expect_runs(f, "");
}

/* What the DAG's file says stands before the settings, whichever way. */
static void test_retention_of_a_dag(void **state)
{
    Fixture *f = *state;
    write_shop(f, "retention: 1w\n");
    add_old_runs(f);
    open_service(f, "0s", "0s");
    wait_for_line(f, "retention: deleted 2 runs with 2 task instances");
    expect_runs(f, "scheduled__3");
}

static void test_a_dag_is_kept_for_ever(void **state)
{
    Fixture *f = *state;
    write_shop(f, "retention: 0s\n");
    add_old_runs(f);
    open_service(f, "1d", "1d");
    wait_for_line(f, "retention: deleted the logs of 3 runs\n");
    assert_int_equal(count_tasks(f, "manual__1") + count_tasks(f, "manual__2"), 2);
}

/* DAG files come and go while the service runs. */
static void test_a_dag_asks_later(void **state)
{
    Fixture *f = *state;
    add_old_runs(f);
    open_service(f, "0s", "0s");
    fixture_loop_for(f, 1500); /* the first round, in which nobody asks */
    assert_null(strstr(f->log->str, "retention:"));
    write_shop(f, "retention: 1w\nlog_retention: 1d\n");
    wait_for_line(f, "retention: deleted 2 runs with 2 task instances, and the logs of 1 more run\n");
    assert_int_equal(count_tasks(f, "scheduled__3"), 1);
    assert_false(has_logs(f, "scheduled__3"));
}

/* Of whatever has ended, once; what is to go on keeps its logs. */
static void test_log_retention(void **state)
{
    Fixture *f = *state;
    add_old_runs(f);
    add_run(f, "manual__9", RUN_TYPE_MANUAL, RUN_STATE_QUEUED, 9, 0);
    fixture_open(f, DAEMON_OFFLINE);
    json_t *none = fixture_do(f, "db.apply_retention", "{'at': '2026-01-20'}");
    assert_int_equal(json_integer_value(json_object_get(none, "dag_run_logs")), 0);
    json_decref(none);
    write_shop(f, "log_retention: 1w\n");
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}")); /* sees the new version */
    const char *at[] = {"{'at': '2026-01-09T01:30:00Z'}", "{'at': '2026-01-20'}", "{'at': '2026-01-20'}"};
    const int64_t n_logs[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        json_t *result = fixture_do(f, "db.apply_retention", at[i]);
        assert_int_equal(json_integer_value(json_object_get(result, "dag_run_logs")), n_logs[i]);
        assert_int_equal(json_array_size(json_object_get(result, "dags")), 0);
        assert_true(json_is_null(json_object_get(result, "after")));
        json_decref(result);
    }
    assert_false(has_logs(f, "manual__1") || has_logs(f, "manual__2") || has_logs(f, "scheduled__3"));
    assert_true(has_logs(f, "manual__9"));
    expect_sound(f);
    fixture_refuse(f, "db.apply_retention", "{'at': '2999-01-01'}", "invalid", "future");
}

/* No slice removes more files than it may. */
static void test_many_logs_of_a_run_that_stays(void **state)
{
    Fixture *f = *state;
    write_shop(f, "log_retention: 1d\n");
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    for (int i = 0; i < CLEAN_LOG_ENTRIES; i++) {
        g_autofree char *name = g_strdup_printf("logs/dag_id=shop/run_id=manual__1/task_id=load/extra%d", i);
        g_autofree char *path = g_build_filename(f->home, name, NULL);
        assert_true(g_file_set_contents_full(path, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}"));
    json_t *first = fixture_do(f, "db.apply_retention", "{'at': '2026-01-20'}");
    assert_true(json_is_integer(json_object_get(first, "after")));
    assert_int_equal(json_integer_value(json_object_get(first, "dag_run_logs")), 0);
    json_decref(first);
    json_t *second = fixture_do(f, "db.apply_retention", "{'at': '2026-01-20', 'after': 0}");
    assert_true(json_is_null(json_object_get(second, "after")));
    assert_int_equal(json_integer_value(json_object_get(second, "dag_run_logs")), 1);
    json_decref(second);
    assert_false(has_logs(f, "manual__1"));
}

static void test_what_stays(void **state)
{
    Fixture *f = *state;
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_run(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_QUEUED, 2, 0);
    add_run(f, "manual__30", RUN_TYPE_MANUAL, RUN_STATE_FAILED, 30, 0);
    add_run(f, "scheduled__3", RUN_TYPE_SCHEDULED, RUN_STATE_FAILED, 3, 0);
    add_run(f, "scheduled__4", RUN_TYPE_SCHEDULED, RUN_STATE_SUCCESS, 4, 0);
    fixture_open(f, DAEMON_OFFLINE);
    json_t *dry = fixture_do(f, "db.clean", "{'before': '2026-01-20', 'dry_run': true}");
    const json_t *dag = json_array_get(json_object_get(dry, "dags"), 0);
    assert_int_equal(json_integer_value(json_object_get(dag, "dag_runs")), 2);
    assert_true(json_is_null(json_object_get(dry, "after")));
    json_decref(dry);
    expect_runs(f, "manual__1 manual__2 manual__30 scheduled__3 scheduled__4");
    clean(f, "");
    expect_runs(f, "manual__2 manual__30 scheduled__4");
    clean(f, "");
    expect_runs(f, "manual__2 manual__30 scheduled__4");
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(GPtrArray) problems = NULL;
    assert_true(store_check(conn, true, &problems, NULL));
    assert_int_equal(problems->len, 0);
}

static void test_runs_of_an_unfinished_backfill_stay(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->home, "weir.db", NULL);
    Store *store = store_open(path, NULL, NULL);
    Backfill backfill = {.id = store_next_backfill_id(store),
                         .dag_id = (char *)"shop",
                         .from_date_us = DAY(1),
                         .to_date_us = DAY(2),
                         .max_active_runs = 1,
                         .created_at_us = DAY(1),
                         .updated_at_us = DAY(1),
                         .completed_at_us = TIME_NONE};
    assert_true(store_insert_backfill(store, &backfill, NULL));
    store_close(store);
    add_run(f, "backfill__1", RUN_TYPE_BACKFILL, RUN_STATE_SUCCESS, 1, backfill.id);
    fixture_open(f, DAEMON_OFFLINE);
    clean(f, "");
    expect_runs(f, "backfill__1");
}

static void test_slices(void **state)
{
    Fixture *f = *state;
    for (int i = 0; i < 7; i++) {
        g_autofree char *run_id = g_strdup_printf("manual__%d", i);
        add_run(f, run_id, RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, i, 0);
    }
    fixture_open(f, DAEMON_OFFLINE);
    assert_int_equal(clean(f, ", 'batch_size': 3"), 4); /* 3, 3, 1, and then the rest */
    expect_runs(f, "");
    g_autoptr(StoreConn) conn = fixture_reader(f);
    EventQuery query = EVENT_QUERY_ALL;
    query.event = "db_clean";
    g_autoptr(GPtrArray) events = store_list_events(conn, &query, NULL, NULL);
    assert_int_equal(events->len, 1); /* not one a slice */
}

/* A run whose logs are more than a slice may remove goes when the last of them is gone. */
static void test_many_logs(void **state)
{
    Fixture *f = *state;
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    for (int i = 0; i < 5000; i++) {
        g_autofree char *path =
            g_strdup_printf("%s/logs/dag_id=shop/run_id=manual__1/task_id=load/extra%d", f->home, i);
        assert_true(g_file_set_contents(path, "", 0, NULL));
    }
    fixture_open(f, DAEMON_OFFLINE);
    json_t *first = fixture_do(f, "db.clean", "{'before': '2026-01-20'}");
    assert_int_equal(json_array_size(json_object_get(first, "dags")), 0);
    assert_true(json_is_integer(json_object_get(first, "after")));
    json_decref(first);
    expect_runs(f, "manual__1");
    clean(f, "");
    expect_runs(f, "");
}

#define N_LARGE 4500

/** Makes a run large: N_LARGE task instances, an XCom of every third. */
static void add_tasks(Fixture *f, const char *run_id)
{
    g_autofree char *path = g_build_filename(f->home, "weir.db", NULL);
    g_autoptr(Store) store = store_open(path, NULL, NULL);
    g_autoptr(DagRun) run = store_get_run(store_conn(store), "shop", run_id, NULL);
    assert_true(store_begin(store, NULL));
    for (int i = 1; i < N_LARGE; i++) {
        g_autofree char *task_id = g_strdup_printf("more%d", i);
        TaskInstance ti = {
            .id = store_reserve_task_ids(store, 1),
            .dag_run_id = run->id,
            .task_id = task_id,
            .state = TASK_STATE_SUCCESS,
            .try_number = 1,
            .scheduled_us = TIME_NONE,
            .queued_us = TIME_NONE,
            .start_date_us = run->start_date_us,
            .end_date_us = run->end_date_us,
            .retry_at_us = TIME_NONE,
            .pool = "default_pool",
            .pool_slots = 1,
        };
        XCom xcom = {.dag_run_id = run->id, .task_id = task_id, .key = "key", .value_json = "1"};
        assert_true(store_insert_tasks(store, &ti, 1, NULL));
        assert_true(i % 3 != 0 || store_put_xcom(store, &xcom, NULL));
    }
    assert_true(store_commit(store, NULL));
}

/** What a slice says that it has deleted of the DAG. */
static void add_counts(const json_t *of_dag, int64_t *n_runs, int64_t *n_tasks)
{
    *n_runs += json_integer_value(json_object_get(of_dag, "dag_runs"));
    *n_tasks += json_integer_value(json_object_get(of_dag, "task_instances"));
}

/* No transaction deletes more rows than a slice may, whoever dies in between. */
static void test_a_large_run_goes_in_slices(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/shop.yaml", "dag_id: shop\ntasks: {load: {command: 'true'}, more4000: {}}\n");
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}")); /* sees the new version */
    fixture_close(f);
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_run(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 2, 0);
    add_tasks(f, "manual__1");
    fixture_open(f, DAEMON_OFFLINE);
    int64_t n_runs = 0, n_tasks = 0, n_slices = 0;
    json_t *dry = fixture_do(f, "db.clean", "{'before': '2026-01-20', 'dry_run': true}");
    add_counts(json_array_get(json_object_get(dry, "dags"), 0), &n_runs, &n_tasks);
    json_decref(dry);
    assert_int_equal(n_runs, 2);
    assert_int_equal(n_tasks, N_LARGE + 1);
    n_runs = n_tasks = 0;
    g_autofree char *args = g_strdup("{'before': '2026-01-20'}");
    for (bool has_more = true; has_more; n_slices++) {
        int64_t before = count_tasks(f, "manual__1");
        json_t *result = fixture_do(f, "db.clean", args);
        add_counts(json_array_get(json_object_get(result, "dags"), 0), &n_runs, &n_tasks);
        g_free(args);
        args = g_strdup_printf("{'before': '2026-01-20', 'after': %d}",
                               (int)json_integer_value(json_object_get(result, "after")));
        has_more = json_is_integer(json_object_get(result, "after"));
        json_decref(result);
        assert_true(before - count_tasks(f, "manual__1") <= CLEAN_ROWS);
        expect_sound(f);
        if (n_slices > 1)
            continue;
        assert_true(count_tasks(f, "manual__1") > 0);
        assert_int_equal(count_tasks(f, "manual__2"), 1);
        fixture_refuse(f, "dags.clear", "{'dag_id': 'shop', 'run_id': 'manual__1'}", "conflict",
                       "is being deleted");
        fixture_close(f); /* whatever dies here */
        fixture_open(f, DAEMON_OFFLINE);
    }
    assert_int_equal(n_slices, 4); /* 1499 XComs and 501 tasks; 2000; the rest and the next run; versions */
    assert_int_equal(n_runs, 2);
    assert_int_equal(n_tasks, N_LARGE + 1);
    expect_runs(f, "");
}

static void test_deleting_a_dag_takes_large_runs_in_slices(void **state)
{
    Fixture *f = *state;
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_tasks(f, "manual__1");
    fixture_open(f, DAEMON_OFFLINE);
    int64_t n_runs = 0, n_tasks = 0;
    for (bool has_more = true; has_more;) {
        int64_t before = count_tasks(f, "manual__1");
        json_t *result = fixture_do(f, "dags.delete", "{'dag_id': 'shop'}");
        add_counts(result, &n_runs, &n_tasks);
        has_more = json_is_true(json_object_get(result, "has_more"));
        json_decref(result);
        assert_true(before - count_tasks(f, "manual__1") <= CLEAN_ROWS);
        expect_sound(f);
    }
    assert_int_equal(n_runs, 1);
    assert_int_equal(n_tasks, N_LARGE);
}

/* Nothing outside of the logs is ever touched, whatever stands in there. */
static void test_links_are_not_followed(void **state)
{
    Fixture *f = *state;
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_run(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 2, 0);
    fixture_write(f, "precious", "kept");
    g_autofree char *folder = g_build_filename(f->home, "outside", NULL);
    assert_int_equal(g_mkdir(folder, 0700), 0);
    fixture_write(f, "outside/too", "kept");
    g_autofree char *logs = g_build_filename(f->home, "logs/dag_id=shop", NULL);
    g_autofree char *link = g_build_filename(logs, "run_id=manual__1/task_id=load/link", NULL);
    g_autofree char *file = g_build_filename(logs, "run_id=manual__1/task_id=load/file", NULL);
    g_autofree char *precious = g_build_filename(f->home, "precious", NULL);
    assert_int_equal(symlink(folder, link), 0);
    assert_int_equal(symlink(precious, file), 0);
    g_autofree char *whole = g_build_filename(logs, "run_id=manual__2", NULL);
    g_autofree char *moved = g_build_filename(f->home, "moved", NULL);
    assert_int_equal(g_rename(whole, moved), 0);
    assert_int_equal(symlink(moved, whole), 0);
    fixture_open(f, DAEMON_OFFLINE);
    clean(f, "");
    expect_runs(f, "");
    g_autofree char *kept = fixture_read(f, "outside/too"), *other = fixture_read(f, "precious");
    g_autofree char *log = fixture_read(f, "moved/task_id=load/attempt=1.log");
}

static void test_versions_and_events(void **state)
{
    Fixture *f = *state;
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    fixture_write(f, "dags/shop.yaml", "dag_id: shop\ntasks: {load: {command: 'false'}}\n");
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.pause", "{'dag_id': 'shop'}")); /* sees the new version */
    g_autofree char *now = g_strdup_printf("{'before': '%s'}", "2020-01-01");
    json_decref(fixture_do(f, "db.clean", now));
    g_autoptr(StoreConn) conn = fixture_reader(f);
    int64_t n = 0;
    g_ptr_array_unref(store_list_dag_versions(conn, "shop", (Page){0}, &n, NULL));
    assert_int_equal(n, 2);
    GDateTime *time = g_date_time_new_now_utc();
    g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S.%fZ");
    g_date_time_unref(time);
    for (int i = 0; i < 3; i++) {
        g_autofree char *args = g_strdup_printf("{'before': '%s', 'after': %d}", text, i);
        json_decref(fixture_do(f, "db.clean", args));
    }
    expect_runs(f, "");
    g_ptr_array_unref(store_list_dag_versions(conn, "shop", (Page){0}, &n, NULL));
    assert_int_equal(n, 1);
    EventQuery query = EVENT_QUERY_ALL;
    query.event = "paused";
    g_autoptr(GPtrArray) events = store_list_events(conn, &query, NULL, NULL);
    assert_int_equal(events->len, 0);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop'}"));
}

static void test_clean_refused(void **state)
{
    Fixture *f = *state;
    fixture_open(f, DAEMON_OFFLINE);
    fixture_refuse(f, "db.clean", "{}", "invalid", "needs \"before\"");
    fixture_refuse(f, "db.clean", "{'before': 'soon'}", "invalid", "before");
    fixture_refuse(f, "db.clean", "{'before': '2999-01-01'}", "invalid", "future");
    fixture_refuse(f, "db.clean", "{'before': '2026-01-01', 'dag_ids': ['shopp']}", "not_found",
                   "did you mean \"shop\"?");
    fixture_refuse(f, "db.clean", "{'before': '2026-01-01', 'after': -1}", "invalid", "negative");
}

static void test_delete(void **state)
{
    Fixture *f = *state;
    add_run(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_run(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_QUEUED, 2, 0);
    fixture_open(f, DAEMON_OFFLINE);
    fixture_refuse(f, "dags.delete", "{'dag_id': 'shop'}", "conflict",
                   "1 unfinished run, such as \"manual__2\"");
    fixture_refuse(f, "dags.delete", "{'dag_id': 'nope'}", "not_found", "nope");
    expect_runs(f, "manual__1 manual__2");
    json_decref(fixture_do(f, "dags.cancel", "{'dag_id': 'shop', 'run_id': 'manual__2'}"));
    json_t *result = fixture_do(f, "dags.delete", "{'dag_id': 'shop'}");
    assert_int_equal(json_integer_value(json_object_get(result, "dag_runs")), 2);
    assert_true(json_is_true(json_object_get(result, "has_more")));
    json_decref(result);
    json_t *answer = fixture_execute(f, "dags.delete", "{'dag_id': 'shop'}");
    assert_true(json_is_false(json_object_get(json_object_get(answer, "result"), "has_more")));
    assert_non_null(strstr(json_string_value(json_object_get(answer, "note")), "still there"));
    json_decref(answer);
    g_autoptr(StoreConn) conn = fixture_reader(f);
    assert_null(store_get_dag(conn, "shop", NULL));
    g_autofree char *logs = g_build_filename(f->home, "logs/dag_id=shop", NULL);
    assert_false(g_file_test(logs, G_FILE_TEST_EXISTS));
    fixture_refuse(f, "dags.delete", "{'dag_id': 'shop'}", "not_found", "nothing is stored");
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'again'}")); /* it is back */
    g_autoptr(GPtrArray) problems = NULL;
    assert_true(store_check(conn, true, &problems, NULL));
    assert_int_equal(problems->len, 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_stays, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_runs_of_an_unfinished_backfill_stay, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_retention, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_retention_of_a_dag, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_dag_is_kept_for_ever, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_dag_asks_later, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_log_retention, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many_logs_of_a_run_that_stays, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_slices, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many_logs, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_run_goes_in_slices, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_deleting_a_dag_takes_large_runs_in_slices, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_versions_and_events, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_clean_refused, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_delete, set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
