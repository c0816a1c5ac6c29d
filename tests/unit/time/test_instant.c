/* SPDX-License-Identifier: MIT */
#include "tests/unit/time/time_test.h"

static void test_civil_round_trip(void **state)
{
    (void)state;
    for (int64_t day = -800000; day < 3000000; day += 97) {
        CivilTime t;
        civil_from_days(day, &t);
        assert_int_equal(days_from_civil(t.year, t.month, t.day), day);
        assert_true(t.day >= 1 && t.day <= days_in_month(t.year, t.month));
    }
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(days_from_civil(1, 1, 1), -719162);
    assert_int_equal(weekday_from_days(days_from_civil(2026, 3, 8)), 0);
    assert_int_equal(weekday_from_days(-1), 3);
}

static void test_leap_years(void **state)
{
    (void)state;
    assert_int_equal(days_in_month(1900, 2), 28);
    assert_int_equal(days_in_month(2000, 2), 29);
    assert_int_equal(days_in_month(2024, 2), 29);
    assert_int_equal(days_in_month(2026, 2), 28);
    assert_int_equal(days_in_month(2100, 2), 28);
}

static const struct {
    const char *text, *zone, *iso;
} readable[] = {
    {"2026-01-01", NULL, "2026-01-01T00:00:00+00:00"},
    {"2026-01-01T02:00", NULL, "2026-01-01T02:00:00+00:00"},
    {"2026-01-01 02:00:00.123456+01:00", NULL, "2026-01-01T01:00:00.123456+00:00"},
    {"2026-01-01T02:00:00Z", NULL, "2026-01-01T02:00:00+00:00"},
    {"2026-01-01t02:00:00z", NULL, "2026-01-01T02:00:00+00:00"},
    {"2026-01-01T02:00:00.5Z", NULL, "2026-01-01T02:00:00.500000+00:00"},
    {"2026-01-01T02:00:00.123456789Z", NULL, "2026-01-01T02:00:00.123456+00:00"},
    {"2026-01-01T02:00:00-0530", NULL, "2026-01-01T07:30:00+00:00"},
    {"2026-01-01T02:00+01", NULL, "2026-01-01T01:00:00+00:00"},
    {"1969-12-31T23:59:59.999999Z", NULL, "1969-12-31T23:59:59.999999+00:00"},
    {"0001-01-01", NULL, "0001-01-01T00:00:00+00:00"},
    {"9999-12-31T23:59:59.999999", NULL, "9999-12-31T23:59:59.999999+00:00"},
    {"2024-02-29", NULL, "2024-02-29T00:00:00+00:00"},
    {"2026-07-01", "Europe/London", "2026-06-30T23:00:00+00:00"},
    {"2026-07-01T00:00:00Z", "Europe/London", "2026-07-01T00:00:00+00:00"},
    {"2026-03-29T01:30", "Europe/London", "2026-03-29T01:00:00+00:00"}, /* gap */
    {"2026-10-25T01:30", "Europe/London", "2026-10-25T00:30:00+00:00"}, /* overlap */
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(readable); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Zone) zone = zone_or_fail(readable[i].zone);
        int64_t us;
        if (!instant_parse(readable[i].text, zone, &us, &error))
            fail_msg("%s", error->message);
        g_autofree char *iso = instant_format(us, INSTANT_ISO);
        assert_string_equal(iso, readable[i].iso);
        assert_instant(iso, at(iso), us);
    }
}

static void test_parse_errors(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "yesterday",
        "2026",
        "2026-1-1",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-04-31",
        "0000-01-01",
        "10000-01-01",
        "2026-01-01x",
        "2026-01-01T",
        "2026-01-01T2",
        "2026-01-01T24:00",
        "2026-01-01T02:60",
        "2026-01-01T02:00:60",
        "2026-01-01T02:00:00.",
        "2026-01-01T02:00:00.1234567890",
        "2026-01-01T02:00:00,5",
        "2026-01-01T02:00Zulu",
        "2026-01-01T02:00+1",
        "2026-01-01T02:00+25:00",
        "2026-01-01T02:00+01:0",
        "2026-01-01T02:00 ",
        "2026-01-01  02:00",
        "0001-01-01T00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "-2026-01-01",
        "2026-01-\xff\xfe",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        int64_t us = 42;
        if (instant_parse(wrong[i], NULL, &us, &error))
            fail_msg("accepted '%s'", wrong[i]);
        assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_INVALID));
        assert_true(g_utf8_validate(error->message, -1, NULL));
        assert_int_equal(us, 42);
    }
    assert_false(instant_parse(NULL, NULL, &(int64_t){0}, NULL));
}

