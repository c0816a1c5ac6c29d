/* SPDX-License-Identifier: MIT */
#include "scheduler/template/evaluate.h"

#include "scheduler/template/functions.h"
#include "scheduler/template/lookup.h"
#include "scheduler/template/names.h"
#include "scheduler/template/text.h"

#include <string.h>

/** What one render may do altogether: seconds of work would stop the scheduler for everybody. */
#define TOUCHED_MAX_BYTES (64 * TEMPLATE_OUTPUT_MAX)

static bool evaluate_any(TplEvaluation *evaluation, const TplExpression *expression, TplValue *ret_value);

bool tpl_evaluation_fail(TplEvaluation *evaluation, TplPosition position, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(evaluation->error, WEIR_ERROR, WEIR_ERROR_INVALID, "%u:%u: %s", position.line,
                position.column, message);
    return false;
}

/** Passes `error` (taken) on, with the place and what failed in front. Always false. */
static bool fail_with(TplEvaluation *evaluation, TplPosition position, const char *what, GError *error)
{
    g_propagate_prefixed_error(evaluation->error, error, "%u:%u: %s: ", position.line, position.column, what);
    return false;
}

/** Counts what a call reads or has made against the budget of the render. */
static bool charge(TplEvaluation *evaluation, TplPosition position, const TplValue *value)
{
    evaluation->touched += tpl_value_string(value) != NULL ? json_string_length(value->data) : 64;
    if (evaluation->touched <= TOUCHED_MAX_BYTES)
        return true;
    return tpl_evaluation_fail(evaluation, position, "this template is too much work: over %d bytes handled",
                               TOUCHED_MAX_BYTES);
}

/** Whether `value` is data, else an error that says why not. */
static bool require_data(TplEvaluation *evaluation, TplPosition position, const TplValue *value)
{
    if (value->type == TPL_TYPE_UNDEFINED)
        return tpl_evaluation_fail(evaluation, position, "%s (default('...') can stand in for it)",
                                   value->missing != NULL ? value->missing : "undefined");
    if (tpl_type_is_data(value->type))
        return true;
    g_autofree char *why = tpl_object_explain(value->type);
    return tpl_evaluation_fail(evaluation, position, "%s", why);
}

bool tpl_evaluate_data(TplEvaluation *evaluation, const TplExpression *expression, TplValue *ret_value)
{
    g_auto(TplValue) value = {0};
    if (!evaluate_any(evaluation, expression, &value) ||
        !require_data(evaluation, expression->position, &value))
        return false;
    *ret_value = tpl_value_copy(&value);
    return true;
}

static bool evaluate_list(TplEvaluation *evaluation, const TplOperand *operand, TplValue *ret_value)
{
    g_auto(TplValue) list = tpl_value_data(json_array());
    for (guint i = 0; i < operand->items->len; i++) {
        g_auto(TplValue) item = {0};
        if (!tpl_evaluate_data(evaluation, g_ptr_array_index(operand->items, i), &item))
            return false;
        if (item.type == TPL_TYPE_INSTANT) /* JSON has no dates */
            return tpl_evaluation_fail(evaluation, operand->position,
                                       "a list cannot hold a date; format it (| ts)");
        json_array_append(list.data, item.data);
    }
    *ret_value = tpl_value_copy(&list);
    return true;
}

static bool evaluate_head(TplEvaluation *evaluation, const TplOperand *operand, TplValue *ret_value)
{
    switch (operand->kind) {
    case TPL_OPERAND_LITERAL:
        *ret_value = tpl_value_data(json_incref(operand->literal));
        return true;
    case TPL_OPERAND_LIST:
        return evaluate_list(evaluation, operand, ret_value);
    case TPL_OPERAND_GROUP:
        return evaluate_any(evaluation, g_ptr_array_index(operand->items, 0), ret_value);
    case TPL_OPERAND_NAME:
        break;
    }
    const TplAttribute *root = tpl_attribute_find(TPL_TYPE_ROOT, operand->name);
    if (root == NULL) {
        g_autofree char *why = tpl_attribute_explain(TPL_TYPE_ROOT, operand->name);
        return tpl_evaluation_fail(evaluation, operand->position, "%s", why);
    }
    GError *failure = NULL;
    if (tpl_attribute_read(root, NULL, evaluation->context, ret_value, &failure))
        return true;
    return fail_with(evaluation, operand->position, operand->name, failure);
}

/** The attribute, key or name `name` of `value`; undefined when it has none. */
static bool read_name(TplEvaluation *evaluation, const TplValue *value, const char *name, TplValue *ret_value,
                      GError **error)
{
    const TemplateContext *context = evaluation->context;
    if (value->type == TPL_TYPE_VAR_VALUE || value->type == TPL_TYPE_VAR_JSON)
        return tpl_lookup_variable(context, name, value->type == TPL_TYPE_VAR_JSON, ret_value, error);
    if (value->type == TPL_TYPE_CONN)
        return tpl_lookup_connection(context, name, ret_value, error);
    const TplAttribute *attribute = tpl_attribute_find(value->type, name);
    if (attribute != NULL)
        return tpl_attribute_read(attribute, value, context, ret_value, error);
    json_t *found = value->type == TPL_TYPE_OBJECT ? json_object_get(value->data, name) : NULL;
    if (found != NULL)
        *ret_value = tpl_value_data(json_incref(found));
    else if (value->type == TPL_TYPE_OBJECT)
        *ret_value = tpl_value_undefined(NULL);
    else
        *ret_value = tpl_value_undefined(tpl_attribute_explain(value->type, name));
    return true;
}

