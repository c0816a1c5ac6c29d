/* SPDX-License-Identifier: MIT */
/**
 * Hooks: from the engine's notices to commands that have run, at least once each.
 *
 * The table `hook` is the queue, and all there is to know: a notice becomes a row in the commit of the end
 * that it tells of; a row that is due is set running, committed, and only then handed to the executor; how
 * that went is the next commit. So a crash at any moment leaves a row from which the next daemon goes on.
 * What fails, is lost or cannot be started is tried again, `scheduler.hook_retries` times.
 *
 * Hooks take no slot of a pool or of parallelism; at most HOOKS_AT_ONCE run, first come first served,
 * whosever run they are of. Executors know an attempt of a hook by a key that no attempt of a task can have.
 */
#pragma once

#include "scheduler/daemon/internal.h"

#define HOOKS_AT_ONCE 8

Hooks *hooks_new(void);
void hooks_free(Hooks *hooks);

/** Whether that key is of a hook. */
bool attempt_is_of_hook(AttemptId attempt);

/** Inserts a row for each notice; inside of the turn's transaction. */
bool hooks_insert(Daemon *daemon, const EngineOutput *output, GError **error);
/** Adds the attempts that executors may have, at the start. */
bool hooks_expect(Daemon *daemon, GArray *expected, GError **error);
/** Takes in what is reported of a hook's attempt; whether it may be acknowledged after the commit. */
bool hooks_take_report(Daemon *daemon, const Report *report, int64_t now_us);
/** Whether hooks_take_due() has to look. */
bool hooks_are_due(const Daemon *daemon);
/** Has those that are due, and for which there is room, set running in this turn, to be started after it. */
void hooks_take_due(Daemon *daemon, int64_t now_us);
/** When hooks_are_due() will be true by time alone; TIME_NONE = not. */
int64_t hooks_next_due(const Daemon *daemon);
/** After the commit: log lines, and the starts. */
void hooks_follow_up(Daemon *daemon, const EngineOutput *output, int64_t now_us);
/** Ends all that are with the executor; they are tried again after the next start. */
void hooks_end_all(Daemon *daemon);
/** How many are with the executor. */
guint hooks_live(const Daemon *daemon);
/** Between turns: tells who waits for hooks that some have ended. */
void hooks_deliver(Daemon *daemon);
