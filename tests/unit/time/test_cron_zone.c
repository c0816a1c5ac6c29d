/* SPDX-License-Identifier: MIT */
/** Cron on clocks that jump: a table of the known cases, then a slow, independent model walked minute by
 * minute. */
#include "scheduler/time/cron.h"
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

/*
 * The model: virtual time as in cron itself. The clock is looked at every half minute; a fixed-time job
 * catches up on every minute between the furthest local time seen so far and the present one, and a wildcard
 * job looks at the present one only. Expressions are made together with the sets of values they mean.
 */

#define STEP_US     (30 * USEC_PER_SEC)
#define WINDOW_DAYS 5
#define STEPS       (WINDOW_DAYS * 24 * 120)

typedef struct {
    char text[128];
    bool minute[60], hour[24], day[32], month[13], weekday[7];
    bool and, fixed;
} Model;

static void add_field(GRand *rng, GString *text, bool *set, int min, int max, int dense, bool *ret_star)
{
    int kind = g_rand_int_range(rng, 0, 10);
    *ret_star = kind < dense;
    if (text->len > 0)
        g_string_append_c(text, ' ');
    if (kind < dense) {
        int step = g_rand_boolean(rng) ? 1 : g_rand_int_range(rng, 1, (max - min) / 2 + 2);
        g_string_append(text, "*");
        if (step > 1)
            g_string_append_printf(text, "/%d", step);
        for (int v = min; v <= max; v += step)
            set[v] = true;
        return;
    }
    int items = g_rand_int_range(rng, 1, 4);
    for (int i = 0; i < items; i++) {
        int first = g_rand_int_range(rng, min, max + 1), last = g_rand_int_range(rng, first, max + 1);
        int step = g_rand_int_range(rng, 1, 8), form = g_rand_int_range(rng, 0, 4);
        g_string_append(text, i > 0 ? "," : "");
        if (form == 0) {
            g_string_append_printf(text, "%d", first);
            last = first;
        } else if (form == 1) {
            g_string_append_printf(text, "%d-%d", first, last);
            step = 1;
        } else if (form == 2) {
            g_string_append_printf(text, "%d-%d/%d", first, last, step);
        } else {
            g_string_append_printf(text, "%d/%d", first, step);
            last = max;
        }
        for (int v = first; v <= last; v += step)
            set[v] = true;
    }
}

static Model model_new(GRand *rng)
{
    Model m = {0};
    bool weekdays[8] = {false}, star[5];
    g_autoptr(GString) text = g_string_new("");
    add_field(rng, text, m.minute, 0, 59, 3, &star[0]);
    add_field(rng, text, m.hour, 0, 23, 4, &star[1]);
    add_field(rng, text, m.day, 1, 31, 7, &star[2]);
    add_field(rng, text, m.month, 1, 12, 9, &star[3]);
    add_field(rng, text, weekdays, 0, 7, 7, &star[4]);
    weekdays[0] = weekdays[0] || weekdays[7];
    memcpy(m.weekday, weekdays, sizeof m.weekday);
    m.and = star[2] || star[4];
    m.fixed = !star[0] && !star[1];
    g_strlcpy(m.text, text->str, sizeof m.text);
    return m;
}

static bool model_matches(const Model *m, int64_t local)
{
    CivilTime t = civil_from_us(local);
    if (!m->minute[t.minute] || !m->hour[t.hour] || !m->month[t.month])
        return false;
    return m->and ? m->day[t.day] && m->weekday[t.weekday] : m->day[t.day] || m->weekday[t.weekday];
}

/** Local time at each step of a window; [0] lies before the window, so that fires at its beginning are seen.
 */
typedef struct {
    Zone *zone;
    int64_t begin_us;
    int64_t local[STEPS + 1];
} Window;

static GArray *model_fires(const Model *m, const Window *w)
{
    GArray *fires = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t high = w->local[0];
    for (int i = 1; i <= STEPS; i++) {
        int64_t us = w->begin_us + i * STEP_US, local = w->local[i];
        bool fire = false;
        int64_t from = m->fixed ? high + 1 : local;
        int64_t minute = floor_div(from + USEC_PER_MIN - 1, USEC_PER_MIN) * USEC_PER_MIN;
        for (; minute <= local && !fire; minute += USEC_PER_MIN)
            fire = model_matches(m, minute);
        if (fire)
            g_array_append_val(fires, us);
        high = MAX(high, local);
    }
    return fires;
}

static void compare(const Model *m, const Window *w, GRand *rng, uint32_t seed)
{
    g_autoptr(Cron) cron = cron_new(m->text, NULL);
    if (cron == NULL)
        return; /* a date that never comes */
    g_autoptr(GArray) fires = model_fires(m, w);
    g_autofree char *what = g_strdup_printf("seed %u: '%s' in %s", seed, m->text, zone_name(w->zone));
    int64_t end = w->begin_us + STEPS * STEP_US, now = w->begin_us;
    for (guint i = 0; i < fires->len; i++) {
        int64_t want = g_array_index(fires, int64_t, i);
        assert_instant(what, cron_next(cron, w->zone, now), want);
        int64_t between = now + (int64_t)(g_rand_double(rng) * (double)(want - now));
        assert_instant(what, cron_next(cron, w->zone, between), want);
        assert_instant(what, cron_prev(cron, w->zone, want), want);
        if (i > 0) {
            assert_instant(what, cron_prev(cron, w->zone, want - 1), now);
            assert_instant(what, cron_prev(cron, w->zone, between), now);
        }
        now = want;
    }
    int64_t beyond = cron_next(cron, w->zone, now);
    if (beyond != TIME_NONE && beyond <= end)
        assert_instant(what, beyond, TIME_NONE);
    /* Beyond the window there is no model; the two directions must still agree. */
    if (beyond != TIME_NONE)
        assert_instant(what, cron_prev(cron, w->zone, beyond - 1),
                       fires->len > 0 ? now : cron_prev(cron, w->zone, w->begin_us));
}

/** Changes of the clock; offsets and changes must be whole half minutes, or the steps miss them. */
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

static void test_against_model(void **state)
{
    (void)state;
    g_autofree Window *w = g_new0(Window, 1);
    for (uint32_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        g_autoptr(Zone) zone = zone_or_fail(windows[i].zone);
        w->zone = zone;
        w->begin_us = floor_div(at(windows[i].around), USEC_PER_MIN) * USEC_PER_MIN - 3 * USEC_PER_DAY;
        for (int s = 0; s <= STEPS; s++)
            w->local[s] = zone_to_local(zone, w->begin_us + s * STEP_US);
        for (uint32_t k = 0; k < 100; k++) {
            uint32_t seed = i * 1000 + k;
            GRand *rng = g_rand_new_with_seed(seed);
            Model m = model_new(rng);
            compare(&m, w, rng, seed);
            g_rand_free(rng);
        }
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
        Model m = model_new(rng);
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
        cmocka_unit_test(test_known_cases),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
