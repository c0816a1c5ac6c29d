/* SPDX-License-Identifier: MIT */
#include "scheduler/time/zone.h"

#include "scheduler/time/instant.h"
#include "scheduler/time/zone_name.h"

#include <string.h>

struct Zone {
    GTimeZone *tz; /**< NULL: UTC */
    char *name;
};

static Zone *zone_new(GTimeZone *tz, const char *name)
{
    Zone *zone = g_atomic_rc_box_new0(Zone);
    zone->tz = tz;
    zone->name = g_strdup(name);
    return zone;
}

Zone *zone_utc(void)
{
    return zone_new(NULL, "UTC");
}

Zone *zone_open(const char *name, GError **error)
{
    if (name == NULL || strcmp(name, "UTC") == 0)
        return zone_utc();
    GTimeZone *tz = zone_name_is_safe(name) ? g_time_zone_new_identifier(name) : NULL;
    if (tz == NULL) {
        zone_name_set_error(name, error);
        return NULL;
    }
    return zone_new(tz, name);
}

Zone *zone_ref(Zone *zone)
{
    return g_atomic_rc_box_acquire(zone);
}

static void zone_clear(void *data)
{
    Zone *zone = data;
    g_clear_pointer(&zone->tz, g_time_zone_unref);
    g_free(zone->name);
}

void zone_unref(Zone *zone)
{
    if (zone != NULL)
        g_atomic_rc_box_release_full(zone, zone_clear);
}

const char *zone_name(const Zone *zone)
{
    return zone->name;
}

bool zone_is_utc(const Zone *zone)
{
    return zone->tz == NULL;
}

/** GLib's number of the span of constant rules that holds at `us`; numbers rise with time. */
static int interval_at(const Zone *zone, int64_t us)
{
    return g_time_zone_find_interval(zone->tz, G_TIME_TYPE_UNIVERSAL, floor_div(us, USEC_PER_SEC));
}

static int64_t interval_offset(const Zone *zone, int interval)
{
    return g_time_zone_get_offset(zone->tz, interval) * USEC_PER_SEC;
}

int64_t zone_offset(const Zone *zone, int64_t us)
{
    return zone->tz == NULL ? 0 : interval_offset(zone, interval_at(zone, us));
}

int64_t zone_to_local(const Zone *zone, int64_t us)
{
    return us + zone_offset(zone, us);
}

/** The first whole second in (low_us, high_us] whose interval number is at least `interval`; high_us has it.
 */
static int64_t interval_begin(const Zone *zone, int interval, int64_t low_us, int64_t high_us)
{
    int64_t low = floor_div(low_us, USEC_PER_SEC), high = floor_div(high_us, USEC_PER_SEC);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (g_time_zone_find_interval(zone->tz, G_TIME_TYPE_UNIVERSAL, middle) >= interval)
            high = middle;
        else
            low = middle;
    }
    return high * USEC_PER_SEC;
}

int64_t zone_next_change(const Zone *zone, int64_t after_us, int64_t until_us)
{
    if (zone->tz == NULL || until_us <= after_us)
        return TIME_NONE;
    int first = interval_at(zone, after_us), last = interval_at(zone, until_us);
    int64_t offset = interval_offset(zone, first);
    /* An interval may begin with nothing but a new abbreviation: those are stepped over. */
    for (int i = first + 1; i <= last; i++) {
        if (interval_offset(zone, i) != offset)
            return interval_begin(zone, i, after_us, until_us);
    }
    return TIME_NONE;
}

int64_t zone_last_change(const Zone *zone, int64_t from_us, int64_t at_us)
{
    if (zone->tz == NULL || from_us >= at_us)
        return TIME_NONE;
    int first = interval_at(zone, from_us), last = interval_at(zone, at_us);
    int64_t offset = interval_offset(zone, last);
    for (int i = last; i > first; i--) {
        if (interval_offset(zone, i - 1) != offset)
            return interval_begin(zone, i, from_us, at_us);
    }
    return TIME_NONE;
}

int64_t zone_from_local(const Zone *zone, int64_t local_us, LocalTimeKind *ret_kind)
{
    int64_t begin = local_us - ZONE_MAX_SHIFT_US, end = local_us + ZONE_MAX_SHIFT_US;
    int64_t result = TIME_NONE;
    LocalTimeKind kind = LOCAL_TIME_ONCE;
    if (zone->tz == NULL)
        result = local_us;
    /* Span by span of constant offset: the first that reaches the local time has the answer; if a later one
     * shows the same local time again, it is an overlap. */
    for (int64_t cursor = begin; zone->tz != NULL && cursor != TIME_NONE;) {
        int64_t change = zone_next_change(zone, cursor, end);
        int64_t candidate = local_us - zone_offset(zone, cursor);
        if (change == TIME_NONE || candidate < change) {
            if (result == TIME_NONE) {
                result = MAX(candidate, cursor);
                kind = candidate < cursor ? LOCAL_TIME_GAP : LOCAL_TIME_ONCE;
            } else if (candidate >= cursor) {
                kind = LOCAL_TIME_OVERLAP;
            }
        }
        cursor = change;
    }
    if (ret_kind != NULL)
        *ret_kind = kind;
    return result;
}

int64_t zone_local_high_water(const Zone *zone, int64_t us)
{
    int64_t high = zone_to_local(zone, us);
    int64_t begin = us - ZONE_MAX_SHIFT_US;
    for (int64_t change = zone_last_change(zone, begin, us); change != TIME_NONE;
         change = zone_last_change(zone, begin, change - 1))
        high = MAX(high, zone_to_local(zone, change - 1));
    return high;
}
