/* SPDX-License-Identifier: MIT */
#include "scheduler/store/migrate.h"
#include "tests/unit/store/fixture.h"

#include <string.h>

/** The embedded migrations and more of our own behind them; VERSION sets the version that is due. */
static MigrationList with_more(Migration *items, const char *const *more)
{
    int32_t n = store_migrations.n_items;
    for (int32_t i = 0; i < n; i++)
        items[i] = store_migrations.items[i];
    for (; *more != NULL; more++, n++) {
        g_autofree char *version = g_strdup_printf("PRAGMA user_version = %d;", n + 1);
        g_auto(GStrv) parts = g_strsplit(*more, "VERSION", -1);
        g_autofree char *sql = g_strjoinv(version, parts);
        items[n] = (Migration){.version = n + 1, .name = "9999_test", .sql = g_intern_string(sql)};
    }
    return (MigrationList){items, n};
}

#define MORE_1 "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; INSERT INTO extra VALUES (7); VERSION"
#define MORE_2 "ALTER TABLE extra ADD COLUMN note TEXT; VERSION"

/** A database as that version left it, with a run. */
static void make_version(Fixture *fixture, int32_t version)
{
    MigrationList first = {store_migrations.items, version};
    assert_ok((fixture->store = store_open_with(fixture->path, &first, NULL, &error)) != NULL);
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
    make_version(fixture, 1);
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_1, MORE_2, NULL});
    g_auto(StoreOpenReport) report = {0};
    assert_ok((fixture->store = store_open_with(fixture->path, &list, &report, &error)) != NULL);
    assert_int_equal(report.version_before, 1);
    assert_int_equal(report.version_after, list.n_items);
    assert_true(g_str_has_suffix(report.copy_path, "/weir.db.bak-v1"));
    StoreConn *conn = store_conn(fixture->store);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM task_instance"), 3);
    assert_int_equal(fixture_number(conn, "SELECT id FROM extra WHERE note IS NULL"), 7);
    assert_int_equal(fixture_number(conn, "PRAGMA foreign_keys"), 1);

    g_autoptr(StoreConn) copy = NULL;
    assert_ok((copy = conn_open_reader(report.copy_path, 1, &error)) != NULL);
    assert_int_equal(fixture_number(copy, "SELECT count(*) FROM task_instance"), 3);
}

/** 1 -> 2: what was there stays, and backfills can be stored. */
static void test_backfills_come(void **state)
{
    Fixture *fixture = *state;
    make_version(fixture, 1);
    g_auto(StoreOpenReport) report = {0};
    assert_ok((fixture->store = store_open(fixture->path, &report, &error)) != NULL);
    assert_int_equal(report.version_before, 1);
    assert_int_equal(report.version_after, store_schema_version());
    assert_true(g_str_has_suffix(report.copy_path, "/weir.db.bak-v1"));
    g_autoptr(StoreConn) copy = NULL;
    assert_ok((copy = conn_open_reader(report.copy_path, 1, &error)) != NULL);
    assert_int_equal(fixture_number(copy, "SELECT count(*) FROM dag_run"), 1);

    StoreConn *conn = store_conn(fixture->store);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM task_instance"), 3);
    g_autoptr(DagRun) run = NULL;
    assert_ok((run = store_get_run(conn, "d", "one", &error)) != NULL);
    Backfill backfill = {.id = store_next_backfill_id(fixture->store),
                         .dag_id = "d",
                         .from_date_us = T0,
                         .to_date_us = T0,
                         .max_active_runs = 1,
                         .completed_at_us = TIME_NONE};
    assert_int_equal(backfill.id, 1);
    assert_ok(store_insert_backfill(fixture->store, &backfill, &error));
    BackfillDate date = {.logical_date_us = T0, .dag_run_id = run->id};
    assert_ok(store_insert_backfill_dates(fixture->store, 1, &date, 1, &error));
    run->backfill_id = 1;
    assert_ok(store_update_run(fixture->store, run, &error));
    BackfillProgress progress;
    assert_ok(store_read_backfill_progress(conn, 1, &progress, &error));
    assert_int_equal(progress.n_runs, 1);
    assert_int_equal(progress.n_queued, 1);
}

