/* SPDX-License-Identifier: MIT */
#include "cli/args.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "tests/unit/cli/cli_test.h"

#include <string.h>

/** Parses a line split at spaces; `ret_message` gets the error. */
static Args *parse(const char *line, char **ret_message)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    const Verb *verb;
    GError *error = NULL;
    Args *args = args_parse(all_verbs, words, &verb, &error);
    *ret_message = error != NULL ? g_strdup(error->message) : NULL;
    g_clear_error(&error);
    return args;
}

static void assert_verb(const char *line, const char *group, const char *name)
{
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse(line, &message);
    if (args == NULL)
        fail_msg("%s: %s", line, message);
    assert_non_null(args->verb);
    assert_true(g_strcmp0(args->verb->group, group) == 0);
    assert_string_equal(args->verb->name, name);
}

static void assert_error(const char *line, const char *part)
{
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse(line, &message);
    assert_null(args);
    if (strstr(message, part) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", line, message, part);
}

static void options_stand_in_any_position(void **state)
{
    (void)state;
    assert_verb("dags list -o json", "dags", "list");
    assert_verb("-o json dags list", "dags", "list");
    assert_verb("dags -o json list", "dags", "list");
    assert_verb("-ojson dags -v list", "dags", "list");
    assert_verb("--output=json dags list", "dags", "list");
    assert_verb("--run-id r1 dags clear d", "dags", "clear");
    assert_verb("-r dags clear d", "dags", "clear"); /* not the value of -r: then there would be no verb */
    assert_verb("run -p a=b etl --run-id r", NULL, "run");
}

static void values_are_read(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse("run -p a=b etl -pc=d --param e=f --run-id=r1 -l 2026-01-01 "
                                 "--no-run-on-latest-version",
                                 &message);
    assert_non_null(args);
    assert_int_equal(args_list(args, "param")->len, 3);
    assert_string_equal(g_ptr_array_index(args_list(args, "param"), 1), "c=d");
    assert_string_equal(args_value(args, "run-id"), "r1");
    assert_string_equal(args_value(args, "logical-date"), "2026-01-01");
    assert_int_equal(args_switch(args, "run-on-latest-version"), 0);
    assert_string_equal(args_word(args, 0), "etl");
    assert_null(args_word(args, 1));
    assert_null(args_value(args, "conf"));
}

static void letters_may_be_joined(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse("tasks clear d -udft a.*", &message);
    assert_non_null(args);
    assert_true(args_flag(args, "upstream"));
    assert_true(args_flag(args, "downstream"));
    assert_true(args_flag(args, "only-failed"));
    assert_false(args_flag(args, "only-running"));
    assert_string_equal(args_value(args, "task-regex"), "a.*");
}

static void numbers_are_no_options(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse("pools set api -1", &message);
    assert_non_null(args);
    assert_string_equal(args_word(args, 1), "-1");
}

static void two_dashes_end_options(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse("pools get -- -o", &message);
    assert_non_null(args);
    assert_string_equal(args_word(args, 0), "-o");
    assert_null(args_value(args, "output"));
    assert_error("-- dags list", "no verb before");
}

static void wrong_lines_are_explained(void **state)
{
    (void)state;
    assert_error("dag list", "it is `weir dags`");
    assert_error("dagss list", "did you mean `weir dags`?");
    assert_error("dags lits", "did you mean `weir dags list`?");
    assert_error("dags xyzzy", "see `weir dags --help`");
    assert_error("dags backfill d", "backfill create");
    assert_error("webserver", "one process");
    assert_error("list_dags", "weir dags list");
    assert_error("users create", "login");
    assert_error("tasks run a b c", "weir run DAG");
    assert_error("dags trigger d --exec-date 2026", "--logical-date");
    assert_error("dags trigger d -e 2026", "--logical-date");
    assert_error("dags trigger d --run_id r", "did you mean --run-id?");
    assert_error("dags trigger d --run-id", "needs a value");
    assert_error("dags list --verbose=1", "takes no value");
    assert_error("dags state d", "RUN is missing");
    assert_error("dags list d", "too many arguments: \"d\"");
    assert_error("tasks mark d r", "TASK... is missing");
    assert_error("dags list --no-verbose", "there is no option");
}

static void help_needs_no_arguments(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_autoptr(Args) one = parse("dags state --help", &message);
    assert_non_null(one);
    assert_true(args_flag(one, "help"));
    g_autoptr(Args) group = parse("dags -h", &message);
    assert_non_null(group);
    assert_null(group->verb);
    assert_string_equal(args_word(group, 0), "dags");
}

static void raw_verbs_read_themselves(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_autoptr(Args) args = parse("__runner --help -o", &message);
    assert_non_null(args);
    assert_int_equal(args->words->len, 2);
}

/** Every verb has what help shows, and no letter means two things. */
static void the_table_is_sound(void **state)
{
    (void)state;
    for (const Verb *verb = all_verbs; verb->name != NULL; verb++) {
        if (verb->hidden)
            continue;
        assert_true(*verb->summary != '\0' && *verb->example != '\0');
        assert_non_null(verb->run);
        g_autofree char *text = help_verb(verb);
        assert_non_null(strstr(text, "example:"));
        g_autoptr(GHashTable) letters = g_hash_table_new(NULL, NULL);
        const Option *tables[] = {common_options, verb->options};
        for (guint t = 0; t < G_N_ELEMENTS(tables); t++)
            for (const Option *o = tables[t]; o != NULL && o->name != NULL; o++)
                if (o->letter != 0 && !g_hash_table_add(letters, GINT_TO_POINTER(o->letter)))
                    fail_msg("%s: -%c means two things", verb->name, o->letter);
        g_autofree char *line = g_strdup_printf("weir %s", verb->group != NULL ? verb->group : verb->name);
        assert_true(strncmp(verb->example, line, strlen(line)) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_in_any_position),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(letters_may_be_joined),
        cmocka_unit_test(numbers_are_no_options),
        cmocka_unit_test(two_dashes_end_options),
        cmocka_unit_test(wrong_lines_are_explained),
        cmocka_unit_test(help_needs_no_arguments),
        cmocka_unit_test(raw_verbs_read_themselves),
        cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
