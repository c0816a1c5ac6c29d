/* SPDX-License-Identifier: MIT */
#include "scheduler/load/read_task.h"

#include "scheduler/load/yaml_scalar.h"

#include <stddef.h>
#include <string.h>

static void read_command(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Task *task = target;
    if (value_command(loader, spec, node, &task->command))
        task->body = TASK_BODY_COMMAND;
}

static void read_unavailable_body(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    (void)target;
    loader_error(loader, node, "\"%s\" is not available yet; this version runs \"command\" tasks only",
                 spec->name);
}

static void read_depends_on(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    (void)target;
    if (node->kind == YAML_KIND_MAPPING)
        value_error(loader, spec, node, "a task id or a list of them");
    else
        loader->depends[loader->current_task] = node;
}

static void read_backoff(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Task *task = target;
    CoreValue value = {.type = CORE_STRING};
    if (node->kind == YAML_KIND_SCALAR)
        value = yaml_scalar_resolve(node);
    double factor = value.type == CORE_INT     ? (double)value.integer
                    : value.type == CORE_FLOAT ? value.real
                                               : -1;
    if (value.type == CORE_INT || value.type == CORE_FLOAT) {
        if (factor == 0 || (factor >= 1 && factor <= 100))
            task->retry_backoff = factor;
        else
            loader_error(loader, node, "\"%s\" must be true, false or a factor from 1 to 100, not %s",
                         spec->name, node->text);
        return;
    }
    bool on;
    if (value_bool(node, &on))
        task->retry_backoff = on ? 2.0 : 0.0;
    else
        value_error(loader, spec, node, "true, false or a factor from 1 to 100");
}

static void read_trigger_rule(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    const char *name = value_text(loader, spec, node);
    if (name == NULL)
        return;
    TriggerRule rule = trigger_rule_from_string(name);
    if (rule != TRIGGER_RULE_INVALID)
        ((Task *)target)->trigger_rule = rule;
    else if (strcmp(name, "dummy") == 0)
        load_error_add(loader->errors, node->line, node->column, "always", "unknown trigger rule \"%s\"",
                       name);
    else if (strcmp(name, "none_failed_or_skipped") == 0)
        load_error_add(loader->errors, node->line, node->column, "none_failed_min_one_success",
                       "unknown trigger rule \"%s\"", name);
    else
        loader_error_near(loader, node, name, trigger_rule_names(), "unknown trigger rule \"%s\"", name);
}

static void read_weight_rule(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    static const char *const names[] = {"downstream", "upstream", "absolute", NULL};
    const char *name = value_text(loader, spec, node);
    if (name == NULL)
        return;
    WeightRule rule = weight_rule_from_string(name);
    if (rule != WEIGHT_RULE_INVALID)
        ((Task *)target)->weight_rule = rule;
    else
        loader_error_near(loader, node, name, names,
                          "unknown weight rule \"%s\" (known: downstream, upstream, absolute)", name);
}

static void read_skip_codes(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Task *task = target;
    const YamlNode *one[] = {node};
    bool is_list = node->kind == YAML_KIND_SEQUENCE;
    const YamlNode *const *items = is_list ? node->items : one;
    uint32_t n = is_list ? node->n : 1;
    int32_t *codes = dag_alloc(loader->dag, n * sizeof *codes);
    task->n_skip_exit_codes = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t code;
        bool none = !is_list && yaml_node_is_null(node);
        if (!none && value_int(loader, spec, items[i], 1, 255, &code))
            codes[task->n_skip_exit_codes++] = (int32_t)code;
    }
    task->skip_exit_codes = codes;
}

static void read_env(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Task *task = target;
    value_env(loader, spec, node, &task->env, &task->n_env);
}

#define TASK_FIELD(field) .offset = offsetof(Task, field)

