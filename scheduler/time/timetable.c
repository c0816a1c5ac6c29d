/* SPDX-License-Identifier: MIT */
#include "scheduler/time/timetable.h"

#include "scheduler/time/cron.h"
#include "scheduler/time/instant.h"
#include "scheduler/time/zone.h"

struct Timetable {
    ScheduleKind kind;
    DataIntervalMode data_interval;
    bool catchup;
    int64_t start_us, end_us; /**< TIME_NONE: open */
    int64_t every_us;
    GPtrArray *crons; /**< Cron */
    Zone *zone;
    char *summary, *description;
};

static char *describe(const Timetable *t)
{
    const char *zone = zone_name(t->zone);
    switch (t->kind) {
    case SCHEDULE_NONE:
        return g_strdup("Never, external triggers only");
    case SCHEDULE_ONCE:
        return g_strdup("Once, as soon as possible");
    case SCHEDULE_CONTINUOUS:
        return g_strdup("As frequently as possible, but only one run at a time");
    case SCHEDULE_CRON:
        return g_strdup_printf("Cron %s in %s", t->summary, zone);
    case SCHEDULE_EVERY:
        return g_strdup_printf("Runs %s", t->summary);
    }
    g_return_val_if_reached(NULL);
}

static bool add_crons(Timetable *t, const ScheduleSpec *spec, GError **error)
{
    if (spec->crons == NULL || spec->crons[0] == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the list of cron expressions is empty");
        return false;
    }
    for (char **text = spec->crons; *text != NULL; text++) {
        Cron *cron = cron_new(*text, error);
        if (cron == NULL)
            return false;
        g_ptr_array_add(t->crons, cron);
    }
    return true;
}

Timetable *timetable_new(const ScheduleSpec *spec, GError **error)
{
    g_autoptr(Timetable) t = g_new0(Timetable, 1);
    t->kind = spec->kind;
    t->data_interval = spec->data_interval;
    t->catchup = spec->catchup;
    t->start_us = spec->start_date_us;
    t->end_us = spec->end_date_us;
    t->every_us = spec->every_us;
    t->crons = g_ptr_array_new_with_free_func((GDestroyNotify)cron_free);
    t->zone = zone_open(spec->timezone, error);
    if (t->zone == NULL)
        return NULL;
    if (t->kind == SCHEDULE_CRON && !add_crons(t, spec, error))
        return NULL;
    if (t->kind == SCHEDULE_EVERY && t->every_us <= 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "a schedule cannot repeat every 0 seconds");
        return NULL;
    }
    t->summary = schedule_spec_summary(spec);
    t->description = describe(t);
    return g_steal_pointer(&t);
}

void timetable_free(Timetable *timetable)
{
    if (timetable == NULL)
        return;
    g_clear_pointer(&timetable->crons, g_ptr_array_unref);
    zone_unref(timetable->zone);
    g_free(timetable->summary);
    g_free(timetable->description);
    g_free(timetable);
}

bool timetable_is_periodic(const Timetable *timetable)
{
    return timetable->kind == SCHEDULE_CRON || timetable->kind == SCHEDULE_EVERY;
}

const char *timetable_summary(const Timetable *timetable)
{
    return timetable->summary;
}

const char *timetable_description(const Timetable *timetable)
{
    return timetable->description;
}

/*
 * Ticks. Below, TIME_NONE stands for "there is no such tick", and as the smallest int64_t it is also "no
 * lower bound" to MAX().
 */

/** The last multiple of the period, counted from its anchor, at or before `at_us`. Dates are far from
 * overflow. */
static int64_t every_prev(const Timetable *t, int64_t at_us)
{
    int64_t anchor = t->start_us != TIME_NONE ? t->start_us : 0, periods, distance;
    if (__builtin_sub_overflow(at_us, anchor, &distance))
        return TIME_NONE;
    periods = floor_div(distance, t->every_us);
    if (__builtin_mul_overflow(periods, t->every_us, &distance) ||
        __builtin_add_overflow(anchor, distance, &at_us))
        return TIME_NONE;
    return at_us >= INSTANT_MIN_US ? at_us : TIME_NONE;
}

