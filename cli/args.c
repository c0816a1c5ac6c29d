/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include "cli/hints.h"

#include <inttypes.h>
#include <string.h>

G_DEFINE_QUARK(weir - cli - error - quark, cli_error)

const Option common_options[] = {
    {"output", 'o', OPTION_VALUE, "FORMAT", "table, json, yaml or plain"},
    {"verbose", 'v', OPTION_FLAG, NULL, "say more"},
    {"help", 'h', OPTION_FLAG, NULL, "this text"},
    {NULL},
};

static bool takes_value(const Option *option)
{
    return option->kind == OPTION_VALUE || option->kind == OPTION_LIST;
}

/** By long name (`n` bytes of it) or, with name NULL, by letter. */
static const Option *find_in(const Option *options, const char *name, gsize n, char letter)
{
    for (const Option *option = options; option != NULL && option->name != NULL; option++) {
        if (name == NULL ? option->letter == letter
                         : strlen(option->name) == n && strncmp(option->name, name, n) == 0)
            return option;
    }
    return NULL;
}

static const Option *find_option(const Verb *verb, const char *name, gsize n, char letter)
{
    const Option *option = verb != NULL ? find_in(verb->options, name, n, letter) : NULL;
    return option != NULL ? option : find_in(common_options, name, n, letter);
}

/* ---- Finding the verb: before it is known, so is not which options take a value ---- */

static bool is_verb_word(const Verb *verbs, const char *group, const char *word)
{
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (group == NULL && g_strcmp0(verb->group, word) == 0)
            return true;
        if (g_strcmp0(verb->group, group) == 0 && strcmp(verb->name, word) == 0)
            return true;
    }
    return false;
}

/** Whether some verb has an option so written that takes its value from the next word. */
static bool may_take_next(const Verb *verbs, const char *word)
{
    bool is_long = word[1] == '-';
    if (is_long ? strchr(word, '=') != NULL : word[2] != '\0')
        return false;
    const char *name = is_long ? word + 2 : NULL;
    const Option *common = find_option(NULL, name, name != NULL ? strlen(name) : 0, word[1]);
    if (common != NULL)
        return takes_value(common);
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        const Option *option = find_in(verb->options, name, name != NULL ? strlen(name) : 0, word[1]);
        if (option != NULL && takes_value(option))
            return true;
    }
    return false;
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/**
 * The index of the next word that is part of the verb's name; -1 if there is none. An option that takes a
 * value for one verb and none for another takes one here unless that would swallow the verb's name.
 */
static int next_verb_word(const Verb *verbs, const char *group, char **words, int from)
{
    for (int i = from; words[i] != NULL && strcmp(words[i], "--") != 0; i++) {
        if (!looks_like_option(words[i]))
            return i;
        if (may_take_next(verbs, words[i]) && words[i + 1] != NULL &&
            !is_verb_word(verbs, group, words[i + 1]))
            i++;
    }
    return -1;
}

static void add_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), name) == 0)
            return;
    g_ptr_array_add(names, (gpointer)name);
}

static void unknown_verb(const Verb *verbs, const char *group, const char *word, GError **error)
{
    const char *hint = hint_for_verb(group, word);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (verb->hidden)
            continue;
        if (group == NULL)
            add_name(names, verb->group != NULL ? verb->group : verb->name);
        else if (g_strcmp0(verb->group, group) == 0)
            add_name(names, verb->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_nearest(word, (const char *const *)names->pdata);
    g_autofree char *name = group != NULL ? g_strdup_printf("%s %s", group, word) : g_strdup(word);
    if (hint != NULL)
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "there is no `weir %s`: %s", name, hint);
    else if (near != NULL)
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "there is no `weir %s`; did you mean `weir %s%s%s`?",
                    name, group != NULL ? group : "", group != NULL ? " " : "", near);
    else
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "there is no `weir %s`; see `weir%s%s --help`", name,
                    group != NULL ? " " : "", group != NULL ? group : "");
}

