/* SPDX-License-Identifier: MIT */
#include "scheduler/model/dag.h"

static const int32_t default_skip_exit_codes[] = {99}; /* BashOperator's skip_on_exit_code */

const char *task_body_operator(TaskBody body)
{
    switch (body) {
    case TASK_BODY_EMPTY:
        return "EmptyOperator";
    case TASK_BODY_COMMAND:
        return "BashOperator";
    case TASK_BODY_DATABRICKS:
        return "DatabricksSubmitRunOperator";
    case TASK_BODY_HTTP:
        return "HttpOperator";
    case TASK_BODY_SENSOR:
        return "Sensor";
    }
    g_assert_not_reached();
}

Dag *dag_new(const char *dag_id)
{
    Dag *dag = g_new0(Dag, 1);
    g_atomic_ref_count_init(&dag->refs);
    dag->strings = g_string_chunk_new(1024);
    dag->owned = g_ptr_array_new_with_free_func(g_free);
    dag->index_by_id = g_hash_table_new(g_str_hash, g_str_equal);
    dag->building_tasks = g_array_new(FALSE, TRUE, sizeof(Task));
    dag->building_edges = g_array_new(FALSE, FALSE, sizeof(GraphEdge));
    dag->dag_id = dag_intern(dag, dag_id);
    dag->owner = dag_intern(dag, "airflow");
    dag->folder = dag_intern(dag, "/");
    dag->schedule.start_date_us = dag->schedule.end_date_us = TIME_NONE;
    dag->max_active_runs = DAG_DEFAULT_MAX_ACTIVE_RUNS;
    dag->max_active_tasks = DAG_DEFAULT_MAX_ACTIVE_TASKS;
    dag->retention = (Retention)RETENTION_UNSAID;
    return dag;
}

Dag *dag_ref(Dag *dag)
{
    g_atomic_ref_count_inc(&dag->refs);
    return dag;
}

void dag_unref(Dag *dag)
{
    if (dag == NULL || !g_atomic_ref_count_dec(&dag->refs))
        return;
    schedule_spec_clear(&dag->schedule);
    param_set_free(dag->params);
    graph_free(dag->graph);
    g_free(dag->order);
    g_hash_table_unref(dag->index_by_id);
    if (dag->building_edges != NULL)
        g_array_unref(dag->building_edges);
    g_array_unref(dag->building_tasks);
    g_string_chunk_free(dag->strings);
    g_ptr_array_unref(dag->owned);
    g_free(dag);
}

const char *dag_intern(Dag *dag, const char *text)
{
    return text == NULL ? NULL : g_string_chunk_insert_const(dag->strings, text);
}

void *dag_alloc(Dag *dag, size_t n_bytes)
{
    void *memory = g_malloc0(MAX(n_bytes, 1));
    g_ptr_array_add(dag->owned, memory);
    return memory;
}

Task *dag_add_task(Dag *dag, const char *task_id)
{
    g_assert(dag->graph == NULL);
    if (g_hash_table_contains(dag->index_by_id, task_id))
        return NULL;
    Task task = {
        .task_id = dag_intern(dag, task_id),
        .retry_delay_us = 300 * USEC_PER_SEC,
        .pool = dag_intern(dag, DEFAULT_POOL),
        .pool_slots = 1,
        .priority_weight = 1,
        .weight_rule = WEIGHT_RULE_DOWNSTREAM,
        .do_xcom_push = true,
        .skip_exit_codes = default_skip_exit_codes,
        .n_skip_exit_codes = G_N_ELEMENTS(default_skip_exit_codes),
        .owner = dag->owner,
    };
    guint index = dag->building_tasks->len;
    g_array_append_val(dag->building_tasks, task);
    g_hash_table_insert(dag->index_by_id, (gpointer)task.task_id, GUINT_TO_POINTER(index));
    return dag_building_task(dag, index);
}

Task *dag_building_task(Dag *dag, uint32_t index)
{
    return &g_array_index(dag->building_tasks, Task, index);
}

int32_t dag_task_index(const Dag *dag, const char *task_id)
{
    gpointer index;
    if (!g_hash_table_lookup_extended(dag->index_by_id, task_id, NULL, &index))
        return -1;
    return (int32_t)GPOINTER_TO_UINT(index);
}

void dag_add_dependency(Dag *dag, uint32_t task, uint32_t upstream)
{
    g_assert(dag->graph == NULL);
    GraphEdge edge = {.from = upstream, .to = task};
    g_array_append_val(dag->building_edges, edge);
}

/** Effective weights; each weight rule that occurs costs one pass over the graph. */
static void seal_weights(Dag *dag)
{
    g_autofree int32_t *own = g_new(int32_t, dag->n_tasks);
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        own[i] = dag->tasks[i].priority_weight;
    int32_t *sums[WEIGHT_RULE_ABSOLUTE] = {NULL};
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        Task *task = &dag->tasks[i];
        WeightRule rule = task->weight_rule;
        if (rule == WEIGHT_RULE_ABSOLUTE) {
            task->effective_weight = own[i];
            continue;
        }
        if (sums[rule] == NULL)
            sums[rule] = graph_closure_weights(dag->graph, dag->order, own, rule);
        task->effective_weight = sums[rule][i];
    }
    for (int rule = 0; rule < WEIGHT_RULE_ABSOLUTE; rule++)
        g_free(sums[rule]);
}

bool dag_seal(Dag *dag, GArray **ret_cycle, GError **error)
{
    g_assert(dag->graph == NULL);
    dag->tasks = (Task *)(void *)dag->building_tasks->data;
    dag->n_tasks = dag->building_tasks->len;
    g_autoptr(Graph) graph = graph_new(dag->n_tasks, (const GraphEdge *)(void *)dag->building_edges->data,
                                       dag->building_edges->len);
    dag->order = graph_topological_order(graph, ret_cycle);
    if (dag->order == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "DAG \"%s\" has a cycle", dag->dag_id);
        return false;
    }
    dag->graph = g_steal_pointer(&graph);
    g_clear_pointer(&dag->building_edges, g_array_unref);
    if (dag->tags == NULL)
        dag->tags = dag_alloc(dag, sizeof *dag->tags);
    if (dag->params == NULL)
        dag->params = param_set_new();
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        Task *task = &dag->tasks[i];
        task->depends_on_past = task->depends_on_past || task->wait_for_downstream;
        dag->any_depends_on_past = dag->any_depends_on_past || task->depends_on_past;
    }
    seal_weights(dag);
    return true;
}

GraphSpan dag_upstream(const Dag *dag, uint32_t task)
{
    return graph_upstream(dag->graph, task);
}

GraphSpan dag_downstream(const Dag *dag, uint32_t task)
{
    return graph_downstream(dag->graph, task);
}

const uint32_t *dag_order(const Dag *dag)
{
    return dag->order;
}
