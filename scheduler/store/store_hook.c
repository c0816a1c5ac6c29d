/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

#define COLUMNS                                                                                              \
    "hook.id, hook.dag_run_id, dag_run.dag_id, dag_run.run_id, hook.task_id, hook.event, hook.try_number, "  \
    "hook.max_tries, hook.told_state, hook.told_reason, hook.told_exit_code, hook.told_term_signal, "        \
    "hook.state, hook.attempt, hook.end_reason, hook.exit_code, hook.term_signal, hook.created_at_us, "      \
    "hook.next_attempt_us, hook.start_date_us, hook.end_date_us"
/* CROSS: hooks first. Else those of a DAG are looked for run by run, in all runs that it ever had, and
 * sorted. */
#define WITH_RUN " CROSS JOIN dag_run ON dag_run.id = hook.dag_run_id "

/* ---- Writes ---- */

bool store_insert_hook(Store *store, const Hook *hook, GError **error)
{
    Query query =
        query_begin(store->conn, "INSERT INTO hook (dag_run_id, task_id, event, try_number, max_tries, "
                                 "told_state, told_reason, told_exit_code, told_term_signal, state, attempt, "
                                 "created_at_us, next_attempt_us) "
                                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?)");
    query_bind_int(&query, hook->dag_run_id);
    query_bind_text(&query, hook->task_id);
    query_bind_text(&query, hook_event_to_string(hook->event));
    query_bind_int_or_null(&query, hook->try_number, 0);
    query_bind_int_or_null(&query, hook->task_id != NULL ? hook->max_tries : -1, -1);
    query_bind_text(&query, task_state_to_string(hook->told_state));
    query_bind_text(&query, end_reason_to_string(hook->told_reason));
    query_bind_int_or_null(&query, hook->told_exit_code, EXIT_CODE_NONE);
    query_bind_int_or_null(&query, hook->told_term_signal, 0);
    query_bind_int(&query, hook->created_at_us);
    query_bind_time(&query, hook->next_attempt_us);
    return query_run(&query, error);
}

bool store_update_hook(Store *store, const Hook *hook, GError **error)
{
    Query query = query_begin(store->conn, "UPDATE hook SET state = ?, attempt = ?, end_reason = ?, "
                                           "exit_code = ?, term_signal = ?, next_attempt_us = ?, "
                                           "start_date_us = ?, end_date_us = ? WHERE id = ?");
    query_bind_text(&query, hook_state_to_string(hook->state));
    query_bind_int(&query, hook->attempt);
    query_bind_text(&query, end_reason_to_string(hook->end_reason));
    query_bind_int_or_null(&query, hook->exit_code, EXIT_CODE_NONE);
    query_bind_int_or_null(&query, hook->term_signal, 0);
    query_bind_time(&query, hook->next_attempt_us);
    query_bind_time(&query, hook->start_date_us);
    query_bind_time(&query, hook->end_date_us);
    query_bind_int(&query, hook->id);
    return query_run_found(&query, "hook", "with that id", error);
}

/* ---- Reads ---- */

static Hook *take_hook(Query *query)
{
    Hook *hook = g_new0(Hook, 1);
    hook->id = query_int(query);
    hook->dag_run_id = query_int(query);
    hook->dag_id = query_dup_text(query);
    hook->run_id = query_dup_text(query);
    hook->task_id = query_dup_text(query);
    hook->event = hook_event_from_string(query_text(query));
    hook->try_number = (int32_t)query_int_or(query, 0);
    hook->max_tries = (int32_t)query_int_or(query, 0);
    hook->told_state = task_state_from_string(query_text(query));
    hook->told_reason = end_reason_from_string(query_text(query));
    hook->told_exit_code = (int32_t)query_int_or(query, EXIT_CODE_NONE);
    hook->told_term_signal = (int32_t)query_int_or(query, 0);
    hook->state = hook_state_from_string(query_text(query));
    hook->attempt = (int32_t)query_int(query);
    hook->end_reason = end_reason_from_string(query_text(query));
    hook->exit_code = (int32_t)query_int_or(query, EXIT_CODE_NONE);
    hook->term_signal = (int32_t)query_int_or(query, 0);
    hook->created_at_us = query_int(query);
    hook->next_attempt_us = query_time(query);
    hook->start_date_us = query_time(query);
    hook->end_date_us = query_time(query);
    return hook;
}

