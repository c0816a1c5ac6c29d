/* SPDX-License-Identifier: MIT */
/* Infers the type of each expression, and reports what no data could make right. */
#include "scheduler/template/functions.h"
#include "scheduler/template/names.h"

typedef struct {
    const TemplateNames *names;
    TemplateReport report;
    void *user;
} Check;

static TplType check_any(Check *check, const TplExpression *expression);

/** Reports `message`, which it takes. */
static void complain(Check *check, TplPosition position, char *message)
{
    TemplateError error = {.line = position.line, .column = position.column, .message = message};
    check->report(&error, check->user);
    g_free(message);
}

/** Reports Airflow's objects where a value is needed. */
static void require_data(Check *check, TplPosition position, TplType type)
{
    if (!tpl_type_is_data(type))
        complain(check, position, tpl_object_explain(type));
}

static TplType check_data(Check *check, const TplExpression *expression)
{
    TplType type = check_any(check, expression);
    require_data(check, expression->position, type);
    return type;
}

static void check_declared(Check *check, TplPosition position, const char *const *declared, const char *name,
                           const char *what)
{
    if (declared == NULL || g_strv_contains(declared, name))
        return;
    const char *near = suggest_nearest(name, declared);
    complain(check, position,
             near != NULL ? g_strdup_printf("the DAG has no %s '%s': did you mean '%s'?", what, name, near)
                          : g_strdup_printf("the DAG has no %s '%s'", what, name));
}

/** Reports what only a task has, where there is none. */
static void require_task(Check *check, TplPosition position, TplType owner, const char *name)
{
    bool is_of_run = g_str_equal(name, "dag_id") || g_str_equal(name, "run_id") || g_str_equal(name, "owner");
    bool is_of_task = owner == TPL_TYPE_TASK || owner == TPL_TYPE_TI;
    bool is_key = owner == TPL_TYPE_ROOT && g_str_equal(name, "task_instance_key_str");
    if (check->names->has_no_task && (is_key || (is_of_task && !is_of_run)))
        complain(check, position,
                 g_strdup_printf("'%s' belongs to a task, and there is none here: this is rendered for a run",
                                 name));
}

/** The type of `.name` or `['name']` of `owner`. */
static TplType check_name(Check *check, TplPosition position, TplType owner, const char *name)
{
    if (owner == TPL_TYPE_PARAMS) {
        check_declared(check, position, check->names->params, name, "param");
        return TPL_TYPE_ANY;
    }
    if (owner == TPL_TYPE_CONN)
        return TPL_TYPE_CONNECTION;
    if (owner == TPL_TYPE_VAR_VALUE)
        return TPL_TYPE_STRING;
    const TplAttribute *attribute = tpl_attribute_find(owner, name);
    if (attribute != NULL) {
        require_task(check, position, owner, name);
        return attribute->type;
    }
    if (!tpl_attributes_are_fixed(owner))
        return TPL_TYPE_ANY;
    if (tpl_method_find(owner, name) != NULL)
        complain(check, position, g_strdup_printf("'%s' is a method: call it, %s(...)", name, name));
    else
        complain(check, position, tpl_attribute_explain(owner, name));
    return TPL_TYPE_ANY;
}

static TplType check_index(Check *check, const TplStep *step, TplType owner)
{
    check_data(check, step->index);
    const char *name = tpl_expression_literal(step->index);
    if (name != NULL)
        return check_name(check, step->position, owner, name);
    switch (owner) {
    case TPL_TYPE_CONN:
        return TPL_TYPE_CONNECTION;
    case TPL_TYPE_STRING:
    case TPL_TYPE_VAR_VALUE:
        return TPL_TYPE_STRING;
    default:
        return TPL_TYPE_ANY;
    }
}

/** Params and tasks that a call names by literals. */
static void check_named(Check *check, const TplStep *step, TplType owner, const TplArgument *argument)
{
    const char *name = argument != NULL ? tpl_expression_literal(argument->value) : NULL;
    if (name != NULL && owner == TPL_TYPE_PARAMS)
        check_declared(check, argument->position, check->names->params, name, "param");
    if (owner != TPL_TYPE_TI || !g_str_equal(step->name, "xcom_pull"))
        return;
    if (argument == NULL && check->names->has_no_task)
        complain(check, step->position,
                 g_strdup("xcom_pull needs task_ids: there is no task here, this is rendered for a run"));
    if (argument == NULL)
        return;
    if (name != NULL)
        check_declared(check, argument->position, check->names->task_ids, name, "task");
    const TplOperand *list = g_ptr_array_index(argument->value->operands, 0);
    for (guint i = 0; list->kind == TPL_OPERAND_LIST && i < list->items->len; i++) {
        const TplExpression *item = g_ptr_array_index(list->items, i);
        if (tpl_expression_literal(item) != NULL)
            check_declared(check, item->position, check->names->task_ids, tpl_expression_literal(item),
                           "task");
    }
}