/** 2 -> 3: what was there stays, and hooks can be stored. */
static void test_hooks_come(void **state)
{
    Fixture *fixture = *state;
    make_version(fixture, 2);
    g_auto(StoreOpenReport) report = {0};
    assert_ok((fixture->store = store_open(fixture->path, &report, &error)) != NULL);
    assert_int_equal(report.version_before, 2);
    assert_true(g_str_has_suffix(report.copy_path, "/weir.db.bak-v2"));
    StoreConn *conn = store_conn(fixture->store);
    g_autoptr(DagRun) run = NULL;
    assert_ok((run = store_get_run(conn, "d", "one", &error)) != NULL);
    Hook hook = {.dag_run_id = run->id,
                 .event = HOOK_ON_SUCCESS,
                 .told_state = TASK_STATE_SUCCESS,
                 .told_exit_code = EXIT_CODE_NONE,
                 .created_at_us = T0,
                 .next_attempt_us = T0};
    assert_ok(store_insert_hook(fixture->store, &hook, &error));
    int64_t n;
    assert_ok(store_count_unfinished_hooks(conn, run->id, &n, &error));
    assert_int_equal(n, 1);
}

/** 4 -> 5: a DAG can be kept for a time of its own. */
static void test_retention_comes(void **state)
{
    Fixture *fixture = *state;
    make_version(fixture, 4);
    assert_ok((fixture->store = store_open(fixture->path, NULL, &error)) != NULL);
    Retention found;
    assert_ok(store_get_dag_retention(store_conn(fixture->store), "d", &found, &error));
    assert_int_equal(found.runs_us, RETENTION_DEFAULT);
    assert_ok(store_put_dag_retention(fixture->store, "d", (Retention){USEC_PER_DAY, 0}, &error));
    assert_ok(store_get_dag_retention(store_conn(fixture->store), "d", &found, &error));
    assert_int_equal(found.runs_us, USEC_PER_DAY);
}

static void test_from_every_version(void **state)
{
    Fixture *fixture = *state;
    Migration items[10];
    MigrationList all = with_more(items, (const char *const[]){MORE_1, MORE_2, NULL});
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
    make_version(fixture, 1);
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_1, NULL});
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
    make_version(fixture, 1);
    assert_fails(conn_open_reader(fixture->path, 2, &error), STORE_ERROR, STORE_ERROR_OLDER);
}

static void assert_undone(Fixture *fixture, const char *bad)
{
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_1, bad, NULL});
    GError *failure = NULL;
    assert_null(store_open_with(fixture->path, &list, NULL, &failure));
    assert_non_null(strstr(failure->message, "migration 9999_test failed and was undone"));
    g_clear_error(&failure);
    MigrationList good = with_more(items, (const char *const[]){MORE_1, NULL});
    assert_ok((fixture->store = store_open_with(fixture->path, &good, NULL, &error)) != NULL);
    assert_int_equal(fixture_number(store_conn(fixture->store), "SELECT count(*) FROM extra"), 1);
    fixture_close(fixture);
}

static void test_failed_migration(void **state)
{
    Fixture *fixture = *state;
    make_version(fixture, 1);
    assert_undone(fixture, "DELETE FROM extra; SELECT no_such_function(); VERSION");
    assert_undone(fixture, "DELETE FROM extra;");                              /* forgets its version */
    assert_undone(fixture, "DELETE FROM extra; DELETE FROM dag_run; VERSION"); /* orphans */
}

/** Nobody ever finds one with a part of the migrations only. */
static void test_created_whole_or_not_at_all(void **state)
{
    Fixture *fixture = *state;
    Migration items[10];
    MigrationList bad = with_more(items, (const char *const[]){MORE_1, "SELECT no_such_function();", NULL});
    g_autofree char *path = g_strdup_printf("%s/new.db", fixture->dir);
    g_autoptr(GError) failure = NULL;
    assert_null(store_open_with(path, &bad, NULL, &failure));
    Store *store = NULL;
    g_auto(StoreOpenReport) report = {0};
    assert_ok((store = store_open_with(path, &(MigrationList){items, 1}, &report, &error)) != NULL);
    assert_true(report.created);
    assert_int_equal(report.version_after, 1);
    store_close(store);
}

static void test_copies_are_kept(void **state)
{
    Fixture *fixture = *state;
    make_version(fixture, 1);
    g_autofree char *taken = g_strconcat(fixture->path, ".bak-v1", NULL);
    assert_true(g_file_set_contents(taken, "mine", -1, NULL));
    Migration items[10];
    MigrationList list = with_more(items, (const char *const[]){MORE_1, NULL});
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
        cmocka_unit_test_setup_teardown(test_backfills_come, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_hooks_come, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_retention_comes, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_from_every_version, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_newer_is_refused, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_older_for_a_reader, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_failed_migration, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_created_whole_or_not_at_all, fixture_set_up_dir,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_copies_are_kept, fixture_set_up_dir, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/migrate", tests, NULL, NULL);
}
