/* SPDX-License-Identifier: MIT */
/** Cron on clocks that jump: a table of the known cases, then thousands of
 * random expressions and zones against a clock that is looked at minute by minute. */
#include "scheduler/time/cron.h"
#include "tests/oracle/cron_walk.h"
#include "tests/unit/time/time_test.h"

/** All fires in (from, until], in UTC, separated by blanks. */
static const struct {
    const char *zone, *expression, *from, *until, *fires;
} rows[] = {
    /* Spring in New York: 2026-03-08, 02:00 EST = 07:00Z -> 03:00 EDT. */
    {"America/New_York", "30 2 * * *", "2026-03-08", "2026-03-10", "2026-03-08T07:00 2026-03-09T06:30"},
    {"America/New_York", "15,45 2 * * *", "2026-03-08", "2026-03-09", "2026-03-08T07:00"},
    {"America/New_York", "0 2,3 * * *", "2026-03-08", "2026-03-09", "2026-03-08T07:00"},
    {"America/New_York", "30 1-3 * * *", "2026-03-08", "2026-03-09",
     "2026-03-08T06:30 2026-03-08T07:00 2026-03-08T07:30"},
    {"America/New_York", "30 2 8 3 *", "2026-01-01", "2027-01-01", "2026-03-08T07:00"},
    {"America/New_York", "*/20 2 * * *", "2026-03-08", "2026-03-09", ""},
    {"America/New_York", "0 */2 * * *", "2026-03-08T04:59", "2026-03-08T09:00",
     "2026-03-08T05:00 2026-03-08T08:00"},
    {"America/New_York", "0 * * * *", "2026-03-08T05:00", "2026-03-08T08:00",
     "2026-03-08T06:00 2026-03-08T07:00 2026-03-08T08:00"},
    {"America/New_York", "@hourly", "2026-03-08T06:00", "2026-03-08T07:00", "2026-03-08T07:00"},
    /* Autumn there: 2026-11-01, 02:00 EDT = 06:00Z -> 01:00 EST. */
    {"America/New_York", "30 1 * * *", "2026-11-01", "2026-11-03", "2026-11-01T05:30 2026-11-02T06:30"},
    {"America/New_York", "0 * * * *", "2026-11-01T04:00", "2026-11-01T07:00",
     "2026-11-01T05:00 2026-11-01T06:00 2026-11-01T07:00"},
    {"America/New_York", "*/30 * * * *", "2026-11-01T04:30", "2026-11-01T07:00",
     "2026-11-01T05:00 2026-11-01T05:30 2026-11-01T06:00 2026-11-01T06:30 2026-11-01T07:00"},
    {"America/New_York", "*/30 1 * * *", "2026-11-01T04:30", "2026-11-01T07:00",
     "2026-11-01T05:00 2026-11-01T05:30 2026-11-01T06:00 2026-11-01T06:30"},
    {"America/New_York", "30 1-3 * * *", "2026-11-01T04:00", "2026-11-02T04:00",
     "2026-11-01T05:30 2026-11-01T07:30 2026-11-01T08:30"},
    {"America/New_York", "0-59/30 0-23 * * *", "2026-11-01T04:30", "2026-11-01T07:30",
     "2026-11-01T05:00 2026-11-01T05:30 2026-11-01T07:00 2026-11-01T07:30"},
    {"Europe/London", "0 1 * * *", "2026-03-28T12:00", "2026-03-30T12:00",
     "2026-03-29T01:00 2026-03-30T00:00"},
    {"Europe/London", "30 1 * * *", "2026-10-24T12:00", "2026-10-26T12:00",
     "2026-10-25T00:30 2026-10-26T01:30"},
    /* Gaps at midnight. */
    {"Asia/Beirut", "0 0 * * *", "2026-03-28", "2026-03-30", "2026-03-28T22:00 2026-03-29T21:00"},
    {"Asia/Beirut", "@daily", "2026-03-28", "2026-03-30", "2026-03-28T22:00 2026-03-29T21:00"},
    {"America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00", "2018-11-05T12:00",
     "2018-11-04T03:00 2018-11-05T02:00"},
    {"America/Sao_Paulo", "*/15 0 4 11 *", "2018-01-01", "2019-01-01", ""},
    {"America/Sao_Paulo", "0 0 * * *", "2018-02-16T12:00", "2018-02-19T12:00",
     "2018-02-17T02:00 2018-02-18T03:00 2018-02-19T03:00"},
    /* Half an hour: Lord Howe, 02:00 -> 02:30 on 2026-10-04, 02:00 -> 01:30 on 2026-04-05. */
    {"Australia/Lord_Howe", "0 2 * * *", "2026-10-03T10:00", "2026-10-05",
     "2026-10-03T15:30 2026-10-04T15:00"},
    {"Australia/Lord_Howe", "45 1 * * *", "2026-04-04", "2026-04-06", "2026-04-04T14:45 2026-04-05T15:15"},
    {"Australia/Lord_Howe", "*/15 1 * * *", "2026-04-04T13:59", "2026-04-04T16:00",
     "2026-04-04T14:00 2026-04-04T14:15 2026-04-04T14:30 2026-04-04T14:45 2026-04-04T15:00 2026-04-04T15:15"},
    /* A day that Samoa did not have: 2011-12-30. */
    {"Pacific/Apia", "0 12 * * *", "2011-12-29", "2012-01-01",
     "2011-12-29T22:00 2011-12-30T10:00 2011-12-30T22:00 2011-12-31T22:00"},
    {"Pacific/Apia", "0 */12 30 12 *", "2011-01-01", "2012-01-01", ""},
    /* No changes at all. */
    {"Asia/Kolkata", "0 2 * * *", "2026-01-01", "2026-01-02T12:00", "2026-01-01T20:30"},
};

