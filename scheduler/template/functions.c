/* SPDX-License-Identifier: MIT */
#include "scheduler/template/functions.h"

#include <string.h>

static const TplFunction *const METHOD_TABLES[] = {TPL_METHODS_DATA, TPL_METHODS_INSTANT, TPL_METHODS_LOOKUP};

const TplFunction *tpl_filter_find(const char *name)
{
    for (const TplFunction *filter = TPL_FILTERS; filter->name != NULL; filter++) {
        if (g_str_equal(filter->name, name))
            return filter;
    }
    return NULL;
}

const TplFunction *tpl_method_find(TplType owner, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(METHOD_TABLES); i++) {
        for (const TplFunction *method = METHOD_TABLES[i]; method->name != NULL; method++) {
            if ((owner == TPL_TYPE_ANY || owner == method->owner) && g_str_equal(method->name, name))
                return method;
        }
    }
    return NULL;
}

const char *tpl_filter_suggest(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const TplFunction *filter = TPL_FILTERS; filter->name != NULL; filter++)
        g_ptr_array_add(names, (char *)filter->name);
    g_ptr_array_add(names, NULL);
    return suggest_nearest(name, (const char *const *)names->pdata);
}

const char *tpl_method_suggest(TplType owner, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(METHOD_TABLES); i++) {
        for (const TplFunction *method = METHOD_TABLES[i]; method->name != NULL; method++) {
            if (owner == TPL_TYPE_ANY || owner == method->owner)
                g_ptr_array_add(names, (char *)method->name);
        }
    }
    g_ptr_array_add(names, NULL);
    return suggest_nearest(name, (const char *const *)names->pdata);
}

static char *parameter_list(const TplFunction *function)
{
    return g_strjoinv(", ", (char **)function->parameters);
}

/** The place of the parameter `name`, or -1. */
static int parameter_place(const TplFunction *function, const char *name)
{
    for (int i = 0; function->parameters[i] != NULL; i++) {
        if (g_str_equal(function->parameters[i], name))
            return i;
    }
    return -1;
}

static char *too_many(const TplFunction *function)
{
    g_autofree char *list = parameter_list(function);
    if (function->parameters[0] == NULL)
        return g_strdup("takes no arguments");
    if (function->parameters[function->positional] == NULL)
        return g_strdup_printf("takes at most %u argument%s (%s)", function->positional,
                               function->positional == 1 ? "" : "s", list);
    return g_strdup_printf("takes its arguments by name, as in %s=...; it has %s",
                           function->parameters[function->positional], list);
}

static char *unknown_parameter(const TplFunction *function, const char *name)
{
    g_autofree char *list = parameter_list(function);
    if (*list == '\0')
        return g_strdup("takes no arguments");
    return g_strdup_printf("has no argument '%.60s'; it has %s", name, list);
}

bool tpl_function_bind(const TplFunction *function, const GPtrArray *arguments,
                       const TplArgument *ret_bound[TPL_ARGUMENTS_MAX], char **ret_wrong)
{
    memset(ret_bound, 0, TPL_ARGUMENTS_MAX * sizeof ret_bound[0]);
    for (guint i = 0; i < arguments->len; i++) {
        const TplArgument *argument = g_ptr_array_index(arguments, i);
        if (argument->name == NULL && i >= function->positional) {
            *ret_wrong = too_many(function);
            return false;
        }
        int place = argument->name != NULL ? parameter_place(function, argument->name) : (int)i;
        if (place < 0) {
            *ret_wrong = unknown_parameter(function, argument->name);
            return false;
        }
        if (ret_bound[place] != NULL) {
            *ret_wrong = g_strdup_printf("has its argument '%s' twice", function->parameters[place]);
            return false;
        }
        ret_bound[place] = argument;
    }
    for (guint i = 0; i < function->required; i++) {
        if (ret_bound[i] == NULL) {
            *ret_wrong = g_strdup_printf("needs its argument '%s'", function->parameters[i]);
            return false;
        }
    }
    return true;
}

bool tpl_call_fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID, message);
    return false;
}

bool tpl_call_string(const TplCall *call, guint index, const char *parameter, const char **ret,
                     GError **error)
{
    *ret = tpl_value_string(&call->arguments[index]);
    if (*ret == NULL)
        return tpl_call_fail(error, "%s must be a string, not %s", parameter,
                             tpl_type_label(call->arguments[index].type));
    return true;
}

bool tpl_call_integer(const TplCall *call, guint index, const char *parameter, int64_t *ret, GError **error)
{
    const TplValue *value = &call->arguments[index];
    if (value->type != TPL_TYPE_NUMBER || !json_is_integer(value->data))
        return tpl_call_fail(error, "%s must be a whole number%s%s", parameter,
                             value->type == TPL_TYPE_NUMBER ? "" : ", not ",
                             value->type == TPL_TYPE_NUMBER ? "" : tpl_type_label(value->type));
    *ret = json_integer_value(value->data);
    return true;
}
