/* SPDX-License-Identifier: MIT */
#include "scheduler/time/timetable.h"
#include "tests/unit/time/time_test.h"

#define DAILY "0 2 * * *"

/** What a test changes of a daily schedule at 02:00 UTC. Dates as text; NULL is none. */
typedef struct {
    const char *schedule; /**< cron, @once, @continuous, None, or "every N" with N in minutes; NULL: DAILY */
    const char *timezone;
    const char *start_date, *end_date;
    bool catchup;
    DataIntervalMode mode;
} Setup;

static Timetable *timetable(const Setup *setup)
{
    const char *schedule = setup->schedule != NULL ? setup->schedule : DAILY;
    g_autoptr(GError) error = NULL;
    ScheduleSpec spec;
    schedule_spec_init(&spec);
    if (g_str_has_prefix(schedule, "every "))
        schedule_spec_set_every(&spec, g_ascii_strtoll(schedule + 6, NULL, 10) * USEC_PER_MIN);
    else
        schedule_spec_set_text(&spec, schedule);
    spec.timezone = g_strdup(setup->timezone);
    spec.start_date_us = setup->start_date != NULL ? at(setup->start_date) : TIME_NONE;
    spec.end_date_us = setup->end_date != NULL ? at(setup->end_date) : TIME_NONE;
    spec.catchup = setup->catchup;
    spec.data_interval = setup->mode;
    Timetable *result = timetable_new(&spec, &error);
    schedule_spec_clear(&spec);
    if (result == NULL)
        fail_msg("%s", error->message);
    return result;
}

/** Both sides of "A/B"; an empty side is TIME_NONE. False for NULL. */
static bool pair(const char *text, int64_t *ret_first, int64_t *ret_second)
{
    if (text == NULL)
        return false;
    g_auto(GStrv) sides = g_strsplit(text, "/", 2);
    *ret_first = sides[0][0] != '\0' ? at(sides[0]) : TIME_NONE;
    *ret_second = at(sides[1]);
    return true;
}

/**
 * Pairs of instants with a slash between them. In all rows the interval begins at the logical date and ends
 * when the run is due.
 */
