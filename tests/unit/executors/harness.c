/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "executors/local/runner.h"
#include "executors/local/runner_dir.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60 * 1000 };

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            g_unlink(child);
    }
    if (dir != NULL)
        g_dir_close(dir);
    g_rmdir(path);
}

int harness_setup(void **state)
{
    Harness *h = g_new0(Harness, 1);
    h->home = g_dir_make_tmp("weir-executors-XXXXXX", NULL);
    h->events = g_array_new(FALSE, FALSE, sizeof(SeenEvent));
    h->acknowledge = true;
    uv_loop_init(&h->loop);
    uv_timer_init(&h->loop, &h->deadline);
    *state = h;
    return h->home != NULL ? 0 : -1;
}

static bool home_has_processes(const Harness *h)
{
    /* Whatever was started here has the home in its working directory or its arguments. */
    GDir *proc = g_dir_open("/proc", 0, NULL);
    bool found = false;
    for (const char *name; (name = g_dir_read_name(proc)) != NULL;) {
        if (!g_ascii_isdigit(*name) || g_ascii_strtoll(name, NULL, 10) == getpid())
            continue;
        g_autofree char *link = g_strdup_printf("/proc/%s/cwd", name);
        g_autofree char *cwd = g_file_read_link(link, NULL);
        if (cwd != NULL && g_str_has_prefix(cwd, h->home)) {
            print_error("process %s is still in %s\n", name, cwd);
            found = true;
        }
    }
    g_dir_close(proc);
    return found;
}

int harness_teardown(void **state)
{
    Harness *h = *state;
    if (h->ex != NULL)
        harness_close(h);
    harness_expect_no_runner(h);
    uv_close((uv_handle_t *)&h->deadline, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    int leaked = uv_loop_close(&h->loop);
    bool alive = home_has_processes(h);
    for (guint i = 0; i < h->events->len; i++)
        g_free(g_array_index(h->events, SeenEvent, i).message);
    g_array_unref(h->events);
    remove_tree(h->home);
    g_free(h->home);
    g_free(h);
    assert_int_equal(leaked, 0);
    assert_false(alive);
    return 0;
}

void harness_on_event(const ExecutorEvent *event, void *user)
{
    Harness *h = user;
    SeenEvent seen = {.event = *event, .message = g_strdup(event->message)};
    seen.event.message = seen.message;
    g_array_append_val(h->events, seen);
    uv_stop(&h->loop); /* UV_RUN_ONCE would go on to wait for another one */
    if (event->kind == EXECUTOR_EVENT_FINISHED && h->acknowledge && h->ex != NULL)
        executor_acknowledge(h->ex, event->key);
}

void harness_open_as(Harness *h, const char *instance, const ExecutorExpected *expected, size_t count)
{
    LocalExecutorConfig config = {.loop = &h->loop,
                                  .home = h->home,
                                  .instance_id = instance,
                                  .task_umask = 022,
                                  .on_event = harness_on_event,
                                  .user = h};
    GError *error = NULL;
    h->ex = local_executor_new(&config, &error);
    assert_non_null(h->ex);
    executor_resync(h->ex, expected, count);
}

void harness_open(Harness *h, const ExecutorExpected *expected, size_t count)
{
    harness_open_as(h, TEST_INSTANCE, expected, count);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

void harness_close(Harness *h)
{
    bool closed = false;
    executor_close(h->ex, on_closed, &closed);
    h->ex = NULL;
    while (!closed)
        uv_run(&h->loop, UV_RUN_ONCE);
}

char *harness_log_path(const Harness *h, int64_t ti_id)
{
    return g_strdup_printf("%s/logs/task_id=t%" G_GINT64_FORMAT "/attempt=1.log", h->home, ti_id);
}

ExecutorRequest harness_request(Harness *h, int64_t ti_id, const char *const *argv)
{
    return (ExecutorRequest){.key = {ti_id, 1},
                             .token = h->token,
                             .argv = argv,
                             .cwd = h->home,
                             .log_path = harness_log_path(h, ti_id),
                             .header = "[weir] header\n",
                             .grace_us = 30 * USEC_PER_SEC};
}

void harness_start(Harness *h, int64_t ti_id, const char *script)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    ExecutorRequest request = harness_request(h, ti_id, argv);
    executor_start(h->ex, &request);
    g_free((gpointer)request.log_path);
}

char *harness_log(const Harness *h, int64_t ti_id)
{
    g_autofree char *path = harness_log_path(h, ti_id);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text != NULL ? text : g_strdup("");
}

char *harness_output(const Harness *h, const ExecutorEvent *event)
{
    g_autofree char *log = harness_log(h, event->key.ti_id);
    assert_true(event->log_begin <= event->log_end && (size_t)event->log_end <= strlen(log));
    return g_strndup(log + event->log_begin, (gsize)(event->log_end - event->log_begin));
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("nothing happened for a minute");
}

static void turn(Harness *h)
{
    uv_timer_start(&h->deadline, on_deadline, PATIENCE_MS, 0);
    uv_run(&h->loop, UV_RUN_ONCE);
    uv_timer_stop(&h->deadline);
}

const ExecutorEvent *harness_wait(Harness *h, int64_t ti_id, ExecutorEventKind kind)
{
    for (guint i = 0;; i++) {
        while (i >= h->events->len)
            turn(h);
        const SeenEvent *seen = &g_array_index(h->events, SeenEvent, i);
        if (seen->event.kind == kind && seen->event.key.ti_id == ti_id)
            return &seen->event;
    }
}

unsigned harness_count(const Harness *h, ExecutorEventKind kind)
{
    unsigned count = 0;
    for (guint i = 0; i < h->events->len; i++)
        count += g_array_index(h->events, SeenEvent, i).event.kind == kind;
    return count;
}

void harness_wait_count(Harness *h, ExecutorEventKind kind, unsigned count)
{
    while (harness_count(h, kind) < count)
        turn(h);
}

void harness_kill_controller(Harness *h, const char *script, int count)
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

char *harness_fifo(Harness *h, const char *name, int *fd)
{
    char *path = g_build_filename(h->home, name, NULL);
    assert_int_equal(mkfifo(path, 0600), 0);
    *fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(*fd >= 0);
    return path;
}

pid_t harness_read_pid(Harness *h, int fifo_fd)
{
    char line[32];
    int64_t deadline_us = g_get_monotonic_time() + PATIENCE_MS * USEC_PER_MSEC;
    for (size_t n = 0; n < sizeof line;) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
        struct pollfd wait[] = {{.fd = fifo_fd, .events = POLLIN},
                                {.fd = uv_backend_fd(&h->loop), .events = POLLIN}};
        poll(wait, 2, 20); /* the loop may have timers */
        assert_true(g_get_monotonic_time() < deadline_us);
        if (wait[0].revents == 0)
            continue;
        assert_int_equal(read(fifo_fd, line + n, 1), 1);
        if (line[n++] == '\n')
            return (pid_t)g_ascii_strtoll(line, NULL, 10);
    }
    fail_msg("no number");
    return 0;
}

