/* SPDX-License-Identifier: MIT */
/**
 * Crash points: named places right after a durable or visible step, where tests kill the process.
 *
 * Compiled in with -DWEIR_CRASH_POINTS=ON only; elsewhere CRASH_POINT() is nothing. At run time:
 *   WEIR_CRASH_COUNT=FILE   append the name of each point passed to FILE (how many are there?)
 *   WEIR_CRASH_AT=N         SIGKILL this process at the N-th point it passes (1-based)
 *   WEIR_CRASH_ONLY=PREFIX  count and kill only at points whose name begins with PREFIX ("runner.",
 *                           "store."), or, as !PREFIX, only at those whose name does not
 *   WEIR_CRASH_ONCE=FILE    with WEIR_CRASH_AT: only the process that creates FILE dies; those that inherit
 * these variables from it live WEIR_CRASH_STOP=1       SIGSTOP instead: the tests then kill it together with
 * others WEIR_CRASH_BOOT_ID=ID   this boot's id, instead of the kernel's (executors/local/proc_identity.c)
 *
 * Tasks do not inherit these: the daemon removes WEIR_CRASH_* from their environment.
 */
#pragma once

#ifdef WEIR_CRASH_POINTS
void crash_point_hit(const char *name);
#define CRASH_POINT(name) crash_point_hit(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif
