/* SPDX-License-Identifier: MIT */
/** The top level of a DAG file. */
#include "scheduler/load/read_task.h"

#include <stddef.h>
#include <string.h>

static void read_tags(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Dag *dag = target;
    const YamlNode *one[] = {node};
    bool is_list = node->kind == YAML_KIND_SEQUENCE;
    uint32_t n = is_list ? node->n : 1, n_tags = 0;
    if (n > LOAD_MAX_TAGS) {
        loader_error(loader, node, "more than %d tags", LOAD_MAX_TAGS);
        return;
    }
    const char **tags = dag_alloc(dag, ((size_t)n + 1) * sizeof *tags);
    for (uint32_t i = 0; i < n; i++) {
        const YamlNode *item = is_list ? node->items[i] : one[0];
        if (item->reported)
            continue;
        if (item->kind != YAML_KIND_SCALAR)
            value_error(loader, spec, item, "text or a list of texts");
        else if (item->n == 0 || g_utf8_strlen(item->text, -1) > 100)
            loader_error(loader, item, "a tag has 1 to 100 characters");
        else if (!g_strv_contains(tags, item->text))
            tags[n_tags++] = dag_intern(dag, item->text);
    }
    dag->tags = tags;
}

static void read_env(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Dag *dag = target;
    value_env(loader, spec, node, &dag->env, &dag->n_env);
}

static void read_data_interval(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    static const char *const names[] = {"trigger", "interval", NULL};
    const char *name = value_text(loader, spec, node);
    if (name != NULL && !data_interval_mode_from_string(name, &((Dag *)target)->schedule.data_interval))
        loader_error_near(loader, node, name, names,
                          "\"data_interval\" must be trigger or interval, not \"%s\"", name);
}

#define DAG_FIELD(field) .offset = offsetof(Dag, field)

/* In the order of reading: dates are in the zone, templates use the params. */
static const KeySpec dag_keys[] = {
    {.name = "dag_id"}, /* read before all others: dag_read_id() */
    {.name = "timezone", .read = read_timezone, .flags = KEY_NULL_OK},
    {.name = "description", .read = read_text, DAG_FIELD(description), .flags = KEY_NULL_OK},
    {.name = "owner", .read = read_text, DAG_FIELD(owner), .flags = KEY_NOT_EMPTY},
    {.name = "tags", .read = read_tags, .flags = KEY_NULL_OK},
    {.name = "doc_md", .read = read_text, DAG_FIELD(doc_md), .flags = KEY_NULL_OK},
    {.name = "schedule", .read = read_schedule, .flags = KEY_NULL_OK},
    {.name = "start_date", .read = read_date, DAG_FIELD(schedule.start_date_us), .flags = KEY_NULL_OK},
    {.name = "end_date", .read = read_date, DAG_FIELD(schedule.end_date_us), .flags = KEY_NULL_OK},
    {.name = "catchup", .read = read_bool, DAG_FIELD(schedule.catchup)},
    {.name = "data_interval", .read = read_data_interval},
    {.name = "max_active_runs", .read = read_int32, DAG_FIELD(max_active_runs), .min = 1, .max = INT32_MAX},
    {.name = "max_active_tasks", .read = read_int32, DAG_FIELD(max_active_tasks), .min = 1, .max = INT32_MAX},
    {.name = "dagrun_timeout",
     .read = read_duration,
     DAG_FIELD(dagrun_timeout_us),
     .flags = KEY_NULL_OK | KEY_POSITIVE},
    {.name = "retention", .read = read_duration, DAG_FIELD(retention.runs_us), .flags = KEY_NULL_OK},
    {.name = "log_retention", .read = read_duration, DAG_FIELD(retention.logs_us), .flags = KEY_NULL_OK},
    {.name = "params", .read = read_params, .flags = KEY_NULL_OK},
    {.name = "env", .read = read_env, .flags = KEY_NULL_OK},
    {.name = "on_success", .read = read_run_hook, DAG_FIELD(hooks[HOOK_ON_SUCCESS]), .flags = KEY_NULL_VALUE},
    {.name = "on_failure", .read = read_run_hook, DAG_FIELD(hooks[HOOK_ON_FAILURE]), .flags = KEY_NULL_VALUE},
    {.name = "on_retry", .read = read_hook, DAG_FIELD(hooks[HOOK_ON_RETRY]), .flags = KEY_NULL_VALUE},
    {.name = "default_args"}, /* with the tasks */
    {.name = "tasks"},
};

#define NOT_NEEDED "it has no meaning here; leave it out"

static const KeyHint dag_hints[] = {
    {"schedule_interval", "schedule", NULL},
    {"timetable", "schedule", NULL},
    {"cron", "schedule", NULL},
    {"concurrency", "max_active_tasks", NULL},
    {"id", "dag_id", NULL},
    {"name", "dag_id", NULL},
    {"dag_display_name", NULL, "a DAG is shown by its dag_id"},
    {"defaults", "default_args", NULL},
    {"tz", "timezone", NULL},
    {"timeout", "dagrun_timeout", NULL},
    {"hist_retention_days", "retention", NULL},
    {"logs_retention", "log_retention", NULL},
    {"doc", "doc_md", NULL},
    {"steps", "tasks", NULL},
    {"jobs", "tasks", NULL},
    {"environment", "env", NULL},
    {"is_paused_upon_creation", NULL,
     "use `weir dags pause`, or the setting core.dags_are_paused_at_creation"},
    {"max_consecutive_failed_dag_runs", NULL, "not supported"},
    {"fail_fast", NULL,
     "not supported; the default trigger_rule all_success stops what depends on a failed task"},
    {"fail_stop", NULL,
     "not supported; the default trigger_rule all_success stops what depends on a failed task"},
    {"sla_miss_callback", NULL, "SLAs are gone since Airflow 3; see \"dagrun_timeout\" and \"on_failure\""},
    {"on_failure_callback", "on_failure", NULL},
    {"on_success_callback", "on_success", NULL},
    {"on_retry_callback", "on_retry", NULL},
    {"template_searchpath", NULL, NOT_NEEDED},
    {"render_template_as_native_obj", NULL, "templates always give text"},
    {"user_defined_macros", NULL, "templates have a fixed set of functions"},
    {"user_defined_filters", NULL, "templates have a fixed set of filters"},
    {"jinja_environment_kwargs", NULL, NOT_NEEDED},
    {"access_control", NULL, "permissions are given by the roles of users"},
    {"default_view", NULL, NOT_NEEDED},
    {"orientation", NULL, NOT_NEEDED},
    {"auto_register", NULL, NOT_NEEDED},
    {NULL, NULL, NULL},
};

static const char *explain_task_key(const char *name)
{
    static const char *const of_one_task[] = {"depends_on", "command", "databricks", "http", "sensor", NULL};
    if (!task_has_key(name))
        return NULL;
    return g_strv_contains(of_one_task, name) ? "it belongs to a task, under \"tasks\""
                                              : "it belongs to a task, or to \"default_args\" for all tasks";
}

static const KeyTable dag_table = {.what = "the DAG",
                                   .keys = dag_keys,
                                   .n_keys = G_N_ELEMENTS(dag_keys),
                                   .hints = dag_hints,
                                   .explain = explain_task_key};

void dag_read(Loader *loader, const YamlNode *root)
{
    KeyMatch match;
    key_table_match(loader, &dag_table, root, NULL, &match);
    const YamlPair *defaults = key_match_get(&dag_table, &match, "default_args");
    const YamlPair *tasks = key_match_get(&dag_table, &match, "tasks");
    loader->has_owner = key_match_get(&dag_table, &match, "owner") != NULL;
    tasks_read_ids(loader, tasks == NULL ? NULL : tasks->value); /* the DAG's templates may name them */
    key_table_read(loader, &dag_table, &match, loader->dag);
    schedule_check(loader, &dag_table, &match);
    if (tasks == NULL)
        loader_error(loader, root, "\"tasks\" is missing; a DAG has at least one task");
    bool has_defaults = defaults != NULL && !yaml_node_is_null(defaults->value);
    tasks_read(loader, has_defaults ? defaults->value : NULL);
    tasks_connect(loader);
}
