/* SPDX-License-Identifier: MIT */
#include "scheduler/model/byte_size.h"

#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"0", 0},
        {"4096", 4096},
        {"812B", 812},
        {"100M", INT64_C(104857600)},
        {"100m", INT64_C(104857600)},
        {"64KiB", 65536},
        {"64 kb", 65536},
        {"1.5G", INT64_C(1610612736)},
        {"2TB", INT64_C(2199023255552)},
        {"1P", INT64_C(1125899906842624)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t got = -1;
        assert_true(byte_size_parse(rows[i].text, &got, NULL));
        assert_int_equal(got, rows[i].want);
    }
    static const char *const bad[] = {"",   "M",    "-1",  "+1",  " 1",   "1 0",    "1e3", "0x10", "inf",
                                      "1X", "1MiX", "1M2", "1..", "10EB", "99999P", "nan", "1M "};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        int64_t got = -1;
        g_autoptr(GError) error = NULL;
        if (byte_size_parse(bad[i], &got, &error))
            fail_msg("\"%s\" was read as a size", bad[i]);
        assert_int_equal(got, -1);
        assert_non_null(strstr(error->message, "is not a size"));
    }
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *want;
    } rows[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1K"},
        {INT64_C(104857600), "100M"},
        {INT64_C(104857599), "99.9M"},
        {INT64_C(1610612736), "1.50G"},
        {INT64_C(1073741823), "1023M"},
        {INT64_MAX, "8191P"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *got = byte_size_format(rows[i].bytes);
        assert_string_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_format)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
