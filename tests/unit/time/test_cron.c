/* SPDX-License-Identifier: MIT */
/** What cron expressions mean and which are refused. Everything is UTC here; test_cron_zone.c has the clocks.
 */
#include "scheduler/time/cron.h"
#include "tests/unit/time/time_test.h"

static Cron *cron_or_fail(const char *expression)
{
    g_autoptr(GError) error = NULL;
    Cron *cron = cron_new(expression, &error);
    if (cron == NULL)
        fail_msg("%s", error->message);
    return cron;
}

/** `fires`: what comes after `from`, separated by blanks, as far as the row wants to tell. */
static const struct {
    const char *expression, *from, *fires;
} rows[] = {
    {"* * * * *", "2026-01-01", "2026-01-01T00:01 2026-01-01T00:02"},
    {"* * * * *", "2025-12-31T23:59:59.999999", "2026-01-01T00:00"},
    {"0 2 * * *", "2026-01-01T02:00", "2026-01-02T02:00 2026-01-03T02:00"},
    {"  0\t2  * * *  ", "2026-01-01", "2026-01-01T02:00"},
    {"*/15 9-17 * * MON-FRI", "2026-01-02T17:30", "2026-01-02T17:45 2026-01-05T09:00 2026-01-05T09:15"},
    {"5,35 1,3 * * *", "2026-01-01", "2026-01-01T01:05 2026-01-01T01:35 2026-01-01T03:05"},
    {"59 23 31 12 *", "2026-01-01", "2026-12-31T23:59 2027-12-31T23:59"},
    {"005 02 * * *", "2026-01-01", "2026-01-01T02:05"},
    /* a/n is a-max/n */
    {"5/15 * * * *", "2026-01-01", "2026-01-01T00:05 2026-01-01T00:20 2026-01-01T00:35 2026-01-01T00:50"},
    {"10-30/10 0 * * *", "2026-01-01", "2026-01-01T00:10 2026-01-01T00:20 2026-01-01T00:30 2026-01-02T00:10"},
    {"5-5/15 0 * * *", "2026-01-01", "2026-01-01T00:05 2026-01-02T00:05"},
    {"*/90 * * * *", "2026-01-01", "2026-01-01T01:00 2026-01-01T02:00"},
    {"0 0 * FEB/5 *", "2026-07-30", "2026-07-31 2026-12-01"},
    /* day of month and day of week: either, unless one begins with a star */
    {"0 0 1,15 * MON", "2026-06-01", "2026-06-08 2026-06-15 2026-06-22 2026-06-29 2026-07-01"},
    {"0 0 */2 * MON", "2026-06-01", "2026-06-15 2026-06-29 2026-07-13"},
    {"0 0 1-31 * MON", "2026-06-01", "2026-06-02 2026-06-03"},
    {"0 0 13 * */5", "2026-01-01", "2026-02-13 2026-03-13 2026-09-13 2026-11-13"},
    {"0 0 1 * *,5", "2026-01-02", "2026-02-01"},
    /* Sunday has two numbers */
    {"0 0 * * 7", "2026-06-01", "2026-06-07 2026-06-14"},
    {"0 0 * * 0", "2026-06-01", "2026-06-07 2026-06-14"},
    {"0 0 * * 5-7", "2026-06-01", "2026-06-05 2026-06-06 2026-06-07 2026-06-12"},
    {"0 0 * * 0-7", "2026-06-01", "2026-06-02 2026-06-03"},
    {"0 0 * * MON-7", "2026-06-06", "2026-06-07 2026-06-08"},
    {"0 0 * * 1/2", "2026-06-01", "2026-06-03 2026-06-05 2026-06-07 2026-06-08"},
    {"0 0 * * */2", "2026-06-01", "2026-06-02 2026-06-04 2026-06-06 2026-06-07"},
    {"0 0 * * */7", "2026-06-01", "2026-06-07 2026-06-14"},
    /* names */
    {"0 0 1 jan,Jul *", "2026-01-02", "2026-07-01 2027-01-01"},
    {"0 0 1 MAR-MAY/2 *", "2026-01-01", "2026-03-01 2026-05-01 2027-03-01"},
    {"0 0 * * sun-tUe", "2026-06-01", "2026-06-02 2026-06-07 2026-06-08"},
    /* L, LW, 5L, MON#1 */
    {"0 0 L * *", "2026-01-31", "2026-02-28 2026-03-31 2026-04-30"},
    {"0 0 L 2 *", "2026-03-01", "2027-02-28 2028-02-29"},
    {"0 0 1,L * *", "2026-01-01", "2026-01-31 2026-02-01 2026-02-28"},
    {"0 0 LW * *", "2026-01-01", "2026-01-30 2026-02-27 2026-03-31 2026-04-30 2026-05-29"},
    {"0 0 * * 5L", "2026-01-01", "2026-01-30 2026-02-27 2026-03-27 2026-04-24"},
    {"0 0 * * 7L", "2026-01-01", "2026-01-25 2026-02-22"},
    {"0 0 * * MON#1", "2026-01-01", "2026-01-05 2026-02-02 2026-03-02"},
    {"0 0 * * 0#5", "2026-01-01", "2026-03-29 2026-05-31"},
    {"0 0 * * 7#5,MON#1", "2026-03-01", "2026-03-02 2026-03-29 2026-04-06"},
    {"0 0 L * 5L", "2026-01-01", "2026-01-30 2026-01-31 2026-02-27 2026-02-28"},
    /* leap years; 2100 is none */
    {"0 0 29 2 *", "2026-01-01", "2028-02-29 2032-02-29"},
    {"0 0 29 2 *", "2096-03-01", "2104-02-29"},
    {"0 0 29 2 */7", "2026-01-01", "2032-02-29 2060-02-29"},
    {"0 0 30 2 MON", "2026-01-30", "2026-02-02 2026-02-09"},
    {"0 0 31 4,5 *", "2026-01-01", "2026-05-31"},
    /* presets */
    {"@hourly", "2026-01-01", "2026-01-01T01:00 2026-01-01T02:00"},
    {"@daily", "2026-01-01", "2026-01-02 2026-01-03"},
    {"@midnight", "2026-01-01", "2026-01-02"},
    {"@weekly", "2026-01-01", "2026-01-04 2026-01-11"},
    {"@monthly", "2026-01-01", "2026-02-01 2026-03-01"},
    {"@quarterly", "2026-01-01", "2026-04-01 2026-07-01 2026-10-01 2027-01-01"},
    {"@yearly", "2026-01-01", "2027-01-01"},
    {" @annually ", "2026-01-01", "2027-01-01"},
    /* the ends of the calendar */
    {"0 0 1 1 *", "9998-06-01", "9999-01-01"},
    {"* * * * *", "0001-01-01", "0001-01-01T00:01"},
};

