/* SPDX-License-Identifier: MIT */
#include "scheduler/load/ignore.h"

#include <fnmatch.h>
#include <string.h>

typedef struct {
    char **segments; /**< between slashes; "**" stands for any number of folders */
    bool negated, folders_only;
} Pattern;

struct IgnoreRules {
    GArray *patterns; /**< Pattern */
};

static void pattern_clear(gpointer data)
{
    g_strfreev(((Pattern *)data)->segments);
}

/** Spaces at the end do not count, unless behind a backslash. */
static void strip_end(char *line)
{
    size_t n = strlen(line);
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r') &&
           !(n > 1 && line[n - 2] == '\\'))
        line[--n] = '\0';
}

static char **split_pattern(const char *text, bool anchored)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);
    GPtrArray *segments = g_ptr_array_new();
    if (!anchored)
        g_ptr_array_add(segments, g_strdup("**"));
    for (char **part = parts; *part != NULL; part++) {
        if ((*part)[0] != '\0')
            g_ptr_array_add(segments, g_strdup(*part));
    }
    if (segments->len > 0 && strcmp(g_ptr_array_index(segments, segments->len - 1), "**") == 0)
        g_ptr_array_add(segments, g_strdup("*")); /* all that is inside, not the folder itself */
    g_ptr_array_add(segments, NULL);
    return (char **)g_ptr_array_free(segments, FALSE);
}

static void add_line(IgnoreRules *rules, char *line)
{
    Pattern pattern = {0};
    strip_end(line);
    if (line[0] == '\0' || line[0] == '#')
        return;
    if (line[0] == '!') {
        pattern.negated = true;
        line++;
    }
    size_t n = strlen(line);
    if (n > 0 && line[n - 1] == '/') {
        pattern.folders_only = true;
        line[--n] = '\0';
    }
    if (n == 0)
        return;
    pattern.segments = split_pattern(line, strchr(line, '/') != NULL);
    g_array_append_val(rules->patterns, pattern);
}

IgnoreRules *ignore_rules_parse(const char *text)
{
    IgnoreRules *rules = g_new0(IgnoreRules, 1);
    rules->patterns = g_array_new(FALSE, FALSE, sizeof(Pattern));
    g_array_set_clear_func(rules->patterns, pattern_clear);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        add_line(rules, *line);
    return rules;
}

void ignore_rules_free(IgnoreRules *rules)
{
    if (rules == NULL)
        return;
    g_array_unref(rules->patterns);
    g_free(rules);
}

/** Wildcard matching over segments: on a mismatch the last "**" takes one folder more. */
static bool segments_match(char *const *pattern, char *const *path)
{
    char *const *after_stars = NULL, *const *resume = NULL;
    while (*path != NULL) {
        if (*pattern != NULL && strcmp(*pattern, "**") == 0) {
            after_stars = ++pattern;
            resume = path;
        } else if (*pattern != NULL && fnmatch(*pattern, *path, FNM_PATHNAME) == 0) {
            pattern++;
            path++;
        } else if (after_stars != NULL) {
            pattern = after_stars;
            path = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern != NULL && strcmp(*pattern, "**") == 0)
        pattern++;
    return *pattern == NULL;
}

IgnoreVerdict ignore_rules_match(const IgnoreRules *rules, const char *path, bool is_folder)
{
    g_auto(GStrv) segments = g_strsplit(path, "/", -1);
    for (guint i = rules->patterns->len; i > 0; i--) {
        const Pattern *pattern = &g_array_index(rules->patterns, Pattern, i - 1);
        if (pattern->folders_only && !is_folder)
            continue;
        if (segments_match(pattern->segments, segments))
            return pattern->negated ? IGNORE_NO : IGNORE_YES;
    }
    return IGNORE_NOT_SAID;
}
