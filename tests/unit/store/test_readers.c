/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

#include <string.h>

static guint count_runs(StoreConn *conn)
{
    RunQuery query = RUN_QUERY_ALL;
    g_autoptr(GPtrArray) rows = NULL;
    assert_ok((rows = store_list_runs(conn, &query, NULL, &error)) != NULL);
    return rows->len;
}

static void insert(Fixture *fixture, const char *run_id)
{
    DagRun run = fixture_run(fixture, run_id);
    fixture_insert_run(fixture, &run, 20);
}

static void test_committed_only(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    assert_ok(store_begin(fixture->store, &error));
    insert(fixture, "one");
    assert_int_equal(count_runs(store_conn(fixture->store)), 1);
    assert_int_equal(count_runs(reader), 0);
    assert_ok(store_commit(fixture->store, &error));
    assert_int_equal(count_runs(reader), 1);
    assert_ok(store_begin(fixture->store, &error));
    insert(fixture, "two");
    store_rollback(fixture->store);
    assert_int_equal(count_runs(reader), 1);
}

static void test_snapshot(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    insert(fixture, "one");
    assert_ok(store_read_begin(reader, &error));
    assert_int_equal(count_runs(reader), 1);
    insert(fixture, "two"); /* nobody waits for anybody */
    assert_int_equal(count_runs(reader), 1);
    store_read_end(reader);
    store_read_end(reader);
    assert_int_equal(count_runs(reader), 2);
}

static void test_reader_in_the_way(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    insert(fixture, "one");
    assert_ok(store_read_begin(reader, &error));
    assert_int_equal(count_runs(reader), 1);
    insert(fixture, "two");
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_PASSIVE, &error));
    assert_true(store_wal_bytes(fixture->store) > 0);
    int64_t before = g_get_monotonic_time();
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_TRUNCATE, &error));
    assert_true(g_get_monotonic_time() - before < 4 * USEC_PER_SEC);
    store_read_end(reader);
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_TRUNCATE, &error));
    assert_int_equal(store_wal_bytes(fixture->store), 0);
    assert_int_equal(count_runs(reader), 2);
}

static void test_closing_keeps_the_log(void **state)
{
    Fixture *fixture = *state;
    insert(fixture, "one");
    g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
    g_autofree char *before = NULL, *after = NULL;
    gsize n_before = 0, n_after = 0;
    assert_true(g_file_get_contents(wal, &before, &n_before, NULL));
    StoreConn *reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    assert_int_equal(count_runs(reader), 1);
    store_reader_close(reader);
    assert_true(g_file_get_contents(wal, &after, &n_after, NULL));
    assert_int_equal(n_before, n_after);
}

static void test_without_a_writer(void **state)
{
    Fixture *fixture = *state;
    insert(fixture, "one");
    fixture_close(fixture);
    for (int i = 0; i < 2; i++) {
        g_autoptr(StoreConn) reader = NULL;
        assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
        assert_int_equal(count_runs(reader), 1);
    }
    fixture_open(fixture);
    assert_int_equal(count_runs(store_conn(fixture->store)), 1);
}

static gpointer read_many(gpointer path)
{
    StoreConn *reader = store_reader_open(path, NULL);
    guint last = 0;
    bool sane = reader != NULL;
    for (int i = 0; sane && i < 200; i++) {
        RunQuery query = RUN_QUERY_ALL;
        g_autoptr(GPtrArray) rows = store_list_runs(reader, &query, NULL, NULL);
        sane = rows != NULL && rows->len >= last;
        last = sane ? rows->len : 0;
    }
    store_reader_close(reader);
    return GINT_TO_POINTER(sane);
}

static void test_threads(void **state)
{
    Fixture *fixture = *state;
    GThread *threads[3];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("reader", read_many, fixture->path);
    for (int i = 0; i < 100; i++) {
        g_autofree char *run_id = g_strdup_printf("r%d", i);
        insert(fixture, run_id);
        if (i % 10 == 0)
            assert_ok(store_checkpoint(fixture->store, CHECKPOINT_PASSIVE, &error));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(store_conn(fixture->store), true, &problems, &error));
    assert_int_equal(problems->len, 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up_store, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_committed_only),    WITH_STORE(test_snapshot),
        WITH_STORE(test_reader_in_the_way), WITH_STORE(test_closing_keeps_the_log),
        WITH_STORE(test_without_a_writer),  WITH_STORE(test_threads),
    };
    return cmocka_run_group_tests_name("store/readers", tests, NULL, NULL);
}
