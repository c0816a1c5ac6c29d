/* SPDX-License-Identifier: MIT */
/** All tasks of a DAG, and how they depend on each other. */
#include "scheduler/load/read_task.h"

#include <string.h>

#define CYCLE_SHOWN 12

static void read_one(Loader *loader, const YamlPair *pair, const Task *base, uint32_t index)
{
    const YamlNode *key = pair->key, *value = pair->value;
    Task *task = dag_add_task(loader->dag, key->text);
    g_assert(task != NULL); /* keys of a mapping differ */
    const char *task_id = task->task_id;
    *task = *base;
    task->task_id = task_id;
    task->position = (SourcePosition){.line = key->line, .column = key->column};
    loader->current_task = index;
    if (!id_is_valid(key->text) && !key->reported)
        loader_error(loader, key, "\"%s\" is not a valid task id: " LOAD_ID_RULE, key->text);
    if (value->reported || yaml_node_is_null(value))
        return;
    if (value->kind == YAML_KIND_MAPPING)
        task_read_keys(loader, key->text, value, task);
    else
        loader_error(loader, value, "task \"%s\" must be a mapping such as {command: ...}, not %s", key->text,
                     yaml_node_describe(value));
}

/** What every task is copied from: Airflow's defaults, then default_args. */
static Task read_base(Loader *loader, const YamlNode *defaults)
{
    g_autoptr(Dag) scratch = dag_new("scratch");
    Task base = *dag_add_task(scratch, "task");
    base.pool = dag_intern(loader->dag, base.pool);
    base.owner = loader->dag->owner;
    base.hooks[HOOK_ON_RETRY] = loader->dag->hooks[HOOK_ON_RETRY];
    if (defaults != NULL)
        task_read_defaults(loader, defaults, &base);
    return base;
}

static bool check_tasks(Loader *loader, const YamlNode *tasks)
{
    if (tasks->reported)
        return false;
    if (tasks->kind == YAML_KIND_SEQUENCE)
        loader_error(loader, tasks, "\"tasks\" must be a mapping of task ids to tasks, not a list");
    else if (tasks->kind == YAML_KIND_SCALAR && !yaml_node_is_null(tasks))
        loader_error(loader, tasks, "\"tasks\" must be a mapping of task ids to tasks, not \"%s\"",
                     tasks->text);
    else if (tasks->kind == YAML_KIND_SCALAR || tasks->n == 0)
        loader_error(loader, tasks, "\"tasks\" is empty; a DAG has at least one task");
    else if (tasks->n > DAG_MAX_TASKS)
        loader_error(loader, tasks, "%u tasks are too many; a DAG may have %d", tasks->n, DAG_MAX_TASKS);
    else
        return true;
    return false;
}

void tasks_read_ids(Loader *loader, const YamlNode *tasks)
{
    loader->tasks = tasks != NULL && check_tasks(loader, tasks) ? tasks : NULL;
    uint32_t n = loader->tasks != NULL ? tasks->n : 0;
    for (uint32_t i = 0; i < n; i++)
        g_ptr_array_add(loader->task_ids, (gpointer)tasks->pairs[i].key->text);
    g_ptr_array_add(loader->task_ids, NULL);
    if (loader->tasks != NULL && n <= LOAD_MAX_NAMES_CHECKED)
        loader->names.task_ids = (const char *const *)loader->task_ids->pdata;
}

void tasks_read(Loader *loader, const YamlNode *defaults)
{
    const YamlNode *tasks = loader->tasks;
    uint32_t n = tasks != NULL ? tasks->n : 0;
    loader->depends = g_new0(const YamlNode *, MAX(n, 1));
    Task base = read_base(loader, defaults);
    for (uint32_t i = 0; i < n; i++)
        read_one(loader, &tasks->pairs[i], &base, i);
    if (g_strcmp0(base.owner, loader->dag->owner) != 0 && !loader->has_owner)
        loader->dag->owner = base.owner; /* default_args.owner, as Airflow shows it */
}

