/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

bool store_add_event(Store *store, const EventLog *event, int64_t *ret_id, GError **error)
{
    Query query =
        query_begin(store->conn, "INSERT INTO event_log (when_us, event, owner, dag_id, run_id, task_id, "
                                 "try_number, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, event->when_us);
    query_bind_text(&query, event->event);
    query_bind_text(&query, event->owner);
    query_bind_text(&query, event->dag_id);
    query_bind_text(&query, event->run_id);
    query_bind_text(&query, event->task_id);
    query_bind_int_or_null(&query, event->try_number, 0);
    query_bind_text(&query, event->extra_json);
    if (!query_run(&query, error))
        return false;
    if (ret_id != NULL)
        *ret_id = sqlite3_last_insert_rowid(store->conn->db);
    return true;
}

static EventLog *take_event(Query *query)
{
    EventLog *event = g_new0(EventLog, 1);
    event->event_log_id = query_int(query);
    event->when_us = query_int(query);
    event->event = query_dup_text(query);
    event->owner = query_dup_text(query);
    event->dag_id = query_dup_text(query);
    event->run_id = query_dup_text(query);
    event->task_id = query_dup_text(query);
    event->try_number = (int32_t)query_int(query);
    event->extra_json = query_dup_text(query);
    return event;
}

GPtrArray *store_list_events(StoreConn *conn, const EventQuery *wanted, int64_t *ret_total, GError **error)
{
    g_auto(Filter) filter = filter_begin();
    filter_text(&filter, "dag_id = ?", wanted->dag_id);
    filter_text(&filter, "run_id = ?", wanted->run_id);
    filter_text(&filter, "task_id = ?", wanted->task_id);
    filter_text(&filter, "event = ?", wanted->event);
    filter_text(&filter, "owner = ?", wanted->owner);
    filter_range(&filter, "when_us >= ?", "when_us <= ?", wanted->when);
    if (!filter_count(&filter, conn, "FROM event_log", ret_total, error))
        return NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)event_log_free);
    Query query = filter_query(
        &filter, conn,
        "SELECT event_log_id, when_us, event, owner, dag_id, run_id, task_id, try_number, extra "
        "FROM event_log",
        wanted->ascending ? " ORDER BY event_log_id" : " ORDER BY event_log_id DESC", wanted->page);
    while (query_next(&query))
        g_ptr_array_add(rows, take_event(&query));
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}

GArray *store_list_old_events(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                              GError **error)
{
    Query query = query_begin(conn, dag_id != NULL ? "SELECT event_log_id FROM event_log WHERE dag_id = ?3 "
                                                     "AND when_us < ?1 LIMIT ?2"
                                                   : "SELECT event_log_id FROM event_log WHERE when_us < ?1 "
                                                     "ORDER BY when_us LIMIT ?2");
    query_bind_int(&query, before_us);
    query_bind_int(&query, limit);
    if (dag_id != NULL)
        query_bind_text(&query, dag_id);
    return query_take_ids(&query, error);
}

bool store_delete_event(Store *store, int64_t event_log_id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM event_log WHERE event_log_id = ?");
    query_bind_int(&query, event_log_id);
    return query_run(&query, error);
}