static void test_known_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Zone) zone = zone_or_fail(rows[i].zone);
        g_autoptr(Cron) cron = cron_new(rows[i].expression, NULL);
        assert_non_null(cron);
        g_autoptr(GString) forward = g_string_new(""), backward = g_string_new("");
        int64_t from = at(rows[i].from), until = at(rows[i].until);
        for (int64_t t = cron_next(cron, zone, from); t <= until; t = cron_next(cron, zone, t)) {
            g_autofree char *text = instant_format(t, INSTANT_SECONDS_Z);
            text[strlen("2026-01-01T00:00")] = '\0';
            g_string_append_printf(forward, "%s%s", forward->len > 0 ? " " : "", text);
        }
        for (int64_t t = cron_prev(cron, zone, until); t > from; t = cron_prev(cron, zone, t - 1)) {
            g_autofree char *text = instant_format(t, INSTANT_SECONDS_Z);
            text[strlen("2026-01-01T00:00")] = '\0';
            g_string_prepend(backward, backward->len > 0 ? " " : "");
            g_string_prepend(backward, text);
        }
        if (strcmp(forward->str, rows[i].fires) != 0 || strcmp(backward->str, rows[i].fires) != 0)
            fail_msg("'%s' in %s: next '%s', prev '%s', want '%s'", rows[i].expression, rows[i].zone,
                     forward->str, backward->str, rows[i].fires);
    }
}

/* ---- Against a clock that is looked at, as cron does it ---- */

#define WINDOW_DAYS 5
#define MARGIN_DAYS 4
#define YEAR_DAYS   366

/** All fires in (from, until], each `step` looked at. */
static GArray *walk(const CronModel *model, const LocalClock *clock, int64_t from, int64_t until,
                    int64_t step)
{
    GArray *fires = g_array_new(FALSE, FALSE, sizeof(int64_t));
    CronWalk looks = cron_walk_begin(model, clock, from);
    for (int64_t us = from + step; us <= until; us += step) {
        if (cron_walk_look(&looks, us))
            g_array_append_val(fires, us);
    }
    return fires;
}

