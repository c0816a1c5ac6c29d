/* SPDX-License-Identifier: MIT */
/** How far a backfill is, in words and as a guess. */
#pragma once

#include "scheduler/store/rows.h"

/**
 * How long it will still take, from how long its runs took and how many may run at once. TIME_NONE: it is
 * complete or paused, or nothing of it has ended yet.
 */
int64_t backfill_time_left(const Backfill *backfill, const BackfillProgress *progress);

/** Its runs that ended by themselves. */
int64_t backfill_n_done(const BackfillProgress *progress);
/** "12 of 365 done, 1 failed, ~3 min left". The caller frees. */
char *backfill_progress_text(const Backfill *backfill, const BackfillProgress *progress);
