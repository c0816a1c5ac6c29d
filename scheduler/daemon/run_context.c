/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/run_context.h"

#include "executors/local/task_log.h"
#include "scheduler/time/instant.h"

#include <string.h>
#include <unistd.h>

static void add_variable(GPtrArray *environment, const char *name, const char *value)
{
    g_ptr_array_add(environment, g_strconcat(name, "=", value, NULL));
}

static void add_instant(GPtrArray *environment, const char *name, int64_t us)
{
    g_autofree char *text = us == TIME_NONE ? NULL : instant_format(us, INSTANT_ISO);
    add_variable(environment, name, text != NULL ? text : "");
}

static GPtrArray *make_environment(const char *home, const DagRun *run)
{
    GPtrArray *environment = g_ptr_array_new_with_free_func(g_free);
    add_variable(environment, "WEIR_HOME", home);
    add_variable(environment, "WEIR_DAG_ID", run->dag_id);
    add_variable(environment, "WEIR_RUN_ID", run->run_id);
    add_instant(environment, "WEIR_LOGICAL_DATE", run->logical_date_us);
    add_instant(environment, "WEIR_DATA_INTERVAL_START", run->data_interval_start_us);
    add_instant(environment, "WEIR_DATA_INTERVAL_END", run->data_interval_end_us);
    add_variable(environment, "AIRFLOW_CTX_DAG_ID", run->dag_id);
    add_variable(environment, "AIRFLOW_CTX_DAG_RUN_ID", run->run_id);
    add_instant(environment, "AIRFLOW_CTX_EXECUTION_DATE", run->logical_date_us);
    return environment;
}

static json_t *load_object(const char *text)
{
    json_t *object = text != NULL ? json_loads(text, 0, NULL) : NULL;
    if (object == NULL)
        object = json_object();
    return object;
}

RunContext *run_context_new(const char *home, const char *logs_folder, StoreConn *conn, const DagRun *run)
{
    RunContext *context = g_new0(RunContext, 1);
    context->conn = conn;
    context->dag_run_id = run->id;
    context->dag_id = g_strdup(run->dag_id);
    context->run_id = g_strdup(run->run_id);
    context->log_folder = g_strdup_printf("%s/dag_id=%s/run_id=%s", logs_folder, run->dag_id, run->run_id);
    context->environment = make_environment(home, run);
    context->params = load_object(run->params_json);
    context->conf = load_object(run->conf_json);
    TemplateContext *base = &context->base;
    template_context_init(base);
    base->dag_id = context->dag_id;
    base->run_id = context->run_id;
    base->run_type = run_type_to_string(run->type);
    base->logical_date_us = run->logical_date_us;
    base->data_interval_start_us = run->data_interval_start_us;
    base->data_interval_end_us = run->data_interval_end_us;
    base->run_after_us = run->run_after_us;
    base->params = context->params;
    base->conf = context->conf;
    return context;
}

RunContext *run_context_of(Daemon *daemon, int64_t dag_run_id)
{
    RunEntry *entry = runs_find(daemon, dag_run_id);
    if (entry != NULL && entry->context == NULL)
        entry->context = run_context_new(daemon->home->dir, daemon->settings->logs_folder,
                                         store_conn(daemon->store), engine_run(daemon->engine, dag_run_id));
    return entry != NULL ? entry->context : NULL;
}

void run_context_free(RunContext *context)
{
    if (context == NULL)
        return;
    g_free(context->dag_id);
    g_free(context->run_id);
    g_free(context->log_folder);
    g_ptr_array_unref(context->environment);
    json_decref(context->params);
    json_decref(context->conf);
    g_free(context);
}

char *run_context_log_path(const RunContext *context, const char *task_id, int32_t try_number)
{
    return g_strdup_printf("%s/task_id=%s/attempt=%d.log", context->log_folder, task_id, try_number);
}

char *run_context_output_path(const RunContext *context, const char *task_id, int32_t try_number)
{
    return g_strdup_printf("%s/task_id=%s/attempt=%d.output", context->log_folder, task_id, try_number);
}

char *attempt_log_path(const Settings *settings, const char *dag_id, const char *run_id, const char *task_id,
                       int32_t try_number)
{
    return g_strdup_printf("%s/dag_id=%s/run_id=%s/task_id=%s/attempt=%d.log", settings->logs_folder, dag_id,
                           run_id, task_id, try_number);
}

char *hook_log_path(const Settings *settings, const Hook *hook)
{
    g_autofree char *of_task =
        hook->task_id != NULL ? g_strdup_printf("/task_id=%s", hook->task_id) : g_strdup("");
    return g_strdup_printf("%s/dag_id=%s/run_id=%s/hook=%s%s/id=%" G_GINT64_FORMAT ".log",
                           settings->logs_folder, hook->dag_id, hook->run_id,
                           hook_event_to_string(hook->event), of_task, hook->id);
}

char *attempt_log_line(int64_t now_us, const char *text)
{
    CivilTime civil = civil_from_us(now_us);
    return g_strdup_printf("[%04d-%02d-%02dT%02d:%02d:%02d.%03dZ] weir: %s\n", civil.year, civil.month,
                           civil.day, civil.hour, civil.minute, civil.second, civil.microsecond / 1000, text);
}

void attempt_log_append(const char *log_path, int64_t now_us, const char *text)
{
    int fd = task_log_open(log_path);
    if (fd < 0)
        return;
    g_autofree char *line = attempt_log_line(now_us, text);
    ssize_t written = write(fd, line, strlen(line));
    (void)written; /* a log that cannot be written never harms the task */
    close(fd);
}
