/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include "cli/text.h"

#include <string.h>

static char *full_name(const Verb *verb)
{
    return verb->group != NULL ? g_strdup_printf("%s %s", verb->group, verb->name) : g_strdup(verb->name);
}

static void append_verb_line(GString *out, const Verb *verb)
{
    g_autofree char *name = full_name(verb);
    guint before = (guint)out->len;
    g_string_append_printf(out, "  %s %s", name, verb->arguments);
    guint used = (guint)out->len - before;
    text_append_spaces(out, used < 38 ? 38 - used : 2);
    g_string_append_printf(out, "%s\n", verb->summary);
}

char *help_overview(const Verb *verbs, const char *group)
{
    GString *out = g_string_new(NULL);
    if (group == NULL)
        g_string_append(out, "weir: runs workflows (DAGs) written in YAML, with Airflow's words.\n\n");
    g_string_append_printf(out, "usage: weir %s%sVERB [OPTIONS] [ARGUMENTS]\n", group != NULL ? group : "",
                           group != NULL ? " " : "");
    const char *section = NULL;
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (verb->hidden || (group != NULL && g_strcmp0(verb->group, group) != 0))
            continue;
        if (verb == verbs || g_strcmp0(section, verb->group) != 0)
            g_string_append_c(out, '\n');
        section = verb->group;
        append_verb_line(out, verb);
    }
    g_string_append_printf(
        out,
        "\nOptions may stand anywhere. -o table|json|yaml|plain chooses the form of output.\n"
        "`weir %s%sVERB --help` says more of a verb, with an example.\n",
        group != NULL ? group : "", group != NULL ? " " : "");
    if (group == NULL)
        g_string_append(out, "Everything is kept in $WEIR_HOME (default ~/weir).\n");
    return g_string_free(out, FALSE);
}

char *help_usage(const Verb *verb)
{
    g_autofree char *name = full_name(verb);
    return g_strdup_printf("usage: weir %s%s%s [OPTIONS]\n", name, *verb->arguments != '\0' ? " " : "",
                           verb->arguments);
}

static void append_options(GString *out, const Option *options)
{
    for (const Option *option = options; option != NULL && option->name != NULL; option++) {
        guint before = (guint)out->len;
        if (option->letter != 0)
            g_string_append_printf(out, "  -%c, ", option->letter);
        else
            g_string_append(out, "      ");
        g_string_append_printf(out, "--%s%s", option->kind == OPTION_SWITCH ? "[no-]" : "", option->name);
        if (option->value != NULL)
            g_string_append_printf(out, " %s", option->value);
        guint used = (guint)out->len - before;
        text_append_spaces(out, used < 34 ? 34 - used : 2);
        g_string_append_printf(out, "%s\n", option->help);
    }
}

char *help_verb(const Verb *verb)
{
    GString *out = g_string_new(NULL);
    g_autofree char *name = full_name(verb), *usage = help_usage(verb);
    g_string_append_printf(out, "weir %s: %s\n\n%s\n", name, verb->summary, usage);
    append_options(out, verb->options);
    append_options(out, common_options);
    if (verb->details != NULL)
        g_string_append_printf(out, "\n%s\n", verb->details);
    g_string_append(out, "\nexample:\n");
    g_auto(GStrv) lines = g_strsplit(verb->example, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        g_string_append_printf(out, "  %s\n", *line);
    return g_string_free(out, FALSE);
}