/** Item `at` (from the end when negative) of a list, or character of a string. */
static void read_item(const TplValue *value, json_int_t at, TplValue *ret_value)
{
    const char *text = tpl_value_string(value);
    *ret_value = tpl_value_undefined(NULL);
    if (text == NULL && value->type != TPL_TYPE_LIST)
        return;
    json_int_t size =
        text != NULL ? (json_int_t)g_utf8_strlen(text, -1) : (json_int_t)json_array_size(value->data);
    if (at < -size || at >= size)
        return;
    at = at < 0 ? at + size : at;
    if (text != NULL)
        *ret_value = tpl_value_text(g_utf8_substring(text, at, at + 1));
    else
        *ret_value = tpl_value_data(json_incref(json_array_get(value->data, (size_t)at)));
}

static bool read_index(TplEvaluation *evaluation, const TplStep *step, const TplValue *value,
                       TplValue *ret_value, GError **error)
{
    g_auto(TplValue) index = {0};
    if (!tpl_evaluate_data(evaluation, step->index, &index))
        return false;
    if (tpl_value_string(&index) != NULL) {
        bool done = read_name(evaluation, value, tpl_value_string(&index), ret_value, error);
        if (tpl_expression_literal(step->index) == NULL) /* the name is data: not to be shown */
            g_clear_pointer(&ret_value->missing, g_free);
        return done;
    }
    if (index.type != TPL_TYPE_NUMBER || !json_is_integer(index.data))
        return tpl_evaluation_fail(evaluation, step->position,
                                   "an index is a string or a whole number, not %s",
                                   index.type == TPL_TYPE_NUMBER ? "a fraction" : tpl_type_label(index.type));
    read_item(value, json_integer_value(index.data), ret_value);
    return charge(evaluation, step->position, value);
}

/** Says what is undefined in words of the source, unless that has been said. */
static void name_missing(TplEvaluation *evaluation, TplRange range, TplValue *value)
{
    if (value->type != TPL_TYPE_UNDEFINED || value->missing != NULL)
        return;
    g_autofree char *source = tpl_excerpt(evaluation->template, range);
    value->missing = g_strdup_printf("'%s' is not defined", source);
}

static bool apply_lookup(TplEvaluation *evaluation, const TplOperand *operand, const TplStep *step,
                         const TplValue *value, TplValue *ret_value)
{
    TplRange range = {operand->begin, step->end};
    if (value->type == TPL_TYPE_UNDEFINED)
        return require_data(evaluation, step->position, value);
    GError *failure = NULL;
    bool done = step->kind == TPL_STEP_INDEX ? read_index(evaluation, step, value, ret_value, &failure)
                                             : read_name(evaluation, value, step->name, ret_value, &failure);
    if (failure != NULL) {
        g_autofree char *source = tpl_excerpt(evaluation->template, range);
        return fail_with(evaluation, step->position, source, failure);
    }
    if (done)
        name_missing(evaluation, range, ret_value);
    return done;
}

