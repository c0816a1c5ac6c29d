/* SPDX-License-Identifier: MIT */
#include "cli/documents.h"

#include "scheduler/time/instant.h"

json_t *document_text(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

json_t *document_time(int64_t us)
{
    g_autofree char *text = instant_format(us, INSTANT_JSON);
    return document_text(text);
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

json_t *row_of_run(const DagRun *run)
{
    json_t *object = document_of_run(run);
    set(object, "run_id", json_string(run->run_id));
    return object;
}

json_t *row_of_task(const Settings *settings, const DagRun *run, const TaskInstance *task)
{
    json_t *object = document_of_task(settings, run, task);
    set(object, "run_id", json_string(run->run_id));
    return object;
}

json_t *document_of_pool(const Pool *pool)
{
    json_t *object = json_object();
    set(object, "name", json_string(pool->name));
    set(object, "slots", json_integer(pool->slots));
    set(object, "description", document_text(pool->description));
    set(object, "include_deferred", json_boolean(pool->include_deferred));
    set(object, "occupied_slots", json_integer(pool->occupied_slots));
    set(object, "running_slots", json_integer(pool->running_slots));
    set(object, "queued_slots", json_integer(pool->queued_slots));
    set(object, "scheduled_slots", json_integer(pool->scheduled_slots));
    set(object, "deferred_slots", json_integer(pool->deferred_slots));
    set(object, "open_slots", json_integer(pool->open_slots == INT64_MAX ? -1 : pool->open_slots));
    return object;
}

static json_t *task_ids(const Dag *dag, GraphSpan span)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < span.n; i++)
        json_array_append_new(list, json_string(dag->tasks[span.items[i]].task_id));
    return list;
}

static json_t *seconds(int64_t us)
{
    return us > 0 ? json_real((double)us / USEC_PER_SEC) : json_null();
}

json_t *document_of_command(const CommandLine *command)
{
    if (command == NULL || command->argv == NULL)
        return document_text(command != NULL ? command->shell : NULL);
    json_t *list = json_array();
    for (int i = 0; command->argv[i] != NULL; i++)
        json_array_append_new(list, json_string(command->argv[i]));
    return list;
}

void document_set_hooks(json_t *object, const CommandLine *const *hooks)
{
    for (int i = 0; i < HOOK_EVENT_COUNT; i++)
        set(object, hook_event_to_string(i), document_of_command(hooks[i]));
}

json_t *document_of_dag_task(const Dag *dag, uint32_t index)
{
    const Task *task = &dag->tasks[index];
    json_t *object = json_object();
    set(object, "dag_id", json_string(dag->dag_id));
    set(object, "task_id", json_string(task->task_id));
    set(object, "operator_name", document_text(task_body_operator(task->body)));
    set(object, "owner", document_text(task->owner));
    set(object, "trigger_rule", document_text(trigger_rule_to_string(task->trigger_rule)));
    set(object, "upstream_task_ids", task_ids(dag, dag_upstream(dag, index)));
    set(object, "downstream_task_ids", task_ids(dag, dag_downstream(dag, index)));
    set(object, "pool", document_text(task->pool));
    set(object, "pool_slots", json_integer(task->pool_slots));
    set(object, "priority_weight", json_integer(task->priority_weight));
    set(object, "weight_rule", document_text(weight_rule_to_string(task->weight_rule)));
    set(object, "retries", json_integer(task->retries));
    set(object, "retry_delay", seconds(task->retry_delay_us));
    set(object, "execution_timeout", seconds(task->execution_timeout_us));
    set(object, "depends_on_past", json_boolean(task->depends_on_past));
    set(object, "wait_for_downstream", json_boolean(task->wait_for_downstream));
    document_set_hooks(object, task->hooks);
    set(object, "doc_md", document_text(task->doc_md));
    return object;
}
