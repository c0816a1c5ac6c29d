/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/selection.h"

unsigned selection_states(bool only_failed, bool only_running)
{
    unsigned states = 0;
    if (only_failed)
        states |= 1u << TASK_STATE_FAILED | 1u << TASK_STATE_UPSTREAM_FAILED;
    if (only_running)
        states |= 1u << TASK_STATE_RUNNING;
    return states;
}

void selection_set_unknown_task(const Dag *dag, const char *task_id, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        g_ptr_array_add(ids, (gpointer)dag->tasks[i].task_id);
    g_ptr_array_add(ids, NULL);
    const char *near = suggest_nearest(task_id, (const char *const *)ids->pdata);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                near != NULL ? "task \"%s\" was not found in DAG \"%s\"; did you mean \"%s\"?"
                             : "task \"%s\" was not found in DAG \"%s\"",
                task_id, dag->dag_id, near);
}

static bool take_ids(const Selection *selection, const Dag *dag, bool *chosen, GError **error)
{
    size_t i;
    json_t *item;
    json_array_foreach(selection->task_ids, i, item)
    {
        int32_t index = dag_task_index(dag, json_string_value(item));
        if (index < 0) {
            selection_set_unknown_task(dag, json_string_value(item), error);
            return false;
        }
        chosen[index] = true;
    }
    return true;
}

static bool take_regex(const Selection *selection, const Dag *dag, bool *chosen, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GRegex) regex = g_regex_new(selection->regex, G_REGEX_OPTIMIZE, 0, &failure);
    if (regex == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "\"%s\" is not a regular expression: %s",
                    selection->regex, failure->message);
        return false;
    }
    bool any = false;
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (g_regex_match(regex, dag->tasks[i].task_id, 0, NULL))
            chosen[i] = any = true;
    }
    if (!any)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no task of DAG \"%s\" matches \"%s\"",
                    dag->dag_id, selection->regex);
    return any;
}

/* All tasks that can be reached from the chosen ones; each is visited once, without recursion. */
static void add_relatives(const Dag *dag, const bool *chosen, bool downstream, bool *reached)
{
    g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (chosen[i])
            g_array_append_val(waiting, i);
    }
    g_autofree bool *seen = g_new0(bool, MAX(dag->n_tasks, 1));
    while (waiting->len > 0) {
        uint32_t task = g_array_index(waiting, uint32_t, waiting->len - 1);
        g_array_set_size(waiting, waiting->len - 1);
        GraphSpan next = downstream ? dag_downstream(dag, task) : dag_upstream(dag, task);
        for (uint32_t i = 0; i < next.n; i++) {
            uint32_t relative = next.items[i];
            if (seen[relative])
                continue;
            seen[relative] = reached[relative] = true;
            g_array_append_val(waiting, relative);
        }
    }
}

GArray *selection_tasks(const Selection *selection, const Dag *dag, GError **error)
{
    uint32_t n = MAX(dag->n_tasks, 1);
    g_autofree bool *chosen = g_new0(bool, n);
    bool all = selection->task_ids == NULL && selection->regex == NULL;
    for (uint32_t i = 0; all && i < dag->n_tasks; i++)
        chosen[i] = true;
    if (selection->task_ids != NULL && !take_ids(selection, dag, chosen, error))
        return NULL;
    if (selection->regex != NULL && !take_regex(selection, dag, chosen, error))
        return NULL;
    g_autofree bool *reached = g_memdup2(chosen, n * sizeof *chosen);
    if (selection->upstream)
        add_relatives(dag, chosen, false, reached);
    if (selection->downstream)
        add_relatives(dag, chosen, true, reached);
    GArray *indexes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (reached[i])
            g_array_append_val(indexes, i);
    }
    return indexes;
}

/** The end of its run came before it had its turn: who wants the failed part again wants it as well. */
static bool was_cut_off(const TaskInstance *row)
{
    return row->state == TASK_STATE_SKIPPED &&
           (row->end_reason == END_CANCELED || row->end_reason == END_RUN_ENDED);
}

static bool is_meant(const Selection *selection, const TaskInstance *row)
{
    if (selection->states == 0)
        return row->state != TASK_STATE_NONE;
    if (selection->states >> row->state & 1)
        return true;
    return (selection->states >> TASK_STATE_FAILED & 1) && was_cut_off(row);
}

GArray *selection_filter(const Selection *selection, const Dag *dag, const GArray *indexes,
                         const TaskInstance *rows, size_t n_rows, GPtrArray **ret_rows)
{
    g_autofree const TaskInstance **by_index = g_new0(const TaskInstance *, MAX(dag->n_tasks, 1));
    for (size_t i = 0; i < n_rows; i++) {
        int32_t index = dag_task_index(dag, rows[i].task_id);
        if (index >= 0)
            by_index[index] = &rows[i];
    }
    GArray *kept = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    if (ret_rows != NULL)
        *ret_rows = g_ptr_array_new();
    for (guint i = 0; i < indexes->len; i++) {
        uint32_t index = g_array_index(indexes, uint32_t, i);
        const TaskInstance *row = by_index[index];
        if (row == NULL)
            continue; /* a task that this run does not have (yet) */
        if (!is_meant(selection, row))
            continue;
        g_array_append_val(kept, index);
        if (ret_rows != NULL)
            g_ptr_array_add(*ret_rows, (gpointer)row);
    }
    return kept;
}
