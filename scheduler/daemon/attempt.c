/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/attempt.h"

#include "scheduler/daemon/lookups.h"

#include <string.h>

/* Longer commands are cut in the log; the page shows the whole. */
#define HEADER_MAX 4096

typedef struct {
    RunContext *run;
    const Dag *dag;
    TemplateContext template;
    LookupScope scope;
} Renderer;

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

static void renderer_init(Renderer *renderer, RunContext *context, const DagRun *run, const Dag *dag,
                          const Task *task, const TaskInstance *ti, int64_t now_us)
{
    renderer->run = context;
    renderer->dag = dag;
    renderer->scope = (LookupScope){.conn = context->conn, .dag_run_id = context->dag_run_id};
    TemplateContext *template = &renderer->template;
    *template = context->base;
    template->dag_description = renderer->dag->description;
    template->run_start_date_us = run->start_date_us;
    template->task_id = ti->task_id;
    template->owner = task->owner;
    template->try_number = ti->try_number;
    template->max_tries = ti->max_tries;
    template->retries = task->retries;
    template->task_start_date_us = now_us;
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

static bool render_argv(Renderer *renderer, const Task *task, Attempt *attempt, GString *header,
                        GError **error)
{
    if (task->command.shell != NULL) {
        g_ptr_array_add(attempt->argv, g_strdup("/bin/sh"));
        g_ptr_array_add(attempt->argv, g_strdup("-c"));
        return render_argument(renderer, task->command.shell, "command", attempt->argv, header, error);
    }
    for (guint i = 0; task->command.argv[i] != NULL; i++) {
        char what[32];
        g_snprintf(what, sizeof what, "command[%u]", i);
        if (i > 0)
            append_shown(header, " ");
        if (!render_argument(renderer, task->command.argv[i], what, attempt->argv, header, error))
            return false;
    }
    return true;
}

static bool render_env(Renderer *renderer, const EnvVar *env, uint32_t n, GPtrArray *environment,
                       GError **error)
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

/* What an attempt sees in its environment; later ones win. */
static bool make_environment(Renderer *renderer, const Task *task, const TaskInstance *ti,
                             GPtrArray *environment, GError **error)
{
    const Dag *dag = renderer->dag;
    if (!render_env(renderer, dag->env, dag->n_env, environment, error) ||
        !render_env(renderer, task->env, task->n_env, environment, error))
        return false;
    const GPtrArray *shared = renderer->run->environment;
    for (guint i = 0; i < shared->len; i++)
        g_ptr_array_add(environment, g_strdup(shared->pdata[i]));
    g_autofree char *output = run_context_output_path(renderer->run, ti->task_id, ti->try_number);
    g_ptr_array_add(environment, g_strconcat("WEIR_TASK_ID=", ti->task_id, NULL));
    g_ptr_array_add(environment, g_strdup_printf("WEIR_TRY_NUMBER=%d", ti->try_number));
    g_ptr_array_add(environment, g_strconcat("WEIR_OUTPUT=", output, NULL));
    g_ptr_array_add(environment,
                    g_strconcat("AIRFLOW_CTX_DAG_OWNER=", task->owner != NULL ? task->owner : "", NULL));
    g_ptr_array_add(environment, g_strconcat("AIRFLOW_CTX_TASK_ID=", ti->task_id, NULL));
    g_ptr_array_add(environment, g_strdup_printf("AIRFLOW_CTX_TRY_NUMBER=%d", ti->try_number));
    return true;
}

/* Relative folders are in the DAG file's. */
static bool render_cwd(Renderer *renderer, const Task *task, Attempt *attempt, GError **error)
{
    const char *folder = renderer->dag->folder;
    if (task->cwd == NULL) {
        attempt->cwd = g_strdup(folder != NULL ? folder : "/");
        return true;
    }
    g_autofree char *cwd = render(renderer, task->cwd, "cwd", error);
    if (cwd == NULL)
        return false;
    attempt->cwd = g_canonicalize_filename(cwd, folder != NULL ? folder : "/");
    return true;
}

bool attempt_prepare(RunContext *context, const DagRun *run, const Dag *dag, const Task *task,
                     const TaskInstance *ti, int64_t now_us, Attempt *ret, GError **error)
{
    *ret = (Attempt){
        .argv = g_ptr_array_new_with_free_func(g_free),
        .environment = g_ptr_array_new_full(24, g_free),
        .log_path = run_context_log_path(context, ti->task_id, ti->try_number),
    };
    Renderer renderer;
    renderer_init(&renderer, context, run, dag, task, ti, now_us);
    g_autoptr(GString) header = g_string_sized_new(256);
    g_string_printf(header, "%s.%s try %d: ", context->base.dag_id, ti->task_id, ti->try_number);
    if (!render_argv(&renderer, task, ret, header, error) ||
        !make_environment(&renderer, task, ti, ret->environment, error) ||
        !render_cwd(&renderer, task, ret, error))
        return false;
    if (header->len > HEADER_MAX) {
        g_string_truncate(header, HEADER_MAX);
        g_string_append(header, "...");
    }
    ret->header = attempt_log_line(now_us, header->str);
    g_ptr_array_add(ret->argv, NULL);
    g_ptr_array_add(ret->environment, NULL);
    return true;
}

void attempt_clear(Attempt *attempt)
{
    g_clear_pointer(&attempt->argv, g_ptr_array_unref);
    g_clear_pointer(&attempt->environment, g_ptr_array_unref);
    g_clear_pointer(&attempt->cwd, g_free);
    g_clear_pointer(&attempt->log_path, g_free);
    g_clear_pointer(&attempt->header, g_free);
}
