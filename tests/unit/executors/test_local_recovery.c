/* SPDX-License-Identifier: MIT */
/* Deaths: of the controller, of the runner, of both, of the machine; and what the next controller finds. */
#include "executors/local/runner_dir.h"
#include "gate.h"

#include <glib/gstdio.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void tasks_outlive_the_controller(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "echo done; exit 7");
    harness_kill_controller(h, g.script, 3);
    pid_t runner = harness_runner_pid(h);
    for (int i = 0; i < 3; i++)
        harness_read_pid(h, g.say);
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_RUNNING},
                                   {{2, 1}, 0, EXECUTOR_EXPECT_QUEUED},
                                   {{3, 1}, 0, EXECUTOR_EXPECT_RUNNING}};
    harness_open(h, expected, 3);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_STARTED), 3);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_NOT_STARTED), 0);
    for (int i = 0; i < 3; i++)
        gate_release(&g);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 3);
    const ExecutorEvent *e = harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_EXITED);
    assert_int_equal(e->exit_code, 7);
    harness_start(h, 4, "exit 0"); /* the same runner goes on */
    harness_wait(h, 4, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(harness_runner_pid(h), runner);
    gate_close(&g);
}

static void what_ended_without_a_controller_is_kept(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 5");
    harness_kill_controller(h, g.script, 1);
    pid_t task = harness_read_pid(h, g.say);
    gate_release(&g);
    harness_expect_gone(task);
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    h->acknowledge = false;
    harness_open(h, &expected, 1);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 5);
    harness_close(h); /* before it was committed: told again */
    h->acknowledge = true;
    harness_open(h, &expected, 1);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 2);
    gate_close(&g);
}

static void a_dead_runners_tasks_are_ended_and_lost(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    harness_open(h, NULL, 0);
    harness_start(h, 1, g.script);
    harness_start(h, 2, g.script);
    pid_t one = harness_read_pid(h, g.say), two = harness_read_pid(h, g.say);
    harness_wait_count(h, EXECUTOR_EVENT_STARTED, 2);
    pid_t runner = harness_runner_pid(h);
    kill(runner, SIGKILL);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_LOST);
    assert_non_null(strstr(e->message, "runner died"));
    harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    assert_false(harness_is_alive(one));
    assert_false(harness_is_alive(two));
    harness_start(h, 3, "exit 4"); /* by a new runner */
    assert_int_equal(harness_wait(h, 3, EXECUTOR_EVENT_FINISHED)->exit_code, 4);
    assert_int_not_equal(harness_runner_pid(h), runner);
    gate_close(&g);
}

static void both_die(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 9");
    harness_kill_controller(h, g.script, 3);
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = harness_read_pid(h, g.say);
    gate_release(&g); /* one of them ends, unknown to any controller ... */
    pid_t ended = 0;
    while (ended == 0)
        for (int i = 0; i < 3 && ended == 0; i++)
            if (!harness_is_alive(pids[i]))
                ended = pids[i];
    pid_t runner = harness_runner_pid(h);
    /* ... and its exit is recorded. */
    while (harness_records(h, SLOT_EXITED) < 1)
        g_thread_yield();
    kill(runner, SIGKILL);
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_RUNNING},
                                   {{2, 1}, 0, EXECUTOR_EXPECT_RUNNING},
                                   {{3, 1}, 0, EXECUTOR_EXPECT_QUEUED}};
    harness_open(h, expected, 3);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 3);
    unsigned exited = 0, lost = 0;
    for (int i = 1; i <= 3; i++) {
        const ExecutorEvent *e = harness_wait(h, i, EXECUTOR_EVENT_FINISHED);
        exited += e->outcome == EXECUTOR_OUTCOME_EXITED && e->exit_code == 9;
        lost += e->outcome == EXECUTOR_OUTCOME_LOST;
    }
    assert_int_equal(exited, 1);
    assert_int_equal(lost, 2);
    for (int i = 0; i < 3; i++)
        assert_false(harness_is_alive(pids[i]));
    gate_close(&g);
}

