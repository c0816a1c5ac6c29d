/* SPDX-License-Identifier: MIT */
#include "scheduler/model/param.h"

#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

/** JSON with single quotes for double ones, so that tables stay readable. */
static json_t *json_from(const char *text)
{
    if (text == NULL)
        return NULL;
    g_autofree char *copy = g_strdelimit(g_strdup(text), "'", '"');
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

/** Adds param "x"; returns the error's message or NULL. */
static char *add_error(const char *schema, const char *default_text)
{
    ParamSet *set = param_set_new();
    json_t *schema_json = json_from(schema), *default_json = json_from(default_text);
    g_autoptr(GError) error = NULL;
    bool ok = param_set_add(set, "x", schema_json, default_json, &error);
    assert_int_equal(ok, error == NULL);
    json_decref(schema_json);
    json_decref(default_json);
    param_set_free(set);
    return error == NULL ? NULL : g_strdup(error->message);
}

typedef struct {
    const char *schema, *value, *error;
} Case;

static void schemas_are_checked(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"{}", NULL, NULL},
        {"{'type': 'string'}", "'a'", NULL},
        {"{'type': ['string', 'null']}", "null", NULL},
        {"{'type': 'sting'}", NULL, "param \"x\": unknown type \"sting\"; did you mean \"string\"?"},
        {"{'type': []}", NULL, "param \"x\": \"type\" is an empty list"},
        {"{'type': 3}", NULL, "param \"x\": \"type\" must be the name of a type, or a list of them"},
        {"{'minimun': 3}", NULL, "param \"x\": unknown key \"minimun\"; did you mean \"minimum\"?"},
        {"{'minimum': 'a'}", NULL, "param \"x\": \"minimum\" must be a number"},
        {"{'multipleOf': 0}", NULL, "param \"x\": \"multipleOf\" must be greater than 0"},
        {"{'minLength': -1}", NULL, "param \"x\": \"minLength\" must be a whole number, 0 or more"},
        {"{'format': 'dat'}", NULL, "param \"x\": unknown format \"dat\"; did you mean \"date\"?"},
        {"{'enum': []}", NULL, "param \"x\": \"enum\" must be a list of at least one value"},
        {"{'items': {'type': 'string', 'enum': [1]}}", NULL, "param \"x\": \"items\" must be {type: ...}"},
        {"{'title': 3}", NULL, "param \"x\": \"title\" must be text"},
        {"[]", NULL, "param \"x\": the specification must be a mapping"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *error = add_error(cases[i].schema, cases[i].value);
        if (cases[i].error == NULL)
            assert_null(error);
        else
            assert_string_equal(error, cases[i].error);
    }
    g_autofree char *error = add_error("{'pattern': '('}", NULL);
    assert_true(g_str_has_prefix(error, "param \"x\": \"pattern\" is not a regular expression: "));
}

static void values_are_checked(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"{'type': 'integer'}", "5", NULL},
        {"{'type': 'integer'}", "5.0", NULL},
        {"{'type': 'integer'}", "5.5", "must be of type integer, not a number"},
        {"{'type': 'integer'}", "true", "must be of type integer, not true"},
        {"{'type': 'number'}", "5", NULL},
        {"{'type': ['integer', 'null']}", "'a'", "must be of type integer or null, not text"},
        {"{'type': 'string'}", "null", "must be of type string, not null"},
        {"{'type': 'object'}", "[]", "must be of type object, not a list"},
        {"{'type': 'boolean'}", "'yes'", "must be of type boolean, not text"},
        {"{'minimum': 3}", "3", NULL},
        {"{'minimum': 3}", "2", "must be at least 3"},
        {"{'maximum': 3}", "3.5", "must be at most 3"},
        {"{'exclusiveMinimum': 3}", "3", "must be greater than 3"},
        {"{'exclusiveMaximum': 3}", "3", "must be less than 3"},
        {"{'multipleOf': 0.1}", "0.3", NULL},
        {"{'multipleOf': 7}", "20", "must be a multiple of 7"},
        {"{'minimum': 3}", "'text is not a number'", NULL},
        {"{'minLength': 2}", "'\xc3\xa4'", "must be at least 2 characters long"},
        {"{'maxLength': 1}", "'\xc3\xa4'", NULL},
        {"{'maxLength': 1}", "'ab'", "must be at most 1 characters long"},
        {"{'pattern': '^[a-z]+$'}", "'abc'", NULL},
        {"{'pattern': 'b'}", "'abc'", NULL},
        {"{'pattern': '^[a-z]+$'}", "'A'", "must match the pattern ^[a-z]+$"},
        {"{'enum': ['a', 1]}", "1.0", NULL},
        {"{'enum': ['a', 1]}", "'b'", "must be one of [\"a\",1]"},
        {"{'format': 'date'}", "'2024-02-29'", NULL},
        {"{'format': 'date'}", "'2023-02-29'", "must be a date such as 2026-01-31"},
        {"{'format': 'date'}", "'2023-02-2'", "must be a date such as 2026-01-31"},
        {"{'format': 'date-time'}", "'2026-01-31T08:30:00Z'", NULL},
        {"{'format': 'date-time'}", "'2026-01-31 08:30:00+01:00'", NULL},
        {"{'format': 'date-time'}", "'2026-01-31'", "must be a date with time such as 2026-01-31T08:30:00Z"},
        {"{'format': 'uri'}", "'https://a.example/b?c'", NULL},
        {"{'format': 'uri'}", "'not a uri'", "must be a URI such as https://example.com/x"},
        {"{'format': 'email'}", "'a@b'", NULL},
        {"{'format': 'email'}", "'@b'", "must be an email address"},
        {"{'format': 'path'}", "''", "must be a path, not empty"},
        {"{'items': {'type': 'integer'}}", "[1, 2]", NULL},
        {"{'items': {'type': 'integer'}}", "[1, 'a']", "item 2 must be of type integer, not text"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *error = add_error(cases[i].schema, cases[i].value);
        if (cases[i].error == NULL) {
            assert_null(error);
            continue;
        }
        g_autofree char *expected = g_strconcat("param \"x\": the default ", cases[i].error, NULL);
        assert_non_null(error);
        assert_string_equal(error, expected);
    }
}