static void test_fires(void **state)
{
    (void)state;
    g_autoptr(Zone) utc = zone_utc();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Cron) cron = cron_or_fail(rows[i].expression);
        g_auto(GStrv) fires = g_strsplit(rows[i].fires, " ", 0);
        int64_t now = at(rows[i].from);
        for (char **fire = fires; *fire != NULL; fire++) {
            int64_t next = cron_next(cron, utc, now);
            assert_instant(rows[i].expression, next, at(*fire));
            assert_instant("at or before a fire", cron_prev(cron, utc, next), next);
            assert_true(cron_prev(cron, utc, next - 1) <= now);
            now = next;
        }
    }
}

static const struct {
    const char *expression;
    int column;
    const char *says;
} wrong[] = {
    {"", 1, "0 of five fields; the minute field is missing"},
    {"0 2 * *", 8, "4 of five fields; the day of week field is missing"},
    {"0 0 2 * * *", 11, "more than five fields"},
    {"60 * * * *", 1, "60 is out of range; the minute field takes 0-59"},
    {"0 24 * * *", 3, "takes 0-23"},
    {"0 0 0 * *", 5, "takes 1-31"},
    {"0 0 32 * *", 5, "takes 1-31"},
    {"0 0 * 13 *", 7, "takes 1-12"},
    {"0 0 * * 8", 9, "takes 0-7"},
    {"99999999999999999999 * * * *", 1, "out of range"},
    {"0 22-2 * * *", 3, "runs backwards"},
    {"0 0 * * FRI-MON", 9, "runs backwards"},
    {"0 0 * * FRI-SUN", 9, "5-7"},
    {"0 0 * * 6-0", 9, "runs backwards"},
    {"0 0 * NOV-FEB *", 7, "runs backwards"},
    {"1,2,,3 * * * *", 5, "empty list item"},
    {",1 * * * *", 1, "empty list item"},
    {"1, * * * *", 3, "empty list item"},
    {"+5 * * * *", 1, "a sign is not allowed"},
    {"-5 * * * *", 1, "a sign is not allowed"},
    {"0 0 * * +1", 9, "a sign is not allowed"},
    {"? * * * *", 1, "'?' is not cron"},
    {"0 0 ? * MON", 5, "'?' is not cron"},
    {"*/0 * * * *", 3, "step of zero"},
    {"*/ * * * *", 3, "a value is missing"},
    {"*/-5 * * * *", 3, "a sign is not allowed"},
    {"1- * * * *", 3, "a value is missing"},
    {"*-5 * * * *", 2, "a sign is not allowed"},
    {"** * * * *", 2, "not expected"},
    {"1-5/2/3 * * * *", 6, "not expected"},
    {"1-2-3 * * * *", 4, "a sign is not allowed"},
    {"5.5 * * * *", 2, "not expected"},
    {"0x5 * * * *", 2, "not expected"},
    {"H * * * *", 1, "random or hashed"},
    {"0~30 * * * *", 2, "random or hashed"},
    {"L * * * *", 1, "day field"},
    {"0 0 15W * *", 7, "LW"},
    {"0 0 L-3 * *", 6, "a sign"},
    {"0 0 * * L", 9, "weekday before it"},
    {"0 0 * * MON#0", 13, "#1 to #5"},
    {"0 0 * * MON#6", 13, "#1 to #5"},
    {"0 0 * * MON#", 13, "a value is missing"},
    {"0 0 * * 5L/2", 11, "not expected"},
    {"0 0 * january *", 7, "three letters"},
    {"0 0 * MON *", 7, "not a name of the month field"},
    {"JAN * * * *", 1, "takes numbers only"},
    {"0 0 30 2 *", 5, "never comes"},
    {"0 0 31 2,4,6,9,11 *", 5, "never comes"},
    {"0 0 31 2 */2", 5, "never comes"},
    {"0 0 */31 * 1#5", 5, "never comes"},
    {"@reboot", 1, "@reboot is no time"},
    {"@once", 1, "schedule of a DAG"},
    {"@DAILY", 1, "did you mean @daily?"},
    {"@dayly", 1, "did you mean @daily?"},
    {"@whenever", 1, "no such preset"},
    {"0 2 * * *\n*", 10, "an unexpected character"},
    {"\xc3\xa4 * * * *", 1, "an unexpected character"},
    {"\xff * * * *", 1, "an unexpected character"},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Cron) cron = cron_new(wrong[i].expression, &error);
        if (cron != NULL)
            fail_msg("accepted '%s'", wrong[i].expression);
        assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_INVALID));
        assert_true(g_utf8_validate(error->message, -1, NULL));
        g_autofree char *column = g_strdup_printf(", column %d: ", wrong[i].column);
        if (strstr(error->message, column) == NULL || strstr(error->message, wrong[i].says) == NULL)
            fail_msg("'%s' does not say '%s...%s'", error->message, column, wrong[i].says);
    }
    g_autofree char *endless = g_strnfill(100000, '1');
    assert_null(cron_new(endless, NULL));
}

