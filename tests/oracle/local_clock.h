/* SPDX-License-Identifier: MIT */
/**
 * The clock on the wall of a time zone, by the C library: a second opinion beside scheduler/time/zone.h,
 * which asks GLib.
 */
#pragma once

#include "scheduler/model/types.h"

typedef struct LocalClock LocalClock;

/** What the zone's clock did in [from_us, until_us]. Sets TZ while it looks. Fails if there is no such zone.
 */
LocalClock *local_clock_new(const char *zone, int64_t from_us, int64_t until_us);
void local_clock_free(LocalClock *clock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LocalClock, local_clock_free)

/** Local time minus UTC at `us`, inside of what was looked at. O(log changes). */
int64_t local_clock_offset(const LocalClock *clock, int64_t us);
/** The first change of the offset after `us`; INT64_MAX when there is none until the end. */
int64_t local_clock_next_change(const LocalClock *clock, int64_t us);
/** How often the offset changes. */
guint local_clock_n_changes(const LocalClock *clock);
/** When the change of that number, from 0 on, comes. */
int64_t local_clock_change(const LocalClock *clock, guint i);

/** Zones in which something is odd: shifts of 30 minutes and 2 hours, skipped days, changes at midnight or at
 * one minute past it, summer time in winter or in Ramadan; and a few ordinary ones. NULL-terminated. */
extern const char *const local_clock_zones[];