/** The arguments of a call of `function`; their number and names too. */
static void check_call(Check *check, const TplStep *step, TplType owner, const TplFunction *function)
{
    const TplArgument *bound[TPL_ARGUMENTS_MAX];
    g_autofree char *wrong = NULL;
    for (guint i = 0; i < step->arguments->len; i++) {
        const TplArgument *argument = g_ptr_array_index(step->arguments, i);
        check_data(check, argument->value);
    }
    if (!tpl_function_bind(function, step->arguments, bound, &wrong))
        complain(check, step->position, g_strdup_printf("%s %s", step->name, wrong));
    else
        check_named(check, step, owner, bound[0]);
}

static void unknown_method(Check *check, const TplStep *step, TplType owner)
{
    const char *near = tpl_method_suggest(owner, step->name);
    if (tpl_attribute_find(owner, step->name) != NULL)
        complain(check, step->position, g_strdup_printf("'%s' is no method: leave out the ()", step->name));
    else if (near != NULL)
        complain(check, step->position,
                 g_strdup_printf("unknown method '%.60s': did you mean '%s'?", step->name, near));
    else if (owner == TPL_TYPE_MACROS)
        complain(check, step->position, tpl_attribute_explain(owner, step->name));
    else
        complain(check, step->position,
                 g_strdup_printf("%s has no method '%.60s'", tpl_type_label(owner), step->name));
}

static TplType check_method(Check *check, const TplStep *step, TplType owner)
{
    const TplFunction *method =
        tpl_method_find(owner == TPL_TYPE_PARAMS ? TPL_TYPE_OBJECT : owner, step->name);
    if (method == NULL) {
        unknown_method(check, step, owner);
        return TPL_TYPE_ANY;
    }
    /* When the owner is not known yet, methods of one name (replace, get) may belong to several types; those
     * of data come first in the tables, and differ in their result only. */
    check_call(check, step, owner, method);
    return owner == TPL_TYPE_ANY ? TPL_TYPE_ANY : method->result;
}

static TplType check_filter(Check *check, const TplStep *step, TplPosition position, TplType owner)
{
    const TplFunction *filter = tpl_filter_find(step->name);
    require_data(check, position, owner);
    if (filter == NULL) {
        const char *near = tpl_filter_suggest(step->name);
        complain(check, step->position,
                 near != NULL
                     ? g_strdup_printf("unknown filter '%.60s': did you mean '%s'?", step->name, near)
                     : g_strdup_printf("unknown filter '%.60s'", step->name));
        return TPL_TYPE_ANY;
    }
    if (filter->owner != TPL_TYPE_ANY && owner != TPL_TYPE_ANY && owner != filter->owner &&
        tpl_type_is_data(owner))
        complain(check, step->position,
                 g_strdup_printf("the filter '%s' needs %s, not %s", step->name,
                                 tpl_type_label(filter->owner), tpl_type_label(owner)));
    check_call(check, step, owner, filter);
    return filter->result;
}

static TplType literal_type(const json_t *literal)
{
    g_auto(TplValue) value = tpl_value_data(json_incref((json_t *)literal));
    return value.type;
}

static TplType check_head(Check *check, const TplOperand *operand)
{
    switch (operand->kind) {
    case TPL_OPERAND_LITERAL:
        return literal_type(operand->literal);
    case TPL_OPERAND_GROUP:
        return check_any(check, g_ptr_array_index(operand->items, 0));
    case TPL_OPERAND_LIST:
        for (guint i = 0; i < operand->items->len; i++)
            check_data(check, g_ptr_array_index(operand->items, i));
        return TPL_TYPE_LIST;
    case TPL_OPERAND_NAME:
        break;
    }
    const TplAttribute *root = tpl_attribute_find(TPL_TYPE_ROOT, operand->name);
    if (root != NULL) {
        require_task(check, operand->position, TPL_TYPE_ROOT, operand->name);
        return root->type;
    }
    complain(check, operand->position, tpl_attribute_explain(TPL_TYPE_ROOT, operand->name));
    return TPL_TYPE_ANY;
}

static TplType check_operand(Check *check, const TplOperand *operand)
{
    TplType type = check_head(check, operand);
    for (guint i = 0; i < operand->steps->len; i++) {
        const TplStep *step = g_ptr_array_index(operand->steps, i);
        switch (step->kind) {
        case TPL_STEP_ATTRIBUTE:
            type = check_name(check, step->position, type, step->name);
            break;
        case TPL_STEP_INDEX:
            type = check_index(check, step, type);
            break;
        case TPL_STEP_METHOD:
            type = check_method(check, step, type);
            break;
        case TPL_STEP_FILTER:
            type = check_filter(check, step, operand->position, type);
            break;
        }
    }
    return type;
}

static TplType check_any(Check *check, const TplExpression *expression)
{
    if (expression->operands->len == 1)
        return check_operand(check, g_ptr_array_index(expression->operands, 0));
    for (guint i = 0; i < expression->operands->len; i++) {
        const TplOperand *operand = g_ptr_array_index(expression->operands, i);
        require_data(check, operand->position, check_operand(check, operand));
    }
    return TPL_TYPE_STRING;
}

void template_check(const Template *template, const TemplateNames *names, TemplateReport report, void *user)
{
    Check check = {.names = names, .report = report, .user = user};
    for (guint i = 0; i < template->pieces->len; i++) {
        const TplPiece *piece = g_ptr_array_index(template->pieces, i);
        if (piece->expression != NULL)
            check_data(&check, piece->expression);
    }
}
