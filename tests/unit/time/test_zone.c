/* SPDX-License-Identifier: MIT */
#include "tests/oracle/local_clock.h"
#include "tests/unit/time/time_test.h"

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC",       "Etc/UTC", "Europe/London", "America/Argentina/Ushuaia",
                                       "Etc/GMT+5", "EST5EDT", "GMT0",          "America/Port-au-Prince",
                                       "US/Eastern"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(Zone) zone = zone_or_fail(good[i]);
        assert_string_equal(zone_name(zone), good[i]);
    }
    g_autoptr(Zone) utc = zone_open(NULL, NULL);
    assert_true(zone_is_utc(utc));
    g_autoptr(Zone) again = zone_ref(utc);
    assert_ptr_equal(utc, again);
    zone_unref(NULL);
}

static void test_wrong_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } rows[] = {
        {"", "unknown"},
        {"Nope/Nope", "unknown"},
        {"Europe", "unknown"},
        {"/usr/share/zoneinfo/UTC", "unknown"},
        {"../zoneinfo/UTC", "unknown"},
        {"Europe/../UTC", "unknown"},
        {"Europe//London", "unknown"},
        {"Europe/", "unknown"},
        {"EST5EDT,M3.2.0,M11.1.0", "unknown"},
        {"ABC3", "unknown"},
        {"<+03>-3", "unknown"},
        {"+01:00", "unknown"},
        {"Z", "did you mean UTC?"},
        {"utc", "did you mean UTC?"},
        {":Europe/London", "unknown"},
        {"zone.tab", "unknown"},
        {"leapseconds", "unknown"},
        {"localtime", "unknown"},
        {"right/Europe/London", "unknown"},
        {"europe/london", "did you mean Europe/London?"},
        {"London", "did you mean Europe/London?"},
        {"new york", "did you mean America/New_York?"},
        {"Europe/Lodnon", "did you mean Europe/London?"},
        {"PST", "did you mean America/Los_Angeles?"},
        {"\xff\xfe", "unknown"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        if (zone_open(rows[i].name, &error) != NULL)
            fail_msg("accepted '%s'", rows[i].name);
        assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_INVALID));
        assert_true(g_utf8_validate(error->message, -1, NULL));
        if (strstr(error->message, rows[i].says) == NULL)
            fail_msg("'%s': '%s' does not say '%s'", rows[i].name, error->message, rows[i].says);
    }
}

static void test_without_tzdata(void **state)
{
    (void)state;
    g_autofree char *before = g_strdup(g_getenv("TZDIR"));
    g_autoptr(GError) error = NULL;
    g_setenv("TZDIR", "/nonexistent", true);
    g_autoptr(Zone) utc = zone_open("UTC", NULL);
    g_autoptr(Zone) london = zone_open("Europe/London", &error);
    if (before != NULL)
        g_setenv("TZDIR", before, true);
    else
        g_unsetenv("TZDIR");
    assert_non_null(utc);
    assert_null(london);
    assert_non_null(strstr(error->message, "install the package tzdata"));
}

static const struct {
    const char *zone, *local, *utc;
    LocalTimeKind kind;
} conversions[] = {
    {"UTC", "2026-03-29T01:30", "2026-03-29T01:30", LOCAL_TIME_ONCE},
    {"Europe/London", "2026-03-29T00:59:59.999999", "2026-03-29T00:59:59.999999", LOCAL_TIME_ONCE},
    {"Europe/London", "2026-03-29T01:00", "2026-03-29T01:00", LOCAL_TIME_GAP},
    {"Europe/London", "2026-03-29T01:59:59.999999", "2026-03-29T01:00", LOCAL_TIME_GAP},
    {"Europe/London", "2026-03-29T02:00", "2026-03-29T01:00", LOCAL_TIME_ONCE},
    {"Europe/London", "2026-10-25T00:59:59.999999", "2026-10-24T23:59:59.999999", LOCAL_TIME_ONCE},
    {"Europe/London", "2026-10-25T01:00", "2026-10-25T00:00", LOCAL_TIME_OVERLAP},
    {"Europe/London", "2026-10-25T01:59:59.999999", "2026-10-25T00:59:59.999999", LOCAL_TIME_OVERLAP},
    {"Europe/London", "2026-10-25T02:00", "2026-10-25T02:00", LOCAL_TIME_ONCE},
    {"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", LOCAL_TIME_GAP},
    {"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", LOCAL_TIME_OVERLAP},
    {"Asia/Beirut", "2026-03-29T00:00", "2026-03-28T22:00", LOCAL_TIME_GAP},
    {"America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:00", LOCAL_TIME_GAP},
    {"Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", LOCAL_TIME_GAP},
    {"Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00", LOCAL_TIME_ONCE},
    {"Asia/Kolkata", "2026-01-01T05:30", "2026-01-01T00:00", LOCAL_TIME_ONCE},
};

