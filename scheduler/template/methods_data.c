/* SPDX-License-Identifier: MIT */
/* Methods of strings and objects, as Python's str and dict have them. */
#include "scheduler/template/functions.h"
#include "scheduler/template/text.h"

static bool run_upper(TplCall *call, TplValue *ret_value, GError **error)
{
    g_autofree char *text = g_utf8_strup(tpl_value_string(call->self), -1);
    return tpl_text_finish(g_string_new(text), ret_value, error);
}

static bool run_lower(TplCall *call, TplValue *ret_value, GError **error)
{
    g_autofree char *text = g_utf8_strdown(tpl_value_string(call->self), -1);
    return tpl_text_finish(g_string_new(text), ret_value, error);
}

static bool strip(TplCall *call, TplTrim ends, TplValue *ret_value, GError **error)
{
    const char *characters = NULL;
    if (call->given[0] && !tpl_call_string(call, 0, "chars", &characters, error))
        return false;
    return tpl_text_trim(tpl_value_string(call->self), characters, ends, ret_value, error);
}

static bool run_strip(TplCall *call, TplValue *ret_value, GError **error)
{
    return strip(call, TPL_TRIM_BOTH, ret_value, error);
}

static bool run_lstrip(TplCall *call, TplValue *ret_value, GError **error)
{
    return strip(call, TPL_TRIM_START, ret_value, error);
}

static bool run_rstrip(TplCall *call, TplValue *ret_value, GError **error)
{
    return strip(call, TPL_TRIM_END, ret_value, error);
}

static bool run_replace(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *old, *new;
    if (!tpl_call_string(call, 0, "old", &old, error) || !tpl_call_string(call, 1, "new", &new, error))
        return false;
    return tpl_text_replace(tpl_value_string(call->self), old, new, ret_value, error);
}

static bool run_split(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *separator = NULL;
    if (call->given[0] && !tpl_call_string(call, 0, "sep", &separator, error))
        return false;
    return tpl_text_split(tpl_value_string(call->self), separator, ret_value, error);
}

/** dict.get: None, or the default, for a key that is not there. */
static bool run_get(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *key;
    if (!tpl_call_string(call, 0, "key", &key, error))
        return false;
    json_t *found = json_object_get(call->self->data, key);
    *ret_value = found != NULL || !call->given[1] ? tpl_value_data(json_incref(found))
                                                  : tpl_value_copy(&call->arguments[1]);
    return true;
}

const TplFunction TPL_METHODS_DATA[] = {
    {TPL_TYPE_STRING, "upper", TPL_TYPE_STRING, {0}, 0, 0, run_upper},
    {TPL_TYPE_STRING, "lower", TPL_TYPE_STRING, {0}, 0, 0, run_lower},
    {TPL_TYPE_STRING, "strip", TPL_TYPE_STRING, {"chars"}, 0, 1, run_strip},
    {TPL_TYPE_STRING, "lstrip", TPL_TYPE_STRING, {"chars"}, 0, 1, run_lstrip},
    {TPL_TYPE_STRING, "rstrip", TPL_TYPE_STRING, {"chars"}, 0, 1, run_rstrip},
    {TPL_TYPE_STRING, "replace", TPL_TYPE_STRING, {"old", "new"}, 2, 2, run_replace},
    {TPL_TYPE_STRING, "split", TPL_TYPE_LIST, {"sep"}, 0, 1, run_split},
    {TPL_TYPE_OBJECT, "get", TPL_TYPE_ANY, {"key", "default"}, 1, 2, run_get},
    {0},
};
