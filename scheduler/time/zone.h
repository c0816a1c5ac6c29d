/* SPDX-License-Identifier: MIT */
/**
 * Time zones by IANA name: what a wall clock there shows, and when it shows it.
 *
 * A Zone is immutable and reference counted; any thread may read it. Its data is the machine's tzdata, read
 * by GLib when the zone is opened (and shared between zones of one name). UTC needs no data. Clocks have two
 * kinds of trouble, and callers are told about both: a *gap* is a span of local times that no clock shows
 * (spring), an *overlap* one that clocks show twice (autumn).
 *
 * A local time is int64_t microseconds like an instant, counted as though the wall clock were UTC.
 */
#pragma once

#include "scheduler/model/types.h"

typedef struct Zone Zone;

/**
 * Opens a zone by its exact IANA name ("Europe/London"; "UTC" and NULL need no tzdata). NULL and
 * WEIR_ERROR_INVALID for anything else: paths, offsets and POSIX TZ strings are not names. The message offers
 * a near name when there is one.
 */
Zone *zone_open(const char *name, GError **error);
Zone *zone_utc(void);
Zone *zone_ref(Zone *zone);
/** Accepts NULL. */
void zone_unref(Zone *zone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Zone, zone_unref)

/** The name it was opened by. Belongs to the zone. */
const char *zone_name(const Zone *zone);
bool zone_is_utc(const Zone *zone);

/** Local time minus UTC at that instant. */
int64_t zone_offset(const Zone *zone, int64_t us);
/** The local time at that instant. */
int64_t zone_to_local(const Zone *zone, int64_t us);

typedef enum {
    LOCAL_TIME_ONCE,    /**< the ordinary case */
    LOCAL_TIME_GAP,     /**< no clock shows it; the result is the first instant after the gap */
    LOCAL_TIME_OVERLAP, /**< clocks show it twice; the result is the first of the two */
} LocalTimeKind;

/**
 * The first instant at which the zone's clock shows `local_us` or later. This is non-decreasing in
 * `local_us`, whatever the zone does. `ret_kind` may be NULL.
 */
int64_t zone_from_local(const Zone *zone, int64_t local_us, LocalTimeKind *ret_kind);

/**
 * The latest local time the clock has shown up to and including that instant: the local time itself, except
 * after an overlap began, when the clock went back. For all L: zone_from_local(L) <= us if and only if
 * L <= zone_local_high_water(us).
 */
int64_t zone_local_high_water(const Zone *zone, int64_t us);

/** The first instant in (after_us, until_us] with another offset than after_us has; TIME_NONE if there is
 * none. */
int64_t zone_next_change(const Zone *zone, int64_t after_us, int64_t until_us);
/** The instant in (from_us, at_us] since which the offset has been what it is at at_us; TIME_NONE if longer.
 */
int64_t zone_last_change(const Zone *zone, int64_t from_us, int64_t at_us);

/** Local times differ from UTC, and offsets of one zone from each other, by less than this. */
#define ZONE_MAX_SHIFT_US (26 * USEC_PER_HOUR)