static const struct {
    const char *what;
    Setup setup;
    const char *last;     /**< logical date/end of the last run; NULL: none yet */
    const char *seen_now; /**< first seen (empty: unknown)/now */
    const char *want;     /**< logical date/run_after; NULL: no run */
} rows[] = {
    {"first seen: the next tick",
     {0},
     NULL,
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-03-02T02:00/2026-03-02T02:00"},
    {"first seen on a tick starts nothing",
     {0},
     NULL,
     "2026-03-01T02:00/2026-03-01T02:00",
     "2026-03-02T02:00/2026-03-02T02:00"},
    {"a past start_date starts nothing",
     {.start_date = "2026-01-01"},
     NULL,
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-03-02T02:00/2026-03-02T02:00"},
    {"a future start_date is waited for",
     {.start_date = "2026-04-01T02:00"},
     NULL,
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-04-01T02:00/2026-04-01T02:00"},
    {"down since before the first tick: the latest",
     {0},
     NULL,
     "2026-03-01T12:00/2026-03-09T12:00",
     "2026-03-09T02:00/2026-03-09T02:00"},
    {"after a run: the next tick",
     {0},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01T12:00/2026-03-02T02:01",
     "2026-03-03T02:00/2026-03-03T02:00"},
    {"on the tick",
     {0},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01T12:00/2026-03-03T02:00",
     "2026-03-03T02:00/2026-03-03T02:00"},
    {"after downtime: the latest missed",
     {0},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01T12:00/2026-03-09T12:00",
     "2026-03-09T02:00/2026-03-09T02:00"},
    {"the clock was set back: nothing twice",
     {0},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01T12:00/2026-02-01",
     "2026-03-03T02:00/2026-03-03T02:00"},
    {"first_seen unknown is now", {0}, NULL, "/2026-03-01T12:00", "2026-03-02T02:00/2026-03-02T02:00"},
    /* catchup */
    {"catchup: from start_date",
     {.start_date = "2026-01-01", .catchup = true},
     NULL,
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-01-01T02:00/2026-01-01T02:00"},
    {"catchup: start_date on a tick counts",
     {.start_date = "2026-01-01T02:00", .catchup = true},
     NULL,
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-01-01T02:00/2026-01-01T02:00"},
    {"catchup: every missed tick",
     {.start_date = "2026-01-01", .catchup = true},
     "2026-01-01T02:00/2026-01-01T02:00",
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-01-02T02:00/2026-01-02T02:00"},
    {"catchup without start_date",
     {.catchup = true},
     NULL,
     "2026-03-01T12:00/2026-03-05T12:00",
     "2026-03-02T02:00/2026-03-02T02:00"},
    {"start_date moved past the last run",
     {.start_date = "2026-02-01", .catchup = true},
     "2026-01-05T02:00/2026-01-05T02:00",
     "2026-01-01/2026-03-01",
     "2026-02-01T02:00/2026-02-01T02:00"},
    /* end_date */
    {"end_date on the tick still runs",
     {.end_date = "2026-03-03T02:00"},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-02T12:00",
     "2026-03-03T02:00/2026-03-03T02:00"},
    {"end_date before it does not",
     {.end_date = "2026-03-03T01:59"},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-02T12:00",
     NULL},
    {"down over end_date: the latest before it",
     {.end_date = "2026-03-05"},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-09",
     "2026-03-04T02:00/2026-03-04T02:00"},
    {"first seen after end_date", {.end_date = "2026-03-05"}, NULL, "2026-03-09/2026-03-09", NULL},
    {"start_date after end_date",
     {.start_date = "2026-04-01", .end_date = "2026-03-05", .catchup = true},
     NULL,
     "2026-03-01/2026-05-01",
     NULL},
    /* data_interval: interval */
    {"interval: first seen",
     {.mode = DATA_INTERVAL_INTERVAL},
     NULL,
     "2026-03-01T12:00/2026-03-01T12:00",
     "2026-03-01T02:00/2026-03-02T02:00"},
    {"interval: after a run",
     {.mode = DATA_INTERVAL_INTERVAL},
     "2026-03-01T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-02T12:00",
     "2026-03-02T02:00/2026-03-03T02:00"},
    {"interval: now on a tick",
     {.mode = DATA_INTERVAL_INTERVAL},
     "2026-03-01T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-09T02:00",
     "2026-03-08T02:00/2026-03-09T02:00"},
    {"interval: latest complete",
     {.mode = DATA_INTERVAL_INTERVAL},
     "2026-03-01T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-09T12:00",
     "2026-03-08T02:00/2026-03-09T02:00"},
    {"interval: catchup",
     {.start_date = "2026-01-01", .catchup = true, .mode = DATA_INTERVAL_INTERVAL},
     NULL,
     "2026-03-01/2026-03-01",
     "2026-01-01T02:00/2026-01-02T02:00"},
    {"interval: future start_date",
     {.start_date = "2026-04-01", .mode = DATA_INTERVAL_INTERVAL},
     NULL,
     "2026-03-01/2026-03-01",
     "2026-04-01T02:00/2026-04-02T02:00"},
    {"interval: start equal to end_date still runs",
     {.end_date = "2026-03-03T02:00", .mode = DATA_INTERVAL_INTERVAL},
     "2026-03-02T02:00/2026-03-03T02:00",
     "2026-03-01/2026-03-03T12:00",
     "2026-03-03T02:00/2026-03-04T02:00"},
    {"interval: start after end_date does not",
     {.end_date = "2026-03-03T01:59", .mode = DATA_INTERVAL_INTERVAL},
     "2026-03-02T02:00/2026-03-03T02:00",
     "2026-03-01/2026-03-03T12:00",
     NULL},
    {"trigger became interval: no logical date twice",
     {.mode = DATA_INTERVAL_INTERVAL},
     "2026-03-02T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-02T12:00",
     "2026-03-03T02:00/2026-03-04T02:00"},
    {"interval became trigger",
     {0},
     "2026-03-01T02:00/2026-03-02T02:00",
     "2026-03-01/2026-03-02T12:00",
     "2026-03-03T02:00/2026-03-03T02:00"},
    /* zones */
    {"the zone's clock",
     {.timezone = "Europe/London"},
     "2026-03-28T02:00/2026-03-28T02:00",
     "2026-03-01/2026-03-28T12:00",
     "2026-03-29T01:00/2026-03-29T01:00"},
    {"an interval of 23 hours",
     {.schedule = "@daily", .timezone = "Europe/London", .mode = DATA_INTERVAL_INTERVAL},
     "2026-03-28/2026-03-29",
     "2026-03-01/2026-03-29T12:00",
     "2026-03-29/2026-03-29T23:00"},
    /* every */
    {"every: aligned to the epoch",
     {.schedule = "every 15"},
     NULL,
     "2026-03-01T12:01/2026-03-01T12:01",
     "2026-03-01T12:15/2026-03-01T12:15"},
    {"every: aligned to start_date",
     {.schedule = "every 15", .start_date = "2026-01-01T00:07"},
     NULL,
     "2026-03-01T12:01/2026-03-01T12:01",
     "2026-03-01T12:07/2026-03-01T12:07"},
    {"every: begins with start_date",
     {.schedule = "every 15", .start_date = "2026-03-01T00:07", .catchup = true},
     NULL,
     "2026-03-01T12:01/2026-03-01T12:01",
     "2026-03-01T00:07/2026-03-01T00:07"},
    {"every: the latest missed",
     {.schedule = "every 15"},
     "2026-03-01T12:15/2026-03-01T12:15",
     "2026-03-01/2026-03-02T00:01",
     "2026-03-02/2026-03-02"},
    {"every: interval",
     {.schedule = "every 15", .mode = DATA_INTERVAL_INTERVAL},
     NULL,
     "2026-03-01T12:01/2026-03-01T12:01",
     "2026-03-01T12:00/2026-03-01T12:15"},
    {"every: before 1970",
     {.schedule = "every 60", .catchup = true, .start_date = "1969-12-31T22:30"},
     NULL,
     "2026-03-01/2026-03-01",
     "1969-12-31T22:30/1969-12-31T22:30"},
    /* once, continuous, none */
    {"once: when first seen",
     {.schedule = "@once"},
     NULL,
     "2026-03-01T12:01/2026-03-05",
     "2026-03-01T12:01/2026-03-01T12:01"},
    {"once: start_date",
     {.schedule = "@once", .start_date = "2026-01-01"},
     NULL,
     "2026-03-01/2026-03-05",
     "2026-01-01/2026-01-01"},
    {"once: not again", {.schedule = "@once"}, "2026-03-01/2026-03-01", "2026-03-01/2026-03-05", NULL},
    {"once: after end_date",
     {.schedule = "@once", .end_date = "2026-02-01"},
     NULL,
     "2026-03-01/2026-03-05",
     NULL},
    {"continuous: first",
     {.schedule = "@continuous"},
     NULL,
     "2026-03-01/2026-03-01T00:00:05",
     "2026-03-01/2026-03-01T00:00:05"},
    {"continuous: at the very moment",
     {.schedule = "@continuous"},
     NULL,
     "2026-03-01/2026-03-01",
     "2026-03-01/2026-03-01T00:00:00.000001"},
    {"continuous: again",
     {.schedule = "@continuous"},
     "2026-03-01/2026-03-01T00:00:05",
     "2026-03-01/2026-03-01T00:01",
     "2026-03-01T00:00:05/2026-03-01T00:01"},
    {"continuous: future start_date",
     {.schedule = "@continuous", .start_date = "2026-04-01"},
     NULL,
     "2026-03-01/2026-03-01",
     "2026-04-01/2026-04-01T00:00:00.000001"},
    {"continuous: over",
     {.schedule = "@continuous", .end_date = "2026-03-01"},
     "2026-03-01/2026-03-01T00:00:05",
     "2026-03-01/2026-03-02",
     NULL},
    {"none", {.schedule = "None"}, NULL, "2026-03-01/2026-03-05", NULL},
};

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Timetable) t = timetable(&rows[i].setup);
        DagRunTimes last, next = {0};
        int64_t seen, now, logical, run_after;
        pair(rows[i].seen_now, &seen, &now);
        if (pair(rows[i].last, &last.logical_date_us, &last.run_after_us)) {
            last.data_interval_start_us = last.logical_date_us;
            last.data_interval_end_us = last.run_after_us;
        }
        bool any = timetable_next(t, rows[i].last != NULL ? &last : NULL, seen, now, &next);
        if (any != (rows[i].want != NULL))
            fail_msg("%s: %s", rows[i].what, any ? "a run" : "no run");
        if (!pair(rows[i].want, &logical, &run_after))
            continue;
        assert_instant(rows[i].what, next.logical_date_us, logical);
        assert_instant(rows[i].what, next.run_after_us, run_after);
        assert_instant(rows[i].what, next.data_interval_start_us, logical);
        assert_instant(rows[i].what, next.data_interval_end_us, run_after);
    }
}

/** Walks a list of crons in both directions through a year. */
static void test_several_crons(void **state)
{
    (void)state;
    const char *const crons[] = {"0 2 * * *", "30 14 * * MON-FRI", "0 2 1 * *", NULL};
    ScheduleSpec spec;
    schedule_spec_init(&spec);
    schedule_spec_set_crons(&spec, crons);
    g_autoptr(Timetable) t = timetable_new(&spec, NULL);
    assert_string_equal(timetable_summary(t), "0 2 * * *, 30 14 * * MON-FRI, 0 2 1 * *");
    schedule_spec_clear(&spec);
    DagRunTimes next;
    int64_t now = at("2026-02-27T03:00"); /* a Friday */
    assert_true(timetable_next(t, NULL, now, now, &next));
    assert_instant("Friday", next.run_after_us, at("2026-02-27T14:30"));
    static const char *const follow[] = {"2026-02-28T02:00", "2026-03-01T02:00", "2026-03-02T02:00",
                                         "2026-03-02T14:30"};
    for (size_t i = 0; i < G_N_ELEMENTS(follow); i++) {
        assert_true(timetable_next(t, &next, now, now, &next));
        assert_instant("follows", next.run_after_us, at(follow[i]));
    }
    assert_true(timetable_next(t, &next, now, at("2026-03-10T15:00"), &next));
    assert_instant("latest of all", next.run_after_us, at("2026-03-10T14:30"));
}

static void test_manual(void **state)
{
    (void)state;
    static const struct {
        Setup setup;
        const char *start, *end;
    } manual[] = {
        {{0}, "2026-03-05T12:34:56.000001", "2026-03-05T12:34:56.000001"},
        {{.mode = DATA_INTERVAL_INTERVAL}, "2026-03-04T02:00", "2026-03-05T02:00"},
        {{.schedule = "every 15"}, "2026-03-05T12:34:56.000001", "2026-03-05T12:34:56.000001"},
        {{.schedule = "every 15", .mode = DATA_INTERVAL_INTERVAL},
         "2026-03-05T12:19:56.000001",
         "2026-03-05T12:34:56.000001"},
        {{.schedule = "None", .mode = DATA_INTERVAL_INTERVAL},
         "2026-03-05T12:34:56.000001",
         "2026-03-05T12:34:56.000001"},
        {{.schedule = "@once"}, "2026-03-05T12:34:56.000001", "2026-03-05T12:34:56.000001"},
        {{.schedule = "@continuous"}, "2026-03-05T12:34:56.000001", "2026-03-05T12:34:56.000001"},
    };
    int64_t now = at("2026-03-05T12:34:56.000001");
    for (size_t i = 0; i < G_N_ELEMENTS(manual); i++) {
        g_autoptr(Timetable) t = timetable(&manual[i].setup);
        DagRunTimes times;
        timetable_infer_manual(t, now, &times);
        assert_instant("logical date", times.logical_date_us, now);
        assert_instant("run after", times.run_after_us, now);
        assert_instant("start", times.data_interval_start_us, at(manual[i].start));
        assert_instant("end", times.data_interval_end_us, at(manual[i].end));
    }
    /* Exactly on a tick, the interval that ends there. */
    g_autoptr(Timetable) t = timetable(&(Setup){.mode = DATA_INTERVAL_INTERVAL});
    DagRunTimes times;
    timetable_infer_manual(t, at("2026-03-05T02:00"), &times);
    assert_instant("on a tick", times.data_interval_end_us, at("2026-03-05T02:00"));
}

static void test_backfill(void **state)
{
    (void)state;
    g_autoptr(Timetable) trigger = timetable(&(Setup){.start_date = "2026-05-01", .end_date = "2026-05-02"});
    g_autoptr(Timetable) interval = timetable(&(Setup){.mode = DATA_INTERVAL_INTERVAL});
    DagRunTimes times;
    assert_true(timetable_backfill_next(trigger, at("2026-03-05T02:00"), &times));
    assert_instant("included", times.logical_date_us, at("2026-03-05T02:00"));
    assert_true(timetable_backfill_next(trigger, times.logical_date_us + 1, &times));
    assert_instant("next", times.logical_date_us, at("2026-03-06T02:00"));
    assert_true(timetable_backfill_next(interval, at("2026-03-05T02:00"), &times));
    assert_instant("interval start", times.logical_date_us, at("2026-03-05T02:00"));
    assert_instant("interval end", times.run_after_us, at("2026-03-06T02:00"));
    g_autoptr(Timetable) once = timetable(&(Setup){.schedule = "@once"});
    assert_false(timetable_backfill_next(once, 0, &times));
    assert_false(timetable_is_periodic(once));
    assert_true(timetable_is_periodic(trigger));
}

static void test_errors(void **state)
{
    (void)state;
    ScheduleSpec spec;
    static const char *const wrong[] = {"0 2 * *", "@reboot", "every day", "0 0 30 2 *"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        schedule_spec_init(&spec);
        schedule_spec_set_text(&spec, wrong[i]);
        assert_null(timetable_new(&spec, &error));
        assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_INVALID));
        schedule_spec_clear(&spec);
    }
    spec.timezone = g_strdup("Mars/Olympus");
    assert_null(timetable_new(&spec, NULL));
    schedule_spec_clear(&spec);
    schedule_spec_set_every(&spec, 0);
    assert_null(timetable_new(&spec, NULL));
    schedule_spec_set_crons(&spec, (const char *const[]){NULL});
    assert_null(timetable_new(&spec, NULL));
    schedule_spec_clear(&spec);
    timetable_free(NULL);
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *summary, *description;
    } texts[] = {
        {NULL, "0 2 * * *", "Cron 0 2 * * * in UTC"},
        {"@daily", "@daily", "Cron @daily in UTC"},
        {"every 15", "every 15m", "Runs every 15m"},
        {"every 90", "every 1h30m", "Runs every 1h30m"},
        {"@once", "@once", "Once, as soon as possible"},
        {"@continuous", "@continuous", "As frequently as possible, but only one run at a time"},
        {"None", "None", "Never, external triggers only"},
        {"", "None", "Never, external triggers only"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Timetable) t = timetable(&(Setup){.schedule = texts[i].schedule});
        assert_string_equal(timetable_summary(t), texts[i].summary);
        assert_string_equal(timetable_description(t), texts[i].description);
    }
}