static void what_no_row_wants_is_ended(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    harness_kill_controller(h, g.script, 2);
    pid_t one = harness_read_pid(h, g.say), two = harness_read_pid(h, g.say);
    harness_open(h, NULL, 0);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    harness_start(h, 3, "exit 0");
    harness_wait(h, 3, EXECUTOR_EVENT_FINISHED);
    while (harness_records(h, SLOT_CLAIMED) > 0)
        uv_run(&h->loop, UV_RUN_NOWAIT);
    assert_false(harness_is_alive(one));
    assert_false(harness_is_alive(two));
    /* Their runs are not over before they are gone, so all of it is told. */
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_STARTED), 3);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 3);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_CANCELED);
    assert_int_equal(harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_CANCELED);
    gate_close(&g);
}

static void an_acknowledgement_frees_the_record(void **state)
{
    Harness *h = *state;
    h->acknowledge = false;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "exit 0");
    harness_start(h, 2, "exit 0");
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 2);
    assert_int_equal(harness_records(h, SLOT_EXITED), 2);
    executor_acknowledge(h->ex, (AttemptId){1, 1});
    while (harness_records(h, SLOT_CLAIMED) > 1)
        uv_run(&h->loop, UV_RUN_NOWAIT);
    executor_acknowledge(h->ex, (AttemptId){2, 1});
}

static void without_a_record(void **state)
{
    Harness *h = *state;
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_QUEUED}, {{2, 1}, 0, EXECUTOR_EXPECT_RUNNING}};
    harness_open(h, expected, 2);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    harness_wait(h, 1, EXECUTOR_EVENT_NOT_STARTED);
    assert_int_equal(harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    harness_start(h, 1, "exit 0");
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 0);
}

static void after_a_restart_of_the_machine(void **state)
{
    Harness *h = *state;
    g_autofree char *runners = g_build_filename(h->home, "runners", NULL);
    g_autofree char *boot = g_build_filename(runners, "boot", NULL);
    assert_int_equal(g_mkdir(runners, 0700), 0);
    assert_true(g_file_set_contents(boot, "0123456789abcdef0123456789abcdef", -1, NULL));
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_QUEUED}, {{2, 1}, 0, EXECUTOR_EXPECT_RUNNING}};
    h->acknowledge = false;
    harness_open(h, expected, 2);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    assert_int_equal(harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    /* A crash before the commit: the boot is not marked yet, so the next controller says the same. */
    harness_close(h);
    harness_open(h, expected, 2);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 4);
    harness_start(h, 3, "exit 0");
    assert_null(harness_runner_dir(h)); /* waits for the acknowledgement */
    executor_acknowledge(h->ex, (AttemptId){1, 1});
    executor_acknowledge(h->ex, (AttemptId){2, 1});
    harness_wait(h, 3, EXECUTOR_EVENT_FINISHED);
    executor_acknowledge(h->ex, (AttemptId){3, 1});
    BootId id;
    assert_true(runners_boot_read(runners, &id));
    assert_true(boot_id_equal(&id, boot_id_current()));
}

/** The folder of a runner of another boot, which has recorded the exits of attempts 1 and 2. */
static void leave_exits_of_another_boot(const Harness *h)
{
    g_autofree char *runners = g_build_filename(h->home, "runners", NULL);
    assert_int_equal(g_mkdir(runners, 0700), 0);
    RunnerMeta meta = {.instance = TEST_INSTANCE};
    RunnerDirFds fds;
    g_autofree char *dir = runner_dir_create(runners, &meta, &fds, NULL);
    g_autofree char *slots = g_build_filename(dir, RUNNER_SLOT_FILE, NULL);
    ProcIdentity runner = {.pid = 1, .boot = {{1}}};
    SlotFile *file = slot_file_create(slots, &runner, NULL);
    assert_non_null(file);
    for (int64_t ti_id = 1; ti_id <= 2; ti_id++) {
        int slot = slot_file_claim(file, (AttemptId){ti_id, 1}, &(SlotClaim){0});
        slot_file_exit(file, slot, &(SlotExit){.outcome = EXECUTOR_OUTCOME_EXITED});
        if (ti_id == 2)
            slot_file_mark_synced(file, slot);
    }
    slot_file_free(file);
    close(fds.lock_fd);
    close(fds.listen_fd);
    close(fds.log_fd);
}

