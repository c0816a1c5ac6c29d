/* SPDX-License-Identifier: MIT */
#include "scheduler/template/text.h"

#include "scheduler/template/functions.h"

#include <string.h>

#define PARTS_MAX           65536
#define TRIM_CHARACTERS_MAX 64 /* each character of the text is compared with each of these */

bool tpl_text_finish(GString *text, TplValue *ret_value, GError **error)
{
    bool fits = text->len <= TEMPLATE_OUTPUT_MAX;
    if (fits)
        *ret_value = tpl_value_text(g_string_free(text, FALSE));
    else
        g_string_free(text, TRUE);
    return fits || tpl_call_fail(error, "makes a value longer than %d bytes", TEMPLATE_OUTPUT_MAX);
}

/** One byte is the common case, and strchr looks no further than the hit (a sanitizer's strstr reads it all).
 */
static const char *find(const char *text, const char *wanted)
{
    return wanted[1] == '\0' ? strchr(text, wanted[0]) : strstr(text, wanted);
}

bool tpl_text_replace(const char *text, const char *old, const char *new, TplValue *ret_value, GError **error)
{
    if (*old == '\0')
        return tpl_call_fail(error, "old must not be empty");
    GString *replaced = g_string_new(NULL);
    for (const char *at; (at = find(text, old)) != NULL && replaced->len <= TEMPLATE_OUTPUT_MAX;
         text = at + strlen(old)) {
        g_string_append_len(replaced, text, at - text);
        g_string_append(replaced, new);
    }
    g_string_append(replaced, text);
    return tpl_text_finish(replaced, ret_value, error);
}

static bool is_trimmed(gunichar character, const char *characters)
{
    if (characters == NULL)
        return g_unichar_isspace(character) || character == '\v';
    return g_utf8_strchr(characters, -1, character) != NULL;
}

bool tpl_text_trim(const char *text, const char *characters, TplTrim ends, TplValue *ret_value,
                   GError **error)
{
    if (characters != NULL && strlen(characters) > TRIM_CHARACTERS_MAX)
        return tpl_call_fail(error, "chars must be at most %d bytes", TRIM_CHARACTERS_MAX);
    const char *end = text + strlen(text);
    while ((ends & TPL_TRIM_START) != 0 && text < end && is_trimmed(g_utf8_get_char(text), characters))
        text = g_utf8_next_char(text);
    while ((ends & TPL_TRIM_END) != 0 && end > text) {
        const char *last = g_utf8_prev_char(end);
        if (!is_trimmed(g_utf8_get_char(last), characters))
            break;
        end = last;
    }
    *ret_value = tpl_value_text(g_strndup(text, (gsize)(end - text)));
    return true;
}

static bool add_part(json_t *parts, const char *text, size_t bytes, GError **error)
{
    if (json_array_size(parts) >= PARTS_MAX)
        return tpl_call_fail(error, "makes more than %d parts", PARTS_MAX);
    json_array_append_new(parts, json_stringn(text, bytes));
    return true;
}

static bool split_at_space(const char *text, json_t *parts, GError **error)
{
    static const char space[] = " \t\r\n\f\v";
    for (;;) {
        text += strspn(text, space);
        size_t bytes = strcspn(text, space);
        if (bytes == 0)
            return true;
        if (!add_part(parts, text, bytes, error))
            return false;
        text += bytes;
    }
}

static bool split_at(const char *text, const char *separator, json_t *parts, GError **error)
{
    for (const char *at; (at = find(text, separator)) != NULL; text = at + strlen(separator)) {
        if (!add_part(parts, text, (size_t)(at - text), error))
            return false;
    }
    return add_part(parts, text, strlen(text), error);
}

bool tpl_text_split(const char *text, const char *separator, TplValue *ret_value, GError **error)
{
    if (separator != NULL && *separator == '\0')
        return tpl_call_fail(error, "sep must not be empty");
    json_t *parts = json_array();
    bool split =
        separator == NULL ? split_at_space(text, parts, error) : split_at(text, separator, parts, error);
    if (split)
        *ret_value = tpl_value_data(parts);
    else
        json_decref(parts);
    return split;
}
