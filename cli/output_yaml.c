/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <string.h>

/** Words and shapes that YAML 1.1 or 1.2 reads as something other than text. */
static bool reads_as_other(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",  "on",
                                        "off",  "y",    "n",     "~",   "nan", "inf"};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_ascii_strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/** Begins with a letter or a slash and holds nothing that means something to YAML. */
static bool is_plain(const char *text)
{
    if (!g_ascii_isalpha(*text) && *text != '/' && *text != '_')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("_-./+ ", *p) == NULL)
            return false;
    return text[strlen(text) - 1] != ' ' && !reads_as_other(text);
}

static void append_flow(GString *out, const json_t *value)
{
    /* JSON is YAML; everything beyond ASCII escaped, which both read */
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    g_string_append(out, text != NULL ? text : "null");
    free(text);
}

static void append_value(GString *out, const json_t *value)
{
    if (json_is_string(value) && is_plain(json_string_value(value)))
        g_string_append(out, json_string_value(value));
    else
        append_flow(out, value);
}

static void append_object(GString *out, const json_t *object)
{
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach((json_t *)object, key, value)
    {
        g_string_append(out, first ? "- " : "  ");
        first = false;
        if (is_plain(key)) {
            g_string_append(out, key);
        } else {
            json_auto_t *name = json_string(key);
            append_flow(out, name);
        }
        g_string_append(out, ": ");
        append_value(out, value);
        g_string_append_c(out, '\n');
    }
    if (first)
        g_string_append(out, "- {}\n");
}

void yaml_append_rows(GString *out, const json_t *rows)
{
    if (json_array_size(rows) == 0)
        g_string_append(out, "[]\n");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) append_object(out, row);
}
