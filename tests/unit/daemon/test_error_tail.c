/* SPDX-License-Identifier: MIT */
/* The end of a log, as a hook gets it: whatever the task has written, it is text that a shell can hold. */
#include "scheduler/daemon/error_tail.h"
#include "tests/unit/daemon/cmocka_all.h"

#include <glib/gstdio.h>

#include <string.h>

#define HEADER "[2026-01-31T02:00:00.000Z] weir: d.a try 1: ./load.sh\n"

static void assert_tail(const char *text, const char *expected)
{
    g_autofree char *tail = error_tail_of(text, strlen(text), true);
    assert_string_equal(tail, expected);
}

static void test_what_the_task_wrote(void **state)
{
    (void)state;
    assert_tail("", "");
    assert_tail("no newline", "no newline");
    assert_tail(HEADER "one\n\ntwo\n[weir] Task exited with return code 3\n", "one\n\ntwo");
    assert_tail(HEADER "one\n \n\n[weir] Task exited with return code 3\n", "one");
    assert_tail("[weird] line\n", "[weird] line");
}

/** It never ran, or nobody knows: what weir says of it is all there is. */
static void test_without_output(void **state)
{
    (void)state;
    assert_tail(HEADER "[weir] ./load.sh: No such file or directory\n",
                "[weir] ./load.sh: No such file or directory");
    assert_tail("[2026-01-31T02:00:00.000Z] weir: error: command: 1:4: unknown\n",
                "[2026-01-31T02:00:00.000Z] weir: error: command: 1:4: unknown");
}

static void test_control_characters(void **state)
{
    (void)state;
    assert_tail("\x1b[31;1mred\x1b[0m\x1b[2K \x1b]0;title\x07 a\tb\x01\x7f\xc2\x85"
                "c\n",
                "red ]0;title a\tbc");
    assert_tail("10%\r50%\r100%\r\ndone\r\n", "100%\ndone");
    assert_tail("bad \xff\xfe utf \xe2\x82\n", "bad \xef\xbf\xbd\xef\xbf\xbd utf \xef\xbf\xbd\xef\xbf\xbd");
    g_autofree char *tail = error_tail_of("a\0b\n", 4, true);
    assert_string_equal(tail, "ab");
}

static void test_bounds(void **state)
{
    (void)state;
    g_autoptr(GString) lines = g_string_new(NULL);
    for (int i = 1; i <= 30; i++)
        g_string_append_printf(lines, "line %d\n", i);
    g_autofree char *tail = error_tail_of(lines->str, lines->len, true);
    assert_true(g_str_has_prefix(tail, "line 11\n") && g_str_has_suffix(tail, "\nline 30"));

    g_autoptr(GString) wide = g_string_new("first\n");
    for (int i = 0; i < 3000; i++)
        g_string_append(wide, "\xe2\x82\xac"); /* three bytes each */
    g_string_append(wide, "\nlast\n");
    g_autofree char *cut = error_tail_of(wide->str, wide->len, true);
    assert_true(strlen(cut) <= ERROR_TAIL_BYTES && strlen(cut) > ERROR_TAIL_BYTES - 4);
    assert_true(g_utf8_validate(cut, -1, NULL) && g_str_has_suffix(cut, "\xe2\x82\xac\nlast"));

    /* The middle of a long log begins in the middle of a line: that one is left out, unless it is all. */
    g_autofree char *later = error_tail_of("lf a line\nwhole\n", 16, false);
    assert_string_equal(later, "whole");
    g_autofree char *one = error_tail_of("lf a line\n", 10, false);
    assert_string_equal(one, "lf a line");
}

/** Any bytes give text that fits. */
static void test_any_bytes(void **state)
{
    (void)state;
    g_autoptr(GRand) rng = g_rand_new_with_seed(7);
    for (int round = 0; round < 3000; round++) {
        char bytes[9000];
        size_t n = (size_t)g_rand_int_range(rng, 0, (gint32)sizeof bytes);
        int kind = g_rand_int_range(rng, 0, 3);
        for (size_t i = 0; i < n; i++)
            bytes[i] = kind == 0   ? (char)g_rand_int_range(rng, 0, 256)
                       : kind == 1 ? "\x1b[0m\r\n\t\xe2\x82\xac x"[g_rand_int_range(rng, 0, 12)]
                                   : '\xf0';
        g_autofree char *tail = error_tail_of(bytes, n, round % 2 == 0);
        assert_true(strlen(tail) <= ERROR_TAIL_BYTES);
        assert_true(g_utf8_validate(tail, -1, NULL));
        guint n_newlines = 0;
        for (const char *p = tail; *p != '\0'; p = g_utf8_next_char(p)) {
            assert_true(!g_unichar_iscntrl(g_utf8_get_char(p)) || *p == '\n' || *p == '\t');
            n_newlines += *p == '\n';
        }
        assert_true(n_newlines < ERROR_TAIL_LINES);
    }
}

static void test_files(void **state)
{
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("weir-tail-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "attempt=1.log", NULL);
    g_autofree char *missing = error_tail_read(path);
    assert_string_equal(missing, "");
    g_autofree char *of_folder = error_tail_read(folder);
    assert_string_equal(of_folder, "");
    g_autoptr(GString) text = g_string_new(HEADER);
    while (text->len < 200000)
        g_string_append(text, "much\n");
    g_string_append(text, "the end\n");
    assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    g_autofree char *tail = error_tail_read(path);
    assert_true(g_str_has_prefix(tail, "much\n") && g_str_has_suffix(tail, "\nthe end"));
    g_unlink(path);
    g_rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_task_wrote), cmocka_unit_test(test_without_output),
        cmocka_unit_test(test_control_characters),  cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_any_bytes),           cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("daemon/error_tail", tests, NULL, NULL);
}
