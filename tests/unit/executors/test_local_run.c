/* SPDX-License-Identifier: MIT */
/* One attempt after the other through a real runner: how tasks start and how they end. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void exit_codes_are_exact(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "echo hello; exit 0");
    harness_start(h, 2, "printf no-newline; exit 3");
    harness_start(h, 3, "exit 255");
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_EXITED);
    assert_int_equal(e->exit_code, 0);
    assert_true(e->pid > 0 && e->max_rss_kb > 0 && e->signal == 0);
    g_autofree char *output = harness_output(h, e);
    assert_string_equal(output, "hello\n");
    g_autofree char *log = harness_log(h, 1);
    assert_string_equal(log, "[weir] header\nhello\n");

    e = harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->exit_code, 3);
    assert_string_equal(e->message, "Task exited with return code 3");
    g_autofree char *output2 = harness_output(h, e);
    assert_string_equal(output2, "no-newline");
    g_autofree char *log2 = harness_log(h, 2);
    assert_string_equal(log2, "[weir] header\nno-newline\n[weir] Task exited with return code 3\n");

    assert_int_equal(harness_wait(h, 3, EXECUTOR_EVENT_FINISHED)->exit_code, 255);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_STARTED), 3);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 3);

    g_autofree char *path = harness_log_path(h, 1);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    g_autofree char *folder = g_path_get_dirname(path);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void signals_are_exact(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "kill -KILL $$");
    harness_start(h, 2, "kill -TERM $$");
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_SIGNALED);
    assert_int_equal(e->signal, SIGKILL);
    assert_int_equal(e->exit_code, -1);
    g_autofree char *log = harness_log(h, 1);
    assert_non_null(strstr(log, "[weir] Task was killed by signal 9 (SIGKILL)"));
    e = harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->signal, SIGTERM);
}

static void expect_start_failure(Harness *h, int64_t ti_id, const char *cwd, const char *command,
                                 const char *says)
{
    const char *argv[] = {command, NULL};
    ExecutorRequest request = harness_request(h, ti_id, argv);
    request.cwd = cwd;
    executor_start(h->ex, &request);
    const ExecutorEvent *e = harness_wait(h, ti_id, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_START_FAILED);
    assert_int_equal(e->pid, 0);
    assert_non_null(strstr(e->message, says));
    g_autofree char *log = harness_log(h, ti_id);
    assert_non_null(strstr(log, says));
    g_free((gpointer)request.log_path);
}

static void start_failures_say_what_is_wrong(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    g_autofree char *script = g_build_filename(h->home, "plain.sh", NULL);
    assert_true(g_file_set_contents(script, "#!/no/such/interpreter\n", -1, NULL));
    expect_start_failure(h, 1, "/no/such/folder", "/bin/true", "Can not find the cwd: /no/such/folder");
    expect_start_failure(h, 2, script, "/bin/true", "must be a directory");
    expect_start_failure(h, 3, h->home, "no-such-command", "Command not found: no-such-command");
    expect_start_failure(h, 4, h->home, "./missing.sh", "Command not found");
    expect_start_failure(h, 5, h->home, "./plain.sh", "it is not executable (chmod +x)");
    assert_int_equal(chmod(script, 0700), 0);
    expect_start_failure(h, 6, h->home, "./plain.sh", "interpreter");
    assert_true(g_file_set_contents(script, "echo hi\n", -1, NULL));
    assert_int_equal(chmod(script, 0700), 0);
    expect_start_failure(h, 7, h->home, "./plain.sh", "no #! line");
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_STARTED), 0);
}

static void a_log_that_can_not_be_made_fails_clearly(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    const char *argv[] = {"/bin/true", NULL};
    ExecutorRequest request = harness_request(h, 1, argv);
    g_free((gpointer)request.log_path);
    request.log_path = "/proc/no-such/attempt.log";
    executor_start(h->ex, &request);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_START_FAILED);
    assert_non_null(strstr(e->message, "Can not create the log /proc/no-such/attempt.log"));
    assert_true(e->error_number != 0);
}

static void a_log_that_is_a_pipe_or_a_link_holds_nobody_up(void **state)
{
    Harness *h = *state;
    g_autofree char *pipe = harness_log_path(h, 1), *read_pipe = harness_log_path(h, 2),
                    *link = harness_log_path(h, 3), *elsewhere = g_build_filename(h->home, "elsewhere", NULL);
    char *const paths[] = {pipe, read_pipe, link};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *folder = g_path_get_dirname(paths[i]);
        assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    }
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(mkfifo(read_pipe, 0600), 0);
    assert_int_equal(symlink(elsewhere, link), 0);
    int reader = open(read_pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    harness_open(h, NULL, 0);
    for (int i = 1; i <= 3; i++) {
        harness_start(h, i, "exit 0");
        const ExecutorEvent *event = harness_wait(h, i, EXECUTOR_EVENT_FINISHED);
        assert_int_equal(event->outcome, EXECUTOR_OUTCOME_START_FAILED);
        assert_int_equal(event->error_number, i < 3 ? EEXIST : ELOOP);
    }
    assert_false(g_file_test(elsewhere, G_FILE_TEST_EXISTS));
    close(reader);
}

static void a_log_that_is_there_is_gone_on_with(void **state)
{
    Harness *h = *state;
    g_autofree char *path = harness_log_path(h, 1);
    g_autofree char *folder = g_path_get_dirname(path);
    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents(path, "before\n", -1, NULL));
    harness_open(h, NULL, 0);
    harness_start(h, 1, "echo after");
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_EXITED);
    g_autofree char *log = harness_log(h, 1);
    assert_true(g_str_has_prefix(log, "before\n"));
    assert_non_null(strstr(log, "after\n"));
}

static void a_half_written_boot_mark_is_used_up(void **state)
{
    Harness *h = *state;
    g_autofree char *runners = g_build_filename(h->home, "runners", NULL),
                    *partial = g_build_filename(runners, "boot.partial", NULL);
    assert_int_equal(mkdir(runners, 0700), 0);
    assert_true(g_file_set_contents(partial, "0123", -1, NULL));
    harness_open(h, NULL, 0);
    harness_start(h, 1, "exit 0");
    harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_false(g_file_test(partial, G_FILE_TEST_EXISTS));
}

static void a_task_sees_its_environment_and_nothing_of_ours(void **state)
{
    Harness *h = *state;
    g_setenv("WEIR_CONN_SECRET", "canary", TRUE);
    g_setenv("AIRFLOW_VAR_SECRET", "canary", TRUE);
    g_setenv("NOTIFY_SOCKET", "canary", TRUE);
    g_setenv("PASSED_ON", "from-weir", TRUE);
    int inherited = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    assert_true(inherited >= 0);
    harness_open(h, NULL, 0);
    const char *argv[] = {"/bin/sh", "-c", "env; umask; ls -l /proc/self/fd /proc/$PPID/fd", NULL};
    const char *extra[] = {"MINE=yes", "PASSED_ON=overridden", NULL};
    ExecutorRequest request = harness_request(h, 1, argv);
    request.env_extra = extra;
    executor_start(h->ex, &request);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    g_autofree char *output = harness_output(h, e);
    assert_null(strstr(output, "canary"));
    assert_non_null(strstr(output, "MINE=yes\n"));
    assert_non_null(strstr(output, "PASSED_ON=overridden\n"));
    assert_null(strstr(output, "from-weir"));
    assert_non_null(strstr(output, "WEIR_ATTEMPT=" TEST_INSTANCE "."));
    assert_non_null(strstr(output, ":1:1\n"));
    assert_non_null(strstr(output, "\n0022\n"));
    g_autofree char *stray = g_strdup_printf(" %d -> /dev/null", inherited);
    assert_null(strstr(output, stray));
    assert_non_null(strstr(output, " 0 -> /dev/null"));
    close(inherited);
    g_unsetenv("WEIR_CONN_SECRET");
    g_unsetenv("AIRFLOW_VAR_SECRET");
    g_unsetenv("NOTIFY_SOCKET");
    g_free((gpointer)request.log_path);
}

static void the_tasks_path_finds_the_command(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    g_autofree char *script = g_build_filename(h->home, "mine", NULL);
    assert_true(g_file_set_contents(script, "#!/bin/sh\nexit 42\n", -1, NULL));
    assert_int_equal(chmod(script, 0700), 0);
    const char *argv[] = {"mine", NULL};
    g_autofree char *path = g_strdup_printf("PATH=/nowhere:%s", h->home);
    const char *extra[] = {path, NULL};
    ExecutorRequest request = harness_request(h, 1, argv);
    request.env_extra = extra;
    executor_start(h->ex, &request);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 42);
    g_free((gpointer)request.log_path);
    const char *relative[] = {"./mine", NULL};
    request = harness_request(h, 2, relative);
    executor_start(h->ex, &request);
    assert_int_equal(harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->exit_code, 42);
    g_free((gpointer)request.log_path);
}

static void a_timeout_ends_the_task(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    const char *argv[] = {"/bin/sh", "-c", "sleep 1000", NULL};
    ExecutorRequest request = harness_request(h, 1, argv);
    request.timeout_us = 100 * USEC_PER_MSEC;
    executor_start(h->ex, &request);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_TIMED_OUT);
    assert_int_equal(e->signal, SIGTERM);
    g_autofree char *log = harness_log(h, 1);
    assert_non_null(strstr(log, "[weir] Task timed out after 0.1s"));
    g_free((gpointer)request.log_path);
}

static void cancel_ends_the_whole_tree(void **state)
{
    Harness *h = *state;
    int fifo;
    g_autofree char *fifo_path = harness_fifo(h, "fifo", &fifo);
    harness_open(h, NULL, 0);
    /* The leader ignores SIGTERM, and so does a grandchild in a session of its own. */
    g_autofree char *script = g_strdup_printf(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > %s; while :; do sleep 1000; done' &"
        "echo $$ > %s; while :; do sleep 1000; done",
        fifo_path, fifo_path);
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    ExecutorRequest request = harness_request(h, 1, argv);
    request.grace_us = 50 * USEC_PER_MSEC;
    executor_start(h->ex, &request);
    pid_t one = harness_read_pid(h, fifo), two = harness_read_pid(h, fifo);
    assert_true(executor_cancel(h->ex, (AttemptId){1, 1}));
    assert_true(executor_cancel(h->ex, (AttemptId){1, 1}));
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_CANCELED);
    assert_int_equal(e->signal, SIGKILL);
    assert_false(harness_is_alive(one));
    assert_false(harness_is_alive(two));
    assert_false(executor_cancel(h->ex, (AttemptId){1, 1}));
    assert_false(executor_cancel(h->ex, (AttemptId){99, 1}));
    close(fifo);
    g_free((gpointer)request.log_path);
}