/** Whatever the schedule and however often it is asked: each run once, in order, none before its time. */
static void test_no_run_twice(void **state)
{
    (void)state;
    static const Setup setups[] = {
        {0},
        {.catchup = true, .start_date = "2025-12-01"},
        {.mode = DATA_INTERVAL_INTERVAL},
        {.schedule = "*/20 * * * *", .timezone = "Australia/Lord_Howe"},
        {.schedule = "30 1-2 * * *", .timezone = "Europe/London", .mode = DATA_INTERVAL_INTERVAL},
        {.schedule = "every 7", .start_date = "2026-01-05T00:01"},
        {.schedule = "@continuous"},
    };
    for (uint32_t i = 0; i < G_N_ELEMENTS(setups); i++) {
        g_autoptr(Timetable) t = timetable(&setups[i]);
        GRand *rng = g_rand_new_with_seed(i);
        DagRunTimes last = {0}, next;
        int64_t first_seen = at("2026-01-01"), now = first_seen, runs = 0;
        for (int step = 0; step < 3000; step++) {
            now += (int64_t)(g_rand_double(rng) *
                             (double)(step % 50 == 0 ? 40 * USEC_PER_DAY : 4 * USEC_PER_HOUR));
            if (!timetable_next(t, runs > 0 ? &last : NULL, first_seen, now, &next) ||
                next.run_after_us > now)
                continue;
            if (runs++ > 0) {
                assert_true(next.logical_date_us > last.logical_date_us);
                assert_true(next.run_after_us > last.run_after_us);
            }
            last = next;
        }
        assert_true(runs > 100);
        g_rand_free(rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),         cmocka_unit_test(test_several_crons),
        cmocka_unit_test(test_manual),       cmocka_unit_test(test_backfill),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_texts),
        cmocka_unit_test(test_no_run_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
