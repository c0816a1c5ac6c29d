/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_scalar.h"
#include "scheduler/load/yaml_tree.h"
#include "tests/unit/load/load_test.h"

/** The text as compact JSON, or its first error. */
static char *as_json(const char *text)
{
    g_autoptr(LoadErrorList) errors = load_error_list_new("t");
    g_autoptr(YamlTree) tree = yaml_tree_parse(text, strlen(text), errors);
    json_t *json = tree == NULL ? NULL : yaml_node_to_json(yaml_tree_root(tree), errors);
    char *shown = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    if (errors->items->len > 0) {
        g_free(shown);
        return load_error_format(g_ptr_array_index(errors->items, 0), "error");
    }
    return shown;
}

typedef struct {
    const char *yaml, *json;
} Case;

static void plain_scalars_follow_the_core_schema(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"[null, Null, NULL, ~, ]", "[null,null,null,null]"},
        {"[nULL, none, 'null', \"~\", !!str ~]", "[\"nULL\",\"none\",\"null\",\"~\",\"~\"]"},
        {"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
        {"[yes, no, on, off, y, n, tRUE]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"tRUE\"]"},
        {"[0, 12, -12, +12, 007, 0o17, 0xFf]", "[0,12,-12,12,7,15,255]"},
        {"[0b11, 1_000, 0o8, 0xg, -0x1, 1:30]", "[\"0b11\",\"1_000\",\"0o8\",\"0xg\",\"-0x1\",\"1:30\"]"},
        {"[1.5, -1.5, .5, 5., 1e3, 1E-3, +1.5e+2]", "[1.5,-1.5,0.5,5.0,1000.0,0.001,150.0]"},
        {"[., e3, 1e, 1.2.3, -, +]", "[\".\",\"e3\",\"1e\",\"1.2.3\",\"-\",\"+\"]"},
        {"[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]"},
        {"9223372036854775808",
         "t:1:1: error: the number 9223372036854775808 is too big; write it as text, in quotes"},
        {"-.inf", "t:1:1: error: the number -.inf has no form in JSON; write it as text, in quotes"},
        {"[2026-01-01, '5', \"5\", a b]", "[\"2026-01-01\",\"5\",\"5\",\"a b\"]"},
        {"!!int '5'", "5"},
        {"{a: , b: {}, c: [], d: \"\"}", "{\"a\":null,\"b\":{},\"c\":[],\"d\":\"\"}"},
        {"|\n a\n b\n", "\"a\\nb\\n\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = as_json(cases[i].yaml);
        assert_non_null(shown);
        assert_string_equal(shown, cases[i].json);
    }
}

static void merge_keys_add_what_is_not_there(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"y\":3,\"x\":1}}"},
        {"{<<: [{x: 1}, {x: 2, y: 2}], z: 3}", "{\"z\":3,\"x\":1,\"y\":2}"},
        {"{<<: {x: 1}, <<: {x: 2, y: 2}}", "{\"x\":1,\"y\":2}"},
        {"{'<<': 1}", "{\"<<\":1}"},
        {"{<<: }", "t:1:6: error: the merge key << needs a mapping or a list of mappings, not nothing"},
        {"{a: 1, <<: {}, a: 2}",
         "t:1:16: error: duplicate key \"a\"; it is already given at line 1, column 2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = as_json(cases[i].yaml);
        assert_string_equal(shown, cases[i].json);
    }
}

static void duplicates_are_found_in_big_mappings(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(text, "k%d: x\n", i);
    g_string_append(text, "k17: y\n");
    g_autofree char *shown = as_json(text->str);
    assert_string_equal(shown,
                        "t:5001:1: error: duplicate key \"k17\"; it is already given at line 18, column 1");
}

static void empty_texts_have_no_tree(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# x\n", "---\n", "--- ~\n", "null", "\xef\xbb\xbf"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(LoadErrorList) errors = load_error_list_new("t");
        assert_null(yaml_tree_parse(texts[i], strlen(texts[i]), errors));
        assert_int_equal(errors->items->len, 0);
    }
}

typedef struct {
    const char *yaml;
    uint32_t line, column, found_line, found_column;
} Place;

static void places_inside_scalars_are_found(void **state)
{
    (void)state;
    static const Place places[] = {
        {"a: bcd", 1, 3, 1, 6},
        {"a: 'bcd'", 1, 3, 1, 7},
        {"a: \"b\\td\"", 1, 3, 1, 4},
        {"a: |\n  b\n    c\n", 2, 4, 3, 6},
        {"a: |\n\n  b\n", 2, 1, 3, 3},
        {"a: >\n  b\n  c\n", 1, 3, 1, 4},
        {"a: |\r\n  b\r\n  c\r\n", 2, 1, 3, 3},
        {"a: |\n  b\n", 9, 9, 1, 4},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(LoadErrorList) errors = load_error_list_new("t");
        g_autoptr(YamlTree) tree = yaml_tree_parse(places[i].yaml, strlen(places[i].yaml), errors);
        const YamlNode *scalar = yaml_mapping_get(yaml_tree_root(tree), "a");
        uint32_t line, column;
        yaml_tree_locate(tree, scalar, places[i].line, places[i].column, &line, &column);
        assert_int_equal(line, places[i].found_line);
        assert_int_equal(column, places[i].found_column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_follow_the_core_schema),
        cmocka_unit_test(merge_keys_add_what_is_not_there),
        cmocka_unit_test(duplicates_are_found_in_big_mappings),
        cmocka_unit_test(empty_texts_have_no_tree),
        cmocka_unit_test(places_inside_scalars_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