static const Verb *find_verb(const Verb *verbs, const char *group, const char *name)
{
    for (const Verb *verb = verbs; verb->name != NULL; verb++)
        if (g_strcmp0(verb->group, group) == 0 && strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

static bool is_group(const Verb *verbs, const char *word)
{
    for (const Verb *verb = verbs; verb->name != NULL; verb++)
        if (g_strcmp0(verb->group, word) == 0)
            return true;
    return false;
}

/* ---- Reading the options, once the verb is known ---- */

static void add_value(Args *args, const Option *option, const char *value)
{
    GPtrArray *list = g_hash_table_lookup(args->values, option->name);
    if (list == NULL) {
        list = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(args->values, (gpointer)option->name, list);
    }
    g_ptr_array_add(list, g_strdup(value));
}

static void unknown_option(const Verb *verb, const char *word, GError **error)
{
    const char *hint = hint_for_option(verb, word);
    if (hint != NULL) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "there is no option %s: %s", word, hint);
        return;
    }
    const char *near = NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    if (word[1] == '-') {
        for (const Option *o = verb != NULL ? verb->options : NULL; o != NULL && o->name != NULL; o++)
            g_ptr_array_add(names, (gpointer)o->name);
        for (const Option *o = common_options; o->name != NULL; o++)
            g_ptr_array_add(names, (gpointer)o->name);
        g_ptr_array_add(names, NULL);
        near = suggest_nearest(word + 2, (const char *const *)names->pdata);
    }
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                near != NULL ? "there is no option %s; did you mean --%s?" : "there is no option %s", word,
                near);
}

static bool missing_value(const Option *option, GError **error)
{
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                option->value);
    return false;
}

/** `words[*i]` is `--name`, `--name=value` or `--no-name`. */
static bool read_long(Args *args, char **words, int *i, GError **error)
{
    const char *name = words[*i] + 2, *equals = strchr(name, '=');
    gsize n = equals != NULL ? (gsize)(equals - name) : strlen(name);
    const Option *option = find_option(args->verb, name, n, 0);
    bool negated = false;
    if (option == NULL && n > 3 && strncmp(name, "no-", 3) == 0) {
        option = find_option(args->verb, name + 3, n - 3, 0);
        negated = option != NULL && option->kind == OPTION_SWITCH;
        if (!negated)
            option = NULL;
    }
    if (option == NULL) {
        g_autofree char *word = g_strndup(words[*i], n + 2);
        unknown_option(args->verb, word, error);
        return false;
    }
    if (!takes_value(option)) {
        if (equals != NULL) {
            g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--%s takes no value", option->name);
            return false;
        }
        add_value(args, option, negated ? "no-" : "");
        return true;
    }
    if (equals == NULL && words[*i + 1] == NULL)
        return missing_value(option, error);
    add_value(args, option, equals != NULL ? equals + 1 : words[++*i]);
    return true;
}

/** `words[*i]` is `-x`, `-xyz` (flags), `-xVALUE` or `-x VALUE`. */
static bool read_letters(Args *args, char **words, int *i, GError **error)
{
    for (const char *p = words[*i] + 1; *p != '\0'; p++) {
        const Option *option = find_option(args->verb, NULL, 0, *p);
        if (option == NULL) {
            const char word[] = {'-', *p, '\0'};
            unknown_option(args->verb, word, error);
            return false;
        }
        if (!takes_value(option)) {
            add_value(args, option, "");
            continue;
        }
        if (p[1] != '\0')
            add_value(args, option, p[1] == '=' ? p + 2 : p + 1);
        else if (words[*i + 1] != NULL)
            add_value(args, option, words[++*i]);
        else
            return missing_value(option, error);
        break;
    }
    return true;
}

static bool read_words(Args *args, char **words, const int skip[2], GError **error)
{
    for (int i = 0; words[i] != NULL; i++) {
        const char *word = words[i];
        if (i == skip[0] || i == skip[1])
            continue;
        if (strcmp(word, "--") == 0) {
            for (i++; words[i] != NULL; i++)
                g_ptr_array_add(args->words, g_strdup(words[i]));
            break;
        }
        bool is_number = word[0] == '-' && g_ascii_isdigit(word[1]);
        if (!looks_like_option(word) || (is_number && find_option(args->verb, NULL, 0, word[1]) == NULL))
            g_ptr_array_add(args->words, g_strdup(word));
        else if (!(word[1] == '-' ? read_long(args, words, &i, error) : read_letters(args, words, &i, error)))
            return false;
    }
    return true;
}