static void test_span(void **state)
{
    (void)state;
    static const struct {
        const char *text, *first, *end;
    } rows[] = {
        {"2026-01-31", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"},
        {"2026-03-29", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z"}, /* 23 hours in London */
        {"2026-10-25", "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z"}, /* 25 */
        {"2026-07-01T02:00", "2026-07-01T01:00:00Z", "2026-07-01T01:01:00Z"},
        {"2026-07-01T02:00Z", "2026-07-01T02:00:00Z", "2026-07-01T02:01:00Z"},
        {"2026-07-01 02:00:07Z", "2026-07-01T02:00:07Z", "2026-07-01T02:00:08Z"},
        {"2026-07-01 02:00:07.5Z", "2026-07-01T02:00:07.5Z", "2026-07-01T02:00:07.500001Z"},
        {"9999-12-31", "9999-12-31", "9999-12-31T23:59:59.999999Z"},
    };
    g_autoptr(Zone) london = zone_or_fail("Europe/London");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t first_us, last_us;
        assert_true(instant_parse_span(rows[i].text, london, &first_us, &last_us, NULL));
        assert_int_equal(first_us, at(rows[i].first));
        bool is_last_day = i == G_N_ELEMENTS(rows) - 1;
        assert_int_equal(last_us, is_last_day ? INSTANT_MAX_US : at(rows[i].end) - 1);
    }
}

static void test_formats(void **state)
{
    (void)state;
    static const struct {
        InstantFormat format;
        const char *whole, *fraction;
    } rows[] = {
        {INSTANT_ISO, "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.000006+00:00"},
        {INSTANT_SECONDS_Z, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
        {INSTANT_JSON, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000006Z"},
        {INSTANT_STR, "2026-01-02 03:04:05+00:00", "2026-01-02 03:04:05.000006+00:00"},
        {INSTANT_DS, "2026-01-02", "2026-01-02"},
        {INSTANT_DS_NODASH, "20260102", "20260102"},
        {INSTANT_TS_NODASH, "20260102T030405", "20260102T030405"},
        {INSTANT_TS_NODASH_WITH_TZ, "20260102T030405+0000", "20260102T030405.000006+0000"},
    };
    int64_t us = at("2026-01-02T03:04:05Z");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *whole = instant_format(us, rows[i].format);
        g_autofree char *fraction = instant_format(us + 6, rows[i].format);
        assert_string_equal(whole, rows[i].whole);
        assert_string_equal(fraction, rows[i].fraction);
    }
    assert_null(instant_format(TIME_NONE, INSTANT_ISO));
    assert_null(instant_format(INSTANT_MAX_US + 1, INSTANT_ISO));
    assert_null(instant_format(INT64_MAX, INSTANT_DS));
}

static void test_format_in_zone(void **state)
{
    (void)state;
    g_autoptr(Zone) london = zone_or_fail("Europe/London"), new_york = zone_or_fail("America/New_York");
    g_autofree char *summer = instant_format_in_zone(at("2026-07-01"), london);
    g_autofree char *west = instant_format_in_zone(at("2026-01-01T00:00:00.5Z"), new_york);
    g_autofree char *old = instant_format_in_zone(at("1800-01-01"), new_york);
    assert_string_equal(summer, "2026-07-01T01:00:00+01:00");
    assert_string_equal(west, "2025-12-31T19:00:00.500000-05:00");
    assert_string_equal(old, "1799-12-31T19:03:58-04:56:02");
    assert_null(instant_format_in_zone(TIME_NONE, london));
    assert_null(instant_format_in_zone(INSTANT_MIN_US, new_york));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_civil_round_trip),
        cmocka_unit_test(test_leap_years),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_format_in_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
