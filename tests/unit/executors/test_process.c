/* SPDX-License-Identifier: MIT */
/* Processes: who is who, how one is made, how a tree is ended. */
#include "cmocka_all.h"
#include "executors/local/environment.h"
#include "executors/local/exit_text.h"
#include "executors/local/kill_tree.h"
#include "executors/local/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const no_environment[] = {NULL};

static void stat_survives_any_name(void **state)
{
    (void)state;
    static const char text[] = "123 (a) b (c\n) R 1 12 13 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876 555 1 2";
    ProcStat stat;
    assert_true(proc_stat_parse(text, strlen(text), &stat));
    assert_int_equal(stat.pid, 123);
    assert_int_equal(stat.state, 'R');
    assert_int_equal(stat.parent, 1);
    assert_int_equal(stat.group, 12);
    assert_int_equal(stat.session, 13);
    assert_int_equal(stat.start_time, 9876);
    static const char *const broken[] = {"", "1", "1 (x", "1 (x) R 1 2", "x (x) R 1 12 13 0 -1", ")"};
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++)
        assert_false(proc_stat_parse(broken[i], strlen(broken[i]), &stat));
}

static void boot_ids(void **state)
{
    (void)state;
    BootId a, b;
    char text[33];
    assert_true(boot_id_parse("01234567-89ab-cdef-0123-456789abcdef\n", &a));
    boot_id_format(&a, text);
    assert_string_equal(text, "0123456789abcdef0123456789abcdef");
    assert_true(boot_id_parse(text, &b) && boot_id_equal(&a, &b));
    assert_false(boot_id_parse("0123", &b));
    assert_false(boot_id_parse("0123456789abcdef0123456789abcdef0", &b));
    assert_false(boot_id_parse("g123456789abcdef0123456789abcdef", &b));
}

static pid_t fork_sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        for (;;)
            pause();
    }
    return pid;
}

static void an_identity_is_not_its_pid(void **state)
{
    (void)state;
    uint64_t before = proc_ticks_now();
    pid_t pid = fork_sleeper();
    ProcIdentity window = proc_identity_of_child(pid, before, proc_ticks_now()), exact;
    assert_true(proc_identity_read(pid, &exact));
    assert_true(proc_identity_is_alive(&exact));
    assert_true(proc_identity_is_alive(&window));
    ProcIdentity other = exact;
    other.start_time += 1;
    assert_false(proc_identity_is_alive(&other));
    assert_int_equal(proc_identity_signal(&other, SIGKILL), -ESRCH);
    other = exact;
    other.boot.bytes[0] ^= 1;
    assert_false(proc_identity_is_alive(&other));
    assert_int_equal(proc_identity_signal(&exact, SIGKILL), 0);
    waitpid(pid, NULL, 0);
    assert_false(proc_identity_is_alive(&exact));
    assert_int_equal(proc_identity_signal(&exact, SIGKILL), -ESRCH);
}

static void environment_is_filtered_and_composed(void **state)
{
    (void)state;
    const char *all[] = {"PATH=/bin",      "WEIR_CONN_A=1", "AIRFLOW_VAR_B=2", "WEIR__CORE__X=3",
                         "WEIR_HOME=/h",   "LISTEN_FDS=1",  "NOTIFY_SOCKET=x", "WEIR_ATTEMPT=outer",
                         "AIRFLOW_HOME=y", "broken",        "WATCHDOG_PID=1",  NULL};
    g_auto(GStrv) kept = environment_filter(all);
    g_autofree char *joined = g_strjoinv(",", kept);
    assert_string_equal(joined, "PATH=/bin,WEIR_HOME=/h,AIRFLOW_HOME=y");
    const char *extra[] = {"PATH=/opt", "NEW=1", "=odd", NULL};
    g_autofree const char **composed =
        environment_compose((const char *const *)kept, extra, "WEIR_ATTEMPT=i:1:1");
    g_autofree char *text = g_strjoinv(",", (char **)composed);
    assert_string_equal(text, "PATH=/opt,WEIR_HOME=/h,AIRFLOW_HOME=y,NEW=1,WEIR_ATTEMPT=i:1:1");
    assert_string_equal(environment_get(composed, "NEW"), "1");
    assert_null(environment_get(composed, "NE"));
}