static const KeySpec task_keys[] = {
    {.name = "depends_on", .read = read_depends_on, .flags = KEY_NOT_DEFAULT | KEY_NULL_OK},
    {.name = "command", .read = read_command, .flags = KEY_NOT_DEFAULT | KEY_BODY},
    {.name = "databricks", .read = read_unavailable_body, .flags = KEY_NOT_DEFAULT | KEY_BODY},
    {.name = "http", .read = read_unavailable_body, .flags = KEY_NOT_DEFAULT | KEY_BODY},
    {.name = "sensor", .read = read_unavailable_body, .flags = KEY_NOT_DEFAULT | KEY_BODY},
    {.name = "retries", .read = read_int32, TASK_FIELD(retries), .min = 0, .max = INT32_MAX - 1},
    {.name = "retry_delay", .read = read_duration, TASK_FIELD(retry_delay_us)},
    {.name = "retry_exponential_backoff", .read = read_backoff},
    {.name = "max_retry_delay",
     .read = read_duration,
     TASK_FIELD(max_retry_delay_us),
     .flags = KEY_NULL_OK | KEY_POSITIVE},
    {.name = "execution_timeout",
     .read = read_duration,
     TASK_FIELD(execution_timeout_us),
     .flags = KEY_NULL_OK | KEY_POSITIVE},
    {.name = "trigger_rule", .read = read_trigger_rule},
    {.name = "pool", .read = read_text, TASK_FIELD(pool), .flags = KEY_NOT_EMPTY},
    {.name = "pool_slots", .read = read_int32, TASK_FIELD(pool_slots), .min = 1, .max = INT32_MAX},
    {.name = "priority_weight",
     .read = read_int32,
     TASK_FIELD(priority_weight),
     .min = INT32_MIN,
     .max = INT32_MAX},
    {.name = "weight_rule", .read = read_weight_rule},
    {.name = "depends_on_past", .read = read_bool, TASK_FIELD(depends_on_past)},
    {.name = "wait_for_downstream", .read = read_bool, TASK_FIELD(wait_for_downstream)},
    {.name = "max_active_tis_per_dag",
     .read = read_int32,
     TASK_FIELD(max_active_tis_per_dag),
     .flags = KEY_NULL_OK,
     .min = 1,
     .max = INT32_MAX},
    {.name = "skip_on_exit_code", .read = read_skip_codes, .flags = KEY_NULL_VALUE},
    {.name = "do_xcom_push", .read = read_bool, TASK_FIELD(do_xcom_push)},
    {.name = "env", .read = read_env, .flags = KEY_NULL_OK},
    {.name = "cwd", .read = read_text, TASK_FIELD(cwd), .flags = KEY_NULL_OK | KEY_TEMPLATE | KEY_NOT_EMPTY},
    {.name = "owner", .read = read_text, TASK_FIELD(owner), .flags = KEY_NOT_EMPTY},
    {.name = "doc_md", .read = read_text, TASK_FIELD(doc_md), .flags = KEY_NULL_OK},
    {.name = "on_success", .read = read_hook, TASK_FIELD(hooks[HOOK_ON_SUCCESS]), .flags = KEY_NULL_VALUE},
    {.name = "on_failure", .read = read_hook, TASK_FIELD(hooks[HOOK_ON_FAILURE]), .flags = KEY_NULL_VALUE},
    {.name = "on_retry", .read = read_hook, TASK_FIELD(hooks[HOOK_ON_RETRY]), .flags = KEY_NULL_VALUE},
};

#define NO_CALLBACK "not supported; there are \"on_success\", \"on_failure\" and \"on_retry\""
#define NO_EMAIL    "write a command that sends the mail: on_failure, on_retry"
#define OF_THE_DAG  "it belongs to the DAG: write it at the top level"

