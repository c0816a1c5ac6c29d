/* SPDX-License-Identifier: MIT */
#include "scheduler/template/ast.h"

#include <string.h>

#define EXCERPT_MAX_CHARACTERS 60

TplExpression *tpl_expression_new(TplPosition position)
{
    TplExpression *expression = g_new0(TplExpression, 1);
    expression->position = position;
    expression->operands = g_ptr_array_new_with_free_func((GDestroyNotify)tpl_operand_free);
    return expression;
}

void tpl_expression_free(TplExpression *expression)
{
    if (expression == NULL)
        return;
    g_ptr_array_unref(expression->operands);
    g_free(expression);
}

TplArgument *tpl_argument_new(TplPosition position)
{
    TplArgument *argument = g_new0(TplArgument, 1);
    argument->position = position;
    return argument;
}

void tpl_argument_free(TplArgument *argument)
{
    if (argument == NULL)
        return;
    g_free(argument->name);
    tpl_expression_free(argument->value);
    g_free(argument);
}

TplStep *tpl_step_new(TplStepKind kind, TplPosition position)
{
    TplStep *step = g_new0(TplStep, 1);
    step->kind = kind;
    step->position = position;
    if (kind == TPL_STEP_METHOD || kind == TPL_STEP_FILTER)
        step->arguments = g_ptr_array_new_with_free_func((GDestroyNotify)tpl_argument_free);
    return step;
}

void tpl_step_free(TplStep *step)
{
    if (step == NULL)
        return;
    g_free(step->name);
    tpl_expression_free(step->index);
    g_clear_pointer(&step->arguments, g_ptr_array_unref);
    g_free(step);
}

TplOperand *tpl_operand_new(TplPosition position, size_t begin)
{
    TplOperand *operand = g_new0(TplOperand, 1);
    operand->position = position;
    operand->begin = begin;
    operand->items = g_ptr_array_new_with_free_func((GDestroyNotify)tpl_expression_free);
    operand->steps = g_ptr_array_new_with_free_func((GDestroyNotify)tpl_step_free);
    return operand;
}

void tpl_operand_free(TplOperand *operand)
{
    if (operand == NULL)
        return;
    json_decref(operand->literal);
    g_free(operand->name);
    g_ptr_array_unref(operand->items);
    g_ptr_array_unref(operand->steps);
    g_free(operand);
}

TplPiece *tpl_piece_new(char *text, TplExpression *expression)
{
    TplPiece *piece = g_new0(TplPiece, 1);
    piece->text = text;
    piece->expression = expression;
    return piece;
}

void tpl_piece_free(TplPiece *piece)
{
    if (piece == NULL)
        return;
    g_free(piece->text);
    tpl_expression_free(piece->expression);
    g_free(piece);
}

const char *tpl_expression_literal(const TplExpression *expression)
{
    const TplOperand *operand = g_ptr_array_index(expression->operands, 0);
    if (expression->operands->len > 1 || operand->steps->len > 0 || operand->kind != TPL_OPERAND_LITERAL)
        return NULL;
    return json_string_value(operand->literal);
}

char *tpl_excerpt(const Template *template, TplRange range)
{
    const char *begin = template->text + range.begin, *end = begin, *stop = template->text + range.end;
    for (int i = 0; i < EXCERPT_MAX_CHARACTERS && end < stop; i++)
        end = g_utf8_next_char(end);
    char *source = g_strdup_printf("%.*s%s", (int)(end - begin), begin, end < stop ? "..." : "");
    return g_strdelimit(source, "\n\r\t", ' ');
}

void template_error_clear(TemplateError *error)
{
    g_clear_pointer(&error->message, g_free);
}

void template_free(Template *template)
{
    if (template == NULL)
        return;
    g_free(template->text);
    g_ptr_array_unref(template->pieces);
    g_free(template);
}

bool template_is_literal(const Template *template)
{
    for (guint i = 0; i < template->pieces->len; i++) {
        const TplPiece *piece = g_ptr_array_index(template->pieces, i);
        if (piece->expression != NULL)
            return false;
    }
    return true;
}
