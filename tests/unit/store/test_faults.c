/* SPDX-License-Identifier: MIT */
/* Full disk, read-only directory, damaged files, sudden death: a clear message, nothing lost. */
#include "tests/unit/store/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASKS_PER_RUN 50

/** One transaction with one run; false when the store says that the disk is full. */
static bool commit_run(Fixture *fixture, const DagRun *run, int64_t first_ti_id)
{
    g_autofree TaskInstance *items = g_new0(TaskInstance, TASKS_PER_RUN);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < TASKS_PER_RUN; i++) {
        g_ptr_array_add(names, g_strdup_printf("task_%d", i));
        items[i] = fixture_task(first_ti_id + i, run->id, names->pdata[i], TASK_STATE_NONE);
    }
    GError *failure = NULL;
    if (store_begin(fixture->store, &failure) && store_insert_run(fixture->store, run, &failure) &&
        store_insert_tasks(fixture->store, items, TASKS_PER_RUN, &failure) &&
        store_commit(fixture->store, &failure))
        return true;
    if (!g_error_matches(failure, STORE_ERROR, STORE_ERROR_FULL))
        fail_msg("not said to be full: %s", failure->message);
    assert_non_null(strstr(failure->message, "weir.db"));
    g_error_free(failure);
    store_rollback(fixture->store);
    assert_false(store_in_transaction(fixture->store));
    return false;
}

static void assert_sound(Fixture *fixture, int64_t n_runs)
{
    StoreConn *conn = store_conn(fixture->store);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM dag_run"), n_runs);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM task_instance"), n_runs * TASKS_PER_RUN);
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(conn, true, &problems, &error));
    assert_int_equal(problems->len, 0);
}

/** Fills the disk, makes room, issues the refused writes again. */
static void fill_and_go_on(Fixture *fixture, void (*make_room)(Fixture *))
{
    int n_runs = 0;
    DagRun run;
    int64_t first_ti_id;
    g_autofree char *run_id = NULL;
    do {
        assert_true(n_runs < 10000);
        g_free(run_id);
        run_id = g_strdup_printf("r%d", n_runs++);
        run = fixture_run(fixture, run_id);
        first_ti_id = store_reserve_task_ids(fixture->store, TASKS_PER_RUN);
    } while (commit_run(fixture, &run, first_ti_id));
    n_runs--;
    assert_true(n_runs > 3);
    assert_sound(fixture, n_runs);
    assert_false(commit_run(fixture, &run, first_ti_id)); /* still full */
    assert_sound(fixture, n_runs);
    make_room(fixture);
    assert_true(commit_run(fixture, &run, first_ti_id));
    assert_sound(fixture, n_runs + 1);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_sound(fixture, n_runs + 1);
}

static void remove_ballast(Fixture *fixture)
{
    g_autofree char *ballast = g_build_filename(fixture->dir, "ballast", NULL);
    assert_int_equal(unlink(ballast), 0);
}

static void test_disk_full(void **state)
{
    Fixture *fixture = *state;
    /* A mount namespace of our own: the small disk is gone when this process is. */
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("weir-test", fixture->dir, "tmpfs", 0, "size=2m,mode=0700") != 0)
        skip();
    g_autofree char *ballast = g_build_filename(fixture->dir, "ballast", NULL);
    g_autofree char *zeros = g_malloc0(1024 * 1024);
    assert_true(g_file_set_contents_full(ballast, zeros, 1024 * 1024, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    fixture_open(fixture);
    fixture->version_id = fixture_add_dag(fixture->store, "d");
    fill_and_go_on(fixture, remove_ballast);
    fixture_close(fixture);
    assert_int_equal(umount(fixture->dir), 0);
}

static void test_full_when_created(void **state)
{
    Fixture *fixture = *state;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("weir-test", fixture->dir, "tmpfs", 0, "size=16k,mode=0700") != 0)
        skip();
    assert_fails(store_open(fixture->path, NULL, &error), STORE_ERROR, STORE_ERROR_FULL);
    assert_int_equal(mount("weir-test", fixture->dir, "tmpfs", MS_REMOUNT, "size=4m,mode=0700"), 0);
    fixture_open(fixture);
    fixture_close(fixture);
    assert_int_equal(umount(fixture->dir), 0);
}

