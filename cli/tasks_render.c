/* SPDX-License-Identifier: MIT */
/* weir tasks render: what a task's templates come to in a run, from committed rows; secrets are masked. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/daemon/lookups.h"
#include "scheduler/template/template.h"

#include <stdlib.h>

typedef struct {
    const DagRun *run;
    const Dag *dag;
    LookupScope scope;
    TemplateContext context;
    GError *error; /**< the first one */
} Rendering;

/** The DAG as the run is pinned to it. */
static LoadResult *load_version(Cli *cli, const DagRun *run, GError **error)
{
    g_autoptr(DagVersion) version = store_get_dag_version(cli_reader(cli, NULL), run->dag_version_id, error);
    if (version == NULL)
        return NULL;
    g_autoptr(LoadResult) result = cli_load_version(cli, version);
    if (result->dag != NULL)
        return g_steal_pointer(&result);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT, "version %d of DAG \"%s\" cannot be read any more",
                version->version_number, version->dag_id);
    return NULL;
}

/** The dates of the last successful run before this one. */
static bool look_up_previous(StoreConn *reader, Rendering *rendering, GError **error)
{
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = rendering->run->dag_id;
    query.states = 1u << RUN_STATE_SUCCESS;
    query.logical_date.to_us = rendering->run->logical_date_us - 1;
    query.order = RUN_ORDER_LOGICAL_DATE;
    query.descending = true;
    query.page.limit = 1;
    if (rendering->run->logical_date_us == TIME_NONE)
        return true;
    g_autoptr(GPtrArray) runs = store_list_runs(reader, &query, NULL, error);
    if (runs == NULL || runs->len == 0)
        return runs != NULL;
    const DagRun *previous = g_ptr_array_index(runs, 0);
    rendering->context.prev_data_interval_start_success_us = previous->data_interval_start_us;
    rendering->context.prev_data_interval_end_success_us = previous->data_interval_end_us;
    rendering->context.prev_start_date_success_us = previous->start_date_us;
    rendering->context.prev_end_date_success_us = previous->end_date_us;
    return true;
}

static json_t *parse_object(const char *text)
{
    json_t *value = text != NULL ? json_loads(text, 0, NULL) : NULL;
    return value != NULL ? value : json_object();
}

static void fill_context(Rendering *rendering, const Task *task, const TaskInstance *instance)
{
    const DagRun *run = rendering->run;
    TemplateContext *context = &rendering->context;
    context->dag_id = run->dag_id;
    context->dag_description = rendering->dag->description;
    context->task_id = task->task_id;
    context->run_id = run->run_id;
    context->run_type = run_type_to_string(run->type);
    context->owner = task->owner;
    context->try_number = MAX(1, instance->try_number);
    context->max_tries = instance->max_tries;
    context->retries = task->retries;
    context->logical_date_us = run->logical_date_us;
    context->data_interval_start_us = run->data_interval_start_us;
    context->data_interval_end_us = run->data_interval_end_us;
    context->run_after_us = run->run_after_us;
    context->run_start_date_us = run->start_date_us;
    context->task_start_date_us = instance->start_date_us;
    context->params = parse_object(run->params_json);
    context->conf = parse_object(run->conf_json);
    context->xcom_pull = lookup_xcom;
    context->variable_get = lookup_variable;
    context->connection_get = lookup_connection;
    context->user = &rendering->scope;
}

/** One template as text; null once there was an error, which then begins with `field`, as in the task's log.
 */
static json_t *render(Rendering *rendering, const char *text, const char *field)
{
    if (text == NULL || rendering->error != NULL)
        return json_null();
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) template = template_parse(text, &syntax);
    g_autofree char *rendered = NULL;
    if (template == NULL)
        g_set_error(&rendering->error, WEIR_ERROR, WEIR_ERROR_INVALID, "%u:%u: %s", syntax.line,
                    syntax.column, syntax.message);
    else
        rendered = template_render(template, &rendering->context, &rendering->error);
    if (rendering->error != NULL)
        g_prefix_error(&rendering->error, "%s: ", field);
    return document_text(rendered);
}

static json_t *render_command(Rendering *rendering, const Task *task)
{
    if (task->command.argv == NULL)
        return render(rendering, task->command.shell, "command");
    json_t *list = json_array();
    for (int i = 0; task->command.argv[i] != NULL; i++) {
        g_autofree char *field = g_strdup_printf("command[%d]", i);
        json_array_append_new(list, render(rendering, task->command.argv[i], field));
    }
    return list;
}

static void render_env(Rendering *rendering, const EnvVar *env, uint32_t n_env, json_t *object)
{
    for (uint32_t i = 0; i < n_env; i++) {
        g_autofree char *field = g_strdup_printf("env.%s", env[i].name);
        json_object_set_new(object, env[i].name, render(rendering, env[i].value, field));
    }
}

static json_t *render_task(Rendering *rendering, const Task *task)
{
    json_t *object = json_object(), *env = json_object();
    json_object_set_new(object, "task_id", json_string(task->task_id));
    json_object_set_new(object, "command", render_command(rendering, task));
    render_env(rendering, rendering->dag->env, rendering->dag->n_env, env);
    render_env(rendering, task->env, task->n_env, env);
    json_object_set_new(object, "env", env);
    json_object_set_new(object, "cwd",
                        task->cwd != NULL ? render(rendering, task->cwd, "cwd")
                                          : document_text(rendering->dag->folder));
    return object;
}

int verb_tasks_render(Cli *cli, GError **error)
{
    g_autoptr(DagRun) run = NULL;
    g_autoptr(TaskList) instance = cli_find_named_task(cli, &run, error);
    g_autoptr(LoadResult) version = instance != NULL ? load_version(cli, run, error) : NULL;
    if (version == NULL)
        return EXIT_FAILURE;
    int32_t index = dag_task_index(version->dag, instance->items[0].task_id);
    if (index < 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "task \"%s\" is not in the version of the DAG that the run is on",
                    instance->items[0].task_id);
        return EXIT_FAILURE;
    }
    Rendering rendering = {.run = run, .dag = version->dag};
    rendering.scope = (LookupScope){.conn = cli_reader(cli, NULL), .dag_run_id = run->id, .is_masked = true};
    template_context_init(&rendering.context);
    if (!look_up_previous(rendering.scope.conn, &rendering, error))
        return EXIT_FAILURE;
    fill_context(&rendering, &version->dag->tasks[index], &instance->items[0]);
    json_auto_t *object = render_task(&rendering, &version->dag->tasks[index]);
    json_decref(rendering.context.params);
    json_decref(rendering.context.conf);
    if (rendering.error != NULL) {
        g_propagate_error(error, rendering.error);
        return EXIT_FAILURE;
    }
    output_object(cli->format, object);
    return EXIT_SUCCESS;
}
