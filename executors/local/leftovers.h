/* SPDX-License-Identifier: MIT */
/**
 * What a task leaves running after its own end: left alone, and noted in its log.
 *
 * The runner is their reaper, so they are among its children. Those in the task's group are found at once;
 * for those in a session of their own the children are looked through once for all tasks of a short while,
 * since a look for each would cost every short task a few per cent.
 */
#pragma once

#include <glib.h>
#include <uv.h>

#include <sys/types.h>

typedef struct Leftovers Leftovers;

/** `tasks` has the pids of the runner's own tasks as keys. */
Leftovers *leftovers_new(uv_loop_t *loop, GHashTable *tasks);
/** Notes what is still to be noted. The memory goes when the loop has closed the timer. */
void leftovers_close(Leftovers *leftovers);

/** A task has ended by itself; its leader has been reaped. */
void leftovers_check(Leftovers *leftovers, pid_t leader, const char *cookie, const char *log_path);

/** A process that is no task has been reaped. */
void leftovers_forget(Leftovers *leftovers, pid_t pid);