static void call_clear(TplCall *call)
{
    for (guint i = 0; i < TPL_ARGUMENTS_MAX; i++)
        tpl_value_clear(&call->arguments[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TplCall, call_clear)

static bool bind_arguments(TplEvaluation *evaluation, const TplFunction *function, const TplStep *step,
                           const TplArgument *ret_bound[TPL_ARGUMENTS_MAX])
{
    g_autofree char *wrong = NULL;
    if (tpl_function_bind(function, step->arguments, ret_bound, &wrong))
        return true;
    return tpl_evaluation_fail(evaluation, step->position, "%s %s", step->name, wrong);
}

/** The filter default: it alone may be given, and may give, what is undefined; its argument is computed if
 * used. */
static bool apply_default(TplEvaluation *evaluation, const TplFunction *function, const TplStep *step,
                          const TplValue *value, TplValue *ret_value)
{
    const TplArgument *bound[TPL_ARGUMENTS_MAX];
    g_auto(TplValue) also_when_false = {0};
    if (!bind_arguments(evaluation, function, step, bound))
        return false;
    if (bound[1] != NULL && !tpl_evaluate_data(evaluation, bound[1]->value, &also_when_false))
        return false;
    bool stands = value->type != TPL_TYPE_UNDEFINED;
    if (tpl_value_is_true(&also_when_false))
        stands = tpl_value_is_true(value);
    if (stands)
        *ret_value = tpl_value_copy(value);
    else if (bound[0] != NULL)
        return evaluate_any(evaluation, bound[0]->value, ret_value);
    else
        *ret_value = tpl_value_text(g_strdup(""));
    return true;
}

static bool apply_function(TplEvaluation *evaluation, const TplFunction *function, const TplStep *step,
                           const TplValue *value, TplValue *ret_value)
{
    const TplArgument *bound[TPL_ARGUMENTS_MAX];
    g_auto(TplCall) call = {.context = evaluation->context, .self = value};
    if (!bind_arguments(evaluation, function, step, bound) || !charge(evaluation, step->position, value))
        return false;
    for (guint i = 0; i < TPL_ARGUMENTS_MAX; i++) {
        if (bound[i] == NULL)
            continue;
        if (!tpl_evaluate_data(evaluation, bound[i]->value, &call.arguments[i]) ||
            !charge(evaluation, bound[i]->position, &call.arguments[i]))
            return false;
        call.given[i] = true;
    }
    GError *failure = NULL;
    if (!function->run(&call, ret_value, &failure))
        return fail_with(evaluation, step->position, step->name, failure);
    return charge(evaluation, step->position, ret_value);
}

static bool apply_method(TplEvaluation *evaluation, const TplOperand *operand, const TplStep *step,
                         const TplValue *value, TplValue *ret_value)
{
    const TplFunction *method = tpl_method_find(value->type, step->name);
    if (value->type == TPL_TYPE_UNDEFINED)
        return require_data(evaluation, step->position, value);
    if (method != NULL) {
        bool done = apply_function(evaluation, method, step, value, ret_value);
        if (done)
            name_missing(evaluation, (TplRange){operand->begin, step->end}, ret_value);
        return done;
    }
    return tpl_evaluation_fail(evaluation, step->position, "%s has no method '%.60s'",
                               tpl_type_label(value->type), step->name);
}

static bool apply_filter(TplEvaluation *evaluation, const TplStep *step, const TplValue *value,
                         TplValue *ret_value)
{
    const TplFunction *filter = tpl_filter_find(step->name);
    if (filter == NULL)
        return tpl_evaluation_fail(evaluation, step->position, "there is no filter '%.60s'", step->name);
    if (g_str_equal(filter->name, "default") || g_str_equal(filter->name, "d"))
        return apply_default(evaluation, filter, step, value, ret_value);
    if (!require_data(evaluation, step->position, value))
        return false;
    if (filter->owner != TPL_TYPE_ANY && filter->owner != value->type)
        return tpl_evaluation_fail(evaluation, step->position, "the filter '%s' needs %s, not %s", step->name,
                                   tpl_type_label(filter->owner), tpl_type_label(value->type));
    return apply_function(evaluation, filter, step, value, ret_value);
}

static bool apply_step(TplEvaluation *evaluation, const TplOperand *operand, const TplStep *step,
                       const TplValue *value, TplValue *ret_value)
{
    switch (step->kind) {
    case TPL_STEP_ATTRIBUTE:
    case TPL_STEP_INDEX:
        return apply_lookup(evaluation, operand, step, value, ret_value);
    case TPL_STEP_METHOD:
        return apply_method(evaluation, operand, step, value, ret_value);
    case TPL_STEP_FILTER:
        break;
    }
    return apply_filter(evaluation, step, value, ret_value);
}

static bool evaluate_operand(TplEvaluation *evaluation, const TplOperand *operand, TplValue *ret_value)
{
    g_auto(TplValue) value = {0};
    if (!evaluate_head(evaluation, operand, &value))
        return false;
    for (guint i = 0; i < operand->steps->len; i++) {
        TplValue next = {0};
        if (!apply_step(evaluation, operand, g_ptr_array_index(operand->steps, i), &value, &next)) {
            tpl_value_clear(&next);
            return false;
        }
        tpl_value_clear(&value);
        value = next;
    }
    *ret_value = value;
    value = (TplValue){0};
    return true;
}

/** `a ~ b`: both as they are printed, one after the other. */
static bool evaluate_joined(TplEvaluation *evaluation, const TplExpression *expression, TplValue *ret_value)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < expression->operands->len; i++) {
        const TplOperand *operand = g_ptr_array_index(expression->operands, i);
        g_auto(TplValue) value = {0};
        if (!evaluate_operand(evaluation, operand, &value) ||
            !require_data(evaluation, operand->position, &value) ||
            !charge(evaluation, operand->position, &value))
            return false;
        if (!tpl_value_append(&value, text))
            return tpl_evaluation_fail(evaluation, operand->position, "~ makes a value longer than %d bytes",
                                       TEMPLATE_OUTPUT_MAX);
    }
    *ret_value = tpl_value_text(g_string_free(g_steal_pointer(&text), FALSE));
    return true;
}

static bool evaluate_any(TplEvaluation *evaluation, const TplExpression *expression, TplValue *ret_value)
{
    if (expression->operands->len > 1)
        return evaluate_joined(evaluation, expression, ret_value);
    return evaluate_operand(evaluation, g_ptr_array_index(expression->operands, 0), ret_value);
}