static void test_from_local(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(conversions); i++) {
        g_autoptr(Zone) zone = zone_or_fail(conversions[i].zone);
        LocalTimeKind kind;
        int64_t got = zone_from_local(zone, at(conversions[i].local), &kind);
        assert_instant(conversions[i].local, got, at(conversions[i].utc));
        assert_int_equal(kind, conversions[i].kind);
        if (kind != LOCAL_TIME_GAP)
            assert_instant(conversions[i].local, zone_to_local(zone, got), at(conversions[i].local));
    }
}

/** The one sentence the fixed-time rule of cron rests on, tried around every change of some lively zones. */
static void test_high_water(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/London", "Australia/Lord_Howe", "Pacific/Apia",
                                        "Africa/Casablanca", "America/Sao_Paulo"};
    for (size_t z = 0; z < G_N_ELEMENTS(names); z++) {
        g_autoptr(Zone) zone = zone_or_fail(names[z]);
        int64_t change = at("2005-01-01"), end = at("2030-01-01");
        while ((change = zone_next_change(zone, change, end)) != TIME_NONE) {
            int64_t at_us = change - 3 * USEC_PER_HOUR, previous = TIME_NONE;
            for (; at_us < change + 3 * USEC_PER_HOUR; at_us += 10 * USEC_PER_MIN) {
                int64_t high = zone_local_high_water(zone, at_us);
                assert_true(high >= previous);
                assert_true(zone_from_local(zone, high, NULL) <= at_us);
                assert_true(zone_from_local(zone, high + 1, NULL) > at_us);
                previous = high;
            }
        }
    }
}

static void test_changes(void **state)
{
    (void)state;
    g_autoptr(Zone) zone = zone_or_fail("Europe/London");
    int64_t spring = at("2026-03-29T01:00"), autumn = at("2026-10-25T01:00");
    assert_instant("next", zone_next_change(zone, at("2026-01-01"), at("2027-01-01")), spring);
    assert_instant("until is included", zone_next_change(zone, at("2026-01-01"), spring), spring);
    assert_instant("until before", zone_next_change(zone, at("2026-01-01"), spring - 1), TIME_NONE);
    assert_instant("after is not", zone_next_change(zone, spring, at("2027-01-01")), autumn);
    assert_instant("last", zone_last_change(zone, at("2026-01-01"), at("2026-12-01")), autumn);
    assert_instant("at is included", zone_last_change(zone, at("2026-01-01"), autumn), autumn);
    assert_instant("before it", zone_last_change(zone, at("2026-01-01"), autumn - 1), spring);
    assert_instant("none", zone_last_change(zone, at("2026-04-01"), autumn - 1), TIME_NONE);
    g_autoptr(Zone) utc = zone_utc();
    assert_instant("utc", zone_next_change(utc, 0, at("2026-01-01")), TIME_NONE);
}

/** GLib's clocks and the C library's: at each change, a moment before it, and on any day. */
static void test_against_the_c_library(void **state)
{
    (void)state;
    int64_t from = at("1973-01-01");
    for (guint i = 0; local_clock_zones[i] != NULL; i++) {
        const char *name = local_clock_zones[i];
        int64_t until = at(last_year_of_glib(name));
        g_autoptr(Zone) zone = zone_or_fail(name);
        g_autoptr(LocalClock) clock = local_clock_new(name, from, until);
        for (int64_t us = from; us < until; us += 5 * USEC_PER_DAY)
            assert_instant(name, zone_to_local(zone, us), us + local_clock_offset(clock, us));
        int64_t before = from;
        for (guint k = 0; k < local_clock_n_changes(clock); k++) {
            int64_t change = local_clock_change(clock, k);
            assert_instant(name, zone_next_change(zone, before, change), change);
            assert_instant(name, zone_to_local(zone, change - 1),
                           change - 1 + local_clock_offset(clock, change - 1));
            before = change;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_names),
        cmocka_unit_test(test_without_tzdata),
        cmocka_unit_test(test_from_local),
        cmocka_unit_test(test_high_water),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_against_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
