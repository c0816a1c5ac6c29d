/* SPDX-License-Identifier: MIT */
#include "scheduler/load/ignore.h"
#include "tests/unit/load/load_test.h"

typedef struct {
    const char *rules, *path;
    bool is_folder;
    IgnoreVerdict verdict;
} Case;

static const Case cases[] = {
    {"", "a.yaml", false, IGNORE_NOT_SAID},
    {"# a.yaml\n\n  \n", "a.yaml", false, IGNORE_NOT_SAID},
    {"a.yaml", "a.yaml", false, IGNORE_YES},
    {"a.yaml", "sub/deep/a.yaml", false, IGNORE_YES},
    {"a.yaml \t\r\n", "a.yaml", false, IGNORE_YES},
    {"*.yml", "sub/b.yml", false, IGNORE_YES},
    {"*.yml", "sub/b.yaml", false, IGNORE_NOT_SAID},
    {"/a.yaml", "a.yaml", false, IGNORE_YES},
    {"/a.yaml", "sub/a.yaml", false, IGNORE_NOT_SAID},
    {"sub/a.yaml", "sub/a.yaml", false, IGNORE_YES},
    {"sub/a.yaml", "x/sub/a.yaml", false, IGNORE_NOT_SAID},
    {"sub/*.yaml", "sub/deep/a.yaml", false, IGNORE_NOT_SAID},
    {"**/a.yaml", "a.yaml", false, IGNORE_YES},
    {"**/old/a.yaml", "x/y/old/a.yaml", false, IGNORE_YES},
    {"old/**", "old", true, IGNORE_NOT_SAID},
    {"old/**", "old/x/a.yaml", false, IGNORE_YES},
    {"a/**/b.yaml", "a/b.yaml", false, IGNORE_YES},
    {"a/**/b.yaml", "a/x/y/b.yaml", false, IGNORE_YES},
    {"a/**/b.yaml", "b.yaml", false, IGNORE_NOT_SAID},
    {"old/", "old", true, IGNORE_YES},
    {"old/", "old", false, IGNORE_NOT_SAID},
    {"old/", "x/old", true, IGNORE_YES},
    {"*.yaml\n!keep.yaml", "keep.yaml", false, IGNORE_NO},
    {"!keep.yaml\n*.yaml", "keep.yaml", false, IGNORE_YES},
    {"\\#a.yaml", "#a.yaml", false, IGNORE_YES},
    {"\\!a.yaml", "!a.yaml", false, IGNORE_YES},
    {"[ab]?.yaml", "b1.yaml", false, IGNORE_YES},
    {"[ab]?.yaml", "c1.yaml", false, IGNORE_NOT_SAID},
    {"/", "a", true, IGNORE_NOT_SAID},
    {"!", "a", true, IGNORE_NOT_SAID},
};

static void patterns_match_as_in_gitignore(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(IgnoreRules) rules = ignore_rules_parse(cases[i].rules);
        IgnoreVerdict verdict = ignore_rules_match(rules, cases[i].path, cases[i].is_folder);
        if (verdict != cases[i].verdict)
            print_error("%s on %s\n", cases[i].rules, cases[i].path);
        assert_int_equal(verdict, cases[i].verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns_match_as_in_gitignore)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
