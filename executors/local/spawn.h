/* SPDX-License-Identifier: MIT */
/**
 * Making one process: a new session, default signals, no fds but /dev/null and the log.
 */
#pragma once

#include "executors/executor.h"

typedef struct {
    const char *const *argv;
    const char *const *environment; /* complete */
    const char *cwd;                /* absolute */
    int log_fd;                     /* becomes stdout and stderr; stdin is this process's fd 0, /dev/null */
    mode_t task_umask;
} SpawnRequest;

/**
 * The pid, or a negative errno; then *reason (g_free() it) says for people what is wrong.
 *
 * A command without a slash is looked for in the PATH of `environment`, never in our own. The process is the
 * leader of its own session and group.
 */
pid_t spawn_process(const SpawnRequest *request, char **reason);

/** Whether a failed start is worth another try: the machine was short of something. */
bool spawn_error_is_transient(int error_number);