/** Both directions, from the fires and from anywhere between them. */
static void compare(const CronModel *model, Zone *zone, const GArray *fires, int64_t from, int64_t until,
                    GRand *rng, const char *what)
{
    g_autoptr(Cron) cron = cron_new(model->text, NULL);
    if (cron == NULL) { /* a date that never comes */
        assert_int_equal(cron_model_longest_gap(model, 12 * 366), 12 * 366);
        return;
    }
    int64_t now = from;
    for (guint i = 0; i < fires->len; i++) {
        int64_t want = g_array_index(fires, int64_t, i);
        assert_instant(what, cron_next(cron, zone, now), want);
        int64_t between = now + (int64_t)(g_rand_double(rng) * (double)(want - now));
        assert_instant(what, cron_next(cron, zone, between), want);
        assert_instant(what, cron_prev(cron, zone, want), want);
        if (i > 0) {
            assert_instant(what, cron_prev(cron, zone, want - 1), now);
            assert_instant(what, cron_prev(cron, zone, between), now);
        }
        now = want;
    }
    int64_t beyond = cron_next(cron, zone, now);
    if (beyond != TIME_NONE && beyond <= until)
        assert_instant(what, beyond, TIME_NONE);
    /* Beyond the window nobody walked; the two directions must still agree. */
    if (beyond != TIME_NONE)
        assert_instant(what, cron_prev(cron, zone, beyond - 1),
                       fires->len > 0 ? now : cron_prev(cron, zone, from));
}

static void check_window(Zone *zone, const LocalClock *clock, int64_t around, int64_t step, uint32_t seed)
{
    int64_t from = floor_div(around, USEC_PER_MIN) * USEC_PER_MIN - 3 * USEC_PER_DAY;
    int64_t until = from + WINDOW_DAYS * USEC_PER_DAY;
    GRand *rng = g_rand_new_with_seed(seed);
    CronModel model = cron_model_random(rng);
    g_autofree char *what = g_strdup_printf("seed %u: '%s' in %s", seed, model.text, zone_name(zone));
    g_autoptr(GArray) fires = walk(&model, clock, from, until, step);
    compare(&model, zone, fires, from, until, rng, what);
    g_rand_free(rng);
}

/** Changes of the clock, at whole half minutes: some zones were off by that much. */
static const struct {
    const char *zone, *around;
} windows[] = {
    {"UTC", "2024-02-29"},
    {"America/New_York", "2026-03-08T07:00"},
    {"America/New_York", "2026-11-01T06:00"},
    {"Europe/London", "2026-03-29T01:00"},
    {"Europe/London", "2026-10-25T01:00"},
    {"Europe/London", "1968-10-27"},
    {"Europe/Berlin", "1945-05-24"}, /* two hours of summer time, and back */
    {"Australia/Lord_Howe", "2026-10-03T15:30"},
    {"Australia/Lord_Howe", "2026-04-04T15:00"},
    {"Asia/Beirut", "2026-03-28T22:00"},
    {"Asia/Beirut", "2026-10-24T21:00"},
    {"America/Sao_Paulo", "2018-11-04T03:00"},
    {"America/Sao_Paulo", "2018-02-18T02:00"},
    {"Pacific/Apia", "2011-12-30T10:00"},
    {"Pacific/Kwajalein", "1993-08-21T12:00"},
    {"Pacific/Kwajalein", "1969-09-30T13:00"}, /* 23 hours twice */
    {"Asia/Kathmandu", "1985-12-31T18:30"},
    {"Africa/Monrovia", "1972-01-07T00:44:30"}, /* off by seconds before */
    {"Africa/Casablanca", "2026-03-22T02:00"},
    {"Asia/Pyongyang", "2018-05-04T15:00"},
    {"America/Caracas", "2007-12-09T07:00"},
    {"Antarctica/Troll", "2026-03-29T01:00"},
    {"America/New_York", "2060-03-14T07:00"},
};

static void test_against_a_clock(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        int64_t around = at(windows[i].around);
        g_autoptr(Zone) zone = zone_or_fail(windows[i].zone);
        g_autoptr(LocalClock) clock = local_clock_new(windows[i].zone, around - MARGIN_DAYS * USEC_PER_DAY,
                                                      around + MARGIN_DAYS * USEC_PER_DAY);
        for (uint32_t k = 0; k < 100; k++)
            check_window(zone, clock, around, USEC_PER_MIN / 2, i * 1000 + k);
    }
}

