/* SPDX-License-Identifier: MIT */
/*
 * With many rows: what a page costs in steps of SQLite's machine (asserted: the same on every machine), and
 * times and bytes (printed). WEIR_STORE_RUNS=10000 makes it a store with a million task instances.
 */
#include "tests/unit/store/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define N_DAGS        10
#define TASKS_PER_RUN 100
#define PAGE_STEPS    20000 /* 100 rows of 22 columns take about 6,000; a scan takes millions */

static int64_t n_runs;
static int64_t steps, sorts;

static double seconds_since(int64_t start_us)
{
    return (double)(g_get_monotonic_time() - start_us) / (double)USEC_PER_SEC;
}

static void fill(Fixture *fixture)
{
    int64_t versions[N_DAGS];
    g_autoptr(GPtrArray) task_ids = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < TASKS_PER_RUN; i++)
        g_ptr_array_add(task_ids, g_strdup_printf("clean_table_%d", i));
    for (int i = 0; i < N_DAGS; i++) {
        g_autofree char *dag_id = g_strdup_printf("dag_%d", i);
        versions[i] = fixture_add_dag(fixture->store, dag_id);
    }
    g_autofree TaskInstance *items = g_new0(TaskInstance, TASKS_PER_RUN);
    assert_ok(store_begin(fixture->store, &error));
    for (int64_t i = 0; i < n_runs; i++) {
        g_autofree char *run_id = g_strdup_printf("scheduled__%" G_GINT64_FORMAT, i);
        g_autofree char *dag_id = g_strdup_printf("dag_%d", (int)(i % N_DAGS));
        DagRun run = fixture_run(fixture, run_id);
        run.dag_id = dag_id;
        run.type = i % 3 == 0 ? RUN_TYPE_MANUAL : RUN_TYPE_SCHEDULED;
        run.dag_version_id = versions[i % N_DAGS];
        run.state = i + 5 >= n_runs ? RUN_STATE_RUNNING : i % 50 == 0 ? RUN_STATE_FAILED : RUN_STATE_SUCCESS;
        run.run_after_us = run.logical_date_us = run.start_date_us = T0 + i * USEC_PER_MIN;
        run.end_date_us = run.state == RUN_STATE_RUNNING ? TIME_NONE : run.start_date_us + USEC_PER_SEC;
        assert_ok(store_insert_run(fixture->store, &run, &error));
        int64_t first = store_reserve_task_ids(fixture->store, TASKS_PER_RUN);
        for (int t = 0; t < TASKS_PER_RUN; t++) {
            items[t] = fixture_task(first + t, run.id, task_ids->pdata[t],
                                    run.state == RUN_STATE_RUNNING && t > 90 ? TASK_STATE_QUEUED
                                                                             : TASK_STATE_SUCCESS);
            items[t].pid = 100000 + t;
            items[t].exit_code = items[t].state == TASK_STATE_SUCCESS ? 0 : EXIT_CODE_NONE;
        }
        assert_ok(store_insert_tasks(fixture->store, items, TASKS_PER_RUN, &error));
    }
    assert_ok(store_commit(fixture->store, &error));
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_TRUNCATE, &error));
}

static int count_steps(unsigned event, void *user, void *stmt, void *x)
{
    (void)event, (void)user, (void)x;
    steps += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    sorts += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 1);
    return 0;
}

static void report(const char *what, int64_t start_us, int64_t most)
{
    print_message("           %-40s %8.3f ms %9" G_GINT64_FORMAT " steps\n", what,
                  1000 * seconds_since(start_us), steps);
    if (steps > most)
        fail_msg("%s takes %" G_GINT64_FORMAT " steps", what, steps);
}

#define measure(what, most, call)                                                                            \
    do {                                                                                                     \
        steps = sorts = 0;                                                                                   \
        int64_t start_us = g_get_monotonic_time();                                                           \
        assert_ok(call);                                                                                     \
        report(what, start_us, most);                                                                        \
    } while (0)

static void list_runs(StoreConn *conn, const char *what, RunQuery query)
{
    query.page.limit = 100;
    g_autoptr(GPtrArray) rows = NULL;
    measure(what, PAGE_STEPS, (rows = store_list_runs(conn, &query, NULL, &error)) != NULL);
    if (query.states != 1u << RUN_STATE_RUNNING) /* few: those may be sorted */
        assert_int_equal(sorts, 0); /* else it reads all rows that there are, for a page of them */
}

static void list_events(StoreConn *conn, const char *what, EventQuery query)
{
    query.page.limit = 100;
    g_autoptr(GPtrArray) rows = NULL;
    measure(what, PAGE_STEPS, (rows = store_list_events(conn, &query, NULL, &error)) != NULL);
    assert_int_equal(sorts, 0);
}

