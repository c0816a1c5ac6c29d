/* SPDX-License-Identifier: MIT */
#include "scheduler/model/param_schema.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {"null",   "boolean", "integer", "number",
                                         "string", "array",   "object",  NULL};
static const char *const format_names[] = {"path", "date", "date-time", "uri", "email", NULL};
static const char *const key_names[] = {
    "type",
    "format",
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "title",
    "description",
    NULL,
};

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (error != NULL)
        *error = g_error_new_valist(WEIR_ERROR, WEIR_ERROR_INVALID, format, args);
    va_end(args);
    return false;
}

static bool fail_unknown(GError **error, const char *what, const char *name, const char *const *known)
{
    const char *near = suggest_nearest(name, known);
    g_autofree char *all = g_strjoinv(", ", (char **)known);
    if (near != NULL)
        return fail(error, "unknown %s \"%s\"; did you mean \"%s\"?", what, name, near);
    return fail(error, "unknown %s \"%s\" (known: %s)", what, name, all);
}

static ParamTypes type_bit(const json_t *name)
{
    for (int i = 0; json_is_string(name) && type_names[i] != NULL; i++) {
        if (strcmp(type_names[i], json_string_value(name)) == 0)
            return (ParamTypes)(1 << i);
    }
    return 0;
}

ParamTypes param_schema_types(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    if (type == NULL)
        return PARAM_TYPE_ANY;
    if (!json_is_array(type))
        return type_bit(type);
    unsigned types = 0;
    size_t i;
    const json_t *name;
    json_array_foreach(type, i, name)
    {
        if (type_bit(name) == 0)
            return 0;
        types |= type_bit(name);
    }
    return (ParamTypes)types;
}

static bool is_whole(const json_t *value)
{
    return json_is_integer(value) ||
           (json_is_real(value) && json_real_value(value) == floor(json_real_value(value)));
}

static bool value_has_type(const json_t *value, ParamTypes types)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return types & PARAM_TYPE_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return types & PARAM_TYPE_BOOLEAN;
    case JSON_INTEGER:
    case JSON_REAL:
        return (types & PARAM_TYPE_NUMBER) || ((types & PARAM_TYPE_INTEGER) && is_whole(value));
    case JSON_STRING:
        return types & PARAM_TYPE_STRING;
    case JSON_ARRAY:
        return types & PARAM_TYPE_ARRAY;
    case JSON_OBJECT:
        return types & PARAM_TYPE_OBJECT;
    }
    return false;
}

/* ---- the schema itself ------------------------------------------------------------------------------------
 */

static bool check_type(const json_t *type, GError **error)
{
    if (json_is_array(type) && json_array_size(type) == 0)
        return fail(error, "\"type\" is an empty list");
    for (size_t i = 0; i < (json_is_array(type) ? json_array_size(type) : 1); i++) {
        const json_t *name = json_is_array(type) ? json_array_get(type, i) : type;
        if (!json_is_string(name))
            return fail(error, "\"type\" must be the name of a type, or a list of them");
        if (type_bit(name) == 0)
            return fail_unknown(error, "type", json_string_value(name), type_names);
    }
    return true;
}

static bool check_numbers(const json_t *schema, GError **error)
{
    static const char *const numbers[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
                                          "multipleOf"};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const json_t *value = json_object_get(schema, numbers[i]);
        if (value != NULL && !json_is_number(value))
            return fail(error, "\"%s\" must be a number", numbers[i]);
    }
    const json_t *multiple = json_object_get(schema, "multipleOf");
    if (multiple != NULL && !(json_number_value(multiple) > 0))
        return fail(error, "\"multipleOf\" must be greater than 0");
    static const char *const lengths[] = {"minLength", "maxLength"};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        const json_t *value = json_object_get(schema, lengths[i]);
        if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0))
            return fail(error, "\"%s\" must be a whole number, 0 or more", lengths[i]);
    }
    return true;
}

