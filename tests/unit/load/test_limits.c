/* SPDX-License-Identifier: MIT */
/** Files made to hurt: each must end at once with a message. */
#include "tests/unit/load/load_test.h"

/** Sanitizers and a busy machine make things slow, quadratic time makes them slower. */
#define AT_ONCE_US (5 * G_TIME_SPAN_SECOND)

static GString *repeated(const char *piece, size_t times)
{
    GString *text = g_string_sized_new(strlen(piece) * times);
    for (size_t i = 0; i < times; i++)
        g_string_append(text, piece);
    return text;
}

/** Frees the text; the first message without the file's name. */
static char *first_message(GString *text)
{
    gint64 before = g_get_monotonic_time();
    const LoadOrigin origin = {.path = "t.yaml", .folder = "/"};
    g_autoptr(LoadResult) result = load_dag_text(text->str, text->len, &origin);
    assert_true(g_get_monotonic_time() - before < AT_ONCE_US);
    g_string_free(text, TRUE);
    assert_null(result->dag);
    assert_true(result->errors->items->len > 0 && result->errors->items->len <= LOAD_MAX_ERRORS + 1);
    g_autofree char *line = load_error_format(g_ptr_array_index(result->errors->items, 0), "error");
    return g_strdup(line + strlen("t.yaml:"));
}

static void assert_fails(GString *text, const char *expected)
{
    g_autofree char *message = first_message(text);
    assert_string_equal(message, expected);
}

static void nesting_stops_at_once(void **state)
{
    (void)state;
    assert_fails(repeated("[", 1000000), "1:65: error: nested more than 64 levels deep");
    assert_fails(repeated("{a: ", 250000), "1:257: error: nested more than 64 levels deep");
    assert_fails(repeated("- ", 500000), "1:129: error: nested more than 64 levels deep");
    assert_fails(repeated("? ", 500000), "1:129: error: nested more than 64 levels deep");
    assert_fails(repeated("[{", 500000), "1:65: error: nested more than 64 levels deep");
}

static void aliases_are_charged(void **state)
{
    (void)state;
    GString *text = g_string_new("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (char name = 'b'; name < 'l'; name++)
        g_string_append_printf(text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", name, name, name - 1,
                               name - 1, name - 1, name - 1, name - 1, name - 1, name - 1, name - 1,
                               name - 1);
    g_autofree char *message = first_message(text);
    assert_non_null(strstr(message, "the file holds more than 2000000 values"));
}

static void merged_mappings_are_charged(void **state)
{
    (void)state;
    GString *text = g_string_new("a: &a {k: x, l: x}\n");
    for (char name = 'b'; name < 'x'; name++)
        g_string_append_printf(text, "%c: &%c {<<: *%c, m%c: *%c, n%c: *%c}\n", name, name, name - 1, name,
                               name - 1, name, name - 1);
    g_autofree char *message = first_message(text);
    assert_non_null(strstr(message, "the file holds more than 2000000 values"));
}

static void aliases_cannot_nest_too_deep(void **state)
{
    (void)state;
    GString *text = g_string_new("a: &a0 [x]\n");
    for (int i = 0; i < 70; i++)
        g_string_append_printf(text, "k%d: &a%d [*a%d]\n", i, i + 1, i);
    g_autofree char *message = first_message(text);
    assert_non_null(strstr(message, "nested more than 64 levels deep, through an alias"));
}

static void texts_have_a_limit(void **state)
{
    (void)state;
    GString *text = g_string_new("tasks: {a: {command: \"");
    for (int i = 0; i < 300 * 1024; i++)
        g_string_append_c(text, 'x');
    g_string_append(text, "\"}}\n");
    assert_fails(text, "1:22: error: this text is longer than 256 KiB");
}

static void files_have_a_limit(void **state)
{
    (void)state;
    GString *text = repeated("# 0123456789abcdef\n", LOAD_MAX_FILE_BYTES / 19 + 1);
    assert_fails(text, " error: the file is larger than 16 MiB");
}

static void tasks_have_a_limit(void **state)
{
    (void)state;
    GString *text = g_string_new("tasks:\n");
    for (int i = 0; i <= DAG_MAX_TASKS; i++)
        g_string_append_printf(text, "  t%d:\n", i);
    assert_fails(text, "2:3: error: 100001 tasks are too many; a DAG may have 100000");
}

static void directives_and_anchors_have_a_limit(void **state)
{
    (void)state;
    GString *tags = g_string_new(NULL), *anchors = g_string_new("a: [");
    for (int i = 0; i < 50000; i++) {
        g_string_append_printf(tags, "%%TAG !a%d! x\n", i);
        g_string_append_printf(anchors, "&x%d b, ", i);
    }
    g_string_append(anchors, "]\n");
    assert_fails(tags, "17:1: error: too many %TAG directives; tags are not supported");
    g_autofree char *message = first_message(anchors);
    assert_non_null(strstr(message, "too many anchors"));
}

static void many_errors_are_cut(void **state)
{
    (void)state;
    GString *text = g_string_new("tasks:\n");
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(text, "  t%d: {depends_on: x%d, comand: ls}\n", i, i);
    g_autoptr(LoadResult) result = load_text(text->str);
    g_string_free(text, TRUE);
    assert_int_equal(result->errors->items->len, LOAD_MAX_ERRORS + 1);
    g_autofree char *last =
        load_error_format(g_ptr_array_index(result->errors->items, LOAD_MAX_ERRORS), "error");
    assert_string_equal(last, "t.yaml: error: 39000 more errors are not shown");
}

static void an_error_in_a_merged_value_counts_once(void **state)
{
    (void)state;
    GString *text = g_string_new("tasks:\n  b: &b {retries: nope}\n");
    for (int i = 0; i < 1000; i++)
        g_string_append_printf(text, "  t%d: {<<: *b}\n", i);
    g_autoptr(LoadResult) result = load_text(text->str);
    g_string_free(text, TRUE);
    assert_int_equal(result->errors->items->len, 1);
}

static void hundred_thousand_tasks_load(void **state)
{
    (void)state;
    GString *text = g_string_new("tasks:\n  t0: {command: [/bin/true]}\n");
    for (int i = 1; i < DAG_MAX_TASKS; i++)
        g_string_append_printf(text, "  t%d: {command: [/bin/true], depends_on: [t%d]}\n", i, i - 1);
    g_autoptr(LoadResult) result = load_text(text->str);
    g_string_free(text, TRUE);
    assert_non_null(result->dag);
    assert_int_equal(result->dag->n_tasks, DAG_MAX_TASKS);
    assert_int_equal(dag_upstream(result->dag, 99999).items[0], 99998);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_stops_at_once),
        cmocka_unit_test(aliases_are_charged),
        cmocka_unit_test(merged_mappings_are_charged),
        cmocka_unit_test(aliases_cannot_nest_too_deep),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(files_have_a_limit),
        cmocka_unit_test(tasks_have_a_limit),
        cmocka_unit_test(directives_and_anchors_have_a_limit),
        cmocka_unit_test(many_errors_are_cut),
        cmocka_unit_test(an_error_in_a_merged_value_counts_once),
        cmocka_unit_test(hundred_thousand_tasks_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
