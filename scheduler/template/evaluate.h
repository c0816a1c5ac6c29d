/* SPDX-License-Identifier: MIT */
/** Computes the value of an expression in a context. Private to this folder. */
#pragma once

#include "scheduler/template/value.h"

typedef struct {
    const Template *template;
    const TemplateContext *context;
    size_t touched; /**< bytes of strings that calls have read and made so far; bounded */
    GError **error;
} TplEvaluation;

/** The value, which is data: undefined and Airflow's objects are errors. False with the error set. */
bool tpl_evaluate_data(TplEvaluation *evaluation, const TplExpression *expression, TplValue *ret_value);

/** Sets the error to `LINE:COLUMN: message`. Always false. */
bool tpl_evaluation_fail(TplEvaluation *evaluation, TplPosition position, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
