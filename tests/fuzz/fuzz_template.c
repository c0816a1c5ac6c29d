/* SPDX-License-Identifier: MIT */
/**
 * Any text is parsed, checked and rendered in a small fixed context. No crash, no leak, no slowness; a clean
 * check and a rendering agree about names; and what is data in the context is in the output as it was, never
 * rendered.
 */
#include "scheduler/template/template.h"

#include <string.h>

#define INPUT_MAX_BYTES (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *pull(void *user, const char *task_id, const char *key, GError **error)
{
    (void)user;
    (void)error;
    return g_str_equal(task_id, "load") ? json_string(key) : NULL;
}

static char *variable(void *user, const char *key, GError **error)
{
    (void)user;
    (void)error;
    return *key == 'j' ? g_strdup("{\"a\": [1, 2.5, null]}") : *key == 'v' ? g_strdup("{{ nobody }}") : NULL;
}

static json_t *connection(void *user, const char *conn_id, GError **error)
{
    (void)user;
    (void)error;
    return *conn_id == 'c' ? json_pack("{s:s, s:i, s:s}", "host", "h", "port", 1, "extra", "{\"x\": 1}")
                           : NULL;
}

static void count(const TemplateError *error, void *user)
{
    guint *reports = user;
    if (error->line == 0 || error->column == 0 || error->message == NULL)
        g_error("a report without a place or message");
    (*reports)++;
}

static void check(const Template *template)
{
    const char *const params[] = {"x", "list", NULL};
    const char *const tasks[] = {"load", NULL};
    const TemplateNames names = {.params = params, .task_ids = tasks};
    guint reports = 0;
    template_check(template, &names, count, &reports);
    if (template_is_literal(template) && reports > 0)
        g_error("a literal text has wrong names");
}

static void render(const Template *template)
{
    TemplateContext context;
    template_context_init(&context);
    context.dag_id = "d";
    context.task_id = "t";
    context.run_id = "manual__1";
    context.logical_date_us = INT64_C(1767312000123456);
    context.data_interval_start_us = INT64_C(1767312000000000);
    context.params = json_pack("{s:s, s:[s,i,f]}", "x", "{{ ds }}", "list", "a", 1, 0.5);
    context.conf = json_pack("{s:{s:b}}", "c", "d", 1);
    context.xcom_pull = pull;
    context.variable_get = variable;
    context.connection_get = connection;
    g_autoptr(GError) error = NULL;
    g_autofree char *output = template_render(template, &context, &error);
    if ((output == NULL) != (error != NULL))
        g_error("neither output nor error, or both");
    if (output != NULL && strlen(output) > TEMPLATE_OUTPUT_MAX)
        g_error("output over the limit");
    if (output == NULL && template_is_literal(template))
        g_error("a literal text does not render");
    json_decref(context.params);
    json_decref(context.conf);
}

/** Data that looks like a template stays as it is beside whatever else the text says. */
static void render_data_beside(const char *text)
{
    g_autofree char *joined = g_strconcat("{{ params.x }}", text, NULL);
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) template = template_parse(joined, &syntax);
    if (template == NULL)
        return;
    TemplateContext context;
    template_context_init(&context);
    context.params = json_pack("{s:s}", "x", "{{ ds }}");
    g_autofree char *output = template_render(template, &context, NULL);
    if (output != NULL && !g_str_has_prefix(output, "{{ ds }}"))
        g_error("data was rendered");
    json_decref(context.params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX_BYTES)
        return 0;
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) template = template_parse(text, &syntax);
    if ((template == NULL) != (syntax.message != NULL))
        g_error("neither template nor error, or both");
    if (template != NULL) {
        check(template);
        render(template);
    }
    render_data_beside(text);
    return 0;
}
