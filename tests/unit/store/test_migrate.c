/* SPDX-License-Identifier: MIT */
#include "scheduler/store/migrate.h"
#include "tests/unit/store/fixture.h"

#include <string.h>

/** The embedded migrations and more of our own behind them. */
static MigrationList with_more(Migration *items, const char *const *more)
{
    int32_t n = store_migrations.n_items;
    for (int32_t i = 0; i < n; i++)
        items[i] = store_migrations.items[i];
    for (; *more != NULL; more++, n++)
        items[n] = (Migration){.version = n + 1, .name = "9999_test", .sql = *more};
    return (MigrationList){items, n};
}

#define MORE_2                                                                                               \
    "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; INSERT INTO extra VALUES (7); PRAGMA user_version " \
    "= 2;"
#define MORE_3 "ALTER TABLE extra ADD COLUMN note TEXT; PRAGMA user_version = 3;"

static void make_version_1(Fixture *fixture)
{
    fixture_open(fixture);
    fixture->version_id = fixture_add_dag(fixture->store, "d");
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 3);
    fixture_close(fixture);
}

static void test_created(void **state)
{
    Fixture *fixture = *state;
    g_auto(StoreOpenReport) report = {0};
    assert_ok((fixture->store = store_open(fixture->path, &report, &error)) != NULL);
    assert_true(report.created);
    assert_int_equal(report.version_before, 0);
    assert_int_equal(report.version_after, store_schema_version());
    assert_null(report.copy_path);
    fixture_close(fixture);
    assert_ok((fixture->store = store_open(fixture->path, &report, &error)) != NULL);
    assert_false(report.created);
    assert_int_equal(report.version_before, store_schema_version());
    assert_null(report.copy_path);
}

static void test_upgrade_makes_a_copy(void **state)
{
    Fixture *fixture = *state;
    make_version_1(fixture);
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_2, MORE_3, NULL});
    g_auto(StoreOpenReport) report = {0};
    assert_ok((fixture->store = store_open_with(fixture->path, &list, &report, &error)) != NULL);
    assert_int_equal(report.version_before, 1);
    assert_int_equal(report.version_after, 3);
    assert_true(g_str_has_suffix(report.copy_path, "/weir.db.bak-v1"));
    StoreConn *conn = store_conn(fixture->store);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM task_instance"), 3);
    assert_int_equal(fixture_number(conn, "SELECT id FROM extra WHERE note IS NULL"), 7);
    assert_int_equal(fixture_number(conn, "PRAGMA foreign_keys"), 1);

    g_autoptr(StoreConn) copy = NULL;
    assert_ok((copy = conn_open_reader(report.copy_path, 1, &error)) != NULL);
    assert_int_equal(fixture_number(copy, "SELECT count(*) FROM task_instance"), 3);
}

static void test_from_every_version(void **state)
{
    Fixture *fixture = *state;
    Migration items[10];
    MigrationList all = with_more(items, (const char *const[]){MORE_2, MORE_3, NULL});
    for (int32_t version = 1; version <= all.n_items; version++) {
        g_autofree char *path = g_strdup_printf("%s/from%d.db", fixture->dir, version);
        Store *store = NULL;
        assert_ok((store = store_open_with(path, &(MigrationList){items, version}, NULL, &error)) != NULL);
        fixture_add_dag(store, "d");
        store_close(store);
        g_auto(StoreOpenReport) report = {0};
        assert_ok((store = store_open_with(path, &all, &report, &error)) != NULL);
        assert_int_equal(report.version_before, version);
        assert_int_equal(report.version_after, all.n_items);
        assert_true((report.copy_path != NULL) == (version < all.n_items));
        assert_int_equal(fixture_number(store_conn(store), "SELECT count(*) FROM dag"), 1);
        store_close(store);
    }
}

static void test_newer_is_refused(void **state)
{
    Fixture *fixture = *state;
    make_version_1(fixture);
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_2, NULL});
    assert_ok((fixture->store = store_open_with(fixture->path, &list, NULL, &error)) != NULL);
    fixture_close(fixture);
    g_autofree char *before = NULL, *after = NULL;
    gsize n_before, n_after;
    assert_true(g_file_get_contents(fixture->path, &before, &n_before, NULL));
    assert_fails(store_open(fixture->path, NULL, &error), STORE_ERROR, STORE_ERROR_NEWER);
    assert_fails(store_reader_open(fixture->path, &error), STORE_ERROR, STORE_ERROR_NEWER);
    assert_true(g_file_get_contents(fixture->path, &after, &n_after, NULL));
    assert_int_equal(n_before, n_after);
    assert_memory_equal(before, after, n_before);
}

static void test_older_for_a_reader(void **state)
{
    Fixture *fixture = *state;
    make_version_1(fixture);
    assert_fails(conn_open_reader(fixture->path, 2, &error), STORE_ERROR, STORE_ERROR_OLDER);
}

static void assert_undone(Fixture *fixture, const char *bad)
{
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_2, bad, NULL});
    GError *failure = NULL;
    assert_null(store_open_with(fixture->path, &list, NULL, &failure));
    assert_non_null(strstr(failure->message, "migration 9999_test failed and was undone"));
    g_clear_error(&failure);
    MigrationList good = with_more(items, (const char *const[]){MORE_2, NULL});
    assert_ok((fixture->store = store_open_with(fixture->path, &good, NULL, &error)) != NULL);
    assert_int_equal(fixture_number(store_conn(fixture->store), "SELECT count(*) FROM extra"), 1);
    fixture_close(fixture);
}

static void test_failed_migration(void **state)
{
    Fixture *fixture = *state;
    make_version_1(fixture);
    assert_undone(fixture, "DELETE FROM extra; SELECT no_such_function(); PRAGMA user_version = 3;");
    assert_undone(fixture, "DELETE FROM extra;"); /* forgets its version */
    assert_undone(fixture, "DELETE FROM extra; DELETE FROM dag_run; PRAGMA user_version = 3;"); /* orphans */
}

static void test_copies_are_kept(void **state)
{
    Fixture *fixture = *state;
    make_version_1(fixture);
    g_autofree char *taken = g_strconcat(fixture->path, ".bak-v1", NULL);
    assert_true(g_file_set_contents(taken, "mine", -1, NULL));
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_2, NULL});
    g_auto(StoreOpenReport) report = {0};
    assert_ok((fixture->store = store_open_with(fixture->path, &list, &report, &error)) != NULL);
    assert_true(g_str_has_suffix(report.copy_path, "/weir.db.bak-v1.2"));
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(taken, &text, NULL, NULL));
    assert_string_equal(text, "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_created, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_upgrade_makes_a_copy, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_from_every_version, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_newer_is_refused, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_older_for_a_reader, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_failed_migration, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_copies_are_kept, fixture_set_up_dir, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/migrate", tests, NULL, NULL);
}