static void test_ends_of_calendar(void **state)
{
    (void)state;
    g_autoptr(Zone) utc = zone_utc(), east = zone_or_fail("Asia/Tokyo"), west = zone_or_fail("US/Hawaii");
    Zone *const zones[] = {utc, east, west};
    const char *const expressions[] = {"0 0 1 1 *", "* * * * *", "*/7 * 29 2 *"};
    for (size_t z = 0; z < G_N_ELEMENTS(zones); z++) {
        for (size_t i = 0; i < G_N_ELEMENTS(expressions); i++) {
            g_autoptr(Cron) cron = cron_or_fail(expressions[i]);
            assert_instant("next", cron_next(cron, zones[z], INSTANT_MAX_US), TIME_NONE);
            assert_instant("next", cron_next(cron, zones[z], INT64_MAX), TIME_NONE);
            assert_instant("prev", cron_prev(cron, zones[z], INSTANT_MIN_US - 1), TIME_NONE);
            assert_instant("prev", cron_prev(cron, zones[z], INT64_MIN), TIME_NONE);
            assert_true(cron_next(cron, zones[z], INT64_MIN) >= INSTANT_MIN_US);
            assert_true(cron_prev(cron, zones[z], INT64_MAX) <= INSTANT_MAX_US);
        }
    }
    g_autoptr(Cron) first = cron_or_fail("0 0 1 1 *");
    assert_instant("first", cron_next(first, utc, INT64_MIN), INSTANT_MIN_US);
    assert_instant("first", cron_prev(first, utc, INSTANT_MIN_US), INSTANT_MIN_US);
    assert_string_equal(cron_text(first), "0 0 1 1 *");
    cron_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_ends_of_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
