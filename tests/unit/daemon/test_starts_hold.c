/* SPDX-License-Identifier: MIT */
/* Without room on the disks nothing new is started, nothing is lost, and it goes on by itself. */
#include "executors/local/runner.h"
#include "scheduler/daemon/disk_room.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/daemon/starts_hold.h"
#include "tests/unit/daemon/fixture.h"

#include <errno.h>
#include <string.h>

#define MIB INT64_C(1048576)

/* ---- disk_room.c ---- */

typedef struct {
    int64_t bytes, files;
    bool fails;
} FakeDisk;

static bool look(const char *path, int64_t *ret_bytes, int64_t *ret_files, void *user)
{
    const FakeDisk *disk = user;
    *ret_bytes = strcmp(path, "/roomy") == 0 ? 1000 * MIB : disk->bytes;
    *ret_files = strcmp(path, "/roomy") == 0 ? -1 : disk->files;
    return !disk->fails;
}

static void test_watermark(void **state)
{
    (void)state;
    FakeDisk disk = {.bytes = 100 * MIB, .files = -1};
    g_autoptr(DiskRoom) room = disk_room_new(100 * MIB, look, &disk);
    disk_room_add(room, "/roomy");
    disk_room_add(room, "/logs");
    assert_true(disk_room_look(room));
    assert_int_equal(disk_room_least_bytes(room), 100 * MIB);
    disk.bytes = 42 * MIB + MIB / 3;
    assert_false(disk_room_look(room));
    assert_string_equal(disk_room_shortage(room),
                        "the disk of /logs has 42.3M left, less than scheduler.min_free_disk (100M)");
    disk.bytes = 105 * MIB; /* a little more is not enough: it would flap */
    assert_false(disk_room_look(room));
    assert_non_null(strstr(disk_room_shortage(room), "hardly more than"));
    disk.bytes = 110 * MIB;
    assert_true(disk_room_look(room));
    assert_null(disk_room_shortage(room));
    disk.bytes = 0;
    disk.fails = true; /* what cannot be looked at is not short of room */
    assert_true(disk_room_look(room));
}

static void test_files(void **state)
{
    (void)state;
    FakeDisk disk = {.bytes = 1000 * MIB, .files = 1};
    g_autoptr(DiskRoom) room = disk_room_new(100 * MIB, look, &disk);
    disk_room_add(room, "/logs");
    assert_true(disk_room_look(room));
    disk.files = 0;
    assert_false(disk_room_look(room));
    assert_string_equal(disk_room_shortage(room), "the disk of /logs has no files (inodes) left");
    disk.files = 15;
    assert_false(disk_room_look(room));
    disk.files = 16;
    assert_true(disk_room_look(room));
}

static void test_switched_off(void **state)
{
    (void)state;
    FakeDisk disk = {0};
    g_autoptr(DiskRoom) room = disk_room_new(0, look, &disk);
    disk_room_add(room, "/logs");
    assert_true(disk_room_look(room));
}

/* A folder that is yet to be made is on the disk of what is above it. */
static void test_real_disk(void **state)
{
    const Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->home, "not", "there", NULL);
    g_autoptr(DiskRoom) room = disk_room_new(1, NULL, NULL);
    disk_room_add(room, path);
    assert_true(disk_room_look(room));
    assert_true(disk_room_least_bytes(room) > 0);
    disk_room_add(room, "/proc"); /* it tells no size, and so no shortage */
    assert_true(disk_room_look(room));
}

/* ---- The loop ---- */