static int64_t every_next(const Timetable *t, int64_t after_us)
{
    int64_t next, prev = every_prev(t, after_us);
    if (prev == TIME_NONE || __builtin_add_overflow(prev, t->every_us, &next))
        return TIME_NONE;
    return next <= INSTANT_MAX_US ? next : TIME_NONE;
}

/** The first tick strictly after `after_us`. */
static int64_t tick_next(const Timetable *t, int64_t after_us)
{
    int64_t result = TIME_NONE;
    if (t->kind == SCHEDULE_EVERY)
        return every_next(t, after_us);
    for (guint i = 0; i < t->crons->len; i++) {
        int64_t tick = cron_next(g_ptr_array_index(t->crons, i), t->zone, after_us);
        if (tick != TIME_NONE && (result == TIME_NONE || tick < result))
            result = tick;
    }
    return result;
}

/** The last tick at or before `at_us`. */
static int64_t tick_prev(const Timetable *t, int64_t at_us)
{
    int64_t result = TIME_NONE;
    if (t->kind == SCHEDULE_EVERY)
        return every_prev(t, at_us);
    for (guint i = 0; i < t->crons->len; i++)
        result = MAX(result, cron_prev(g_ptr_array_index(t->crons, i), t->zone, at_us));
    return result;
}

/** The first tick at or after `from_us`. */
static int64_t tick_align(const Timetable *t, int64_t from_us)
{
    return tick_next(t, from_us - 1);
}

/** The run that is due at `tick`; false if its interval has no beginning. */
static bool run_at_tick(const Timetable *t, int64_t tick, DagRunTimes *ret)
{
    int64_t start = t->data_interval == DATA_INTERVAL_INTERVAL ? tick_prev(t, tick - 1) : tick;
    *ret = (DagRunTimes){start, start, tick, tick};
    return start != TIME_NONE;
}

/** The tick at which the run whose logical date is the first tick at or after `from_us` is due. */
static int64_t tick_of_logical(const Timetable *t, int64_t from_us)
{
    int64_t logical = tick_align(t, from_us);
    if (logical == TIME_NONE || t->data_interval == DATA_INTERVAL_TRIGGER)
        return logical;
    return tick_next(t, logical);
}

/** The last tick whose run has a logical date at or before end_date; INT64_MAX without one. */
static int64_t last_tick(const Timetable *t)
{
    if (t->end_us == TIME_NONE)
        return INT64_MAX;
    if (t->data_interval == DATA_INTERVAL_TRIGGER)
        return tick_prev(t, t->end_us);
    int64_t tick = tick_next(t, t->end_us);
    return tick == TIME_NONE ? INT64_MAX : tick;
}

static bool periodic_next(const Timetable *t, const TimetableLast *last, int64_t first_seen_us,
                          int64_t now_us, DagRunTimes *ret)
{
    int64_t end_tick = last_tick(t), tick = TIME_NONE;
    if (t->start_us != TIME_NONE) {
        tick = tick_of_logical(t, t->start_us);
        if (tick == TIME_NONE)
            return false;
    }
    bool from_start = t->catchup && t->start_us != TIME_NONE;
    if (last != NULL || !from_start) {
        int64_t following = tick_next(t, last != NULL ? last->data_interval_end_us : first_seen_us);
        if (following == TIME_NONE)
            return false;
        tick = MAX(tick, following);
    }
    if (!t->catchup) /* of several missed ticks, the latest that end_date allows */
        tick = MAX(tick, tick_prev(t, MIN(now_us, end_tick)));
    /* The second condition matters after a change of data_interval, when both modes give one logical date. */
    for (; tick != TIME_NONE && tick <= end_tick; tick = tick_next(t, tick)) {
        if (run_at_tick(t, tick, ret) && (last == NULL || ret->logical_date_us > last->logical_date_us))
            return true;
    }
    return false;
}

