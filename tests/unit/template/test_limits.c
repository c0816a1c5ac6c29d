/* SPDX-License-Identifier: MIT */
/* Hostile and huge templates end with an error, soon. */
#include "tests/unit/template/fixture.h"

#include <string.h>

static char *repeat(const char *text, size_t times)
{
    GString *repeated = g_string_new(NULL);
    for (size_t i = 0; i < times; i++)
        g_string_append(repeated, text);
    return g_string_free(repeated, FALSE);
}

static char *nested(const char *open, const char *inner, const char *close, size_t depth)
{
    g_autofree char *left = repeat(open, depth), *right = repeat(close, depth);
    return g_strconcat("{{ ", left, inner, right, " }}", NULL);
}

static void assert_result(const char *text, const char *expected)
{
    g_autofree char *output = render_text(text, fixture_context());
    if (strncmp(output, expected, strlen(expected)) != 0)
        fail_msg("%.100s\n     gives: %.200s\n  expected: %s", text, output, expected);
}

static void test_nesting(void **state)
{
    (void)state;
    g_autofree char *deep = nested("(", "'x'", ")", TEMPLATE_NESTING_MAX);
    assert_result(deep, "x");
    g_autofree char *deeper = nested("(", "'x'", ")", TEMPLATE_NESTING_MAX + 1);
    assert_result(deeper, "SYNTAX 1:36: brackets nest deeper than 32 levels here");
    g_autofree char *lists = nested("[", "'x'", "]", 100000);
    assert_result(lists, "SYNTAX 1:36: brackets nest deeper");
    g_autofree char *indexes = nested("params[", "'x'", "]", 100000);
    assert_result(indexes, "SYNTAX 1:234: brackets nest deeper");
    g_autofree char *calls = nested("ds.replace(", "'x'", ",'y')", 100000);
    assert_result(calls, "SYNTAX 1:366: brackets nest deeper");
}

static void test_long_chains(void **state)
{
    (void)state;
    g_autofree char *filters = repeat(" | upper", 30000);
    g_autofree char *filtered = g_strconcat("{{ 'x'", filters, " }}", NULL);
    assert_result(filtered, "X");
    g_autofree char *names = repeat(".a", 100000);
    g_autofree char *chain = g_strconcat("{{ params", names, " }}", NULL);
    assert_result(chain, "ERROR 1:13: 'params.a' is not defined");
    g_autofree char *operands = repeat(" ~ 'a'", 30000);
    g_autofree char *joined = g_strconcat("{{ 'x'", operands, " }}", NULL);
    assert_result(joined, "xaaa");
    g_autofree char *arguments = repeat("1,", 100000);
    g_autofree char *call = g_strconcat("{{ ds | replace(", arguments, ") }}", NULL);
    assert_result(call, "ERROR 1:9: replace takes at most 2 arguments");
    g_autofree char *openers = repeat("{#", 100000);
    assert_result(openers, "SYNTAX 1:1: '{#' begins a comment");
}

/** An expression of 4^`steps` characters 'a'. */
static char *growing(size_t steps)
{
    g_autofree char *filters = repeat(" | replace('a', 'aaaa')", steps);
    return g_strconcat("'a'", filters, NULL);
}

static void test_output_limit(void **state)
{
    (void)state;
    g_autofree char *million = growing(10), *expression = g_strconcat("{{ ", million, " }}", NULL);
    g_autofree char *output = render_text(expression, fixture_context());
    assert_int_equal(strlen(output), TEMPLATE_OUTPUT_MAX);
    g_autofree char *one_more = g_strconcat(expression, "!", NULL);
    assert_result(one_more, "ERROR 1:1: the rendered text is longer than 1048576 bytes");
    g_autofree char *grown = growing(11), *too_long = g_strconcat("{{ ", grown, " }}", NULL);
    assert_result(too_long, "ERROR 1:240: replace: makes a value longer than 1048576 bytes");
    g_autofree char *joined = g_strconcat("{{ ", million, " ~ 'b' }}", NULL);
    assert_result(joined, "ERROR 1:240: ~ makes a value longer than 1048576 bytes");
    g_autofree char *quoted = g_strconcat("{{ ", million, " | quote }}", NULL);
    assert_result(quoted, "ERROR 1:240: quote: makes a value longer than 1048576 bytes");
    g_autofree char *as_json = g_strconcat("{{ ", million, " | tojson }}", NULL);
    assert_result(as_json, "ERROR 1:240: tojson: makes a value that is too long or nests too deep");
    g_autofree char *list = g_strconcat("{{ [", million, ", 'b'] | join }}", NULL);
    assert_result(list, "ERROR 1:247: join: makes a value longer than 1048576 bytes");
    g_autofree char *split = g_strconcat("{{ (", million, ").split('a') }}", NULL);
    assert_result(split, "ERROR 1:240: split: makes more than 65536 parts");
    g_autofree char *trim = g_strconcat("{{ 'a'.strip(", million, ") }}", NULL);
    assert_result(trim, "ERROR 1:8: strip: chars must be at most 64 bytes");
    g_autofree char *formatted = g_strconcat("{{ logical_date.strftime(", million, ") }}", NULL);
    assert_result(formatted, "ERROR 1:17: strftime: the formatted date is too long");
}

static void test_work_limit(void **state)
{
    (void)state;
    g_autofree char *million = growing(10), *lengths = repeat(" | upper | lower", 1000);
    g_autofree char *busy = g_strconcat("{{ ", million, lengths, " | length }}", NULL);
    g_autofree char *output = render_text(busy, fixture_context());
    assert_non_null(strstr(output, "this template is too much work: over 67108864 bytes handled"));
}

static void test_deep_data(void **state)
{
    (void)state;
    g_autofree char *left = repeat("[", 600), *right = repeat("]", 600),
                    *text = g_strconcat(left, right, NULL);
    TemplateContext context;
    template_context_init(&context);
    context.params = json_object();
    json_object_set_new(context.params, "deep", json_loads(text, 0, NULL));
    g_autofree char *output = render_text("{{ params.deep | tojson }}", &context);
    assert_string_equal(output, "ERROR 1:18: tojson: makes a value that is too long or nests too deep");
    g_autofree char *one = render_text("{{ params.deep[0] | length }}", &context);
    assert_string_equal(one, "1");
    json_decref(context.params);
}

int run_limit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),      cmocka_unit_test(test_long_chains),
        cmocka_unit_test(test_output_limit), cmocka_unit_test(test_work_limit),
        cmocka_unit_test(test_deep_data),
    };
    return cmocka_run_group_tests_name("template limits", tests, NULL, NULL);
}
