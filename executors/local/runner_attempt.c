/* SPDX-License-Identifier: MIT */
/*
 * One attempt in the runner: claim -> process -> exit record. The order of the steps is the promise:
 * the claim is in the slot file before there can be a process, and its pid right after; an attempt whose
 * claim is there is never started again by anybody.
 */
#include "executors/local/environment.h"
#include "executors/local/exit_text.h"
#include "executors/local/oom_count.h"
#include "executors/local/runner_internal.h"
#include "executors/local/spawn.h"
#include "executors/local/task_log.h"
#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TRIES = 8, FIRST_RETRY_MS = 20 }; /* 20 + 40 + ... + 1280 ms: two and a half seconds in all */

/* --- Its one timer --- */

struct AttemptTimer {
    uv_timer_t timer;
    Attempt *attempt;
};

static void on_timer_closed(uv_handle_t *handle)
{
    g_free(handle->data);
}

static void timer_stop(Attempt *attempt)
{
    AttemptTimer *timer = g_steal_pointer(&attempt->timer);
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->timer, on_timer_closed);
}

static void timer_start(Attempt *attempt, int64_t after_us, uv_timer_cb fn)
{
    timer_stop(attempt);
    AttemptTimer *timer = g_new0(AttemptTimer, 1);
    timer->attempt = attempt;
    uv_timer_init(&attempt->runner->loop, &timer->timer);
    timer->timer.data = timer;
    attempt->timer = timer;
    uv_update_time(&attempt->runner->loop);
    uv_timer_start(&timer->timer, fn, (uint64_t)((after_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC), 0);
}

void attempt_free(gpointer data)
{
    Attempt *attempt = data;
    timer_stop(attempt);
    if (attempt->start != NULL)
        g_byte_array_unref(attempt->start);
    g_free(attempt->cookie);
    g_free(attempt->log_path);
    g_free(attempt->output_path);
    g_free(attempt);
}

/* --- The end --- */

static void record_exit(Attempt *attempt, const SlotExit *exit)
{
    Runner *runner = attempt->runner;
    timer_stop(attempt);
    g_clear_pointer(&attempt->start, g_byte_array_unref);
    attempt->recorded = true;
    slot_file_exit(runner->slots, attempt->slot, exit);
    runner->unsynced = true;
    runner_report(runner, attempt);
}

/** The end of an attempt that never had a process. */
static void record_without_process(Attempt *attempt, ExecutorOutcome outcome, int error_number,
                                   const char *text)
{
    SlotExit exit = {.outcome = outcome,
                     .exit_code = -1,
                     .error_number = error_number,
                     .finished_us = g_get_real_time(),
                     .log_begin = attempt->log_begin,
                     .log_end = attempt->log_begin};
    g_strlcpy(exit.text, text, sizeof exit.text);
    task_log_append(attempt->log_path, text);
    record_exit(attempt, &exit);
    runner_sync(attempt->runner);
}

/** The process is reaped, and its tree is gone if we were ending it. */
static void record_exited(Attempt *attempt)
{
    int status = attempt->wait_status;
    SlotExit exit = {
        .outcome = attempt->ending,
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .finished_us = g_get_real_time(),
        .log_begin = attempt->log_begin,
        .log_end = MAX(task_log_size(attempt->log_path), attempt->log_begin),
        .max_rss_kb = attempt->usage.ru_maxrss,
        .user_us = attempt->usage.ru_utime.tv_sec * USEC_PER_SEC + attempt->usage.ru_utime.tv_usec,
        .system_us = attempt->usage.ru_stime.tv_sec * USEC_PER_SEC + attempt->usage.ru_stime.tv_usec,
    };
    if (WIFSIGNALED(status) && WCOREDUMP(status))
        exit.flags |= SLOT_EXIT_CORE;
    if (attempt->ending == EXECUTOR_OUTCOME_EXITED) {
        if (exit.signal != 0)
            exit.outcome = EXECUTOR_OUTCOME_SIGNALED;
        /* 137 is how a shell says that its child got SIGKILL */
        if ((exit.signal == SIGKILL || exit.exit_code == 128 + SIGKILL) && oom_count_has_risen())
            exit.flags |= SLOT_EXIT_OOM;
    }
    g_autofree char *text = exit_text_format(&exit, attempt->timeout_us, attempt->survivors);
    g_strlcpy(exit.text, text, sizeof exit.text);
    if (*text != '\0')
        task_log_append(attempt->log_path, text);
    if (attempt->ending == EXECUTOR_OUTCOME_EXITED)
        leftovers_check(attempt->runner->leftovers, attempt->process.pid, attempt->cookie, attempt->log_path);
    record_exit(attempt, &exit);
}

void attempt_reaped(Attempt *attempt, int wait_status, const struct rusage *usage)
{
    g_hash_table_remove(attempt->runner->by_pid, GINT_TO_POINTER(attempt->process.pid));
    attempt->reaped = true;
    attempt->wait_status = wait_status;
    attempt->usage = *usage;
    CRASH_POINT("runner.reaped");
    if (attempt->kill_job == NULL)
        record_exited(attempt);
}

static void on_tree_ended(unsigned survivors, void *user)
{
    Attempt *attempt = user;
    attempt->kill_job = NULL;
    attempt->survivors = survivors;
    if (attempt->reaped) {
        record_exited(attempt);
        runner_sync(attempt->runner);
    }
    /* else its end is near: the leader is dead but not reaped, or can not be killed and will end by itself */
}

static void end_tree(Attempt *attempt, ExecutorOutcome why)
{
    if (attempt->ending != EXECUTOR_OUTCOME_EXITED)
        return;
    attempt->ending = why;
    timer_stop(attempt);
    attempt->kill_job = kill_tree_end(attempt->runner->kill_tree, &attempt->process, attempt->cookie,
                                      attempt->grace_us, on_tree_ended, attempt);
    CRASH_POINT("runner.ending_tree");
}

void attempt_cancel(Attempt *attempt)
{
    if (attempt->recorded)
        return;
    if (attempt->process.pid == 0)
        record_without_process(attempt, EXECUTOR_OUTCOME_CANCELED, 0, "Task was canceled before it started");
    else if (!attempt->reaped)
        end_tree(attempt, EXECUTOR_OUTCOME_CANCELED);
}

static void on_timeout(uv_timer_t *handle)
{
    AttemptTimer *timer = handle->data;
    end_tree(timer->attempt, EXECUTOR_OUTCOME_TIMED_OUT);
}

/* --- The beginning --- */

/** The log, with its header. The fd, or a negative errno with *reason. */
static int open_log(Attempt *attempt, const ExecutorRequest *request, char **reason)
{
    int fd = task_log_open(request->log_path);
    if (fd < 0) {
        *reason = g_strdup_printf("Can not create the log %s: %s", request->log_path, g_strerror(-fd));
        return fd;
    }
    CRASH_POINT("runner.log_opened");
    size_t length = attempt->header_written ? 0 : strlen(request->header);
    attempt->header_written = true;
    if (length > 0 && write(fd, request->header, length) < 0)
        errno = 0; /* a full disk is no reason not to run */
    struct stat st;
    attempt->log_begin = fstat(fd, &st) == 0 ? st.st_size : 0;
    return fd;
}

/** The pid, or a negative errno with *reason. */
static pid_t make_process(Attempt *attempt, const ExecutorRequest *request, char **reason)
{
    const Runner *runner = attempt->runner;
    int log_fd = open_log(attempt, request, reason);
    if (log_fd < 0)
        return log_fd;
    g_autofree const char **environment =
        environment_compose((const char *const *)runner->environment, request->env_extra, attempt->cookie);
    SpawnRequest spawn = {.argv = request->argv,
                          .environment = environment,
                          .cwd = request->cwd,
                          .log_fd = log_fd,
                          .task_umask = runner->task_umask};
    uint64_t before = proc_ticks_now();
    pid_t pid = spawn_process(&spawn, reason);
    if (pid > 0)
        attempt->process = proc_identity_of_child(pid, before, proc_ticks_now());
    close(log_fd);
    return pid;
}

static void on_retry(uv_timer_t *handle);

static void attempt_try(Attempt *attempt, const ExecutorRequest *request, const ProtocolFrame *frame)
{
    Runner *runner = attempt->runner;
    g_autofree char *reason = NULL;
    pid_t pid = make_process(attempt, request, &reason);
    if (pid > 0) {
        CRASH_POINT("runner.spawned");
        g_clear_pointer(&attempt->start, g_byte_array_unref);
        g_hash_table_insert(runner->by_pid, GINT_TO_POINTER(pid), attempt);
        SlotStart start = {
            .process = attempt->process, .started_us = g_get_real_time(), .log_begin = attempt->log_begin};
        slot_file_start(runner->slots, attempt->slot, &start);
        runner_report(runner, attempt);
        if (attempt->timeout_us > 0)
            timer_start(attempt, attempt->timeout_us, on_timeout);
        return;
    }
    if (!spawn_error_is_transient(-pid) || ++attempt->tries >= MAX_TRIES) {
        record_without_process(attempt, EXECUTOR_OUTCOME_START_FAILED, -pid, reason);
        return;
    }
    if (attempt->start == NULL) {
        attempt->start = g_byte_array_sized_new((guint)frame->size);
        g_byte_array_append(attempt->start, frame->payload, (guint)frame->size);
    }
    timer_start(attempt, (int64_t)FIRST_RETRY_MS * USEC_PER_MSEC << (attempt->tries - 1), on_retry);
}

static void on_retry(uv_timer_t *handle)
{
    Attempt *attempt = ((AttemptTimer *)handle->data)->attempt;
    ProtocolFrame frame = {
        .type = PROTOCOL_START, .payload = attempt->start->data, .size = attempt->start->len};
    g_autoptr(GByteArray) kept = g_byte_array_ref(attempt->start);
    ExecutorRequest request;
    timer_stop(attempt);
    if (!protocol_get_start(&frame, &request))
        return; /* it was understood the first time */
    attempt_try(attempt, &request, &frame);
    g_free((gpointer)request.argv);
    g_free((gpointer)request.env_extra);
}

void attempt_start(Runner *runner, const ExecutorRequest *request, const ProtocolFrame *frame)
{
    Attempt *attempt = g_hash_table_lookup(runner->attempts, &request->key);
    if (attempt != NULL) {
        runner_report(runner, attempt);
        return;
    }
    SlotClaim claim = {.token = request->token,
                       .claimed_us = g_get_real_time(),
                       .grace_us = request->grace_us,
                       .timeout_us = request->timeout_us};
    int slot = slot_file_claim(runner->slots, request->key, &claim);
    if (slot < 0) {
        g_autofree char *text =
            g_strdup_printf("No room to record the attempt in %s: %s", runner->dir, g_strerror(errno));
        runner_refuse(runner, request->key, errno, text);
        return;
    }
    attempt = g_new0(Attempt, 1);
    attempt->runner = runner;
    attempt->key = request->key;
    attempt->slot = slot;
    attempt->cookie = attempt_cookie_format(runner->scope, request->key);
    attempt->log_path = g_strdup(request->log_path);
    attempt->output_path = g_strdup(environment_get(request->env_extra, OUTPUT_NAME));
    attempt->timeout_us = request->timeout_us;
    attempt->grace_us = request->grace_us;
    attempt->ending = EXECUTOR_OUTCOME_EXITED;
    g_hash_table_insert(runner->attempts, &attempt->key, attempt);
    attempt_try(attempt, request, frame);
}
