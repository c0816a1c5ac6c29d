/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/attempt.h"

#include "scheduler/daemon/renderer.h"

/* What an attempt sees in its environment; later ones win. */
static bool make_environment(Renderer *renderer, const Task *task, const TaskInstance *ti,
                             GPtrArray *environment, GError **error)
{
    const Dag *dag = renderer->dag;
    if (!renderer_env(renderer, dag->env, dag->n_env, environment, error) ||
        !renderer_env(renderer, task->env, task->n_env, environment, error))
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

void attempt_init(Attempt *attempt)
{
    *attempt = (Attempt){
        .argv = g_ptr_array_new_with_free_func(g_free),
        .environment = g_ptr_array_new_full(32, g_free),
    };
}

bool attempt_prepare(RunContext *context, const DagRun *run, const Dag *dag, const Task *task,
                     const TaskInstance *ti, int64_t now_us, Attempt *ret, GError **error)
{
    attempt_init(ret);
    ret->log_path = run_context_log_path(context, ti->task_id, ti->try_number);
    Renderer renderer;
    renderer_init(&renderer, context, run, dag, task, ti, now_us);
    g_autoptr(GString) header = g_string_sized_new(256);
    g_string_printf(header, "%s.%s try %d: ", context->base.dag_id, ti->task_id, ti->try_number);
    if (!renderer_command(&renderer, &task->command, "command", ret->argv, header, error) ||
        !make_environment(&renderer, task, ti, ret->environment, error))
        return false;
    ret->cwd = renderer_cwd(&renderer, task->cwd, error);
    if (ret->cwd == NULL)
        return false;
    ret->header = renderer_header_line(header, now_us);
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
