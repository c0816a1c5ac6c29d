/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/renderer.h"

#include <string.h>

/* Longer commands are cut in the log; the page shows the whole. */
#define HEADER_MAX 4096

/* The previous successful run, for the few templates that ask for it. */
static bool look_up_previous(RunContext *context, GError **error)
{
    if (context->has_previous || context->conn == NULL || context->base.logical_date_us == TIME_NONE)
        return true;
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = context->base.dag_id;
    query.states = 1u << RUN_STATE_SUCCESS;
    query.logical_date.to_us = context->base.logical_date_us - 1;
    query.order = RUN_ORDER_LOGICAL_DATE;
    query.descending = true;
    query.page.limit = 1;
    g_autoptr(GPtrArray) runs = store_list_runs(context->conn, &query, NULL, error);
    if (runs == NULL)
        return false;
    context->has_previous = true;
    if (runs->len == 0)
        return true;
    const DagRun *previous = runs->pdata[0];
    context->base.prev_data_interval_start_success_us = previous->data_interval_start_us;
    context->base.prev_data_interval_end_success_us = previous->data_interval_end_us;
    context->base.prev_start_date_success_us = previous->start_date_us;
    context->base.prev_end_date_success_us = previous->end_date_us;
    return true;
}

void renderer_init(Renderer *renderer, RunContext *context, const DagRun *run, const Dag *dag,
                   const Task *task, const TaskInstance *ti, int64_t now_us)
{
    *renderer = (Renderer){.run = context, .dag = dag};
    renderer->scope = (LookupScope){.conn = context->conn, .dag_run_id = context->dag_run_id};
    TemplateContext *template = &renderer->template;
    *template = context->base;
    template->dag_description = dag->description;
    template->run_start_date_us = run->start_date_us;
    template->owner = dag->owner;
    if (task != NULL) {
        template->task_id = ti->task_id;
        template->owner = task->owner;
        template->try_number = ti->try_number;
        template->max_tries = ti->max_tries;
        template->retries = task->retries;
        template->task_start_date_us = now_us;
    }
    template->xcom_pull = lookup_xcom;
    template->variable_get = lookup_variable;
    template->connection_get = lookup_connection;
    template->user = &renderer->scope;
}

/* `what` names the text in the error, as the DAG file does: command[1], env.LANG, cwd. */
static char *render(Renderer *renderer, const char *text, const char *what, GError **error)
{
    if (strchr(text, '{') == NULL)
        return g_strdup(text);
    if (strstr(text, "prev_") != NULL) {
        if (!look_up_previous(renderer->run, error))
            return NULL;
        const TemplateContext *base = &renderer->run->base;
        renderer->template.prev_data_interval_start_success_us = base->prev_data_interval_start_success_us;
        renderer->template.prev_data_interval_end_success_us = base->prev_data_interval_end_success_us;
        renderer->template.prev_start_date_success_us = base->prev_start_date_success_us;
        renderer->template.prev_end_date_success_us = base->prev_end_date_success_us;
    }
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) parsed = template_parse(text, &syntax);
    if (parsed == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "%s: %u:%u: %s", what, syntax.line, syntax.column,
                    syntax.message);
        return NULL;
    }
    char *rendered = template_render(parsed, &renderer->template, error);
    if (rendered == NULL)
        g_prefix_error(error, "%s: ", what);
    return rendered;
}

/* The same for people's eyes: without secrets. What cannot be rendered without them is shown as written. */
static char *render_masked(Renderer *renderer, const char *text)
{
    renderer->scope.is_masked = true;
    char *shown = render(renderer, text, "", NULL);
    renderer->scope.is_masked = false;
    return shown != NULL ? shown : g_strdup(text);
}

static void append_shown(GString *header, const char *text)
{
    if (header->len > HEADER_MAX)
        return;
    for (const char *c = text; *c != '\0'; c++) /* one line, whatever the command is */
        g_string_append_c(header, g_ascii_iscntrl(*c) ? ' ' : *c);
}

static bool render_argument(Renderer *renderer, const char *text, const char *what, GPtrArray *argv,
                            GString *header, GError **error)
{
    renderer->scope.saw_secret = false;
    char *value = render(renderer, text, what, error);
    if (value == NULL)
        return false;
    g_ptr_array_add(argv, value);
    g_autofree char *masked = renderer->scope.saw_secret ? render_masked(renderer, text) : NULL;
    append_shown(header, masked != NULL ? masked : value);
    return true;
}

bool renderer_command(Renderer *renderer, const CommandLine *command, const char *key, GPtrArray *argv,
                      GString *header, GError **error)
{
    if (command->shell != NULL) {
        g_ptr_array_add(argv, g_strdup("/bin/sh"));
        g_ptr_array_add(argv, g_strdup("-c"));
        return render_argument(renderer, command->shell, key, argv, header, error);
    }
    for (guint i = 0; command->argv[i] != NULL; i++) {
        char what[32];
        g_snprintf(what, sizeof what, "%s[%u]", key, i);
        if (i > 0)
            append_shown(header, " ");
        if (!render_argument(renderer, command->argv[i], what, argv, header, error))
            return false;
    }
    return true;
}

char *renderer_header_line(GString *header, int64_t now_us)
{
    if (header->len > HEADER_MAX) {
        g_string_truncate(header, HEADER_MAX);
        g_string_append(header, "...");
    }
    return attempt_log_line(now_us, header->str);
}

bool renderer_env(Renderer *renderer, const EnvVar *env, uint32_t n, GPtrArray *environment, GError **error)
{
    for (uint32_t i = 0; i < n; i++) {
        g_autofree char *what = g_strconcat("env.", env[i].name, NULL);
        g_autofree char *value = render(renderer, env[i].value, what, error);
        if (value == NULL)
            return false;
        g_ptr_array_add(environment, g_strconcat(env[i].name, "=", value, NULL));
    }
    return true;
}

char *renderer_cwd(Renderer *renderer, const char *cwd, GError **error)
{
    const char *folder = renderer->dag->folder != NULL ? renderer->dag->folder : "/";
    if (cwd == NULL)
        return g_strdup(folder);
    g_autofree char *rendered = render(renderer, cwd, "cwd", error);
    return rendered != NULL ? g_canonicalize_filename(rendered, folder) : NULL;
}
