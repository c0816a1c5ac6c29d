/* SPDX-License-Identifier: MIT */
#include "scheduler/template/evaluate.h"

void template_context_init(TemplateContext *context)
{
    *context = (TemplateContext){
        .logical_date_us = TIME_NONE,
        .data_interval_start_us = TIME_NONE,
        .data_interval_end_us = TIME_NONE,
        .run_after_us = TIME_NONE,
        .run_start_date_us = TIME_NONE,
        .task_start_date_us = TIME_NONE,
        .prev_data_interval_start_success_us = TIME_NONE,
        .prev_data_interval_end_success_us = TIME_NONE,
        .prev_start_date_success_us = TIME_NONE,
        .prev_end_date_success_us = TIME_NONE,
    };
}

static bool too_long(TplEvaluation *evaluation, TplPosition position)
{
    return tpl_evaluation_fail(evaluation, position, "the rendered text is longer than %d bytes",
                               TEMPLATE_OUTPUT_MAX);
}

static bool render_piece(TplEvaluation *evaluation, const TplPiece *piece, GString *output)
{
    if (piece->expression == NULL) {
        g_string_append(output, piece->text);
        return output->len <= TEMPLATE_OUTPUT_MAX || too_long(evaluation, (TplPosition){1, 1});
    }
    g_auto(TplValue) value = {0};
    if (!tpl_evaluate_data(evaluation, piece->expression, &value))
        return false;
    return tpl_value_append(&value, output) || too_long(evaluation, piece->expression->position);
}

char *template_render(const Template *template, const TemplateContext *context, GError **error)
{
    TplEvaluation evaluation = {.template = template, .context = context, .error = error};
    g_autoptr(GString) output = g_string_new(NULL);
    for (guint i = 0; i < template->pieces->len; i++) {
        if (!render_piece(&evaluation, g_ptr_array_index(template->pieces, i), output))
            return NULL;
    }
    return g_string_free(g_steal_pointer(&output), FALSE);
}
