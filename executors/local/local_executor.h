/* SPDX-License-Identifier: MIT */
/**
 * The daemon's side of local execution: it drives runner processes and hides them behind `Executor`.
 *
 * A runner (runner.h) is this binary re-executed; it owns `$WEIR_HOME/runners/<id>/` and is the parent of the
 * tasks. It outlives us. We find runners at open, resync with each, end what dead ones left behind, and start
 * a new one with the first task. See executor.h for what the daemon has to do, README.md for how it works.
 *
 * Whoever uses this holds the home's lock: there is one controller at a time.
 */
#pragma once

#include "executors/executor.h"

#include <uv.h>

typedef struct {
    uv_loop_t *loop;
    const char *home;     /**< $WEIR_HOME; must exist */
    const char *self_exe; /**< re-executed as `weir __runner DIR`; NULL = /proc/self/exe */
    const char
        *instance_id; /**< names the database: runners of another one are left alone. [A-Za-z0-9_-]{1,64} */
    const char *const *environment; /**< of the tasks; NULL = this process's. Filtered here: environment.h */
    int task_umask;                 /**< of the tasks; -1 = this process's */
    ExecutorEventFn on_event;
    void *user;
} LocalExecutorConfig;

/** Finds the home's runners; connects to nobody yet. NULL and `error` when the runners folder can not be
 * used. */
Executor *local_executor_new(const LocalExecutorConfig *config, GError **error);

/** After the events of a collection were delivered: commit them. False = not committed, nothing is
 * acknowledged. */
typedef bool (*LocalExecutorCommitFn)(void *user);

/**
 * For a command without a daemon: brings in what the runners know, on a private loop (`config->loop` is
 * unused).
 *
 * Delivers STARTED and FINISHED of expected attempts through `config->on_event`, then calls `commit` once
 * (also when there were no events), and acknowledges every FINISHED if that returned true. Starts nothing,
 * kills nothing: attempts without a verdict (not started, or with processes left by a dead runner) stay as
 * they are for the next daemon. Takes at most `timeout_us`; a runner that has not answered by then is left
 * out.
 */
bool local_executor_collect(const LocalExecutorConfig *config, const ExecutorExpected *expected, size_t count,
                            LocalExecutorCommitFn commit, int64_t timeout_us, GError **error);
