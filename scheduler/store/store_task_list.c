/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"

#define TASK_COLUMNS                                                                                         \
    "id, dag_run_id, task_id, state, end_reason, try_number, max_tries, exit_code, term_signal, pid, "       \
    "scheduled_us, "                                                                                         \
    "queued_us, start_date_us, end_date_us, retry_at_us, pool, pool_slots, priority_weight, operator"

static const char *const orders[TASK_ORDER_COUNT][2] = {
    [TASK_ORDER_INDEX] = {" ORDER BY id", " ORDER BY id DESC"},
    [TASK_ORDER_START_DATE] = {" ORDER BY start_date_us, id", " ORDER BY start_date_us DESC, id DESC"},
    [TASK_ORDER_END_DATE] = {" ORDER BY end_date_us, id", " ORDER BY end_date_us DESC, id DESC"},
    [TASK_ORDER_TASK_ID] = {" ORDER BY task_id", " ORDER BY task_id DESC"},
    [TASK_ORDER_STATE] = {" ORDER BY state, id", " ORDER BY state DESC, id DESC"},
};

static const char *state_name(int state)
{
    return task_state_to_string((TaskState)state);
}

/** Few pools and operators are shared by many rows. */
static const char *take_shared_text(Query *query, GStringChunk *strings)
{
    const char *text = query_text(query);
    return text != NULL ? g_string_chunk_insert_const(strings, text) : NULL;
}

static TaskInstance take_task(Query *query, GStringChunk *strings)
{
    TaskInstance ti = {0};
    ti.id = query_int(query);
    ti.dag_run_id = query_int(query);
    ti.task_id = g_string_chunk_insert(strings, query_text(query));
    const char *state = query_text(query);
    ti.state = task_state_from_string(state);
    if (ti.state == TASK_STATE_INVALID)
        query_refuse(query, state, "state of a task");
    ti.end_reason = end_reason_from_string(query_text(query));
    ti.try_number = (int32_t)query_int(query);
    ti.max_tries = (int32_t)query_int(query);
    ti.exit_code = (int32_t)query_int_or(query, EXIT_CODE_NONE);
    ti.term_signal = (int32_t)query_int(query);
    ti.pid = query_int(query);
    ti.scheduled_us = query_time(query);
    ti.queued_us = query_time(query);
    ti.start_date_us = query_time(query);
    ti.end_date_us = query_time(query);
    ti.retry_at_us = query_time(query);
    ti.pool = take_shared_text(query, strings);
    ti.pool_slots = (int32_t)query_int(query);
    ti.priority_weight = (int32_t)query_int(query);
    ti.operator_name = take_shared_text(query, strings);
    return ti;
}

/** The rows of the queries, one after the other; ends them. */
static TaskList *take_all(Query *query, GError **error)
{
    g_autoptr(TaskList) list = g_new0(TaskList, 1);
    list->strings = g_string_chunk_new(4096);
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(TaskInstance));
    while (query_next(query)) {
        TaskInstance ti = take_task(query, list->strings);
        g_array_append_val(items, ti);
    }
    if (!query_end(query, error))
        return NULL;
    list->n_items = items->len;
    list->items = g_array_steal(items, NULL);
    return g_steal_pointer(&list);
}

TaskList *store_list_tasks(StoreConn *conn, const TaskQuery *wanted, int64_t *ret_total, GError **error)
{
    g_return_val_if_fail(wanted->order >= 0 && wanted->order < TASK_ORDER_COUNT, NULL);
    g_auto(Filter) filter = filter_begin();
    filter_int(&filter, "dag_run_id = ?", wanted->dag_run_id);
    filter_names(&filter, "state", wanted->states, TASK_STATE_COUNT, state_name);
    if (!filter_count(&filter, conn, "FROM task_instance", ret_total, error))
        return NULL;
    Query query = filter_query(&filter, conn, "SELECT " TASK_COLUMNS " FROM task_instance",
                               orders[wanted->order][wanted->descending ? 1 : 0], wanted->page);
    return take_all(&query, error);
}

/* The index has those states, and two more: the first condition is its own, word for word. */
TaskList *store_list_executing_tasks(StoreConn *conn, GError **error)
{
    Query query = query_begin(
        conn, "SELECT " TASK_COLUMNS " FROM task_instance INDEXED BY task_instance_active "
              "WHERE (state = 'scheduled' OR state = 'queued' OR state = 'running' OR state = 'deferred' OR "
              "state = 'restarting') AND state <> 'scheduled' AND state <> 'deferred' ORDER BY id");
    return take_all(&query, error);
}

static TaskList *take_one(Query *query, const char *name, GError **error)
{
    g_autoptr(TaskList) list = take_all(query, error);
    if (list != NULL && list->n_items == 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no task instance %s", name);
        return NULL;
    }
    return g_steal_pointer(&list);
}

TaskList *store_get_task(StoreConn *conn, int64_t dag_run_id, const char *task_id, GError **error)
{
    Query query =
        query_begin(conn, "SELECT " TASK_COLUMNS " FROM task_instance WHERE dag_run_id = ? AND task_id = ?");
    query_bind_int(&query, dag_run_id);
    query_bind_text(&query, task_id);
    return take_one(&query, task_id, error);
}

TaskList *store_get_task_by_id(StoreConn *conn, int64_t ti_id, GError **error)
{
    Query query = query_begin(conn, "SELECT " TASK_COLUMNS " FROM task_instance WHERE id = ?");
    query_bind_int(&query, ti_id);
    return take_one(&query, "with that id", error);
}

TaskList *store_list_tries(StoreConn *conn, int64_t ti_id, GError **error)
{
    Query query = query_begin(
        conn,
        "SELECT t.id, t.dag_run_id, t.task_id, h.state, h.end_reason, h.try_number, h.max_tries, "
        "h.exit_code, "
        "h.term_signal, h.pid, h.scheduled_us, h.queued_us, h.start_date_us, h.end_date_us, NULL, h.pool, "
        "h.pool_slots, h.priority_weight, h.operator "
        "FROM task_instance_history h JOIN task_instance t ON t.id = h.ti_id WHERE h.ti_id = ?1 "
        "UNION ALL SELECT " TASK_COLUMNS
        " FROM task_instance WHERE id = ?1 AND try_number > 0 AND NOT EXISTS "
        "(SELECT 1 FROM task_instance_history h WHERE h.ti_id = ?1 AND h.try_number = "
        "task_instance.try_number) "
        "ORDER BY 6");
    query_bind_int(&query, ti_id);
    return take_all(&query, error);
}

bool store_count_task_states(StoreConn *conn, int64_t dag_run_id, int64_t ret_counts[TASK_STATE_COUNT],
                             GError **error)
{
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        ret_counts[i] = 0;
    Query query =
        query_begin(conn, "SELECT state, count(*) FROM task_instance WHERE dag_run_id = ? GROUP BY state");
    query_bind_int(&query, dag_run_id);
    while (query_next(&query)) {
        TaskState state = task_state_from_string(query_text(&query));
        int64_t count = query_int(&query);
        if (state != TASK_STATE_INVALID)
            ret_counts[state] = count;
    }
    return query_end(&query, error);
}