static bool check_texts(const json_t *schema, GError **error)
{
    static const char *const texts[] = {"format", "pattern", "title", "description"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const json_t *value = json_object_get(schema, texts[i]);
        if (value != NULL && !json_is_string(value))
            return fail(error, "\"%s\" must be text", texts[i]);
    }
    const char *format = json_string_value(json_object_get(schema, "format"));
    if (format != NULL && !g_strv_contains(format_names, format))
        return fail_unknown(error, "format", format, format_names);
    return true;
}

static bool check_items(const json_t *items, GError **error)
{
    if (!json_is_object(items) || json_object_size(items) != 1 || json_object_get(items, "type") == NULL)
        return fail(error, "\"items\" must be {type: ...}");
    return check_type(json_object_get(items, "type"), error);
}

static bool check_pattern(const char *pattern, GRegex **ret_pattern, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_OPTIMIZE, 0, &cause);
    if (regex == NULL)
        return fail(error, "\"pattern\" is not a regular expression: %s", cause->message);
    if (ret_pattern != NULL)
        *ret_pattern = g_steal_pointer(&regex);
    return true;
}

bool param_schema_check(const json_t *schema, GRegex **ret_pattern, GError **error)
{
    if (ret_pattern != NULL)
        *ret_pattern = NULL;
    if (!json_is_object(schema))
        return fail(error, "the specification must be a mapping");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value)
    {
        if (!g_strv_contains(key_names, key))
            return fail_unknown(error, "key", key, key_names);
    }
    const json_t *type = json_object_get(schema, "type"), *items = json_object_get(schema, "items");
    const json_t *choices = json_object_get(schema, "enum");
    if (type != NULL && !check_type(type, error))
        return false;
    if (!check_numbers(schema, error) || !check_texts(schema, error))
        return false;
    if (items != NULL && !check_items(items, error))
        return false;
    if (choices != NULL && json_array_size(choices) == 0)
        return fail(error, "\"enum\" must be a list of at least one value");
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    return pattern == NULL || check_pattern(pattern, ret_pattern, error);
}

/* ---- values -----------------------------------------------------------------------------------------------
 */

static bool fail_type(const json_t *value, const json_t *type, GError **error)
{
    static const char *const shown[] = {"an object", "a list", "text",  "an integer",
                                        "a number",  "true",   "false", "null"};
    if (json_is_string(type))
        return fail(error, "must be of type %s, not %s", json_string_value(type), shown[json_typeof(value)]);
    g_autoptr(GString) all = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(type); i++)
        g_string_append_printf(all, "%s%s", i == 0 ? "" : " or ", json_string_value(json_array_get(type, i)));
    return fail(error, "must be of type %s, not %s", all->str, shown[json_typeof(value)]);
}

static bool json_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static bool check_enum(const json_t *choices, const json_t *value, GError **error)
{
    size_t i;
    const json_t *choice;
    json_array_foreach(choices, i, choice)
    {
        if (json_same(choice, value))
            return true;
    }
    g_autofree char *all = json_dumps(choices, JSON_COMPACT | JSON_ENCODE_ANY);
    g_autofree char *shown = g_utf8_substring(all, 0, MIN(g_utf8_strlen(all, -1), 200));
    return fail(error, "must be one of %s%s", shown, strlen(shown) < strlen(all) ? "..." : "");
}

static bool is_multiple(double value, double of)
{
    double quotient = value / of;
    return fabs(quotient - round(quotient)) <= 1e-9 * MAX(1.0, fabs(quotient));
}

static bool check_number(const json_t *schema, const json_t *number, GError **error)
{
    double value = json_number_value(number);
    const json_t *bound;
    if ((bound = json_object_get(schema, "minimum")) != NULL && value < json_number_value(bound))
        return fail(error, "must be at least %.15g", json_number_value(bound));
    if ((bound = json_object_get(schema, "maximum")) != NULL && value > json_number_value(bound))
        return fail(error, "must be at most %.15g", json_number_value(bound));
    if ((bound = json_object_get(schema, "exclusiveMinimum")) != NULL && value <= json_number_value(bound))
        return fail(error, "must be greater than %.15g", json_number_value(bound));
    if ((bound = json_object_get(schema, "exclusiveMaximum")) != NULL && value >= json_number_value(bound))
        return fail(error, "must be less than %.15g", json_number_value(bound));
    if ((bound = json_object_get(schema, "multipleOf")) != NULL &&
        !is_multiple(value, json_number_value(bound)))
        return fail(error, "must be a multiple of %.15g", json_number_value(bound));
    return true;
}

