/* SPDX-License-Identifier: MIT */
/**
 * Cron expressions with the meaning Debian's cron (Vixie's) gives them, plus L, LW, 5L and MON#1.
 *
 * Five fields: minute, hour, day of month, month, day of week; or @hourly, @daily (@midnight), @weekly,
 * @monthly,
 * @quarterly, @yearly (@annually). Two rules are not obvious, and both look only at the first character:
 *  - day of month and day of week are OR-ed, but AND-ed when one of them begins with a star;
 *  - when neither minute nor hour begins with a star the job is *fixed-time*: it fires once for each matching
 *    local time, whatever the clock does: after a gap at the first instant after it (several times in one gap
 *    are one fire), in an overlap at the first of the two. All others follow real time: they fire whenever
 * the clock shows a matching time, so twice in an overlap and not in a gap.
 *
 * A Cron is immutable; any thread may read it. README.md has a table of the cases.
 */
#pragma once

#include "scheduler/model/types.h"
#include "scheduler/time/zone.h"

typedef struct Cron Cron;

/**
 * Parses an expression. On failure: NULL and WEIR_ERROR_INVALID; the message quotes the expression and says
 * at which column (from 1) of it what is wrong. An expression that could never fire (30 February) is such an
 * error.
 */
Cron *cron_new(const char *expression, GError **error);
/** Accepts NULL. */
void cron_free(Cron *cron);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cron, cron_free)

/** The expression as it was written. Belongs to the Cron. */
const char *cron_text(const Cron *cron);

/** The first fire strictly after that instant; TIME_NONE if there is none before the year 10000. */
int64_t cron_next(const Cron *cron, const Zone *zone, int64_t after_us);
/** The last fire at or before that instant; TIME_NONE if there is none after the year 0. */
int64_t cron_prev(const Cron *cron, const Zone *zone, int64_t at_us);
