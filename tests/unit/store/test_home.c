/* SPDX-License-Identifier: MIT */
#include "scheduler/store/home.h"
#include "tests/unit/store/fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_creates_private(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *dir = g_build_filename(fixture->dir, "a", "home", NULL);
    g_autoptr(Home) home = NULL;
    assert_ok((home = home_open(dir, HOME_CREATE, &error)) != NULL);
    struct stat st;
    assert_int_equal(stat(home->dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(home->logs_dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(umask(077), 077);
    assert_true(g_str_has_suffix(home->db_path, "/a/home/weir.db"));
    assert_true(g_str_has_suffix(home->socket_path, "/a/home/weir.sock"));
}

static void test_environment(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Home) home = NULL;
    g_setenv("WEIR_HOME", fixture->dir, TRUE);
    assert_ok((home = home_open(NULL, HOME_READ, &error)) != NULL);
    g_unsetenv("WEIR_HOME");
    assert_string_equal(home->dir, fixture->dir);
}

static void test_missing(void **state)
{
    Fixture *fixture = *state;
    g_autofree char *dir = g_build_filename(fixture->dir, "none", NULL);
    assert_fails(home_open(dir, HOME_READ, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(home_open(dir, HOME_WRITE, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
}

static void test_not_a_directory(void **state)
{
    Fixture *fixture = *state;
    assert_true(g_file_set_contents(fixture->path, "", 0, NULL));
    assert_fails(home_open(fixture->path, HOME_READ, &error), WEIR_ERROR, WEIR_ERROR_INVALID);
    assert_fails(home_open(fixture->path, HOME_CREATE, &error), WEIR_ERROR, WEIR_ERROR_IO);
}

static void test_others_may_write(void **state)
{
    Fixture *fixture = *state;
    assert_int_equal(chmod(fixture->dir, 0770), 0);
    assert_fails(home_open(fixture->dir, HOME_READ, &error), WEIR_ERROR, WEIR_ERROR_INVALID);
    assert_int_equal(chmod(fixture->dir, 0750), 0);
    g_autoptr(Home) home = NULL;
    assert_ok((home = home_open(fixture->dir, HOME_WRITE, &error)) != NULL);
}

static void test_another_owner(void **state)
{
    Fixture *fixture = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(fixture->dir, 12345, 12345), 0);
    assert_fails(home_open(fixture->dir, HOME_WRITE, &error), WEIR_ERROR, WEIR_ERROR_INVALID);
    g_autoptr(Home) home = NULL;
    assert_ok((home = home_open(fixture->dir, HOME_READ, &error)) != NULL); /* root may look */
    assert_int_equal(chown(fixture->dir, 0, 0), 0);
}

static void test_filesystems(void **state)
{
    (void)state;
    const char *name = NULL;
    assert_int_equal(filesystem_kind(0x6969, &name), FILESYSTEM_NETWORK);
    assert_string_equal(name, "NFS");
    assert_int_equal(filesystem_kind((int32_t)0xFF534D42, &name), FILESYSTEM_NETWORK);
    assert_string_equal(name, "CIFS");
    assert_int_equal(filesystem_kind(0x65735546, &name), FILESYSTEM_DOUBTFUL);
    assert_int_equal(filesystem_kind(0xEF53, &name), FILESYSTEM_LOCAL); /* ext4 */
    assert_null(name);
}

static void test_log_path(void **state)
{
    Fixture *fixture = *state;
    g_autoptr(Home) home = NULL;
    assert_ok((home = home_open(fixture->dir, HOME_READ, &error)) != NULL);
    g_autofree char *path = home_attempt_log_path(home, "d", "manual__2026-01-01T00:00:00+00:00", "t", 3);
    g_autofree char *expected =
        g_strconcat(fixture->dir,
                    "/logs/dag_id=d/run_id=manual__2026-01-01T00:00:00+00:00/task_id=t/attempt=3.log", NULL);
    assert_string_equal(path, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_creates_private, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_environment, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_missing, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_directory, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_others_may_write, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_another_owner, fixture_set_up_dir, fixture_tear_down),
        cmocka_unit_test(test_filesystems),
        cmocka_unit_test_setup_teardown(test_log_path, fixture_set_up_dir, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/home", tests, NULL, NULL);
}