static void list_all_events(StoreConn *conn)
{
    EventQuery query = EVENT_QUERY_ALL;
    list_events(conn, "newest events", query);
    query.dag_id = "dag_0";
    list_events(conn, "newest events of a DAG", query);
    query.run_id = "scheduled__0";
    list_events(conn, "newest events of a run", query);
}

static void list_hooks(StoreConn *conn)
{
    HookQuery query = HOOK_QUERY_ALL;
    query.dag_id = "dag_0";
    query.descending = true;
    query.page.limit = 100;
    g_autoptr(GPtrArray) rows = NULL;
    measure("newest hooks of a DAG", PAGE_STEPS,
            (rows = store_list_hooks(conn, &query, NULL, &error)) != NULL);
    assert_int_equal(sorts, 0);
}

/** The total of a list is a walk over an index. */
static void count_total(StoreConn *conn)
{
    int64_t total = 0;
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = "dag_1";
    query.page.limit = 1;
    g_autoptr(GPtrArray) rows = NULL;
    measure("total of the runs of a DAG", 10 * n_runs,
            (rows = store_list_runs(conn, &query, &total, &error)) != NULL);
    assert_int_equal(total, n_runs / N_DAGS);
}

static void test_pages(void **state)
{
    Fixture *fixture = *state;
    fill(fixture);
    for (int pass = 0; pass < 2; pass++) { /* without and with statistics of the tables */
        if (pass == 1)
            assert_int_equal(fixture_sql(fixture, "ANALYZE"), SQLITE_OK);
        g_autoptr(StoreConn) conn = NULL;
        assert_ok((conn = store_reader_open(fixture->path, &error)) != NULL);
        sqlite3_trace_v2(conn->db, SQLITE_TRACE_PROFILE, count_steps, NULL);
        RunQuery query = RUN_QUERY_ALL;
        query.descending = true;
        list_runs(conn, "newest runs of all DAGs", query);
        query.states = 1u << RUN_STATE_RUNNING;
        list_runs(conn, "running runs of all DAGs", query);
        query.dag_id = "dag_9";
        list_runs(conn, "running runs of a DAG", query);
        query.states = 1u << RUN_STATE_FAILED;
        query.dag_id = NULL;
        list_runs(conn, "failed runs of all DAGs", query);
        query.dag_id = "dag_0";
        list_runs(conn, "failed runs of a DAG", query);
        query.states = 0;
        list_runs(conn, "newest runs of a DAG", query);
        query.order = RUN_ORDER_ID;
        list_runs(conn, "runs of a DAG by id", query);
        query.order = RUN_ORDER_START_DATE;
        list_runs(conn, "runs of a DAG by start", query);
        query.order = RUN_ORDER_LOGICAL_DATE;
        list_runs(conn, "runs of a DAG by logical date", query);
        query.logical_date = (TimeRange){T0, T0 + USEC_PER_DAY};
        list_runs(conn, "runs of a DAG in a range", query);

        DagRun *run = NULL;
        measure("latest run", 1000, store_find_latest_run(conn, "dag_3", &run, &error));
        int64_t run_id = run->id;
        g_clear_pointer(&run, dag_run_free);
        measure("latest scheduled run", 1000, store_find_latest_scheduled_run(conn, "dag_3", &run, &error));
        g_clear_pointer(&run, dag_run_free);
        measure("previous run", 1000,
                store_find_previous_run(conn, "dag_3", T0 + USEC_PER_DAY, false, &run, &error));
        g_clear_pointer(&run, dag_run_free);
        bool ran = false;
        measure("task ran before", 1000,
                store_task_ran_before(conn, "dag_3", "clean_table_5", T0 + USEC_PER_DAY, &ran, &error));
        g_autoptr(GPtrArray) on_way = NULL, waiting = NULL;
        g_auto(GStrv) dag_ids = NULL;
        g_autoptr(GArray) backfills = NULL;
        g_autoptr(TaskList) executing = NULL;
        measure("running runs", PAGE_STEPS, (on_way = store_list_running_runs(conn, &error)) != NULL);
        measure("queued runs", PAGE_STEPS,
                (waiting = store_list_queued_runs(conn, "dag_3", 0, false, 50, &error)) != NULL);
        measure("DAGs with queued runs", PAGE_STEPS,
                (dag_ids = store_list_dags_with_queued_runs(conn, &error)) != NULL);
        measure("backfills with queued runs", PAGE_STEPS,
                (backfills = store_list_backfills_with_queued_runs(conn, &error)) != NULL);
        measure("executing tasks", PAGE_STEPS,
                (executing = store_list_executing_tasks(conn, &error)) != NULL);
        int64_t queued, running, counts[TASK_STATE_COUNT];
        measure("count active runs", 1000, store_count_active_runs(conn, "dag_3", &queued, &running, &error));
        TaskQuery tasks = {.dag_run_id = run_id, .page = {.limit = 50}};
        g_autoptr(TaskList) list = NULL;
        measure("tasks of a run", PAGE_STEPS, (list = store_list_tasks(conn, &tasks, NULL, &error)) != NULL);
        measure("states of a run", PAGE_STEPS, store_count_task_states(conn, run_id, counts, &error));
        list_all_events(conn);
        list_hooks(conn);
        g_autoptr(GPtrArray) pools = NULL;
        measure("pools", PAGE_STEPS, (pools = store_list_pools(conn, &error)) != NULL);
        count_total(conn);
    }
    struct stat st;
    assert_int_equal(stat(fixture->path, &st), 0);
    double bytes = (double)st.st_size / (double)(n_runs * TASKS_PER_RUN);
    print_message("           %.0f bytes per task instance (runs and indexes included)\n", bytes);
    assert_true(bytes < 1000);
}