/** Compares the number of arguments with "DAG RUN [TASK...]". */
static bool check_count(const Args *args, GError **error)
{
    if (*args->verb->arguments == '\0' && args->words->len == 0)
        return true;
    g_auto(GStrv) names = g_strsplit(args->verb->arguments, " ", -1);
    guint least = 0, most = 0;
    for (char **name = names; *name != NULL && **name != '\0'; name++) {
        bool optional = **name == '[';
        if (!optional && least++ == args->words->len) {
            g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "%s is missing", *name);
            return false;
        }
        most = strstr(*name, "...") != NULL ? G_MAXUINT : most + 1;
    }
    if (args->words->len <= most)
        return true;
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "too many arguments: \"%s\"", args_word(args, most));
    return false;
}

static Args *args_new(void)
{
    Args *args = g_new0(Args, 1);
    args->words = g_ptr_array_new_with_free_func(g_free);
    args->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
    return args;
}

/** Words of a verb that does its own reading. */
static Args *raw_args(Args *args, char **words, int after)
{
    for (int i = after; words[i] != NULL; i++)
        g_ptr_array_add(args->words, g_strdup(words[i]));
    return args;
}

Args *args_parse(const Verb *verbs, char **words, const Verb **ret_verb, GError **error)
{
    g_autoptr(Args) args = args_new();
    const char *group = NULL;
    int skip[2] = {-1, -1};
    *ret_verb = NULL;
    skip[0] = next_verb_word(verbs, NULL, words, 0);
    if (skip[0] >= 0 && is_group(verbs, words[skip[0]])) {
        group = words[skip[0]];
        skip[1] = next_verb_word(verbs, group, words, skip[0] + 1);
    }
    int last = group != NULL ? skip[1] : skip[0];
    if (last >= 0) {
        args->verb = *ret_verb = find_verb(verbs, group, words[last]);
        if (args->verb == NULL) {
            unknown_verb(verbs, group, words[last], error);
            return NULL;
        }
        if (args->verb->raw)
            return raw_args(g_steal_pointer(&args), words, last + 1);
    }
    if (!read_words(args, words, skip, error))
        return NULL;
    if (args->verb == NULL && args->words->len > 0) { /* after "--": what looks like a verb is none */
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "there is no verb before \"%s\"", args_word(args, 0));
        return NULL;
    }
    if (args->verb == NULL && group != NULL)
        g_ptr_array_insert(args->words, 0, g_strdup(group));
    if (args->verb != NULL && !args_flag(args, "help") && !check_count(args, error))
        return NULL;
    return g_steal_pointer(&args);
}

void args_free(Args *args)
{
    if (args == NULL)
        return;
    g_ptr_array_unref(args->words);
    g_hash_table_unref(args->values);
    g_free(args);
}

const GPtrArray *args_list(const Args *args, const char *name)
{
    return g_hash_table_lookup(args->values, name);
}

const char *args_value(const Args *args, const char *name)
{
    const GPtrArray *list = args_list(args, name);
    return list != NULL ? g_ptr_array_index(list, list->len - 1) : NULL;
}

bool args_flag(const Args *args, const char *name)
{
    return args_list(args, name) != NULL;
}

int args_switch(const Args *args, const char *name)
{
    const char *value = args_value(args, name);
    return value == NULL ? -1 : *value == '\0';
}

const char *args_word(const Args *args, guint i)
{
    return i < args->words->len ? g_ptr_array_index(args->words, i) : NULL;
}

bool parse_integer(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    return g_ascii_string_to_signed(text, 10, min, max, ret, NULL);
}

bool args_integer(const Args *args, const char *name, int64_t min, int64_t max, int64_t fallback,
                  int64_t *ret, GError **error)
{
    const char *text = args_value(args, name);
    *ret = fallback;
    if (text == NULL || parse_integer(text, min, max, ret))
        return true;
    if (max == INT64_MAX)
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "--%s \"%s\" is not a whole number from %" PRId64 " on", name, text, min);
    else
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "--%s \"%s\" is not a whole number from %" PRId64 " to %" PRId64, name, text, min, max);
    return false;
}
