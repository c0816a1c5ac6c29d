/* SPDX-License-Identifier: MIT */
#include "scheduler/store/lock.h"
#include "tests/unit/store/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *lock_path(Fixture *fixture)
{
    return g_build_filename(fixture->dir, "weir.lock", NULL);
}

static void test_one_holder(void **state)
{
    g_autofree char *path = lock_path(*state);
    g_autoptr(StoreLock) lock = NULL;
    assert_ok((lock = store_lock_try(path, "scheduler", &error)) != NULL);

    GError *failure = NULL;
    assert_null(store_lock_try(path, "run d", &failure));
    assert_true(g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_BUSY));
    g_autofree char *pid = g_strdup_printf("pid %d", (int)getpid());
    assert_non_null(strstr(failure->message, "weir scheduler"));
    assert_non_null(strstr(failure->message, pid));
    g_clear_error(&failure);

    g_autoptr(LockHolder) holder = NULL;
    assert_ok((holder = store_lock_holder(path, &error)) != NULL);
    assert_int_equal(holder->pid, getpid());
    assert_string_equal(holder->verb, "scheduler");
    assert_true(ABS(holder->since_us - g_get_real_time()) < USEC_PER_MIN);
}

static void test_free_again(void **state)
{
    g_autofree char *path = lock_path(*state);
    GError *failure = NULL;
    assert_null(store_lock_holder(path, &failure));
    assert_null(failure);
    for (int i = 0; i < 3; i++) {
        g_autoptr(StoreLock) lock = NULL;
        assert_ok((lock = store_lock_try(path, "run", &error)) != NULL);
    }
    assert_null(store_lock_holder(path, &failure));
    assert_null(failure);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
}

static void test_long_verb(void **state)
{
    g_autofree char *path = lock_path(*state);
    g_autofree char *verb = g_strnfill(1000, 'x');
    g_autoptr(StoreLock) lock = NULL;
    assert_ok((lock = store_lock_try(path, verb, &error)) != NULL);
    g_autoptr(LockHolder) holder = NULL;
    assert_ok((holder = store_lock_holder(path, &error)) != NULL);
    assert_int_equal(strlen(holder->verb), 200);
}

static void test_deleted_while_held(void **state)
{
    g_autofree char *path = lock_path(*state);
    g_autoptr(StoreLock) lock = NULL;
    assert_ok((lock = store_lock_try(path, "scheduler", &error)) != NULL);
    assert_int_equal(unlink(path), 0);
    assert_fails(store_lock_try(path, "run d", &error), WEIR_ERROR, WEIR_ERROR_BUSY);
    g_clear_pointer(&lock, store_lock_release);
    assert_ok((lock = store_lock_try(path, "run d", &error)) != NULL);
}

/** A process that takes the lock, says so, and sleeps until it is killed. */
static pid_t spawn_holder(const char *path)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        StoreLock *lock = store_lock_try(path, "standalone", NULL);
        if (write(fds[1], lock != NULL ? "y" : "n", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char answer = 0;
    assert_int_equal(read(fds[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void test_killed_holder(void **state)
{
    g_autofree char *path = lock_path(*state);
    pid_t pid = spawn_holder(path);
    assert_fails(store_lock_try(path, "run", &error), WEIR_ERROR, WEIR_ERROR_BUSY);
    assert_fails(store_lock_wait(path, "run", 50 * USEC_PER_MSEC, &error), WEIR_ERROR, WEIR_ERROR_BUSY);
    g_autoptr(LockHolder) holder = NULL;
    assert_ok((holder = store_lock_holder(path, &error)) != NULL);
    assert_int_equal(holder->pid, pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    g_autoptr(StoreLock) lock = NULL;
    assert_ok((lock = store_lock_try(path, "run", &error)) != NULL);
}

static void test_wait(void **state)
{
    g_autofree char *path = lock_path(*state);
    pid_t pid = spawn_holder(path);
    pid_t killer = fork();
    if (killer == 0) {
        g_usleep(100 * USEC_PER_MSEC);
        kill(pid, SIGKILL);
        _exit(0);
    }
    g_autoptr(StoreLock) lock = NULL;
    assert_ok((lock = store_lock_wait(path, "standby", 20 * USEC_PER_SEC, &error)) != NULL);
    waitpid(pid, NULL, 0);
    waitpid(killer, NULL, 0);
}

static void test_not_inherited(void **state)
{
    g_autofree char *path = lock_path(*state);
    StoreLock *lock = NULL;
    assert_ok((lock = store_lock_try(path, "run", &error)) != NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    g_autofree char *exe = g_strdup_printf("/proc/%d/comm", (int)pid);
    for (int i = 0; i < 1000; i++) { /* until it has become sleep */
        g_autofree char *comm = NULL;
        if (g_file_get_contents(exe, &comm, NULL, NULL) && g_str_has_prefix(comm, "sleep"))
            break;
        g_usleep(USEC_PER_MSEC);
    }
    store_lock_release(lock);
    assert_ok((lock = store_lock_try(path, "run", &error)) != NULL);
    store_lock_release(lock);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_no_directory(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->dir, "none", "weir.lock", NULL);
    assert_fails(store_lock_try(path, "run", &error), WEIR_ERROR, WEIR_ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_holder, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_free_again, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_long_verb, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_deleted_while_held, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_killed_holder, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_wait, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_not_inherited, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_directory, fixture_set_up_dir, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/lock", tests, NULL, NULL);
}
