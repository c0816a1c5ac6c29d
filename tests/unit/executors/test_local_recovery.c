/* SPDX-License-Identifier: MIT */
/* Deaths: of the controller, of the runner, of both, of the machine; and what the next controller finds. */
#include "executors/local/runner_dir.h"
#include "harness.h"

#include <glib/gstdio.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** A script that says its pid, then waits for a line on the gate, then does `rest`. g_free() it. */
static char *gated(const char *say, const char *gate, const char *rest)
{
    return g_strdup_printf("echo $$ > %s; read x < %s; %s", say, gate, rest);
}

typedef struct {
    int say, gate;
    char *say_path, *gate_path, *script;
} Gate;

static Gate gate_open(Harness *h, const char *rest)
{
    Gate g = {0};
    g.say_path = harness_fifo(h, "say", &g.say);
    g.gate_path = harness_fifo(h, "gate", &g.gate);
    g.script = gated(g.say_path, g.gate_path, rest);
    return g;
}

static void gate_release(const Gate *g)
{
    assert_int_equal(write(g->gate, "\n", 1), 1);
}

static void gate_close(Gate *g)
{
    close(g->say);
    close(g->gate);
    g_free(g->say_path);
    g_free(g->gate_path);
    g_free(g->script);
}

/** A controller of its own process, which starts attempts 1..count, sees them STARTED, and is then killed -9.
 */
static void start_and_kill_controller(Harness *h, const char *script, int count)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uv_loop_fork(&h->loop);
        harness_open(h, NULL, 0);
        for (int i = 1; i <= count; i++)
            harness_start(h, i, script);
        harness_wait_count(h, EXECUTOR_EVENT_STARTED, (unsigned)count);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            uv_run(&h->loop, UV_RUN_ONCE);
    }
    char x;
    close(ready[1]);
    assert_int_equal(read(ready[0], &x, 1), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ready[0]);
}

static void tasks_outlive_the_controller(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "echo done; exit 7");
    start_and_kill_controller(h, g.script, 3);
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
    start_and_kill_controller(h, g.script, 1);
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
    start_and_kill_controller(h, g.script, 3);
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
    start_and_kill_controller(h, g.script, 2);
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

/** A script that exits with 9 if the process lives (a zombie does not), else does the rest. g_free() it. */
static char *exit_unless_alive(pid_t pid, const char *rest)
{
    return g_strdup_printf("case $(cut -d' ' -f3 /proc/%d/stat 2>/dev/null) in ''|Z) %s;; *) exit 9;; esac",
                           (int)pid, rest);
}

/* A database that was put back gives a number again whose attempt of before still runs. */
static void a_number_given_again_waits_for_the_former(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "echo former");
    h->token = 1;
    start_and_kill_controller(h, g.script, 1);
    pid_t former = harness_read_pid(h, g.say);
    harness_open(h, NULL, 0);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    h->token = 2;
    g_autofree char *script = exit_unless_alive(former, "echo latter");
    harness_start(h, 1, script);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 1);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->token, 2);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_EXITED);
    assert_int_equal(e->exit_code, 0); /* nothing of the former lived any more */
    g_autofree char *output = harness_output(h, e);
    assert_string_equal(output, "latter\n");
    gate_close(&g);
}

/* The same, and what is recorded has ended: it says nothing of what the row waits for. */
static void a_record_of_another_token_is_no_outcome(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    h->token = 1;
    start_and_kill_controller(h, g.script, 1);
    pid_t former = harness_read_pid(h, g.say);
    gate_release(&g);
    harness_expect_gone(former);
    ExecutorExpected expected[] = {{{1, 1}, 2, EXECUTOR_EXPECT_QUEUED}};
    harness_open(h, expected, 1);
    harness_wait(h, 1, EXECUTOR_EVENT_NOT_STARTED);
    h->token = 2;
    harness_start(h, 1, "exit 4");
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 4);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 1);
    gate_close(&g);
}

/* The same, and the former still runs; its runner may be dead. */
static void expect_of_another_token(Harness *h, bool is_runner_dead, ExecutorExpectation expectation)
{
    Gate g = gate_open(h, "exit 0");
    h->token = 1;
    start_and_kill_controller(h, g.script, 1);
    pid_t former = harness_read_pid(h, g.say);
    if (is_runner_dead) {
        pid_t runner = harness_runner_pid(h);
        kill(runner, SIGKILL);
        harness_expect_gone(runner);
    }
    ExecutorExpected expected[] = {{{1, 1}, 2, expectation}};
    harness_open(h, expected, 1);
    h->token = 2;
    if (expectation == EXECUTOR_EXPECT_RUNNING) {
        assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    } else {
        harness_wait(h, 1, EXECUTOR_EVENT_NOT_STARTED);
        g_autofree char *script = exit_unless_alive(former, "exit 4");
        harness_start(h, 1, script);
        assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 4);
    }
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    for (;;) { /* it is ended, and its record goes */
        g_autofree char *dir = harness_runner_dir(h);
        if (dir == NULL || harness_records(h, SLOT_CLAIMED) == 0)
            break;
        uv_run(&h->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 1);
    gate_close(&g);
}