static const KeyHint task_hints[] = {
    {"bash_command", "command", NULL},
    {"cmd", "command", NULL},
    {"run", "command", NULL},
    {"script", "command", NULL},
    {"exec", "command", NULL},
    {"shell", "command", NULL},
    {"args", NULL, "arguments are items of the list \"command\""},
    {"upstream", "depends_on", NULL},
    {"upstream_task_ids", "depends_on", NULL},
    {"dependencies", "depends_on", NULL},
    {"depends", "depends_on", NULL},
    {"dependsOn", "depends_on", NULL},
    {"needs", "depends_on", NULL},
    {"after", "depends_on", NULL},
    {"downstream", NULL, "name this task in \"depends_on\" of the tasks after it"},
    {"downstream_task_ids", NULL, "name this task in \"depends_on\" of the tasks after it"},
    {"operator", NULL, "there are no operators; the key \"command\" says what the task runs"},
    {"python_callable", NULL, "there is no Python operator; run a script with \"command\""},
    {"task_id", NULL, "the id of a task is its key under \"tasks\""},
    {"id", NULL, "the id of a task is its key under \"tasks\""},
    {"name", NULL, "the id of a task is its key under \"tasks\""},
    {"task_concurrency", "max_active_tis_per_dag", NULL},
    {"timeout", "execution_timeout", NULL},
    {"dir", "cwd", NULL},
    {"working_dir", "cwd", NULL},
    {"working_directory", "cwd", NULL},
    {"environment", "env", NULL},
    {"append_env", NULL, "a task always sees the environment of weir, with its \"env\" over it"},
    {"description", "doc_md", NULL},
    {"doc", "doc_md", NULL},
    {"priority", "priority_weight", NULL},
    {"skip_exit_code", "skip_on_exit_code", NULL},
    {"xcom_push", "do_xcom_push", NULL},
    {"queue", NULL, "there are no queues; use \"pool\" for a limit"},
    {"executor", NULL, "there is one executor for each kind of task; leave it out"},
    {"max_active_tis_per_dagrun", NULL, "there are no mapped tasks; see \"max_active_tis_per_dag\""},
    {"email", NULL, NO_EMAIL},
    {"email_on_failure", NULL, NO_EMAIL},
    {"email_on_retry", NULL, NO_EMAIL},
    {"on_failure_callback", "on_failure", NULL},
    {"on_success_callback", "on_success", NULL},
    {"on_retry_callback", "on_retry", NULL},
    {"on_execute_callback", NULL, NO_CALLBACK},
    {"on_skipped_callback", NULL, NO_CALLBACK},
    {"sla", NULL, "SLAs are gone since Airflow 3; see \"execution_timeout\" and \"dagrun_timeout\""},
    {"start_date", NULL, OF_THE_DAG},
    {"end_date", NULL, OF_THE_DAG},
    {"schedule", NULL, OF_THE_DAG},
    {"params", NULL, OF_THE_DAG},
    {"catchup", NULL, OF_THE_DAG},
    {NULL, NULL, NULL},
};

static const char *explain_task_only(const char *name)
{
    return task_has_key(name) ? "it belongs to one task, not to all" : NULL;
}

static const KeyTable task_table = {
    .what = "task", .keys = task_keys, .n_keys = G_N_ELEMENTS(task_keys), .hints = task_hints};
static const KeyTable defaults_table = {.what = "default_args",
                                        .keys = task_keys,
                                        .n_keys = G_N_ELEMENTS(task_keys),
                                        .hints = task_hints,
                                        .skip_flags = KEY_NOT_DEFAULT,
                                        .explain = explain_task_only};

static void check_bodies(Loader *loader, const KeyMatch *match)
{
    const YamlNode *first = NULL, *second = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(task_keys); i++) {
        if (!(task_keys[i].flags & KEY_BODY) || match->pairs[i] == NULL)
            continue;
        const YamlNode *key = match->pairs[i]->key;
        if (first != NULL)
            second = key;
        else
            first = key;
    }
    if (second == NULL)
        return;
    bool in_order =
        first->line < second->line || (first->line == second->line && first->column < second->column);
    loader_error(loader, in_order ? second : first, "a task does one thing: it has both \"%s\" and \"%s\"",
                 first->text, second->text);
}

void task_read_keys(Loader *loader, const char *task_id, const YamlNode *mapping, Task *task)
{
    KeyMatch match;
    key_table_match(loader, &task_table, mapping, task_id, &match);
    check_bodies(loader, &match);
    key_table_read(loader, &task_table, &match, task);
}

void task_read_defaults(Loader *loader, const YamlNode *mapping, Task *task)
{
    KeyMatch match;
    if (mapping->kind != YAML_KIND_MAPPING) {
        if (!mapping->reported)
            loader_error(loader, mapping, "\"default_args\" must be a mapping of task keys, not %s",
                         yaml_node_describe(mapping));
        return;
    }
    key_table_match(loader, &defaults_table, mapping, NULL, &match);
    key_table_read(loader, &defaults_table, &match, task);
}

bool task_has_key(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(task_keys); i++) {
        if (strcmp(task_keys[i].name, name) == 0)
            return true;
    }
    return false;
}