/** Days of a month of the Gregorian calendar; the text has exactly the form YYYY-MM-DD. */
static bool is_date(const char *text)
{
    for (size_t i = 0; i < 10; i++) {
        bool fits = i == 4 || i == 7 ? text[i] == '-' : g_ascii_isdigit(text[i]);
        if (!fits)
            return false;
    }
    guint64 year = g_ascii_strtoull(text, NULL, 10), month = g_ascii_strtoull(text + 5, NULL, 10);
    guint64 day = g_ascii_strtoull(text + 8, NULL, 10);
    return g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year);
}

static bool is_date_time(const char *text)
{
    if (!is_date(text) || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
        return false;
    g_autofree char *iso = g_strdup(text);
    iso[10] = 'T';
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) parsed = g_date_time_new_from_iso8601(iso, utc);
    return parsed != NULL;
}

static bool is_email(const char *text)
{
    const char *at = strrchr(text, '@');
    return at != NULL && at != text && at[1] != '\0' && strpbrk(text, " \t\r\n") == NULL;
}

static bool check_format(const char *format, const char *text, GError **error)
{
    if (strcmp(format, "date") == 0 && (strlen(text) != 10 || !is_date(text)))
        return fail(error, "must be a date such as 2026-01-31");
    if (strcmp(format, "date-time") == 0 && !is_date_time(text))
        return fail(error, "must be a date with time such as 2026-01-31T08:30:00Z");
    if (strcmp(format, "uri") == 0 && !g_uri_is_valid(text, G_URI_FLAGS_NONE, NULL))
        return fail(error, "must be a URI such as https://example.com/x");
    if (strcmp(format, "email") == 0 && !is_email(text))
        return fail(error, "must be an email address");
    if (strcmp(format, "path") == 0 && text[0] == '\0')
        return fail(error, "must be a path, not empty");
    return true;
}

static bool check_string(const json_t *schema, const GRegex *pattern, const json_t *string, GError **error)
{
    const char *text = json_string_value(string);
    if (strlen(text) != json_string_length(string))
        return fail(error, "must not contain the character NUL");
    const json_t *least = json_object_get(schema, "minLength"), *most = json_object_get(schema, "maxLength");
    glong length = least != NULL || most != NULL ? g_utf8_strlen(text, -1) : 0;
    if (least != NULL && length < json_integer_value(least))
        return fail(error, "must be at least %" JSON_INTEGER_FORMAT " characters long",
                    json_integer_value(least));
    if (most != NULL && length > json_integer_value(most))
        return fail(error, "must be at most %" JSON_INTEGER_FORMAT " characters long",
                    json_integer_value(most));
    if (pattern != NULL && !g_regex_match(pattern, text, 0, NULL))
        return fail(error, "must match the pattern %s", g_regex_get_pattern(pattern));
    const char *format = json_string_value(json_object_get(schema, "format"));
    return format == NULL || check_format(format, text, error);
}

static bool check_array(const json_t *schema, const json_t *array, GError **error)
{
    const json_t *items = json_object_get(schema, "items");
    ParamTypes types = items == NULL ? PARAM_TYPE_ANY : param_schema_types(items);
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        g_autoptr(GError) cause = NULL;
        if (!value_has_type(item, types)) {
            fail_type(item, json_object_get(items, "type"), &cause);
            return fail(error, "item %zu %s", i + 1, cause->message);
        }
    }
    return true;
}

bool param_schema_accepts(const json_t *schema, const GRegex *pattern, const json_t *value, GError **error)
{
    const json_t *choices = json_object_get(schema, "enum");
    if (!value_has_type(value, param_schema_types(schema)))
        return fail_type(value, json_object_get(schema, "type"), error);
    if (choices != NULL && !check_enum(choices, value, error))
        return false;
    if (json_is_number(value))
        return check_number(schema, value, error);
    if (json_is_string(value))
        return check_string(schema, pattern, value, error);
    return !json_is_array(value) || check_array(schema, value, error);
}
