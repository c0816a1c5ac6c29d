/* SPDX-License-Identifier: MIT */
#include "cli/output.h"
#include "tests/unit/cli/cli_test.h"

static const char *const columns[] = {"dag_id", "run=run id", "state", "tags", NULL};

static json_t *rows(void)
{
    return json_loads(
        "[{\"dag_id\": \"etl\", \"run\": \"r1\", \"state\": \"failed\", \"tags\": [\"a\", {\"name\": "
        "\"b\"}]},"
        " {\"dag_id\": \"x\\u001b[2J\", \"run\": null, \"state\": null, \"tags\": true, \"n\": 1}]",
        0, NULL);
}

static void assert_output(OutputFormat format, json_t *list, bool colours, const char *expected)
{
    g_autofree char *text = output_format_rows(format, columns, list, colours);
    assert_string_equal(text, expected);
    json_decref(list);
}

static void tables_look_like_airflow(void **state)
{
    (void)state;
    assert_output(OUTPUT_TABLE, rows(), false,
                  "dag_id   | run id | state  | tags\n"
                  "=========+========+========+=====\n"
                  "etl      | r1     | failed | a, b\n"
                  "x\\x1b[2J |        |        | True\n");
}

static void plain_has_no_headings(void **state)
{
    (void)state;
    assert_output(OUTPUT_PLAIN, rows(), false,
                  "etl       r1  failed  a, b\n"
                  "x\\x1b[2J              True\n");
}

static void states_are_coloured(void **state)
{
    (void)state;
    assert_output(OUTPUT_TABLE, json_loads("[{\"dag_id\": \"failed\", \"state\": \"failed\"}]", 0, NULL),
                  true,
                  "dag_id | run id | state  | tags\n"
                  "=======+========+========+=====\n"
                  "failed |        | \033[31mfailed\033[0m |\n");
}

static void json_is_one_array(void **state)
{
    (void)state;
    assert_output(OUTPUT_JSON, json_array(), false, "[]\n");
    json_auto_t *expected = rows();
    g_autofree char *text = output_format_rows(OUTPUT_JSON, columns, expected, true);
    json_auto_t *back = json_loads(text, 0, NULL);
    assert_true(json_equal(back, expected));
}

static void json_hides_c1_controls(void **state)
{
    (void)state;
    assert_output(OUTPUT_JSON, json_loads("[{\"a\": \"\\u009b\"}]", 0, NULL), false,
                  "[\n  {\n    \"a\": \"\\u009B\"\n  }\n]\n");
}

static void yaml_quotes_what_reads_otherwise(void **state)
{
    (void)state;
    assert_output(OUTPUT_YAML, json_array(), false, "[]\n");
    assert_output(
        OUTPUT_YAML,
        json_loads(
            "[{\"a\": \"no\", \"b\": \"plain text\", \"c\": \"2026-01-01\", \"d\": null, \"e\": [1, \"x\"],"
            " \"f\": \"a: b\", \"g\": \"\", \"on\": true, \"h\": \"/a/b.c\"}, {}]",
            0, NULL),
        false,
        "- a: \"no\"\n  b: plain text\n  c: \"2026-01-01\"\n  d: null\n  e: [1, \"x\"]\n"
        "  f: \"a: b\"\n  g: \"\"\n  \"on\": true\n  h: /a/b.c\n- {}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_look_like_airflow), cmocka_unit_test(plain_has_no_headings),
        cmocka_unit_test(states_are_coloured),      cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(json_hides_c1_controls),   cmocka_unit_test(yaml_quotes_what_reads_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