static void lift_limit(Fixture *fixture)
{
    (void)fixture;
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_file_size_limit(void **state)
{
    Fixture *fixture = *state;
    fixture->version_id = fixture_add_dag(fixture->store, "d");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 512 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_and_go_on(fixture, lift_limit);
}

/** What a user without rights gets from store_open(): the error's code, or 200 + code for STORE_ERROR, 100 =
 * opened. */
static int open_as_nobody(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(101);
        GError *error = NULL;
        if (store_open(path, NULL, &error) != NULL)
            _exit(100);
        if (strstr(error->message, path) == NULL)
            _exit(102);
        _exit(error->domain == WEIR_ERROR ? error->code : 200 + error->code);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_read_only_directory(void **state)
{
    Fixture *fixture = *state;
    assert_int_equal(chmod(fixture->dir, 0555), 0);
    assert_int_equal(open_as_nobody(fixture->path), WEIR_ERROR_IO);
    assert_int_equal(chmod(fixture->dir, 0700), 0);
    if (geteuid() != 0)
        return;
    fixture_open(fixture); /* root's, and others may look only */
    fixture_close(fixture);
    assert_int_equal(chmod(fixture->dir, 0555), 0);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(open_as_nobody(fixture->path), WEIR_ERROR_IO);
    assert_int_equal(chmod(fixture->dir, 0700), 0);
}

static void test_garbage(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *garbage = g_strnfill(20000, 'x');
    assert_true(g_file_set_contents(fixture->path, garbage, -1, NULL));
    assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    g_autofree char *kept = NULL;
    assert_true(g_file_get_contents(fixture->path, &kept, NULL, NULL));
    assert_string_equal(kept, garbage);
}

static void test_foreign_database(void **state)
{
    Fixture *fixture = *state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
}

static void fill_and_close(Fixture *fixture, int n_runs)
{
    fixture_open(fixture);
    fixture->version_id = fixture_add_dag(fixture->store, "d");
    for (int i = 0; i < n_runs; i++) {
        g_autofree char *run_id = g_strdup_printf("r%d", i);
        DagRun run = fixture_run(fixture, run_id);
        commit_run(fixture, &run, store_reserve_task_ids(fixture->store, TASKS_PER_RUN));
    }
    fixture_close(fixture);
}

static void test_truncated(void **state)
{
    Fixture *fixture = *state;
    fill_and_close(fixture, 20);
    struct stat st;
    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(truncate(fixture->path, st.st_size / 2), 0);
    assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    assert_fails(store_reader_open(fixture->path, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    assert_int_equal(truncate(fixture->path, 50), 0);
    assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
}

static void test_damaged_page(void **state)
{
    Fixture *fixture = *state;
    fill_and_close(fixture, 20);
    struct stat st;
    assert_int_equal(stat(fixture->path, &st), 0);
    int fd = open(fixture->path, O_WRONLY | O_CLOEXEC);
    char garbage[4096];
    memset(garbage, 0xA5, sizeof garbage);
    assert_int_equal(pwrite(fd, garbage, sizeof garbage, st.st_size - 2 * 4096), sizeof garbage);
    close(fd);
    g_autoptr(StoreConn) reader = NULL;
    assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
    g_autoptr(GPtrArray) problems = NULL;
    assert_ok(store_check(reader, false, &problems, &error));
    assert_true(problems->len > 0);
}

static void test_log_without_database(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
    assert_true(g_file_set_contents(wal, "frames", -1, NULL));
    assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
    assert_true(g_file_set_contents(fixture->path, "", 0, NULL)); /* SQLite would delete the log */
    assert_fails(store_open(fixture->path, NULL, &error), WEIR_ERROR, WEIR_ERROR_CORRUPT);
    assert_true(g_file_test(wal, G_FILE_TEST_EXISTS));
}

/** Commits runs and tells of each through `fd`, with a transaction always open, until it is killed. */
static void write_until_killed(Fixture *fixture, int fd)
{
    fixture_open(fixture);
    fixture->version_id = 1;
    for (int i = 0;; i++) {
        g_autofree char *run_id = g_strdup_printf("%d.%d", (int)getpid(), i);
        DagRun run = fixture_run(fixture, run_id);
        commit_run(fixture, &run, store_reserve_task_ids(fixture->store, TASKS_PER_RUN));
        if (write(fd, "c", 1) != 1)
            _exit(1);
    }
}

static void test_killed_writer(void **state)
{
    Fixture *fixture = *state;
    fill_and_close(fixture, 1);
    int64_t n_acknowledged = 1;
    for (int round = 0; round < 5; round++) {
        int fds[2];
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0)
            write_until_killed(fixture, fds[1]);
        close(fds[1]);
        char acknowledged[16];
        assert_int_equal(read(fds[0], acknowledged, 1), 1); /* it is on its way */
        g_usleep(3000 + (gulong)round * 1700);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        n_acknowledged++;
        ssize_t n;
        while ((n = read(fds[0], acknowledged, sizeof acknowledged)) > 0)
            n_acknowledged += n;
        close(fds[0]);

        g_autoptr(StoreConn) reader = NULL; /* a reader can read what the dead one left */
        assert_ok((reader = store_reader_open(fixture->path, &error)) != NULL);
        int64_t seen = fixture_number(reader, "SELECT count(*) FROM dag_run");
        /* All it told of, and at most the one it was about to tell of. */
        assert_true(seen == n_acknowledged || seen == n_acknowledged + 1);
        n_acknowledged = seen;
        fixture_open(fixture);
        assert_sound(fixture, seen);
        fixture_close(fixture);
    }
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, fixture_set_up_dir, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_disk_full),
        WITH_DIR(test_full_when_created),
        cmocka_unit_test_setup_teardown(test_file_size_limit, fixture_set_up_store, fixture_tear_down),
        WITH_DIR(test_read_only_directory),
        WITH_DIR(test_garbage),
        WITH_DIR(test_foreign_database),
        WITH_DIR(test_truncated),
        WITH_DIR(test_damaged_page),
        WITH_DIR(test_log_without_database),
        WITH_DIR(test_killed_writer),
    };
    return cmocka_run_group_tests_name("store/faults", tests, NULL, NULL);
}