static void strings_with_nul_are_refused(void **state)
{
    (void)state;
    ParamSet *set = param_set_new();
    json_t *schema = json_object(), *value = json_stringn("a\0b", 3);
    assert_false(param_set_add(set, "x", schema, value, NULL));
    json_decref(schema);
    json_decref(value);
    param_set_free(set);
}

typedef struct {
    const char *schema, *default_text, *text, *json;
} TextCase;

static void texts_are_read_as_the_type_wants(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"{'type': 'integer'}", NULL, "12", "12"},
        {"{'type': 'integer'}", NULL, "-12", "-12"},
        {"{'type': 'integer'}", NULL, "12x", NULL},
        {"{'type': 'integer'}", NULL, "", NULL},
        {"{'type': 'integer'}", NULL, "99999999999999999999", NULL},
        {"{'type': 'number'}", NULL, "1.5", "1.5"},
        {"{'type': 'number'}", NULL, "1e3", "1000.0"},
        {"{'type': 'number'}", NULL, "nan", NULL},
        {"{'type': 'number'}", NULL, "0x10", NULL},
        {"{'type': 'boolean'}", NULL, "TRUE", "true"},
        {"{'type': 'boolean'}", NULL, "1", NULL},
        {"{'type': 'string'}", NULL, "12", "\"12\""},
        {"{'type': 'string'}", NULL, "null", "\"null\""},
        {"{'type': ['null', 'string']}", NULL, "null", "null"},
        {"{'type': ['integer', 'string']}", NULL, "12a", "\"12a\""},
        {"{'type': 'array'}", NULL, "[1,2]", "[1,2]"},
        {"{'type': 'array'}", NULL, "{}", NULL},
        {"{'type': 'object'}", NULL, "{\"a\":1}", "{\"a\":1}"},
        {"{'type': 'object'}", NULL, "{\"a\":1,\"a\":2}", NULL},
        {"{}", NULL, "12", "\"12\""},
        {"{}", "5", "12", "12"},
        {"{}", "5", "a", "\"a\""},
        {"{}", "'a'", "12", "\"12\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ParamSet *set = param_set_new();
        json_t *schema = json_from(cases[i].schema), *default_json = json_from(cases[i].default_text);
        assert_true(param_set_add(set, "x", schema, default_json, NULL));
        g_autoptr(GError) error = NULL;
        json_t *value = param_parse_text(param_set_find(set, "x"), cases[i].text, &error);
        if (cases[i].json == NULL) {
            assert_null(value);
            assert_true(g_str_has_prefix(error->message, "param \"x\" is "));
            assert_non_null(strstr(error->message, ": it must be of type "));
        } else {
            assert_non_null(value);
            g_autofree char *shown = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
            assert_string_equal(shown, cases[i].json);
        }
        json_decref(value);
        json_decref(schema);
        json_decref(default_json);
        param_set_free(set);
    }
}

static ParamSet *sample_set(void)
{
    ParamSet *set = param_set_new();
    json_t *path = json_from("{'type': 'string', 'format': 'path'}"), *none = json_object();
    json_t *here = json_from("'./data'"), *five = json_integer(5);
    assert_true(param_set_add(set, "source", path, here, NULL));
    assert_true(param_set_add(set, "count", none, five, NULL));
    assert_true(param_set_add(set, "needed", none, NULL, NULL));
    assert_false(param_set_add(set, "count", none, five, NULL));
    json_decref(path);
    json_decref(none);
    json_decref(here);
    json_decref(five);
    return set;
}