static void queued_beside_a_former(void **state)
{
    expect_of_another_token(*state, false, EXECUTOR_EXPECT_QUEUED);
}

static void running_beside_a_former(void **state)
{
    expect_of_another_token(*state, false, EXECUTOR_EXPECT_RUNNING);
}

static void queued_beside_a_former_without_runner(void **state)
{
    expect_of_another_token(*state, true, EXECUTOR_EXPECT_QUEUED);
}

static void running_beside_a_former_without_runner(void **state)
{
    expect_of_another_token(*state, true, EXECUTOR_EXPECT_RUNNING);
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
    ExecutorExpected expected[] = {{{1, 1}, EXECUTOR_EXPECT_RUNNING}, {{2, 1}, EXECUTOR_EXPECT_RUNNING}};
    harness_open(h, expected, 2);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    assert_int_equal(harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_EXITED);
}

static void a_runner_that_is_alone_syncs_exits(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 9");
    start_and_kill_controller(h, g.script, 1);
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
    ExecutorExpected expected = {{1, 1}, EXECUTOR_EXPECT_RUNNING};
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

static void count_finished(const ExecutorEvent *event, void *user)
{
    if (event->kind == EXECUTOR_EVENT_FINISHED) {
        assert_int_equal(event->outcome, EXECUTOR_OUTCOME_LOST);
        (*(int *)user)++;
    }
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

static bool commit_yes(void *user)
{
    (void)user;
    return true;
}

static void a_command_collects(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 6");
    start_and_kill_controller(h, g.script, 2);
    pid_t one = harness_read_pid(h, g.say), two = harness_read_pid(h, g.say);
    gate_release(&g);
    while (harness_is_alive(one) && harness_is_alive(two))
        g_thread_yield();
    h->acknowledge = false; /* the collection does that */
    LocalExecutorConfig config = {.home = h->home,
                                  .instance_id = TEST_INSTANCE,
                                  .task_umask = -1,
                                  .on_event = harness_on_event,
                                  .user = h};
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_RUNNING},
                                   {{2, 1}, 0, EXECUTOR_EXPECT_QUEUED},
                                   {{3, 1}, 0, EXECUTOR_EXPECT_QUEUED},
                                   {{4, 1}, 0, EXECUTOR_EXPECT_RUNNING}};
    while (harness_count(h, EXECUTOR_EVENT_FINISHED) < 2)
        assert_true(local_executor_collect(&config, expected, 4, commit_yes, 10 * USEC_PER_SEC, NULL));
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_NOT_STARTED), 0);
    assert_true(harness_is_alive(one) || harness_is_alive(two));
    int first = 1;
    for (guint i = 0; i < h->events->len; i++) {
        const ExecutorEvent *e = &g_array_index(h->events, SeenEvent, i).event;
        if (e->kind == EXECUTOR_EVENT_FINISHED && e->outcome == EXECUTOR_OUTCOME_EXITED)
            first = (int)e->key.ti_id;
    }
    /* The other one still runs, and is nobody else's business. */
    h->acknowledge = true;
    ExecutorExpected other = {{first == 1 ? 2 : 1, 1}, EXECUTOR_EXPECT_RUNNING};
    harness_open(h, &other, 1);
    gate_release(&g);
    assert_int_equal(harness_wait(h, other.key.ti_id, EXECUTOR_EVENT_FINISHED)->exit_code, 6);
    gate_close(&g);
}

static void a_command_leaves_what_lives_to_the_daemon(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    start_and_kill_controller(h, g.script, 1);
    pid_t task = harness_read_pid(h, g.say);
    pid_t runner = harness_runner_pid(h);
    kill(runner, SIGKILL);
    harness_expect_gone(runner);
    int finished = 0;
    LocalExecutorConfig config = {.home = h->home,
                                  .instance_id = TEST_INSTANCE,
                                  .task_umask = -1,
                                  .on_event = count_finished,
                                  .user = &finished};
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    assert_true(local_executor_collect(&config, &expected, 1, commit_yes, 10 * USEC_PER_SEC, NULL));
    assert_int_equal(finished, 0);
    assert_true(harness_is_alive(task));
    harness_open(h, &expected, 1);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    assert_false(harness_is_alive(task));
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
        T(a_number_given_again_waits_for_the_former),
        T(a_record_of_another_token_is_no_outcome),
        T(queued_beside_a_former),
        T(running_beside_a_former),
        T(queued_beside_a_former_without_runner),
        T(running_beside_a_former_without_runner),
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
        T(a_command_collects),
        T(a_command_leaves_what_lives_to_the_daemon),
        T(a_long_home_works),
    };
    return cmocka_run_group_tests_name("local executor: recovery", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return harness_main(argc, argv, run);
}
