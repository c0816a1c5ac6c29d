/* SPDX-License-Identifier: MIT */
/*
 * The life of the runner: set-up, reaping, and the decision to end.
 */
#include "executors/local/runner.h"

#include "executors/local/environment.h"
#include "executors/local/oom_count.h"
#include "executors/local/runner_internal.h"
#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    FIRST_CONTACT_MS = 10 * 1000, /* our starter connects before it starts us; if it died, nobody comes */
    ORPHAN_CHECK_MS = 30 * 1000,
};

/** Whether the two fds are what runner_dir_create() made. */
static bool inherited_fds_are_right(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, RUNNER_LOCK_FILE, NULL);
    struct stat want, have;
    int listening = 0;
    socklen_t size = sizeof listening;
    return stat(path, &want) == 0 && fstat(RUNNER_LOCK_FD, &have) == 0 && want.st_dev == have.st_dev &&
           want.st_ino == have.st_ino &&
           getsockopt(RUNNER_LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

static void process_prepare(void)
{
    static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                  SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ};
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        signal(ignored[i], SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Nothing of ours goes on to the tasks, and nothing of our starter's stays with us. */
    fcntl(RUNNER_LOCK_FD, F_SETFD, FD_CLOEXEC);
    fcntl(RUNNER_LISTEN_FD, F_SETFD, FD_CLOEXEC);
    fcntl(RUNNER_LISTEN_FD, F_SETFL, O_NONBLOCK);
    close_range(RUNNER_LISTEN_FD + 1, ~0U, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1L);
    prctl(PR_SET_NAME, "weir-runner");
    umask(077);
    if (chdir("/") < 0)
        perror("weir runner: chdir /");
}

static void on_child_signal(uv_signal_t *handle, int number)
{
    (void)number;
    Runner *runner = handle->data;
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        Attempt *attempt = g_hash_table_lookup(runner->by_pid, GINT_TO_POINTER(pid));
        if (attempt != NULL)
            attempt_reaped(attempt, status, &usage);
        else
            leftovers_forget(runner->leftovers, pid);
    }
    kill_tree_poke(runner->kill_tree);
    runner_sync(runner);
    runner_check_end(runner);
}

static void on_listener(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    runner_accept(handle->data);
}

/** Our folder can be gone because somebody deleted the whole home: then nobody will ever come. */
static bool folder_is_gone(void)
{
    struct stat st;
    return fstat(RUNNER_LOCK_FD, &st) == 0 && st.st_nlink == 0;
}

static void runner_end(Runner *runner)
{
    if (runner->ended)
        return;
    runner->ended = true;
    CRASH_POINT("runner.ending");
    /* A connection that comes now is refused or reset: its owner then finds no folder, or one without slots.
     */
    uv_close((uv_handle_t *)&runner->listener, NULL);
    uv_close((uv_handle_t *)&runner->child_signal, NULL);
    uv_close((uv_handle_t *)&runner->orphan_timer, NULL);
    kill_tree_close(runner->kill_tree);
    leftovers_close(runner->leftovers);
    runner_disconnect(runner);
    uv_stop(&runner->loop);
}

void runner_check_end(Runner *runner)
{
    if (runner->had_controller && runner->controller == NULL && runner->pending == NULL &&
        g_hash_table_size(runner->attempts) == 0)
        runner_end(runner);
}

static void on_orphan_timer(uv_timer_t *timer)
{
    Runner *runner = timer->data;
    if (runner->controller != NULL || runner->pending != NULL)
        return;
    runner->had_controller = true; /* or it has been waited for long enough */
    if (g_hash_table_size(runner->by_pid) == 0 && folder_is_gone())
        runner_end(runner);
    else
        runner_check_end(runner);
}

static bool runner_open(Runner *runner, const char *dir)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *slots = g_build_filename(dir, RUNNER_SLOT_FILE, NULL);
    ProcIdentity self;
    runner->dir = dir;
    if (!runner_meta_read(dir, &runner->meta) || !proc_identity_read(getpid(), &self)) {
        fprintf(stderr, "weir runner: %s is not a runner's folder\n", dir);
        return false;
    }
    g_autofree char *runners_dir = g_path_get_dirname(dir);
    runner->scope = cookie_scope_format(runner->meta.instance, runners_dir);
    runner->slots = slot_file_create(slots, &self, &error);
    if (runner->slots == NULL) {
        fprintf(stderr, "weir runner: %s\n", error->message);
        return false;
    }
    uv_loop_t *loop = &runner->loop;
    uv_loop_init(loop);
    runner->attempts = g_hash_table_new_full(attempt_id_hash, attempt_id_equal, NULL, attempt_free);
    runner->by_pid = g_hash_table_new(NULL, NULL);
    runner->kill_tree = kill_tree_new(loop, getpid());
    runner->leftovers = leftovers_new(loop, runner->by_pid);
    runner->task_umask = 022;
    uv_signal_init(loop, &runner->child_signal);
    uv_timer_init(loop, &runner->orphan_timer);
    uv_poll_init(loop, &runner->listener, RUNNER_LISTEN_FD);
    runner->child_signal.data = runner->orphan_timer.data = runner->listener.data = runner;
    uv_signal_start(&runner->child_signal, on_child_signal, SIGCHLD);
    uv_timer_start(&runner->orphan_timer, on_orphan_timer, FIRST_CONTACT_MS, ORPHAN_CHECK_MS);
    uv_poll_start(&runner->listener, UV_READABLE, on_listener);
    oom_count_begin();
    return true;
}

int runner_main(const char *dir)
{
    if (dir == NULL || !inherited_fds_are_right(dir)) {
        fprintf(stderr, "weir %s is what weir starts its tasks with; it is not for people\n", RUNNER_VERB);
        return EXIT_USAGE;
    }
    process_prepare();
    Runner runner = {0};
    if (!runner_open(&runner, dir)) {
        g_free(runner.scope);
        return EXIT_FAILURE;
    }
    uv_run(&runner.loop, UV_RUN_DEFAULT);

    /* Nothing is left that anybody could want to know. */
    close(RUNNER_LISTEN_FD);
    if (!folder_is_gone())
        runner_dir_remove(dir);
    uv_run(&runner.loop, UV_RUN_DEFAULT);
    uv_loop_close(&runner.loop);
    g_hash_table_unref(runner.by_pid);
    g_hash_table_unref(runner.attempts);
    slot_file_free(runner.slots);
    g_strfreev(runner.environment);
    g_free(runner.scope);
    return EXIT_SUCCESS;
}