static char *resolve(const ParamSet *set, const char *conf_text, const char *cwd)
{
    json_t *conf = json_from(conf_text);
    g_autoptr(GError) error = NULL;
    json_t *resolved = param_set_resolve(set, conf, "/dags", cwd, &error);
    char *shown =
        resolved == NULL ? g_strdup(error->message) : json_dumps(resolved, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(resolved);
    json_decref(conf);
    return shown;
}

static void assert_resolves(const ParamSet *set, const char *conf, const char *cwd, const char *expected)
{
    g_autofree char *shown = resolve(set, conf, cwd);
    assert_string_equal(shown, expected);
}

static void runs_get_defaults_overlaid_with_conf(void **state)
{
    (void)state;
    ParamSet *set = sample_set();
    assert_resolves(set, NULL, NULL, "param \"needed\" has no default and must be given");
    assert_resolves(set, "{'needed': 1}", NULL, "{\"count\":5,\"needed\":1,\"source\":\"/dags/data\"}");
    assert_resolves(set, "{'needed': 1, 'source': '../x'}", "/home/me",
                    "{\"count\":5,\"needed\":1,\"source\":\"/home/x\"}");
    assert_resolves(set, "{'needed': 1, 'source': 'x'}", NULL,
                    "{\"count\":5,\"needed\":1,\"source\":\"/dags/x\"}");
    assert_resolves(set, "{'needed': 1, 'source': '/abs'}", "/home",
                    "{\"count\":5,\"needed\":1,\"source\":\"/abs\"}");
    assert_resolves(set, "{'needed': null}", NULL, "{\"count\":5,\"needed\":null,\"source\":\"/dags/data\"}");
    assert_resolves(set, "{'neded': 1}", NULL, "the DAG has no param \"neded\"; did you mean \"needed\"?");
    assert_resolves(set, "[1]", NULL, "conf must be a JSON object");
    assert_resolves(set, "{'source': 3}", NULL,
                    "param \"source\" is 3: it must be of type string, not an integer");
    param_set_free(set);
    ParamSet *none = param_set_new();
    assert_resolves(none, "{'a': 1}", NULL, "the DAG has no param \"a\"; it declares none");
    assert_resolves(none, "null", NULL, "{}");
    param_set_free(none);
}

/* Who fixes a DAG and runs what failed again: what he gave stays, what the file says is what it says now. */
static void moved_runs_keep_what_was_given(void **state)
{
    (void)state;
    ParamSet *set = sample_set();
    static const struct {
        const char *conf, *params, *expected;
    } cases[] = {
        {"{'needed': 1}", "{'needed': 1, 'count': 4, 'gone': 2}",
         "{\"count\":5,\"needed\":1,\"source\":\"/dags/data\"}"},
        {"{'needed': 1, 'source': 'x', 'gone': 2}", "{'needed': 1, 'source': '/home/x', 'gone': 2}",
         "{\"count\":5,\"needed\":1,\"source\":\"/home/x\"}"},
        {"{}", "{}", "param \"needed\" has no default and must be given"},
        {"{'needed': 1, 'source': 3}", "{'needed': 1, 'source': 3}",
         "param \"source\" is 3: it must be of type string, not an integer"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        json_t *conf = json_from(cases[i].conf), *params = json_from(cases[i].params);
        json_t *moved = param_set_move(set, conf, params, "/dags", &error);
        g_autofree char *shown = moved != NULL ? json_dumps(moved, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        assert_string_equal(moved != NULL ? shown : error->message, cases[i].expected);
        json_decref(conf);
        json_decref(params);
        json_decref(moved);
    }
    param_set_free(set);
}

static void names_and_lookups(void **state)
{
    (void)state;
    ParamSet *set = sample_set();
    assert_int_equal(param_set_size(set), 3);
    const char *const *names = param_set_names(set);
    assert_string_equal(names[0], "source");
    assert_string_equal(names[2], "needed");
    assert_null(names[3]);
    assert_true(param_set_find(set, "source")->is_path);
    assert_ptr_equal(param_set_find(set, "count"), param_set_get(set, 1));
    assert_null(param_set_find(set, "nothing"));
    assert_null(param_set_find(set, "needed")->default_json);
    param_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_checked),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(strings_with_nul_are_refused),
        cmocka_unit_test(texts_are_read_as_the_type_wants),
        cmocka_unit_test(runs_get_defaults_overlaid_with_conf),
        cmocka_unit_test(moved_runs_keep_what_was_given),
        cmocka_unit_test(names_and_lookups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
