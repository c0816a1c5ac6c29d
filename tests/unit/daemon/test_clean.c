/* SPDX-License-Identifier: MIT */
/* db.clean and dags.delete: what goes, what stays, in how many slices, and what happens to logs. */
#include "executors/local/runner.h"
#include "scheduler/daemon/clean.h"
#include "scheduler/store/store.h"
#include "tests/unit/daemon/old_runs.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

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

static void test_what_stays(void **state)
{
    Fixture *f = *state;
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    old_runs_add(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_QUEUED, 2, 0);
    old_runs_add(f, "manual__30", RUN_TYPE_MANUAL, RUN_STATE_FAILED, 30, 0);
    old_runs_add(f, "scheduled__3", RUN_TYPE_SCHEDULED, RUN_STATE_FAILED, 3, 0);
    old_runs_add(f, "scheduled__4", RUN_TYPE_SCHEDULED, RUN_STATE_SUCCESS, 4, 0);
    fixture_open(f, DAEMON_OFFLINE);
    json_t *dry = fixture_do(f, "db.clean", "{'before': '2026-01-20', 'dry_run': true}");
    const json_t *dag = json_array_get(json_object_get(dry, "dags"), 0);
    assert_int_equal(json_integer_value(json_object_get(dag, "dag_runs")), 2);
    assert_true(json_is_null(json_object_get(dry, "after")));
    json_decref(dry);
    old_runs_expect(f, "manual__1 manual__2 manual__30 scheduled__3 scheduled__4");
    clean(f, "");
    old_runs_expect(f, "manual__2 manual__30 scheduled__4");
    clean(f, "");
    old_runs_expect(f, "manual__2 manual__30 scheduled__4");
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
    old_runs_add(f, "backfill__1", RUN_TYPE_BACKFILL, RUN_STATE_SUCCESS, 1, backfill.id);
    fixture_open(f, DAEMON_OFFLINE);
    clean(f, "");
    old_runs_expect(f, "backfill__1");
}

static void test_slices(void **state)
{
    Fixture *f = *state;
    for (int i = 0; i < 7; i++) {
        g_autofree char *run_id = g_strdup_printf("manual__%d", i);
        old_runs_add(f, run_id, RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, i, 0);
    }
    fixture_open(f, DAEMON_OFFLINE);
    assert_int_equal(clean(f, ", 'batch_size': 3"), 4); /* 3, 3, 1, and then the rest */
    old_runs_expect(f, "");
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
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
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
    old_runs_expect(f, "manual__1");
    clean(f, "");
    old_runs_expect(f, "");
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
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    old_runs_add(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 2, 0);
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
        int64_t before = old_runs_count_tasks(f, "manual__1");
        json_t *result = fixture_do(f, "db.clean", args);
        add_counts(json_array_get(json_object_get(result, "dags"), 0), &n_runs, &n_tasks);
        g_free(args);
        args = g_strdup_printf("{'before': '2026-01-20', 'after': %d}",
                               (int)json_integer_value(json_object_get(result, "after")));
        has_more = json_is_integer(json_object_get(result, "after"));
        json_decref(result);
        assert_true(before - old_runs_count_tasks(f, "manual__1") <= CLEAN_ROWS);
        old_runs_expect_sound(f);
        if (n_slices > 1)
            continue;
        assert_true(old_runs_count_tasks(f, "manual__1") > 0);
        assert_int_equal(old_runs_count_tasks(f, "manual__2"), 1);
        fixture_refuse(f, "dags.clear", "{'dag_id': 'shop', 'run_id': 'manual__1'}", "conflict",
                       "is being deleted");
        fixture_close(f); /* whatever dies here */
        fixture_open(f, DAEMON_OFFLINE);
    }
    assert_int_equal(n_slices, 4); /* 1499 XComs and 501 tasks; 2000; the rest and the next run; versions */
    assert_int_equal(n_runs, 2);
    assert_int_equal(n_tasks, N_LARGE + 1);
    old_runs_expect(f, "");
}

static void test_deleting_a_dag_takes_large_runs_in_slices(void **state)
{
    Fixture *f = *state;
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    add_tasks(f, "manual__1");
    fixture_open(f, DAEMON_OFFLINE);
    int64_t n_runs = 0, n_tasks = 0;
    for (bool has_more = true; has_more;) {
        int64_t before = old_runs_count_tasks(f, "manual__1");
        json_t *result = fixture_do(f, "dags.delete", "{'dag_id': 'shop'}");
        add_counts(result, &n_runs, &n_tasks);
        has_more = json_is_true(json_object_get(result, "has_more"));
        json_decref(result);
        assert_true(before - old_runs_count_tasks(f, "manual__1") <= CLEAN_ROWS);
        old_runs_expect_sound(f);
    }
    assert_int_equal(n_runs, 1);
    assert_int_equal(n_tasks, N_LARGE);
}

/* Nothing outside of the logs is ever touched, whatever stands in there. */
static void test_links_are_not_followed(void **state)
{
    Fixture *f = *state;
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    old_runs_add(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 2, 0);
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
    old_runs_expect(f, "");
    g_autofree char *kept = fixture_read(f, "outside/too"), *other = fixture_read(f, "precious");
    g_autofree char *log = fixture_read(f, "moved/task_id=load/attempt=1.log");
}

static void test_versions_and_events(void **state)
{
    Fixture *f = *state;
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
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
    old_runs_expect(f, "");
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
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    old_runs_add(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_QUEUED, 2, 0);
    fixture_open(f, DAEMON_OFFLINE);
    fixture_refuse(f, "dags.delete", "{'dag_id': 'shop'}", "conflict",
                   "1 unfinished run, such as \"manual__2\"");
    fixture_refuse(f, "dags.delete", "{'dag_id': 'nope'}", "not_found", "nope");
    old_runs_expect(f, "manual__1 manual__2");
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
        cmocka_unit_test_setup_teardown(test_what_stays, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_runs_of_an_unfinished_backfill_stay, old_runs_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_slices, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many_logs, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_run_goes_in_slices, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_deleting_a_dag_takes_large_runs_in_slices, old_runs_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_versions_and_events, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_clean_refused, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_delete, old_runs_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
