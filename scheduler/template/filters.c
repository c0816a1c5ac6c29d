/* SPDX-License-Identifier: MIT */
#include "scheduler/template/functions.h"
#include "scheduler/template/instant.h"
#include "scheduler/template/text.h"

#include <math.h>
#include <string.h>

/** The value as it would be printed; NULL with `error` set when that is too long. */
static char *printed(const TplValue *value, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (tpl_value_append(value, text))
        return g_string_free(g_steal_pointer(&text), FALSE);
    tpl_call_fail(error, "makes a value longer than %d bytes", TEMPLATE_OUTPUT_MAX);
    return NULL;
}

/** Never called: the renderer treats default itself, because it alone may be given what is undefined. */
static bool run_default(TplCall *call, TplValue *ret_value, GError **error)
{
    (void)error;
    *ret_value = tpl_value_copy(call->self);
    return true;
}

static bool run_tojson(TplCall *call, TplValue *ret_value, GError **error)
{
    GString *text = g_string_new(NULL);
    if (tpl_value_append_json(call->self, text))
        return tpl_text_finish(text, ret_value, error);
    g_string_free(text, TRUE);
    return tpl_call_fail(error, "makes a value that is too long or nests too deep");
}

static bool run_quote(TplCall *call, TplValue *ret_value, GError **error)
{
    g_autofree char *text = printed(call->self, error);
    if (text == NULL)
        return false;
    g_autofree char *quoted = g_shell_quote(text);
    return tpl_text_finish(g_string_new(quoted), ret_value, error);
}

static bool run_string(TplCall *call, TplValue *ret_value, GError **error)
{
    char *text = printed(call->self, error);
    if (text == NULL)
        return false;
    *ret_value = tpl_value_text(text);
    return true;
}

static bool run_upper(TplCall *call, TplValue *ret_value, GError **error)
{
    g_autofree char *text = printed(call->self, error);
    if (text == NULL)
        return false;
    g_autofree char *changed = g_utf8_strup(text, -1);
    return tpl_text_finish(g_string_new(changed), ret_value, error);
}

static bool run_lower(TplCall *call, TplValue *ret_value, GError **error)
{
    g_autofree char *text = printed(call->self, error);
    if (text == NULL)
        return false;
    g_autofree char *changed = g_utf8_strdown(text, -1);
    return tpl_text_finish(g_string_new(changed), ret_value, error);
}

static bool run_trim(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *characters = NULL;
    if (call->given[0] && !tpl_call_string(call, 0, "chars", &characters, error))
        return false;
    g_autofree char *text = printed(call->self, error);
    return text != NULL && tpl_text_trim(text, characters, TPL_TRIM_BOTH, ret_value, error);
}

static bool run_replace(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *old, *new;
    if (!tpl_call_string(call, 0, "old", &old, error) || !tpl_call_string(call, 1, "new", &new, error))
        return false;
    g_autofree char *text = printed(call->self, error);
    return text != NULL && tpl_text_replace(text, old, new, ret_value, error);
}

/** The number a value stands for; false when it is none. */
static bool number_of(const TplValue *value, double *ret_number)
{
    const char *text = tpl_value_string(value);
    *ret_number = value->type == TPL_TYPE_BOOL ? json_is_true(value->data) : json_number_value(value->data);
    if (text == NULL)
        return value->type == TPL_TYPE_NUMBER || value->type == TPL_TYPE_BOOL;
    char *end = NULL;
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    if (trimmed[strspn(trimmed, "+-.0123456789eE")] != '\0') /* not nan, inf or hexadecimal */
        return false;
    *ret_number = g_ascii_strtod(trimmed, &end);
    return *trimmed != '\0' && *end == '\0' && isfinite(*ret_number);
}

/** What int and float give for something that is no number: their argument, or an error. */
static bool number_or_default(TplCall *call, TplValue *ret_value, GError **error)
{
    if (!call->given[0])
        return tpl_call_fail(error,
                             "the value is not a number that fits; to go on with 0, give 0 as argument");
    *ret_value = tpl_value_copy(&call->arguments[0]);
    return true;
}

static bool run_int(TplCall *call, TplValue *ret_value, GError **error)
{
    double number;
    gint64 whole;
    const char *text = tpl_value_string(call->self);
    g_autofree char *trimmed = text != NULL ? g_strstrip(g_strdup(text)) : NULL;
    if (call->self->type == TPL_TYPE_NUMBER && json_is_integer(call->self->data))
        *ret_value = tpl_value_copy(call->self);
    else if (trimmed != NULL && g_ascii_string_to_signed(trimmed, 10, INT64_MIN, INT64_MAX, &whole, NULL))
        *ret_value = tpl_value_data(json_integer(whole));
    else if (number_of(call->self, &number) && fabs(number) < 9.2e18)
        *ret_value = tpl_value_data(json_integer((json_int_t)number)); /* cut towards 0, as Python's int() */
    else
        return number_or_default(call, ret_value, error);
    return true;
}

static bool run_float(TplCall *call, TplValue *ret_value, GError **error)
{
    double number;
    if (!number_of(call->self, &number))
        return number_or_default(call, ret_value, error);
    *ret_value = tpl_value_data(json_real(number));
    return true;
}