static void cancel_lets_the_task_clean_up(void **state)
{
    Harness *h = *state;
    int fifo;
    g_autofree char *fifo_path = harness_fifo(h, "fifo", &fifo);
    harness_open(h, NULL, 0);
    g_autofree char *script = g_strdup_printf(
        "trap 'echo cleaned; exit 0' TERM; echo $$ > %s; while :; do sleep 0.01; done", fifo_path);
    harness_start(h, 1, script);
    harness_read_pid(h, fifo);
    executor_cancel(h->ex, (AttemptId){1, 1});
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_CANCELED);
    assert_int_equal(e->exit_code, 0);
    g_autofree char *output = harness_output(h, e);
    assert_true(g_str_has_suffix(output, "cleaned\n")); /* the shell may tell of its sleep before it */
    close(fifo);
}

static void cancel_reaches_a_stopped_task(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "kill -STOP $$");
    pid_t pid = harness_wait(h, 1, EXECUTOR_EVENT_STARTED)->pid;
    kill(pid, SIGSTOP);
    executor_cancel(h->ex, (AttemptId){1, 1});
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_CANCELED);
}

static void cancel_before_the_start_starts_nothing(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "touch started");
    assert_true(executor_cancel(h->ex, (AttemptId){1, 1}));
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_CANCELED);
    assert_int_equal(e->pid, 0);
    harness_start(h, 2, "exit 0"); /* the runner is alive and well, and has not run it */
    harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    g_autofree char *path = g_build_filename(h->home, "started", NULL);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void what_is_left_running_is_noted_and_left_alone(void **state)
{
    Harness *h = *state;
    int fifo;
    g_autofree char *fifo_path = harness_fifo(h, "fifo", &fifo);
    harness_open(h, NULL, 0);
    g_autofree char *script = g_strdup_printf("sleep 1000 & echo $! > %s; exit 0", fifo_path);
    harness_start(h, 1, script);
    pid_t left = harness_read_pid(h, fifo);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_EXITED);
    assert_int_equal(e->exit_code, 0);
    assert_true(harness_is_alive(left));
    g_autofree char *log = harness_log(h, 1);
    g_autofree char *note = g_strdup_printf("left alone: %d (", (int)left);
    assert_non_null(strstr(log, note));
    kill(left, SIGKILL);
    harness_expect_gone(left);

    /* One that left the group is found a moment later; at the latest when the runner ends. */
    g_autofree char *daemon =
        g_strdup_printf("setsid sh -c 'echo $$ > %s; exec sleep 1000' & read x < %s", fifo_path, fifo_path);
    harness_start(h, 2, daemon);
    left = harness_wait(h, 2, EXECUTOR_EVENT_FINISHED)->pid; /* of the task; the daemon's is in the log */
    harness_close(h);
    harness_expect_no_runner(h);
    g_autofree char *log2 = harness_log(h, 2);
    const char *found = strstr(log2, "left alone: ");
    assert_non_null(found);
    left = (pid_t)g_ascii_strtoll(found + strlen("left alone: "), NULL, 10);
    assert_true(harness_is_alive(left));
    kill(left, SIGKILL);
    harness_expect_gone(left);
    close(fifo);
}

