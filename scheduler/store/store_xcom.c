/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

bool store_put_xcom(Store *store, const XCom *xcom, GError **error)
{
    Query query =
        query_begin(store->conn,
                    "INSERT INTO xcom (dag_run_id, task_id, key, value, timestamp_us) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (dag_run_id, task_id, key) DO UPDATE SET value = excluded.value, "
                    "timestamp_us = excluded.timestamp_us");
    query_bind_int(&query, xcom->dag_run_id);
    query_bind_text(&query, xcom->task_id);
    query_bind_text(&query, xcom->key);
    query_bind_text(&query, xcom->value_json);
    query_bind_int(&query, xcom->timestamp_us);
    return query_run(&query, error);
}

bool store_delete_xcom(Store *store, int64_t dag_run_id, const char *task_id, const char *key, GError **error)
{
    Query query =
        query_begin(store->conn, "DELETE FROM xcom WHERE dag_run_id = ? AND task_id = ? AND key = ?");
    query_bind_int(&query, dag_run_id);
    query_bind_text(&query, task_id);
    query_bind_text(&query, key);
    return query_run_found(&query, "XCom", key, error);
}

bool store_delete_xcoms(Store *store, int64_t dag_run_id, const char *task_id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM xcom WHERE dag_run_id = ? AND task_id = ?");
    query_bind_int(&query, dag_run_id);
    query_bind_text(&query, task_id);
    return query_run(&query, error);
}

bool store_find_xcom(StoreConn *conn, int64_t dag_run_id, const char *task_id, const char *key,
                     char **ret_value_json, GError **error)
{
    Query query =
        query_begin(conn, "SELECT value FROM xcom WHERE dag_run_id = ? AND task_id = ? AND key = ?");
    query_bind_int(&query, dag_run_id);
    query_bind_text(&query, task_id);
    query_bind_text(&query, key);
    *ret_value_json = query_next(&query) ? query_dup_text(&query) : NULL;
    return query_end(&query, error);
}

GPtrArray *store_list_xcoms(StoreConn *conn, int64_t dag_run_id, const char *task_id, const char *key,
                            Page page, int64_t *ret_total, GError **error)
{
    g_auto(Filter) filter = filter_begin();
    filter_int(&filter, "dag_run_id = ?", dag_run_id);
    filter_text(&filter, "task_id = ?", task_id);
    filter_text(&filter, "key = ?", key);
    if (!filter_count(&filter, conn, "FROM xcom", ret_total, error))
        return NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)xcom_free);
    Query query =
        filter_query(&filter, conn, "SELECT dag_run_id, task_id, key, value, timestamp_us FROM xcom",
                     " ORDER BY task_id, key", page);
    while (query_next(&query)) {
        XCom *row = g_new0(XCom, 1);
        row->dag_run_id = query_int(&query);
        row->task_id = query_dup_text(&query);
        row->key = query_dup_text(&query);
        row->value_json = query_dup_text(&query);
        row->timestamp_us = query_int(&query);
        g_ptr_array_add(rows, row);
    }
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}