static bool once_next(const Timetable *t, const TimetableLast *last, int64_t first_seen_us, DagRunTimes *ret)
{
    int64_t at = t->start_us != TIME_NONE ? t->start_us : first_seen_us;
    if (last != NULL || (t->end_us != TIME_NONE && at > t->end_us))
        return false;
    *ret = (DagRunTimes){at, at, at, at};
    return true;
}

static bool continuous_next(const Timetable *t, const TimetableLast *last, int64_t first_seen_us,
                            int64_t now_us, DagRunTimes *ret)
{
    int64_t start = t->start_us != TIME_NONE ? t->start_us : first_seen_us;
    if (last != NULL)
        start = last->data_interval_end_us;
    /* Never an empty interval: the next run's logical date is this one's end, and the two must differ. */
    int64_t end = MAX(start + 1, now_us);
    if (t->end_us != TIME_NONE && end > t->end_us)
        return false;
    *ret = (DagRunTimes){start, start, end, end};
    return true;
}

bool timetable_next(const Timetable *timetable, const TimetableLast *last, int64_t first_seen_us,
                    int64_t now_us, DagRunTimes *ret)
{
    DagRunTimes found;
    bool any = false;
    if (first_seen_us == TIME_NONE)
        first_seen_us = now_us;
    switch (timetable->kind) {
    case SCHEDULE_NONE:
        break;
    case SCHEDULE_ONCE:
        any = once_next(timetable, last, first_seen_us, &found);
        break;
    case SCHEDULE_CONTINUOUS:
        any = continuous_next(timetable, last, first_seen_us, now_us, &found);
        break;
    case SCHEDULE_CRON:
    case SCHEDULE_EVERY:
        any = periodic_next(timetable, last, first_seen_us, now_us, &found);
        break;
    }
    if (any)
        *ret = found;
    return any;
}

void timetable_infer_manual(const Timetable *timetable, int64_t run_after_us, DagRunTimes *ret)
{
    int64_t start = run_after_us, end = run_after_us;
    if (timetable->data_interval == DATA_INTERVAL_INTERVAL && timetable->kind == SCHEDULE_CRON) {
        /* The last complete interval, as a scheduled run at this moment would have it. */
        int64_t tick = tick_prev(timetable, run_after_us);
        int64_t before = tick == TIME_NONE ? TIME_NONE : tick_prev(timetable, tick - 1);
        if (before != TIME_NONE) {
            start = before;
            end = tick;
        }
    } else if (timetable->data_interval == DATA_INTERVAL_INTERVAL && timetable->kind == SCHEDULE_EVERY) {
        start = MAX(run_after_us - timetable->every_us, INSTANT_MIN_US);
    }
    *ret = (DagRunTimes){run_after_us, start, end, run_after_us};
}

bool timetable_manual_times(const ScheduleSpec *spec, int64_t run_after_us, DagRunTimes *ret, GError **error)
{
    *ret = (DagRunTimes){run_after_us, run_after_us, run_after_us, run_after_us};
    if (spec->kind == SCHEDULE_NONE)
        return true;
    g_autoptr(Timetable) timetable = timetable_new(spec, error);
    if (timetable == NULL)
        return false;
    timetable_infer_manual(timetable, run_after_us, ret);
    return true;
}

bool timetable_backfill_next(const Timetable *timetable, int64_t from_us, DagRunTimes *ret)
{
    DagRunTimes found;
    if (!timetable_is_periodic(timetable))
        return false;
    int64_t tick = tick_of_logical(timetable, from_us);
    if (tick == TIME_NONE || !run_at_tick(timetable, tick, &found))
        return false;
    *ret = found;
    return true;
}
