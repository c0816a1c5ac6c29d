/* SPDX-License-Identifier: MIT */
/* Syntax: what is text, what is an expression, and where an error is said to be. */
#include "tests/unit/template/fixture.h"

static const Case TEXTS[] = {
    {"", ""},
    {"plain", "plain"},
    {"a } b }} c { d", "a } b }} c { d"},
    {"{{ '{{' }} and {{ \"}}\" }}", "{{ and }}"},
    {"{{ '{%' }}{{ '{#' }}", "{%{#"},
    {"{{'x'}}", "x"},
    {"{{\n  'x'\n}}\n", "x\n"},
    {"a{# gone #}b", "ab"},
    {"a {#- gone -#} b", "ab"},
    {"a {#-#} b", "ab"},
    {"echo ${#files[@]} {{ 'x' }}", "echo ${#files[@]} x"},
    {"a  {{- 'x' -}}  b", "axb"},
    {"a\n{{- 'x' }} b", "ax b"},
    {"{{ 'a' -}} {{ 'b' }}", "ab"},
    {"${{ 'x' }}", "$x"},
    {"{{ 'it\\'s' }} {{ \"say \\\"hi\\\"\" }}", "it's say \"hi\""},
    {"{{ 'a\\n\\t\\\\b' }}", "a\n\t\\b"},
    {"{{ '\\x41\\u00e9\\U0001f600' }}", "Aé😀"},
    {"{{ '\\d+' }}", "\\d+"},
    {"{{ 'Grüße' }}", "Grüße"},
    {"{{ 1 }} {{ -1 }} {{ 1.50 }} {{ 1e3 }} {{ 9223372036854775807 }}",
     "1 -1 1.5 1000.0 9223372036854775807"},
    {"{{ true }} {{ False }} {{ none }} {{ None }}", "True False None None"},
    {"{{ 'a' ~ 1 ~ none ~ true }}", "a1NoneTrue"},
    {"{{ ('a' ~ 'b') | upper }} {{ 'a' ~ 'b' | upper }}", "AB aB"},
    {"{{ ['a', 'b',] }} {{ [] }} {{ ['a','b'][-1] }}", "[\"a\", \"b\"] [] b"},
    {"{{ ((('x'))) }}", "x"},
    {"{{ ('a,b' | trim).split(',')[1] }}", "b"},
};

static void test_texts(void **state)
{
    (void)state;
    assert_renders(TEXTS, G_N_ELEMENTS(TEXTS), fixture_context());
}

