/* SPDX-License-Identifier: MIT */
/**
 * The parsed form of a template: what the parser builds, and check and render walk. Private to this folder.
 *
 * A chain such as `a.b['c'] | upper | quote` is one operand with a flat array of steps, not a tree, so that
 * recursion follows brackets only and TEMPLATE_NESTING_MAX bounds it.
 */
#pragma once

#include "scheduler/template/template.h"

typedef struct {
    guint line, column; /**< as in TemplateError */
} TplPosition;

/** A range of bytes of the template's text, for quoting it in messages. */
typedef struct {
    size_t begin, end;
} TplRange;

/** One or more operands; several are joined with `~` into a string. */
typedef struct {
    TplPosition position;
    GPtrArray *operands; /**< of TplOperand, never empty */
} TplExpression;

/** `value` or `name=value` of a call. */
typedef struct {
    TplPosition position;
    char *name; /**< NULL when given by position */
    TplExpression *value;
} TplArgument;

typedef enum {
    TPL_STEP_ATTRIBUTE, /**< .name */
    TPL_STEP_INDEX,     /**< [expression] */
    TPL_STEP_METHOD,    /**< .name(arguments) */
    TPL_STEP_FILTER,    /**< | name(arguments) */
} TplStepKind;

typedef struct {
    TplStepKind kind;
    TplPosition position;
    size_t end;           /**< the byte after it in the text */
    char *name;           /**< NULL for an index */
    TplExpression *index; /**< of an index only */
    GPtrArray *arguments; /**< of TplArgument; of methods and filters only, maybe empty */
} TplStep;

typedef enum {
    TPL_OPERAND_LITERAL,
    TPL_OPERAND_NAME,
    TPL_OPERAND_LIST,
    TPL_OPERAND_GROUP, /**< ( expression ) */
} TplOperandKind;

typedef struct {
    TplOperandKind kind;
    TplPosition position;
    size_t begin, head_end; /**< bytes of the text: the operand without its steps */
    json_t *literal;
    char *name;
    GPtrArray *items; /**< of TplExpression: a list's items, a group's one */
    GPtrArray *steps; /**< of TplStep, maybe empty */
} TplOperand;

/** Text to copy, or an expression to evaluate. */
typedef struct {
    char *text;
    TplExpression *expression;
} TplPiece;

struct Template {
    char *text;        /**< the source */
    GPtrArray *pieces; /**< of TplPiece */
};

TplExpression *tpl_expression_new(TplPosition position);
void tpl_expression_free(TplExpression *expression);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TplExpression, tpl_expression_free)

TplArgument *tpl_argument_new(TplPosition position);
void tpl_argument_free(TplArgument *argument);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TplArgument, tpl_argument_free)

TplStep *tpl_step_new(TplStepKind kind, TplPosition position);
void tpl_step_free(TplStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TplStep, tpl_step_free)

TplOperand *tpl_operand_new(TplPosition position, size_t begin);
void tpl_operand_free(TplOperand *operand);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TplOperand, tpl_operand_free)

/** Takes both; one of them is NULL. */
TplPiece *tpl_piece_new(char *text, TplExpression *expression);
void tpl_piece_free(TplPiece *piece);

/** The string that `expression` is a literal of, or NULL. */
const char *tpl_expression_literal(const TplExpression *expression);

/** The source of `range` on one line, shortened when long; for messages. Owned by the caller. */
char *tpl_excerpt(const Template *template, TplRange range);