static bool run_length(TplCall *call, TplValue *ret_value, GError **error)
{
    json_int_t length;
    const char *text = tpl_value_string(call->self);
    if (text != NULL)
        length = (json_int_t)g_utf8_strlen(text, -1);
    else if (call->self->type == TPL_TYPE_LIST)
        length = (json_int_t)json_array_size(call->self->data);
    else if (call->self->type == TPL_TYPE_OBJECT)
        length = (json_int_t)json_object_size(call->self->data);
    else
        return tpl_call_fail(error, "%s has no length", tpl_type_label(call->self->type));
    *ret_value = tpl_value_data(json_integer(length));
    return true;
}

/** The first or last item of a list, or character of a string; undefined when there is none. */
static bool end_of(const TplCall *call, bool last, TplValue *ret_value, GError **error)
{
    const char *text = tpl_value_string(call->self);
    if (text == NULL && call->self->type != TPL_TYPE_LIST)
        return tpl_call_fail(error, "needs a list, not %s", tpl_type_label(call->self->type));
    size_t size = text != NULL ? strlen(text) : json_array_size(call->self->data);
    if (size == 0) {
        *ret_value =
            tpl_value_undefined(g_strdup(text != NULL ? "the string is empty" : "the list is empty"));
    } else if (text != NULL) {
        const char *at = last ? g_utf8_prev_char(text + size) : text;
        *ret_value = tpl_value_text(g_strndup(at, (gsize)(g_utf8_next_char(at) - at)));
    } else {
        *ret_value = tpl_value_data(json_incref(json_array_get(call->self->data, last ? size - 1 : 0)));
    }
    return true;
}

static bool run_first(TplCall *call, TplValue *ret_value, GError **error)
{
    return end_of(call, false, ret_value, error);
}

static bool run_last(TplCall *call, TplValue *ret_value, GError **error)
{
    return end_of(call, true, ret_value, error);
}

static bool run_join(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *separator = "";
    if (call->given[0] && !tpl_call_string(call, 0, "d", &separator, error))
        return false;
    GString *text = g_string_new(NULL);
    bool fits = true;
    for (size_t i = 0; fits && i < json_array_size(call->self->data); i++) {
        g_auto(TplValue) item = tpl_value_data(json_incref(json_array_get(call->self->data, i)));
        if (i > 0)
            g_string_append(text, separator);
        fits = tpl_value_append(&item, text);
    }
    if (fits)
        return tpl_text_finish(text, ret_value, error);
    g_string_free(text, TRUE);
    return tpl_call_fail(error, "makes a value longer than %d bytes", TEMPLATE_OUTPUT_MAX);
}

#define STAMP(name)                                                                                          \
    static bool run_##name(TplCall *call, TplValue *ret_value, GError **error)                               \
    {                                                                                                        \
        (void)error;                                                                                         \
        *ret_value = tpl_value_text(tpl_instant_stamp(call->self->instant, #name));                          \
        return true;                                                                                         \
    }
STAMP(ds)
STAMP(ds_nodash)
STAMP(ts)
STAMP(ts_nodash)
STAMP(ts_nodash_with_tz)

const TplFunction TPL_FILTERS[] = {
    {TPL_TYPE_ANY, "default", TPL_TYPE_ANY, {"default_value", "boolean"}, 0, 2, run_default},
    {TPL_TYPE_ANY, "d", TPL_TYPE_ANY, {"default_value", "boolean"}, 0, 2, run_default},
    {TPL_TYPE_ANY, "tojson", TPL_TYPE_STRING, {0}, 0, 0, run_tojson},
    {TPL_TYPE_ANY, "quote", TPL_TYPE_STRING, {0}, 0, 0, run_quote},
    {TPL_TYPE_ANY, "upper", TPL_TYPE_STRING, {0}, 0, 0, run_upper},
    {TPL_TYPE_ANY, "lower", TPL_TYPE_STRING, {0}, 0, 0, run_lower},
    {TPL_TYPE_ANY, "trim", TPL_TYPE_STRING, {"chars"}, 0, 1, run_trim},
    {TPL_TYPE_ANY, "replace", TPL_TYPE_STRING, {"old", "new"}, 2, 2, run_replace},
    {TPL_TYPE_ANY, "int", TPL_TYPE_NUMBER, {"default"}, 0, 1, run_int},
    {TPL_TYPE_ANY, "float", TPL_TYPE_NUMBER, {"default"}, 0, 1, run_float},
    {TPL_TYPE_ANY, "string", TPL_TYPE_STRING, {0}, 0, 0, run_string},
    {TPL_TYPE_ANY, "length", TPL_TYPE_NUMBER, {0}, 0, 0, run_length},
    {TPL_TYPE_ANY, "first", TPL_TYPE_ANY, {0}, 0, 0, run_first},
    {TPL_TYPE_ANY, "last", TPL_TYPE_ANY, {0}, 0, 0, run_last},
    {TPL_TYPE_LIST, "join", TPL_TYPE_STRING, {"d"}, 0, 1, run_join},
    {TPL_TYPE_INSTANT, "ds", TPL_TYPE_STRING, {0}, 0, 0, run_ds},
    {TPL_TYPE_INSTANT, "ds_nodash", TPL_TYPE_STRING, {0}, 0, 0, run_ds_nodash},
    {TPL_TYPE_INSTANT, "ts", TPL_TYPE_STRING, {0}, 0, 0, run_ts},
    {TPL_TYPE_INSTANT, "ts_nodash", TPL_TYPE_STRING, {0}, 0, 0, run_ts_nodash},
    {TPL_TYPE_INSTANT, "ts_nodash_with_tz", TPL_TYPE_STRING, {0}, 0, 0, run_ts_nodash_with_tz},
    {0},
};