/** Every store was small once; what was true of it then must not decide how it is read now. */
static void test_a_store_that_grew(void **state)
{
    Fixture *fixture = *state;
    DagRun small = fixture_run(fixture, "small"), large = fixture_run(fixture, "large");
    fixture_insert_run(fixture, &small, 1000);
    g_autoptr(GPtrArray) before = NULL, after = NULL;
    assert_ok((before = store_list_pools(store_conn(fixture->store), &error)) != NULL);
    fixture_close(fixture);
    fixture_open(fixture);
    fixture_insert_run(fixture, &large, 20000);
    g_autoptr(StoreConn) conn = NULL;
    assert_ok((conn = store_reader_open(fixture->path, &error)) != NULL);
    sqlite3_trace_v2(conn->db, SQLITE_TRACE_PROFILE, count_steps, NULL);
    measure("pools", PAGE_STEPS, (after = store_list_pools(conn, &error)) != NULL);
}

static void test_speed(void **state)
{
    Fixture *fixture = *state;
    enum { N = 100000, N_COMMITS = 2000 };
    DagRun run = fixture_run(fixture, "big");
    assert_ok(store_insert_run(fixture->store, &run, &error));
    int64_t first = store_reserve_task_ids(fixture->store, N);
    g_autofree TaskInstance *items = g_new0(TaskInstance, N);
    g_autoptr(GStringChunk) names = g_string_chunk_new(65536);
    for (int i = 0; i < N; i++) {
        g_autofree char *task_id = g_strdup_printf("task_%05d", i);
        items[i] = fixture_task(first + i, run.id, g_string_chunk_insert(names, task_id), TASK_STATE_NONE);
    }
    int64_t start = g_get_monotonic_time();
    assert_ok(store_begin(fixture->store, &error));
    assert_ok(store_insert_tasks(fixture->store, items, N, &error));
    assert_ok(store_commit(fixture->store, &error));
    print_message("           insert 100,000 task instances: %.3f s\n", seconds_since(start));

    start = g_get_monotonic_time();
    g_autoptr(TaskList) list = NULL;
    TaskQuery query = {.dag_run_id = run.id};
    assert_ok((list = store_list_tasks(store_conn(fixture->store), &query, NULL, &error)) != NULL);
    assert_int_equal(list->n_items, N);
    print_message("           read them all: %.3f s\n", seconds_since(start));

    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_TRUNCATE, &error));
    start = g_get_monotonic_time();
    for (int i = 0; i < N_COMMITS; i++) {
        TaskInstance ti = fixture_task(items[i].id, run.id, items[i].task_id, TASK_STATE_QUEUED);
        assert_ok(store_begin(fixture->store, &error));
        assert_ok(store_update_task(fixture->store, &ti, &error));
        assert_ok(store_commit(fixture->store, &error));
        if (store_wal_bytes(fixture->store) >= STORE_WAL_HIGH)
            assert_ok(store_checkpoint(fixture->store, CHECKPOINT_PASSIVE, &error));
    }
    print_message("           commits of one update: %.0f a second\n", N_COMMITS / seconds_since(start));

    start = g_get_monotonic_time();
    assert_ok(store_begin(fixture->store, &error));
    for (int i = 0; i < N; i++) {
        TaskInstance ti = fixture_task(items[i].id, run.id, items[i].task_id, TASK_STATE_SUCCESS);
        assert_ok(store_update_task(fixture->store, &ti, &error));
    }
    assert_ok(store_commit(fixture->store, &error));
    print_message("           updates in one transaction: %.0f a second\n", N / seconds_since(start));
}

int main(void)
{
    const char *wanted = g_getenv("WEIR_STORE_RUNS");
    n_runs = wanted != NULL ? MAX(g_ascii_strtoll(wanted, NULL, 10), 100) : 1000;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_store_that_grew, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_speed, fixture_set_up_store, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/size", tests, NULL, NULL);
}
