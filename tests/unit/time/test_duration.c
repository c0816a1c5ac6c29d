/* SPDX-License-Identifier: MIT */
#include "scheduler/time/duration.h"
#include "tests/unit/time/time_test.h"

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"90", 90 * USEC_PER_SEC},
        {"0", 0},
        {"0s", 0},
        {"1.5", 1500 * USEC_PER_MSEC},
        {"30s", 30 * USEC_PER_SEC},
        {"5m", 5 * USEC_PER_MIN},
        {"2h", 2 * USEC_PER_HOUR},
        {"1d", USEC_PER_DAY},
        {"2w", 14 * USEC_PER_DAY},
        {"250ms", 250 * USEC_PER_MSEC},
        {"0.5s", 500 * USEC_PER_MSEC},
        {"0.000001s", 1},
        {"1h30m", 90 * USEC_PER_MIN},
        {"1h 30m", 90 * USEC_PER_MIN},
        {"1d2h3m4.5s", USEC_PER_DAY + 2 * USEC_PER_HOUR + 3 * USEC_PER_MIN + 4500 * USEC_PER_MSEC},
        {"PT5M", 5 * USEC_PER_MIN},
        {"P1DT2H", 26 * USEC_PER_HOUR},
        {"P2W", 14 * USEC_PER_DAY},
        {"PT0.5S", 500 * USEC_PER_MSEC},
        {"PT36H", 36 * USEC_PER_HOUR},
        {"106751991d", 106751991 * USEC_PER_DAY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int64_t us = -1;
        if (!duration_parse(rows[i].text, &us, &error))
            fail_msg("%s", error->message);
        if (us != rows[i].us)
            fail_msg("'%s': got %" G_GINT64_FORMAT ", want %" G_GINT64_FORMAT, rows[i].text, us, rows[i].us);
    }
}

static void test_parse_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "empty"},
        {"-5s", "sign"},
        {"+5s", "sign"},
        {"-P1D", "sign"},
        {"P-1D", "sign"},
        {"s", "number is missing"},
        {"5x", "unit is not known"},
        {"5M", "unit is not known"},
        {"5 m", "unit is missing"},
        {"1h30", "unit is missing"},
        {"30m1h", "large to small"},
        {"1h1h", "large to small"},
        {"1.h", "after the point"},
        {".5s", "number is missing"},
        {"0.1234567s", "6 decimals"},
        {"5m ", "number is missing"},
        {"01:30", "unit is missing"},
        {"99999999999999999999", "too long"},
        {"9223372036854775807", "too long"},
        {"106751992d", "too long"},
        {"106751991d24h", "too long"},
        {"P", "number is missing"},
        {"PT", "number is missing"},
        {"P1M", "no fixed length"},
        {"P1Y", "no fixed length"},
        {"P1D2H", "not known"},
        {"PT1D", "not known"},
        {"PT1HT1M", "two T"},
        {"PT1M1H", "large to small"},
        {"\xff", "number is missing"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int64_t us = 42;
        if (duration_parse(rows[i].text, &us, &error))
            fail_msg("accepted '%s'", rows[i].text);
        assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_INVALID));
        if (strstr(error->message, rows[i].reason) == NULL)
            fail_msg("'%s': '%s' does not say '%s'", rows[i].text, error->message, rows[i].reason);
        assert_int_equal(us, 42);
    }
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {0, "0ms"},
        {53 * USEC_PER_MSEC, "53ms"},
        {1250 * USEC_PER_MSEC, "1.2s"},
        {59999 * USEC_PER_MSEC, "59.9s"},
        {303 * USEC_PER_SEC, "5m 03s"},
        {62 * USEC_PER_MIN, "1h 02m"},
        {76 * USEC_PER_HOUR, "3d 04h"},
        {-62 * USEC_PER_MIN, "-1h 02m"},
        {INT64_MAX, "106751991d 04h"},
        {INT64_MIN, "-106751991d 04h"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = duration_format(rows[i].us);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