static void an_exit_of_another_boot_counts_if_its_output_was_synced(void **state)
{
    Harness *h = *state;
    leave_exits_of_another_boot(h);
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_RUNNING},
                                   {{2, 1}, 0, EXECUTOR_EXPECT_RUNNING}};
    harness_open(h, expected, 2);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    assert_int_equal(harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_EXITED);
}

static void a_runner_that_is_alone_syncs_exits(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 9");
    harness_kill_controller(h, g.script, 1);
    harness_read_pid(h, g.say);
    gate_release(&g);
    g_autofree char *dir = harness_runner_dir(h);
    g_autofree char *slots = g_build_filename(dir, RUNNER_SLOT_FILE, NULL);
    for (bool is_synced = false; !is_synced;) {
        g_autofree char *data = NULL;
        SlotRecord record;
        gsize size;
        assert_true(g_file_get_contents(slots, &data, &size, NULL) && size >= 2 * (gsize)SLOT_RECORD_SIZE);
        is_synced = slot_record_decode((const uint8_t *)data + SLOT_RECORD_SIZE, &record) && record.is_synced;
    }
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    harness_open(h, &expected, 1);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 9);
    gate_close(&g);
}

static void a_runner_of_another_database_is_left_alone(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    harness_open_as(h, "other", NULL, 0);
    harness_start(h, 1, g.script);
    pid_t task = harness_read_pid(h, g.say);
    harness_wait(h, 1, EXECUTOR_EVENT_STARTED);
    pid_t runner = harness_runner_pid(h);
    harness_close(h);
    harness_open(h, NULL, 0);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    harness_start(h, 2, "exit 0");
    harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    assert_true(harness_is_alive(task));
    assert_true(harness_is_alive(runner));
    harness_close(h);
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    harness_open_as(h, "other", &expected, 1);
    gate_release(&g);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_EXITED);
    gate_close(&g);
}

static void a_runner_that_can_not_start_is_an_error(void **state)
{
    Harness *h = *state;
    LocalExecutorConfig config = {
        .loop = &h->loop, .home = h->home, .instance_id = "two words", .task_umask = -1};
    GError *error = NULL;
    assert_null(local_executor_new(&config, &error));
    assert_non_null(error);
    g_clear_error(&error);
    config.instance_id = TEST_INSTANCE;
    config.home = "/no/such/home";
    assert_null(local_executor_new(&config, &error));
    assert_non_null(error);
    g_clear_error(&error);
}

static void a_runner_that_dies_at_once_is_given_up(void **state)
{
    Harness *h = *state;
    /* /bin/true plays the runner: it "dies" before it says anything. */
    LocalExecutorConfig config = {.loop = &h->loop,
                                  .home = h->home,
                                  .self_exe = "/bin/true",
                                  .instance_id = TEST_INSTANCE,
                                  .task_umask = -1,
                                  .on_event = harness_on_event,
                                  .user = h};
    h->ex = local_executor_new(&config, NULL);
    assert_non_null(h->ex);
    executor_resync(h->ex, NULL, 0);
    harness_start(h, 1, "exit 0");
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_START_FAILED);
}

static void copy_file(const char *from, const char *to, const char *name)
{
    g_autofree char *source = g_build_filename(from, name, NULL);
    g_autofree char *target = g_build_filename(to, name, NULL);
    g_autofree char *data = NULL;
    gsize size;
    assert_true(g_file_get_contents(source, &data, &size, NULL));
    assert_true(g_file_set_contents(target, data, (gssize)size, NULL));
}