char *harness_runner_dir(const Harness *h)
{
    g_autofree char *runners = g_build_filename(h->home, "runners", NULL);
    GDir *dir = g_dir_open(runners, 0, NULL);
    char *found = NULL;
    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(runners, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR) && found == NULL)
            found = g_steal_pointer(&path);
    }
    if (dir != NULL)
        g_dir_close(dir);
    return found;
}

typedef struct {
    SlotPhase phase;
    int count;
} PhaseCount;

static void count_phase(const SlotRecord *record, void *user)
{
    PhaseCount *wanted = user;
    wanted->count += record->phase >= wanted->phase;
}

int harness_records(const Harness *h, SlotPhase phase)
{
    g_autofree char *dir = harness_runner_dir(h);
    assert_non_null(dir);
    g_autofree char *slots = g_build_filename(dir, RUNNER_SLOT_FILE, NULL);
    g_autofree char *data = NULL;
    gsize size;
    PhaseCount wanted = {.phase = phase};
    assert_true(g_file_get_contents(slots, &data, &size, NULL));
    assert_true(slot_file_read((const uint8_t *)data, size, NULL, count_phase, &wanted) >= 0);
    return wanted.count;
}

pid_t harness_runner_pid(const Harness *h)
{
    g_autofree char *dir = harness_runner_dir(h);
    ProcIdentity id;
    assert_non_null(dir);
    assert_true(runner_dir_find_holder(dir, &id));
    return id.pid;
}

static void on_alarm(int number)
{
    (void)number; /* flock() is interrupted, that is all */
}

/** A test has failed half-way: an executor that expects nothing ends everything. */
static void clean_up(Harness *h)
{
    for (guint i = 0; i < h->events->len; i++)
        g_free(g_array_index(h->events, SeenEvent, i).message);
    g_array_set_size(h->events, 0);
    harness_open(h, NULL, 0);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    while (harness_records(h, SLOT_CLAIMED) > 0)
        uv_run(&h->loop, UV_RUN_NOWAIT);
    harness_close(h);
}

void harness_expect_no_runner(Harness *h)
{
    struct sigaction interrupt = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &interrupt, NULL);
    for (;;) {
        g_autofree char *dir = harness_runner_dir(h);
        if (dir == NULL)
            return;
        g_autofree char *lock = g_build_filename(dir, RUNNER_LOCK_FILE, NULL);
        int fd = open(lock, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue; /* it is going away right now */
        alarm(PATIENCE_MS / 1000);
        int locked = flock(fd, LOCK_EX);
        alarm(0);
        close(fd);
        if (locked < 0) {
            clean_up(h);
            fail_msg("the runner has not ended by itself");
        }
        assert_false(g_file_test(dir, G_FILE_TEST_EXISTS));
    }
}

bool harness_is_alive(pid_t pid)
{
    ProcStat stat;
    return proc_stat_read(pid, &stat) && stat.state != 'Z';
}

void harness_expect_gone(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    close(fd);
}

int harness_main(int argc, char **argv, int (*tests)(void))
{
    if (argc == 3 && strcmp(argv[1], RUNNER_VERB) == 0)
        return runner_main(argv[2]);
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    signal(SIGPIPE, SIG_IGN);
    /* Runners that we kill, and what they leave, come to us and not to whoever runs the tests. */
    prctl(PR_SET_CHILD_SUBREAPER, 1L);
    return tests();
}
