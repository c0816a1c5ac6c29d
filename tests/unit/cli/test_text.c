/* SPDX-License-Identifier: MIT */
#include "cli/text.h"
#include "tests/unit/cli/cli_test.h"

#include <locale.h>
#include <string.h>

static void assert_escaped(const char *text, gssize n, TextEscape mode, const char *expected)
{
    g_autofree char *escaped = text_escape(text, n, mode);
    assert_string_equal(escaped, expected);
    assert_true(g_utf8_validate(escaped, -1, NULL));
}

static void control_characters_are_shown(void **state)
{
    (void)state;
    assert_escaped("a\nb\tc\r", -1, TEXT_ESCAPE_ALL, "a\\nb\\tc\\r");
    assert_escaped("\033[2Jx\177", -1, TEXT_ESCAPE_ALL, "\\x1b[2Jx\\x7f");
    assert_escaped("a\0b", 3, TEXT_ESCAPE_ALL, "a\\x00b");
    assert_escaped("\xff\xc3", -1, TEXT_ESCAPE_ALL, "\\xff\\xc3");
    assert_escaped("\xc2\x9b", -1, TEXT_ESCAPE_ALL, "\\u009b");
    assert_escaped("a\xe2\x80\xae"
                   "b",
                   -1, TEXT_ESCAPE_ALL, "a\\u202eb");
    assert_escaped("grün 日本", -1, TEXT_ESCAPE_ALL, "grün 日本");
}

static void some_may_stay(void **state)
{
    (void)state;
    assert_escaped("a\r\nb\n", -1, TEXT_KEEP_NEWLINES, "a\nb\n");
    assert_escaped("\033[1;31mred\033[0m\033[2J", -1, TEXT_KEEP_COLOURS, "\033[1;31mred\033[0m\\x1b[2J");
    assert_escaped("\033[1;31mred\033[0m", -1, TEXT_DROP_COLOURS, "red");
    assert_escaped("\033[31", -1, TEXT_DROP_COLOURS, "\\x1b[31");
}

static void widths_are_those_of_cells(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("grün"), 4);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e\xcc\x81"), 1);
}

static void assert_cut(const char *text, guint width, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    guint used = text_append_cut(out, text, width);
    assert_string_equal(out->str, expected);
    assert_int_equal(used, text_width(expected));
}

static void long_text_is_cut(void **state)
{
    (void)state;
    assert_cut("abcdef", 6, "abcdef");
    assert_cut("abcdef", 5, "abcd…");
    assert_cut("abcdef", 1, "…");
    assert_cut("abcdef", 0, "");
    assert_cut("日本語", 5, "日本…");
    assert_cut("日本語", 4, "日…");
    assert_cut("", 4, "");
}

static void last_lines_are_found(void **state)
{
    (void)state;
    assert_string_equal(text_last_lines("a\nb\nc\n", 2), "b\nc\n");
    assert_string_equal(text_last_lines("a\nb\nc", 1), "c");
    assert_string_equal(text_last_lines("a\n", 5), "a\n");
    assert_string_equal(text_last_lines("", 5), "");
}

int main(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_shown), cmocka_unit_test(some_may_stay),
        cmocka_unit_test(widths_are_those_of_cells),    cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(last_lines_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