/* ---- depends_on -------------------------------------------------------------------------------------------
 */

static void connect_one(Loader *loader, uint32_t task, const YamlNode *node, uint32_t *last_seen)
{
    if (node->reported)
        return;
    if (node->kind != YAML_KIND_SCALAR) {
        loader_error(loader, node, "an item of \"depends_on\" must be a task id, not %s",
                     yaml_node_describe(node));
        return;
    }
    int32_t upstream = dag_task_index(loader->dag, node->text);
    if (upstream < 0) {
        loader_error_near(loader, node, node->text, (const char *const *)loader->task_ids->pdata,
                          "\"depends_on\" names \"%s\", which is not a task of this DAG", node->text);
    } else if ((uint32_t)upstream == task) {
        loader_error(loader, node, "task \"%s\" depends on itself", node->text);
    } else if (last_seen[upstream] == task + 1) {
        loader_error(loader, node, "\"depends_on\" names \"%s\" twice", node->text);
    } else {
        last_seen[upstream] = task + 1;
        dag_add_dependency(loader->dag, task, (uint32_t)upstream);
    }
}

void tasks_connect(Loader *loader)
{
    uint32_t n = loader->task_ids->len - 1;
    g_autofree uint32_t *last_seen =
        g_new0(uint32_t, n + 1); /* per upstream: the last task that named it, plus 1 */
    for (uint32_t task = 0; task < n; task++) {
        const YamlNode *node = loader->depends[task];
        if (node == NULL)
            continue;
        if (node->kind == YAML_KIND_SCALAR)
            connect_one(loader, task, node, last_seen);
        for (uint32_t i = 0; node->kind == YAML_KIND_SEQUENCE && i < node->n; i++)
            connect_one(loader, task, node->items[i], last_seen);
    }
}

/* ---- cycles -----------------------------------------------------------------------------------------------
 */

/** Where `task` says that it depends on `upstream`. */
static const YamlNode *find_dependency(const Loader *loader, uint32_t task, uint32_t upstream)
{
    const YamlNode *node = loader->depends[task];
    const char *id = dag_building_task(loader->dag, upstream)->task_id;
    for (uint32_t i = 0; node != NULL && node->kind == YAML_KIND_SEQUENCE && i < node->n; i++) {
        if (node->items[i]->kind == YAML_KIND_SCALAR && strcmp(node->items[i]->text, id) == 0)
            return node->items[i];
    }
    return node;
}

/** `cycle` lists tasks each of which is upstream of the next, and the last of the first. */
static void report_cycle(Loader *loader, const GArray *cycle)
{
    g_autoptr(GString) path = g_string_new(NULL);
    uint32_t first = g_array_index(cycle, uint32_t, 0), last = g_array_index(cycle, uint32_t, cycle->len - 1);
    for (guint i = 0; i < cycle->len; i++) {
        if (i == CYCLE_SHOWN) {
            g_string_append_printf(path, "... %u more ... -> ", cycle->len - i);
            break;
        }
        const Task *task = dag_building_task(loader->dag, g_array_index(cycle, uint32_t, i));
        g_string_append_printf(path, "%s -> ", task->task_id);
    }
    g_string_append(path, dag_building_task(loader->dag, first)->task_id);
    const YamlNode *at = find_dependency(loader, first, last);
    g_assert(at != NULL);
    loader_error(loader, at, "the tasks depend on each other in a cycle: %s", path->str);
}

void tasks_seal(Loader *loader)
{
    g_autoptr(GArray) cycle = NULL;
    g_autoptr(GError) error = NULL;
    if (dag_seal(loader->dag, &cycle, &error))
        return;
    if (cycle != NULL && cycle->len > 0)
        report_cycle(loader, cycle);
    else
        load_error_add(loader->errors, 0, 0, NULL, "%s", error->message);
}
