/* SPDX-License-Identifier: MIT */
/* Writes values as JSON. jansson's own writer prints 0.1 with 17 digits and knows no limit. */
#include "scheduler/template/instant.h"
#include "scheduler/template/value.h"

#include <math.h>
#include <string.h>

#define JSON_DEPTH_MAX 512 /* deeper data could not be read back by most programs, and costs our stack */

static bool append_json(GString *text, const json_t *data, int depth);

/** As Python's repr(): the fewest digits that read back as the same number, and always a point or exponent.
 */
static void append_real(GString *text, double number)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    bool wide = fabs(number) >= 1e15 && fabs(number) < 1e16; /* Python's last decade without an exponent */
    bool tiny = fabs(number) < 1e-4; /* has an exponent with any number of digits; may need less than 15 */
    for (int precision = wide ? 16 : tiny ? 1 : 15; precision <= 17; precision++) {
        char format[sizeof "%.17g"];
        g_snprintf(format, sizeof format, "%%.%dg", precision);
        g_ascii_formatd(digits, sizeof digits, format, number);
        if (g_ascii_strtod(digits, NULL) == number)
            break;
    }
    g_string_append(text, digits);
    if (strpbrk(digits, ".e") == NULL)
        g_string_append(text, ".0");
}

static void append_string(GString *text, const char *string)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", codes[] = "\"\\bfnrt";
    g_string_append_c(text, '"');
    for (const char *at = string; *at != '\0' && text->len <= TEMPLATE_OUTPUT_MAX; at++) {
        const char *code = strchr(escaped, *at);
        if (code != NULL)
            g_string_append_printf(text, "\\%c", codes[code - escaped]);
        else if ((unsigned char)*at < 0x20 || *at == 0x7f || strchr("<>&'", *at) != NULL)
            g_string_append_printf(text, "\\u%04x", (unsigned)*at);
        else
            g_string_append_c(text, *at);
    }
    g_string_append_c(text, '"');
}

static bool append_list(GString *text, const json_t *list, int depth)
{
    size_t i;
    const json_t *item;
    g_string_append_c(text, '[');
    json_array_foreach(list, i, item)
    {
        if (i > 0)
            g_string_append(text, ", ");
        if (!append_json(text, item, depth + 1))
            return false;
    }
    g_string_append_c(text, ']');
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool append_object(GString *text, const json_t *object, int depth)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    for (void *at = json_object_iter((json_t *)object); at != NULL;
         at = json_object_iter_next((json_t *)object, at))
        g_ptr_array_add(keys, (char *)json_object_iter_key(at));
    g_ptr_array_sort(keys, compare_keys);
    g_string_append_c(text, '{');
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index(keys, i);
        if (i > 0)
            g_string_append(text, ", ");
        append_string(text, key);
        g_string_append(text, ": ");
        if (!append_json(text, json_object_get(object, key), depth + 1))
            return false;
    }
    g_string_append_c(text, '}');
    return true;
}

static bool append_json(GString *text, const json_t *data, int depth)
{
    if (depth > JSON_DEPTH_MAX || text->len > TEMPLATE_OUTPUT_MAX)
        return false;
    switch (json_typeof(data)) {
    case JSON_OBJECT:
        return append_object(text, data, depth);
    case JSON_ARRAY:
        return append_list(text, data, depth);
    case JSON_STRING:
        append_string(text, json_string_value(data));
        break;
    case JSON_INTEGER:
        g_string_append_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(data));
        break;
    case JSON_REAL:
        append_real(text, json_real_value(data));
        break;
    case JSON_TRUE:
        g_string_append(text, "true");
        break;
    case JSON_FALSE:
        g_string_append(text, "false");
        break;
    case JSON_NULL:
        g_string_append(text, "null");
        break;
    }
    return text->len <= TEMPLATE_OUTPUT_MAX;
}

bool tpl_value_append_json(const TplValue *value, GString *text)
{
    if (value->type == TPL_TYPE_INSTANT) {
        g_autofree char *printed = tpl_instant_iso(value->instant, 'T');
        append_string(text, printed);
        return text->len <= TEMPLATE_OUTPUT_MAX;
    }
    return append_json(text, value->data, 0);
}
