/* SPDX-License-Identifier: MIT */
/**
 * Fires of a cron expression in a time zone.
 *
 * Fixed-time jobs: the set of fires is { zone_from_local(L) : L matches }. That function never decreases, so
 * the next fire belongs to the first L above the high-water mark of the clock, and the previous one to the
 * last L not above it. Gaps and overlaps need no further thought.
 *
 * Wildcard jobs: the set is { u : the local time at u matches }. Within a span of constant offset that is
 * plain arithmetic; the search goes from span to span.
 */
#include "scheduler/time/cron_fields.h"
#include "scheduler/time/instant.h"

static int64_t within_calendar(int64_t us)
{
    return us < INSTANT_MIN_US || us > INSTANT_MAX_US ? TIME_NONE : us;
}

static int64_t fixed_next(const Cron *cron, const Zone *zone, int64_t after_us)
{
    int64_t local = cron_match_from(cron, zone_local_high_water(zone, after_us) + 1);
    return local == TIME_NONE ? TIME_NONE : zone_from_local(zone, local, NULL);
}

static int64_t fixed_prev(const Cron *cron, const Zone *zone, int64_t at_us)
{
    int64_t local = cron_match_until(cron, zone_local_high_water(zone, at_us));
    return local == TIME_NONE ? TIME_NONE : zone_from_local(zone, local, NULL);
}

static int64_t wild_next(const Cron *cron, const Zone *zone, int64_t after_us)
{
    for (int64_t cursor = after_us + 1;;) {
        int64_t offset = zone_offset(zone, cursor);
        int64_t local = cron_match_from(cron, cursor + offset);
        if (local == TIME_NONE)
            return TIME_NONE;
        int64_t found = local - offset;
        /* A span that begins within one shift of the cursor may show local times again that lie behind it. */
        int64_t near = MIN(found, cursor + ZONE_MAX_SHIFT_US);
        int64_t change = zone_next_change(zone, cursor, near);
        if (change != TIME_NONE)
            cursor = change;
        else if (near == found)
            return found;
        else /* No later span shows anything that matches until one shift before the match. */
            cursor = MAX(near, found - ZONE_MAX_SHIFT_US);
    }
}

static int64_t wild_prev(const Cron *cron, const Zone *zone, int64_t at_us)
{
    for (int64_t cursor = at_us;;) {
        int64_t offset = zone_offset(zone, cursor);
        int64_t local = cron_match_until(cron, cursor + offset);
        if (local == TIME_NONE)
            return TIME_NONE;
        int64_t found = local - offset;
        int64_t near = MAX(found, cursor - ZONE_MAX_SHIFT_US);
        int64_t change = zone_last_change(zone, near - 1, cursor);
        if (change != TIME_NONE && change > found)
            cursor = change - 1;
        else if (near == found)
            return found;
        else
            cursor = MIN(near, found + ZONE_MAX_SHIFT_US);
    }
}

int64_t cron_next(const Cron *cron, const Zone *zone, int64_t after_us)
{
    if (after_us >= INSTANT_MAX_US)
        return TIME_NONE;
    after_us = MAX(after_us, INSTANT_MIN_US - 1);
    return within_calendar(cron->fixed ? fixed_next(cron, zone, after_us) : wild_next(cron, zone, after_us));
}

int64_t cron_prev(const Cron *cron, const Zone *zone, int64_t at_us)
{
    if (at_us < INSTANT_MIN_US)
        return TIME_NONE;
    at_us = MIN(at_us, INSTANT_MAX_US);
    return within_calendar(cron->fixed ? fixed_prev(cron, zone, at_us) : wild_prev(cron, zone, at_us));
}