static void the_same_attempt_starts_once(void **state)
{
    Harness *h = *state;
    harness_open(h, NULL, 0);
    harness_start(h, 1, "echo x >> starts");
    harness_start(h, 1, "echo x >> starts");
    harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    harness_start(h, 2, "exit 0");
    harness_wait(h, 2, EXECUTOR_EVENT_FINISHED);
    g_autofree char *path = g_build_filename(h->home, "starts", NULL);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "x\n");
}

static void a_thousand_tasks_at_once(void **state)
{
    Harness *h = *state;
    enum { MANY = 1000 };
    int fifo;
    g_autofree char *fifo_path = harness_fifo(h, "fifo", &fifo);
    harness_open(h, NULL, 0);
    g_autofree char *script = g_strdup_printf("read x < %s", fifo_path);
    for (int i = 1; i <= MANY; i++)
        harness_start(h, i, script);
    harness_wait_count(h, EXECUTOR_EVENT_STARTED, MANY);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 0);
    /* Half of them end by themselves, half are canceled. */
    for (int i = 1; i <= MANY; i += 2)
        assert_true(executor_cancel(h->ex, (AttemptId){i, 1}));
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, MANY / 2);
    for (int i = 0; i < MANY / 2; i++)
        assert_int_equal(write(fifo, "\n", 1), 1);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, MANY);
    for (int i = 1; i <= MANY; i++)
        assert_int_equal(harness_wait(h, i, EXECUTOR_EVENT_FINISHED)->outcome,
                         i % 2 == 1 ? EXECUTOR_OUTCOME_CANCELED : EXECUTOR_OUTCOME_EXITED);
    close(fifo);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(exit_codes_are_exact),
        T(signals_are_exact),
        T(start_failures_say_what_is_wrong),
        T(a_log_that_can_not_be_made_fails_clearly),
        T(a_log_that_is_a_pipe_or_a_link_holds_nobody_up),
        T(a_log_that_is_there_is_gone_on_with),
        T(a_half_written_boot_mark_is_used_up),
        T(a_task_sees_its_environment_and_nothing_of_ours),
        T(the_tasks_path_finds_the_command),
        T(a_timeout_ends_the_task),
        T(cancel_ends_the_whole_tree),
        T(cancel_lets_the_task_clean_up),
        T(cancel_reaches_a_stopped_task),
        T(cancel_before_the_start_starts_nothing),
        T(what_is_left_running_is_noted_and_left_alone),
        T(the_same_attempt_starts_once),
        T(a_thousand_tasks_at_once),
    };
    return cmocka_run_group_tests_name("local executor: run", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return harness_main(argc, argv, run);
}