/** Whether the log has `part`, and how often. */
static guint count_in_log(const Fixture *f, const char *part)
{
    guint n = 0;
    for (const char *at = f->log->str; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}

/** Not to wait for the clock: the next turn looks. */
static void look_now(Fixture *f)
{
    starts_hold_expire(f->daemon);
    f->daemon->is_tick_due = true;
    turn_run_all(f->daemon);
}

static void test_low_disk(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'echo got'}\n  b: {depends_on: a}\n");
    f->disk_bytes = 42 * MIB;
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    assert_string_equal(fixture_state(f, "d", "r", NULL), "running");
    assert_string_equal(fixture_state(f, "d", "r", "a"), "scheduled");
    assert_int_equal(count_in_log(f, "nothing new is started: the disk of "), 1);
    assert_non_null(strstr(f->log->str, "has 42M left, less than scheduler.min_free_disk (100M)"));
    look_now(f);
    assert_int_equal(count_in_log(f, "nothing new is started"), 1); /* loud, but not over and over */

    json_auto_t *conditions =
        fixture_do(f, "tasks.explain", "{'dag_id': 'd', 'run_id': 'r', 'task_id': 'a'}");
    char *text = json_dumps(conditions, 0);
    assert_non_null(strstr(text, "Disk Space Available"));
    assert_non_null(strstr(text, "42M left"));
    free(text);
    json_auto_t *status = fixture_do(f, "status", "{}");
    assert_true(json_is_string(json_object_get(status, "starts_held")));

    f->disk_bytes = 200 * MIB;
    look_now(f);
    assert_int_equal(count_in_log(f, "again: starts go on"), 1);
    assert_string_equal(fixture_follow(f, "d", "r"), "success");
    json_auto_t *later = fixture_do(f, "status", "{}");
    assert_true(json_is_null(json_object_get(later, "starts_held")));
}

/* What runs goes on while starts are held, and a start that was committed before is not given either. */
static void test_what_runs_goes_on(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\ntasks:\n  a: {command: 'until test -e $WEIR_HOME/go; do sleep 0.02; done'}\n"
                  "  b: {command: 'echo b', depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    f->disk_bytes = 1;
    look_now(f);
    fixture_write(f, "go", "");
    for (int i = 0; i < 500 && strcmp(fixture_state(f, "d", "r", "a"), "success") != 0; i++)
        fixture_loop_for(f, 20);
    assert_string_equal(fixture_state(f, "d", "r", "b"), "scheduled");
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE); /* the next one sees for itself, before it starts anything */
    assert_string_equal(fixture_state(f, "d", "r", "b"), "scheduled");
    f->disk_bytes = 200 * MIB;
    look_now(f);
    assert_string_equal(fixture_follow(f, "d", "r"), "success");
}

/** What a runner says that had no room for the log. */
static void refuse(Fixture *f, AttemptId key, int error_number)
{
    ExecutorEvent event = {.kind = EXECUTOR_EVENT_FINISHED,
                           .key = key,
                           .at_us = g_get_real_time(),
                           .outcome = EXECUTOR_OUTCOME_START_FAILED,
                           .exit_code = -1,
                           .error_number = error_number,
                           .message = "Can not create the log /x: No space left on device"};
    reports_on_event(&event, f->daemon);
    turn_run_all(f->daemon);
}

static AttemptId attempt_of(const Fixture *f, const char *task_id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(DagRun) run = store_get_run(conn, "d", "r", NULL);
    g_autoptr(TaskList) list = store_get_task(conn, run->id, task_id, NULL);
    return (AttemptId){list->items[0].id, list->items[0].try_number};
}

/* An attempt that could not begin for want of room was none: no retry is used up. */
static void test_no_room_is_no_failure(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'echo got', retries: 0}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    assert_string_equal(fixture_state(f, "d", "r", "a"), "queued");
    refuse(f, attempt_of(f, "a"), ENOSPC);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "scheduled");
    assert_int_equal(attempt_of(f, "a").try_number, 1);
    assert_int_equal(count_in_log(f, "nothing new is started: Can not create the log /x"), 1);
    json_auto_t *conditions =
        fixture_do(f, "tasks.explain", "{'dag_id': 'd', 'run_id': 'r', 'task_id': 'a'}");
    char *text = json_dumps(conditions, 0);
    assert_non_null(strstr(text, "No space left on device"));
    free(text);
    look_now(f); /* the disks look fine (a quota): tried again, quietly */
    assert_string_equal(fixture_state(f, "d", "r", "a"), "queued");
    refuse(f, attempt_of(f, "a"), EDQUOT);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "scheduled");
    assert_int_equal(count_in_log(f, "nothing new is started"), 1);
    assert_int_equal(count_in_log(f, "again: starts go on"), 0);
    look_now(f);
    refuse(f, attempt_of(f, "a"), EACCES); /* that is one */
    assert_string_equal(fixture_state(f, "d", "r", "a"), "failed");
    look_now(f);
    assert_int_equal(count_in_log(f, "again: starts go on"), 1);
    fixture_loop_for(f, 300); /* the real runner's word, lest it waits to be heard */
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watermark),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test_setup_teardown(test_real_disk, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_low_disk, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_what_runs_goes_on, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_room_is_no_failure, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