static void a_copied_home_leaves_the_originals_tasks_alone(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    harness_open(h, NULL, 0);
    harness_start(h, 1, g.script);
    pid_t task = harness_read_pid(h, g.say);
    harness_wait(h, 1, EXECUTOR_EVENT_STARTED);
    g_autofree char *dir = harness_runner_dir(h);
    g_autofree char *id = g_path_get_basename(dir);
    g_autofree char *copy_home = g_build_filename(h->home, "copy", NULL);
    g_autofree char *copy_dir = g_build_filename(copy_home, "runners", id, NULL);
    assert_int_equal(g_mkdir_with_parents(copy_dir, 0700), 0);
    copy_file(dir, copy_dir, RUNNER_META_FILE);
    copy_file(dir, copy_dir, RUNNER_SLOT_FILE);

    char *original_home = h->home;
    Executor *original = h->ex;
    h->home = copy_home;
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    harness_open(h, &expected, 1);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    harness_close(h);
    assert_false(g_file_test(copy_dir, G_FILE_TEST_EXISTS));
    h->home = original_home;
    h->ex = original;
    assert_true(harness_is_alive(task));
    gate_release(&g);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 2);
    gate_close(&g);
}

static void after_an_upgrade_the_old_runner_finishes_its_tasks(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 3");
    harness_open(h, NULL, 0);
    harness_start(h, 1, g.script);
    harness_read_pid(h, g.say);
    harness_wait(h, 1, EXECUTOR_EVENT_STARTED);
    pid_t old = harness_runner_pid(h);
    harness_close(h);

    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *copy = g_build_filename(h->home, "new-weir", NULL);
    g_autofree char *data = NULL;
    gsize size;
    assert_true(g_file_get_contents(self, &data, &size, NULL));
    assert_true(g_file_set_contents_full(copy, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
    LocalExecutorConfig config = {.loop = &h->loop,
                                  .home = h->home,
                                  .self_exe = copy,
                                  .instance_id = TEST_INSTANCE,
                                  .task_umask = -1,
                                  .on_event = harness_on_event,
                                  .user = h};
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    h->ex = local_executor_new(&config, NULL);
    assert_non_null(h->ex);
    executor_resync(h->ex, &expected, 1);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    const char *argv[] = {"/bin/sh", "-c", "echo $PPID; readlink /proc/$PPID/exe", NULL};
    ExecutorRequest request = harness_request(h, 2, argv);
    executor_start(h->ex, &request);
    g_autofree char *output = harness_output(h, harness_wait(h, 2, EXECUTOR_EVENT_FINISHED));
    assert_int_not_equal(g_ascii_strtoll(output, NULL, 10), old);
    assert_non_null(strstr(output, copy));
    assert_true(harness_is_alive(old));
    gate_release(&g);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 3);
    g_free((gpointer)request.log_path);
    gate_close(&g);
}

static void a_long_home_works(void **state)
{
    Harness *h = *state;
    g_autofree char *name = g_strnfill(200, 'x');
    g_autofree char *home = g_build_filename(h->home, name, NULL);
    assert_int_equal(g_mkdir(home, 0700), 0);
    char *short_home = h->home;
    h->home = home;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "exit 0");
    harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    harness_close(h);
    harness_expect_no_runner(h);
    h->home = short_home;
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(tasks_outlive_the_controller),
        T(what_ended_without_a_controller_is_kept),
        T(a_dead_runners_tasks_are_ended_and_lost),
        T(both_die),
        T(what_no_row_wants_is_ended),
        T(an_acknowledgement_frees_the_record),
        T(without_a_record),
        T(after_a_restart_of_the_machine),
        T(an_exit_of_another_boot_counts_if_its_output_was_synced),
        T(a_runner_that_is_alone_syncs_exits),
        T(a_runner_of_another_database_is_left_alone),
        T(a_runner_that_can_not_start_is_an_error),
        T(a_runner_that_dies_at_once_is_given_up),
        T(a_copied_home_leaves_the_originals_tasks_alone),
        T(after_an_upgrade_the_old_runner_finishes_its_tasks),
        T(a_long_home_works),
    };
    return cmocka_run_group_tests_name("local executor: recovery", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return harness_main(argc, argv, run);
}