static void a_spawned_process_is_clean(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    signal(SIGUSR1, SIG_IGN);
    const char *argv[] = {"sh", "-c", "pwd; umask; grep SigIgn /proc/self/status", NULL};
    g_autofree char *reason = NULL;
    SpawnRequest request = {
        .argv = argv, .environment = no_environment, .cwd = "/usr", .log_fd = out[1], .task_umask = 027};
    pid_t pid = spawn_process(&request, &reason);
    assert_true(pid > 0);
    close(out[1]);
    ProcStat stat;
    assert_true(proc_stat_read(pid, &stat));
    assert_true(stat.session == pid && stat.group == pid);
    char text[256] = "";
    size_t length = 0;
    for (ssize_t n; (n = read(out[0], text + length, sizeof text - 1 - length)) > 0; length += (size_t)n)
        text[length + (size_t)n] = '\0';
    static const char expected[] = "/usr\n0027\nSigIgn:\t";
    assert_memory_equal(text, expected, sizeof expected - 1);
    /* Signals 32 and 33 are libc's own; they may come ignored from whoever started us. */
    assert_int_equal(g_ascii_strtoull(text + sizeof expected - 1, NULL, 16) & 0x7FFFFFFF, 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(out[0]);
    signal(SIGUSR1, SIG_DFL);
}

static void a_failed_spawn_says_why(void **state)
{
    (void)state;
    const char *argv[] = {"no-such-command", NULL};
    char *reason = NULL;
    SpawnRequest request = {.argv = argv, .environment = no_environment, .cwd = "/", .log_fd = 1};
    assert_int_equal(spawn_process(&request, &reason), -ENOENT);
    assert_string_equal(reason, "Command not found: no-such-command (not in PATH)");
    g_clear_pointer(&reason, g_free);
    argv[0] = "";
    assert_int_equal(spawn_process(&request, &reason), -ENOENT);
    assert_string_equal(reason, "The command is empty");
    g_clear_pointer(&reason, g_free);
    request.cwd = "/etc/passwd";
    assert_int_equal(spawn_process(&request, &reason), -ENOTDIR);
    assert_string_equal(reason, "The cwd /etc/passwd must be a directory");
    g_clear_pointer(&reason, g_free);
    assert_true(spawn_error_is_transient(EAGAIN) && !spawn_error_is_transient(ENOENT));
}

typedef struct {
    unsigned done, survivors;
} Ended;

static void on_ended(unsigned survivors, void *user)
{
    Ended *ended = user;
    ended->done++;
    ended->survivors += survivors;
}

/** A tree: leader, child in its group, grandchild in a session of its own; all ignore SIGTERM. */
static pid_t spawn_stubborn_tree(const char *cookie, int out_fd)
{
    const char *argv[] = {"/bin/sh", "-c",
                          "trap '' TERM; sleep 1000 & setsid sleep 1000 & echo ready; while :; do wait; done",
                          NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", cookie, NULL};
    char *reason = NULL;
    SpawnRequest request = {.argv = argv, .environment = env, .cwd = "/", .log_fd = out_fd};
    pid_t pid = spawn_process(&request, &reason);
    assert_null(reason);
    return pid;
}

static void trees_are_ended_whole(void **state)
{
    (void)state;
    enum { TREES = 5 };
    prctl(PR_SET_CHILD_SUBREAPER, 1L);
    uv_loop_t loop;
    uv_loop_init(&loop);
    KillTree *kt = kill_tree_new(&loop, getpid());
    Ended ended = {0};
    ProcIdentity leaders[TREES];
    pid_t bystander = fork_sleeper();
    for (int i = 0; i < TREES; i++) {
        int out[2];
        char ready;
        g_autofree char *cookie = g_strdup_printf("WEIR_ATTEMPT=test-%d:%d:1", (int)getpid(), i);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        pid_t pid = spawn_stubborn_tree(cookie, out[1]);
        close(out[1]);
        assert_int_equal(read(out[0], &ready, 1), 1);
        close(out[0]);
        assert_true(proc_identity_read(pid, &leaders[i]));
        if (i == 1)
            leaders[i].pid = 0; /* found by its cookie alone */
        kill_tree_end(kt, &leaders[i], cookie, (i % 2) * 20 * USEC_PER_MSEC, on_ended, &ended);
    }
    while (ended.done < TREES) {
        uv_run(&loop, UV_RUN_ONCE);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            kill_tree_poke(kt);
    }
    assert_int_equal(ended.survivors, 0);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    /* Of all our children only the bystander is left. */
    assert_int_equal(kill(bystander, SIGKILL), 0);
    assert_int_equal(waitpid(-1, NULL, 0), bystander);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    kill_tree_close(kt);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_tree_that_is_gone_is_done(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_loop_init(&loop);
    KillTree *kt = kill_tree_new(&loop, 0);
    Ended ended = {0};
    ProcIdentity self;
    assert_true(proc_identity_read(getpid(), &self));
    self.start_time--; /* our pid, but not us: must not be hit */
    kill_tree_end(kt, &self, "WEIR_ATTEMPT=nobody:1:1", 0, on_ended, &ended);
    while (ended.done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(ended.survivors, 0);
    kill_tree_close(kt);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void ends_are_told_in_words(void **state)
{
    (void)state;
    static const struct {
        SlotExit exit;
        unsigned survivors;
        const char *text;
    } cases[] = {
        {{.outcome = EXECUTOR_OUTCOME_EXITED}, 0, ""},
        {{.outcome = EXECUTOR_OUTCOME_EXITED, .exit_code = 3}, 0, "Task exited with return code 3"},
        {{.outcome = EXECUTOR_OUTCOME_SIGNALED, .exit_code = -1, .signal = 11, .flags = SLOT_EXIT_CORE},
         0,
         "Task was killed by signal 11 (SIGSEGV), core dumped"},
        {{.outcome = EXECUTOR_OUTCOME_TIMED_OUT, .exit_code = -1, .signal = 9},
         2,
         "Task timed out after 1h30m (execution_timeout) and was ended by signal 9 (SIGKILL); "
         "2 of its processes could not be ended"},
        {{.outcome = EXECUTOR_OUTCOME_CANCELED}, 0, "Task was canceled and exited with return code 0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = exit_text_format(&cases[i].exit, 90 * USEC_PER_MIN, cases[i].survivors);
        assert_string_equal(text, cases[i].text);
    }
    static const struct {
        int64_t us;
        const char *text;
    } durations[] = {{0, "0s"},
                     {10 * USEC_PER_MIN, "10m"},
                     {100 * USEC_PER_MSEC, "0.1s"},
                     {3661 * USEC_PER_SEC, "1h1m1s"}};
    for (size_t i = 0; i < G_N_ELEMENTS(durations); i++) {
        g_autofree char *text = duration_text_format(durations[i].us);
        assert_string_equal(text, durations[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_survives_any_name),     cmocka_unit_test(boot_ids),
        cmocka_unit_test(an_identity_is_not_its_pid), cmocka_unit_test(environment_is_filtered_and_composed),
        cmocka_unit_test(a_spawned_process_is_clean), cmocka_unit_test(a_failed_spawn_says_why),
        cmocka_unit_test(trees_are_ended_whole),      cmocka_unit_test(a_tree_that_is_gone_is_done),
        cmocka_unit_test(ends_are_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