static GPtrArray *take_hooks(Query *query, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)hook_free);
    while (query_next(query))
        g_ptr_array_add(rows, take_hook(query));
    return query_end(query, error) ? g_steal_pointer(&rows) : NULL;
}

Hook *store_get_hook(StoreConn *conn, int64_t id, GError **error)
{
    Query query = query_begin(conn, "SELECT " COLUMNS " FROM hook" WITH_RUN "WHERE hook.id = ?");
    query_bind_int(&query, id);
    g_autoptr(Hook) hook = query_next(&query) ? take_hook(&query) : NULL;
    if (!query_end(&query, error))
        return NULL;
    if (hook == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no hook with id %" G_GINT64_FORMAT, id);
    return g_steal_pointer(&hook);
}

GPtrArray *store_list_due_hooks(StoreConn *conn, int64_t now_us, int64_t limit, GError **error)
{
    Query query = query_begin(conn, "SELECT " COLUMNS " FROM hook INDEXED BY hook_due" WITH_RUN
                                    "WHERE hook.state = 'queued' AND hook.next_attempt_us <= ? "
                                    "ORDER BY hook.next_attempt_us, hook.id LIMIT ?");
    query_bind_int(&query, now_us);
    query_bind_int(&query, limit);
    return take_hooks(&query, error);
}

bool store_next_hook_time(StoreConn *conn, int64_t after_us, int64_t *ret_us, GError **error)
{
    Query query = query_begin(conn, "SELECT min(next_attempt_us) FROM hook INDEXED BY hook_due "
                                    "WHERE state = 'queued' AND next_attempt_us > ?");
    query_bind_int(&query, after_us);
    *ret_us = query_next(&query) ? query_time(&query) : TIME_NONE;
    return query_end(&query, error);
}

GPtrArray *store_list_running_hooks(StoreConn *conn, GError **error)
{
    Query query = query_begin(conn, "SELECT " COLUMNS " FROM hook INDEXED BY hook_running" WITH_RUN
                                    "WHERE hook.state = 'running' ORDER BY hook.id");
    return take_hooks(&query, error);
}

bool store_count_unfinished_hooks(StoreConn *conn, int64_t dag_run_id, int64_t *ret, GError **error)
{
    Query query = query_begin(conn, "SELECT count(*) FROM hook INDEXED BY hook_of_run WHERE dag_run_id = ? "
                                    "AND (state = 'queued' OR state = 'running')");
    query_bind_int(&query, dag_run_id);
    *ret = query_next(&query) ? query_int(&query) : 0;
    return query_end(&query, error);
}

GPtrArray *store_list_hooks(StoreConn *conn, const HookQuery *wanted, int64_t *ret_total, GError **error)
{
    g_auto(Filter) filter = filter_begin();
    filter_text(&filter, "dag_run.dag_id = ?", wanted->dag_id);
    if (wanted->dag_run_id != 0)
        filter_int(&filter, "hook.dag_run_id = ?", wanted->dag_run_id);
    filter_text(&filter, "hook.state = ?", hook_state_to_string(wanted->state));
    if (!filter_count(&filter, conn, "FROM hook" WITH_RUN, ret_total, error))
        return NULL;
    Query query =
        filter_query(&filter, conn, "SELECT " COLUMNS " FROM hook" WITH_RUN,
                     wanted->descending ? " ORDER BY hook.id DESC" : " ORDER BY hook.id", wanted->page);
    return take_hooks(&query, error);
}
