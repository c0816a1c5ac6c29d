/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_pragma(StoreConn *conn, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), expected);
    sqlite3_finalize(stmt);
}

static void test_writer_settings(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    assert_pragma(conn, "PRAGMA journal_mode", "wal");
    assert_pragma(conn, "PRAGMA synchronous", "2");
    assert_pragma(conn, "PRAGMA foreign_keys", "1");
    assert_pragma(conn, "PRAGMA busy_timeout", "5000");
    assert_pragma(conn, "PRAGMA wal_autocheckpoint", "0");
    assert_pragma(conn, "PRAGMA journal_size_limit", "67108864");
    assert_pragma(conn, "PRAGMA trusted_schema", "0");
    assert_pragma(conn, "PRAGMA cell_size_check", "1");
    assert_pragma(conn, "PRAGMA temp_store", "2");
    assert_pragma(conn, "PRAGMA mmap_size", "0");
    assert_pragma(conn, "PRAGMA application_id", "2003134834");
    assert_pragma(conn, "PRAGMA user_version", "5");
    int defensive = 0;
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive);
    assert_int_equal(defensive, 1);
}

static void test_reader_settings(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    assert_pragma(reader, "PRAGMA query_only", "1");
    assert_pragma(reader, "PRAGMA busy_timeout", "5000");
    assert_pragma(reader, "PRAGMA trusted_schema", "0");
    assert_pragma(reader, "PRAGMA mmap_size", "0");
    assert_int_not_equal(sqlite3_exec(reader->db, "DELETE FROM pool", NULL, NULL, NULL), SQLITE_OK);
}

static void test_private_files(void **state)
{
    Fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        g_autofree char *path = g_strconcat(fixture->path, suffixes[i], NULL);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void test_identity(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *id = g_strdup(store_db_id(fixture->store));
    assert_true(g_uuid_string_is_valid(id));
    fixture_close(fixture);
    fixture_open(fixture);
    assert_string_equal(store_db_id(fixture->store), id);
}

static void test_clean_close_leaves_one_file(void **state)
{
    Fixture *fixture = *state;
    fixture_close(fixture);
    g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
    assert_false(g_file_test(wal, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void test_default_pool(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Pool) pool = NULL;
    assert_ok((pool = store_get_pool(store_conn(fixture->store), "default_pool", &error)) != NULL);
    assert_int_equal(pool->slots, 128);
    assert_int_equal(pool->open_slots, 128);
}

static void test_no_store_yet(void **state)
{
    Fixture *fixture = *state;
    assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_true(g_file_set_contents(fixture->path, "", 0, NULL)); /* a start that got no further */
    assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    fixture_open(fixture);
}

/** What a kill while SQLite makes the first page leaves: that page, and the journal that takes it back. */
static void test_killed_while_made(void **state)
{
    Fixture *fixture = *state;
    static const char page[4096] = "SQLite format 3";
    static const uint8_t magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    uint8_t journal[512] = {[22] = 2, [26] = 0x10};
    memcpy(journal, magic, sizeof magic);
    g_autofree char *path = g_strconcat(fixture->path, "-journal", NULL);
    assert_true(g_file_set_contents(fixture->path, page, sizeof page, NULL));
    assert_true(g_file_set_contents(path, (const char *)journal, sizeof journal, NULL));
    assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    fixture_open(fixture);
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
}

static void test_impossible_versions(void **state)
{
    Fixture *fixture = *state;
    static const char *const set[] = {"PRAGMA user_version = -5", "PRAGMA user_version = 0"};
    for (size_t i = 0; i < G_N_ELEMENTS(set); i++) {
        fixture_open(fixture);
        assert_int_equal(fixture_sql(fixture, set[i]), SQLITE_OK);
        fixture_close(fixture);
        assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
        assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
        assert_int_equal(unlink(fixture->path), 0);
    }
}

static void test_ids_are_never_reused(void **state)
{
    Fixture *fixture = *state;
    DagRun one = fixture_run(fixture, "one"), two = fixture_run(fixture, "two");
    fixture_insert_run(fixture, &one, 3);
    int64_t last_task = fixture_insert_run(fixture, &two, 3) + 2;
    assert_int_equal(two.id, one.id + 1);
    assert_ok(store_delete_run(fixture->store, two.id, &error));
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(store_next_run_id(fixture->store), two.id + 1);
    assert_int_equal(store_reserve_task_ids(fixture->store, 5), last_task + 1);
    assert_int_equal(store_reserve_task_ids(fixture->store, 1), last_task + 6);
}

static void test_checkpoint(void **state)
{
    Fixture *fixture = *state;
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_PASSIVE, &error));
    assert_int_equal(store_wal_bytes(fixture->store), 0);
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 10);
    assert_true(store_wal_bytes(fixture->store) > 4096);
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_PASSIVE, &error));
    assert_int_equal(store_wal_bytes(fixture->store), 0);
    DagRun two = fixture_run(fixture, "two");
    fixture_insert_run(fixture, &two, 1);
    assert_true(store_wal_bytes(fixture->store) > 0);
    assert_ok(store_checkpoint(fixture->store, CHECKPOINT_TRUNCATE, &error));
    assert_int_equal(store_wal_bytes(fixture->store), 0);
    g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_size, 0);
}

/** Once it is busy the log has its full size, so that commits need not make it longer. */
static void test_busy_log(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
    DagRun run = fixture_run(fixture, "one"), two = fixture_run(fixture, "two");
    assert_ok(store_begin(fixture->store, &error));
    fixture_insert_run(fixture, &run, 1000);
    assert_ok(store_commit(fixture->store, &error));
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > STORE_WAL_HIGH);
    fixture_insert_run(fixture, &two, 1);
    assert_true(store_wal_bytes(fixture->store) < STORE_WAL_HIGH); /* zeros are no frames */
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    assert_int_equal(fixture_number(reader, "SELECT count(*) FROM task_instance"), 1001);
}

static void test_standard_descriptors(void **state)
{
    Fixture *fixture = *state;
    int saved = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    fixture_open(fixture);
    char target[64] = "";
    assert_true(readlink("/proc/self/fd/0", target, sizeof target - 1) > 0);
    assert_string_equal(target, "/dev/null");
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void test_copy_and_check(void **state)
{
    Fixture *fixture = *state;
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 100);
    g_autofree char *path = g_build_filename(fixture->dir, "copy.db", NULL);
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    assert_ok(store_copy_to(reader, path, &error));
    assert_fails(store_copy_to(reader, path, &error), WEIR_ERROR, WEIR_ERROR_CONFLICT);

    g_autoptr(StoreConn) copy = NULL;
    assert_ok((copy = store_reader_open(path, &error)) != NULL);
    assert_int_equal(fixture_number(copy, "SELECT count(*) FROM task_instance"), 100);
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(copy, true, &problems, &error));
    assert_int_equal(problems->len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writer_settings, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_reader_settings, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_private_files, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_identity, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_clean_close_leaves_one_file, fixture_set_up_store,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_default_pool, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_store_yet, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_killed_while_made, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_impossible_versions, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_ids_are_never_reused, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_checkpoint, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_busy_log, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_standard_descriptors, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_copy_and_check, fixture_set_up_store, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/open", tests, NULL, NULL);
}