/** Thousands of expressions: in each odd zone around changes of its clock, whichever they are. */
static void test_any_change(void **state)
{
    (void)state;
    int64_t from = at("1973-01-01");
    for (uint32_t i = 0; local_clock_zones[i] != NULL; i++) {
        int64_t until = at(last_year_of_glib(local_clock_zones[i]));
        g_autoptr(Zone) zone = zone_or_fail(local_clock_zones[i]);
        g_autoptr(LocalClock) clock = local_clock_new(local_clock_zones[i], from, until);
        guint n = local_clock_n_changes(clock);
        GRand *rng = g_rand_new_with_seed(i);
        for (uint32_t k = 0; k < 50; k++) {
            int64_t around = at("2026-06-01");
            if (n > 0)
                around = local_clock_change(clock, (guint)g_rand_int_range(rng, 0, (gint32)n));
            around = CLAMP(around, from + MARGIN_DAYS * USEC_PER_DAY, until - MARGIN_DAYS * USEC_PER_DAY);
            check_window(zone, clock, around, USEC_PER_MIN, 100000 + i * 1000 + k);
        }
        g_rand_free(rng);
    }
}

/** A year at a time, minute by minute. */
static void test_whole_years(void **state)
{
    (void)state;
    guint n_zones = 0;
    while (local_clock_zones[n_zones] != NULL)
        n_zones++;
    for (uint32_t seed = 0; seed < n_zones; seed++) {
        const char *name = local_clock_zones[seed];
        GRand *rng = g_rand_new_with_seed(seed);
        g_autoptr(Zone) zone = zone_or_fail(name);
        CronModel model = seed % 3 == 0 ? cron_model_plain(rng) : cron_model_random(rng);
        int64_t from = (g_rand_int_range(rng, 10 * 365, 60 * 365)) * USEC_PER_DAY;
        int64_t until = from + YEAR_DAYS * USEC_PER_DAY;
        g_autoptr(LocalClock) clock = local_clock_new(name, from, until);
        g_autofree char *what = g_strdup_printf("seed %u: '%s' in %s", seed, model.text, name);
        g_autoptr(GArray) fires = walk(&model, clock, from, until, USEC_PER_MIN);
        compare(&model, zone, fires, from, until, rng, what);
        g_rand_free(rng);
    }
}

/** From fire to fire over a year and back: the same list, no duplicates. */
static void test_there_and_back(void **state)
{
    (void)state;
    static const char *const names[] = {"UTC", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca",
                                        "Africa/Monrovia"};
    for (uint32_t seed = 0; seed < 150; seed++) {
        GRand *rng = g_rand_new_with_seed(seed);
        CronModel m = cron_model_random(rng);
        g_autoptr(Zone) zone = zone_or_fail(names[seed % G_N_ELEMENTS(names)]);
        g_autoptr(Cron) cron = cron_new(m.text, NULL);
        g_autoptr(GArray) fires = g_array_new(FALSE, FALSE, sizeof(int64_t));
        int64_t now = (int64_t)(g_rand_double(rng) * 60 * 365 * (double)USEC_PER_DAY);
        g_autofree char *what = g_strdup_printf("seed %u: '%s' in %s", seed, m.text, zone_name(zone));
        for (int i = 0; cron != NULL && i < 300; i++) {
            int64_t next = cron_next(cron, zone, now);
            assert_true(next > now);
            g_array_append_val(fires, next);
            now = next;
        }
        for (guint i = fires->len; i > 1; i--) {
            int64_t fire = g_array_index(fires, int64_t, i - 1);
            assert_instant(what, cron_prev(cron, zone, fire), fire);
            assert_instant(what, cron_prev(cron, zone, fire - 1), g_array_index(fires, int64_t, i - 2));
        }
        g_rand_free(rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_cases),    cmocka_unit_test(test_against_a_clock),
        cmocka_unit_test(test_any_change),     cmocka_unit_test(test_whole_years),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
