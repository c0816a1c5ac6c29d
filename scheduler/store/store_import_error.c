/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

static bool put_import_error(Store *store, const ImportError *item, GError **error)
{
    Query query = query_begin(
        store->conn, "INSERT INTO import_error (filename, timestamp_us, stack_trace) VALUES (?, ?, ?) "
                     "ON CONFLICT (filename) DO UPDATE SET timestamp_us = excluded.timestamp_us, "
                     "stack_trace = excluded.stack_trace WHERE stack_trace <> excluded.stack_trace");
    query_bind_text(&query, item->filename);
    query_bind_int(&query, item->timestamp_us);
    query_bind_text(&query, item->stack_trace);
    return query_run(&query, error);
}

static bool delete_import_error(Store *store, int64_t id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM import_error WHERE import_error_id = ?");
    query_bind_int(&query, id);
    return query_run(&query, error);
}

bool store_replace_import_errors(Store *store, const ImportError *items, size_t n, GError **error)
{
    g_autoptr(GHashTable) wanted = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < n; i++)
        g_hash_table_add(wanted, (char *)items[i].filename);
    g_autoptr(GPtrArray) old = store_list_import_errors(store->conn, (Page){0}, NULL, error);
    if (old == NULL)
        return false;
    for (guint i = 0; i < old->len; i++) {
        const ImportError *row = old->pdata[i];
        if (!g_hash_table_contains(wanted, row->filename) &&
            !delete_import_error(store, row->import_error_id, error))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!put_import_error(store, &items[i], error))
            return false;
    }
    return true;
}

GPtrArray *store_list_import_errors(StoreConn *conn, Page page, int64_t *ret_total, GError **error)
{
    g_auto(Filter) filter = filter_begin();
    if (!filter_count(&filter, conn, "FROM import_error", ret_total, error))
        return NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)import_error_free);
    Query query = filter_query(
        &filter, conn, "SELECT import_error_id, filename, timestamp_us, stack_trace FROM import_error",
        " ORDER BY filename", page);
    while (query_next(&query)) {
        ImportError *row = g_new0(ImportError, 1);
        row->import_error_id = query_int(&query);
        row->filename = query_dup_text(&query);
        row->timestamp_us = query_int(&query);
        row->stack_trace = query_dup_text(&query);
        g_ptr_array_add(rows, row);
    }
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}
