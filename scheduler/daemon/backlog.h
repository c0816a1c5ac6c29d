/* SPDX-License-Identifier: MIT */
/**
 * Queued runs of a service that are still in the store only. A start then costs what runs, not what waits.
 *
 * Of each queue (a DAG's own runs, or those of one backfill) the first runs are in the engine, more than may
 * start at once; whenever half of them have gone, the next ones follow. So those that may start next are
 * always there, in order. Runs that are made meanwhile come into the engine as ever.
 */
#pragma once

#include "scheduler/daemon/internal.h"

/** What a turn's output takes from the queues: to be called before it is cleared. */
void backlog_note(Daemon *daemon, const EngineOutput *output);
/** At the start of a service: its running runs, and the first of each queue. */
bool backlog_load(Daemon *daemon, GError **error);
/** After a turn: brings in what follows. The next turn ticks. */
void backlog_refill(Daemon *daemon);
Backlog *backlog_new(void);
void backlog_free(Backlog *backlog);