static const Case SYNTAX_ERRORS[] = {
    {"{{ ds", "1:1: this '{{' is never closed with '}}'"},
    {"ab\n c {{ ds\n", "2:4: this '{{' is never closed with '}}'"},
    {"grün {{", "1:6: this '{{' is never closed with '}}'"},
    {"{{ }}", "1:4: unexpected '}}'; expected a value"},
    {"a\n{% if x %}",
     "2:1: weir templates have no statements ({% ... %}), only {{ ... }}; a literal one is {{ '{%' }}"},
    {"x {# y", "1:3: '{#' begins a comment that '#}' never ends; a literal one is {{ '{#' }}"},
    {"{{ 'abc }}", "1:4: this string has no closing '"},
    {"{{ 'a\\u00zz' }}", "1:6: this escape is not a character; \\\\ is a backslash, \\x41 and \\u0041 are A"},
    {"{{ 'a\\ud800' }}", "1:6: this escape is not a character; \\\\ is a backslash, \\x41 and \\u0041 are A"},
    {"{{ 'a\\x00' }}", "1:6: this escape is not a character; \\\\ is a backslash, \\x41 and \\u0041 are A"},
    {"{{ 12ab }}", "1:4: this is not a number (write text in quotes)"},
    {"{{ 99999999999999999999 }}", "1:4: this number is too large"},
    {"{{ 1e999 }}", "1:4: this number is too large"},
    {"{{ ü }}", "1:4: this character has no meaning here (write text in quotes: {{ 'text' }})"},
    {"{{ params. }}", "1:12: unexpected '}}'; expected a name behind '.' (other keys are ['key'])"},
    {"{{ params.0 }}", "1:11: unexpected number; expected a name behind '.' (an item of a list is [0])"},
    {"{{ params['x' }}", "1:15: unexpected '}}'; expected ']'"},
    {"{{ ('x' }}", "1:9: unexpected '}}'; expected ')'"},
    {"{{ ['x' 'y'] }}", "1:9: unexpected string; expected ',' or ']'"},
    {"{{ ds.replace('a' 'b') }}", "1:19: unexpected string; expected ',' or ')'"},
    {"{{ ds | }}", "1:9: unexpected '}}'; expected the name of a filter"},
    {"{{ ds ts }}", "1:7: unexpected 'ts'; expected '|', '.', '~' or '}}'"},
    {"{{ 'a' ~ }}", "1:10: unexpected '}}'; expected a value"},
    {"{{ - 'x' }}", "1:6: unexpected string; expected a number behind '-'"},
    {"{{ ds_add(ds, 1) }}", "1:4: 'ds_add' cannot be called: calls are methods (ds.upper()), macros "
                            "(macros.ds_add(ds, 1)) or filters (ds | upper)"},
    {"{{ params['f'](1) }}",
     "1:15: this cannot be called: calls are methods (a.upper()) or filters (a | upper)"},
    {"{{ x | first.y }}", "1:13: put what is filtered in parentheses to go on from it: (a | first).b"},
    {"{{ logical_date + macros.timedelta(days=1) }}",
     "1:17: unexpected '+': templates do not calculate: join texts with ~, move dates with macros.ds_add(ds, "
     "5) "
     "or .add(days=5)"},
    {"{{ 5 - 3 }}",
     "1:6: unexpected '-': templates do not calculate: move dates with macros.ds_add(ds, -5) or "
     ".subtract(days=5)"},
    {"{{ 5 * 3 }}", "1:6: unexpected '*': templates do not calculate"},
    {"{{ '%s' % ds }}", "1:9: unexpected '%': templates do not calculate: format dates with .strftime('%Y')"},
    {"{{ 'a' if x else 'b' }}", "1:8: unexpected 'if': templates have no conditions: the filter "
                                "default('other', true) stands in for what is "
                                "empty"},
    {"{{ params.x or 'b' }}",
     "1:13: unexpected 'or': templates have no 'or': use the filter default('other', true)"},
    {"{{ not x }}", "1:4: unexpected 'not': templates have no conditions"},
    {"{{ x is defined }}", "1:6: unexpected 'is': templates have no tests: the filter default('other') "
                           "stands in for what is not defined"},
    {"{{ a == b }}", "1:6: unexpected '=': templates do not compare or assign"},
    {"{{ a != b }}", "1:6: unexpected '!': templates do not compare"},
    {"{{ a < b }}", "1:6: unexpected '<': templates do not compare"},
    {"{{ ds[0:4] }}", "1:8: unexpected ':': templates have no slices or dictionaries: one item is [0]"},
    {"{{ {'a': 1} }}", "1:4: unexpected '{': templates have no dictionaries; a literal '{{' is {{ '{{' }}"},
    {"{{ 'ok' }} \n {{ ) }}", "2:5: unexpected ')'; expected a value"},
    {"{{ 'grün' }} {{ , }}", "1:17: unexpected ','; expected a value"},
    {"\xff", "1:1: this text is not valid UTF-8"},
};

static void test_syntax_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(SYNTAX_ERRORS); i++) {
        g_autofree char *output = render_text(SYNTAX_ERRORS[i].text, fixture_context());
        g_autofree char *expected = g_strconcat("SYNTAX ", SYNTAX_ERRORS[i].expected, NULL);
        if (!g_str_equal(output, expected))
            fail_msg("%s\n     gives: %s\n  expected: %s", SYNTAX_ERRORS[i].text, output, expected);
    }
}

static void test_literal(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool literal;
    } cases[] = {{"", true}, {"a }} b", true}, {"a {# b #}", true}, {"a {{ 'b' }}", false}, {"${#a}", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(TemplateError) error = {0};
        g_autoptr(Template) template = template_parse(cases[i].text, &error);
        assert_non_null(template);
        assert_int_equal(template_is_literal(template), cases[i].literal);
    }
}

int run_parse_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_literal),
    };
    return cmocka_run_group_tests_name("template parse", tests, NULL, NULL);
}
