/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

#define DAG_COLUMNS                                                                                          \
    "dag_id, is_paused, is_stale, has_import_errors, fileloc, folder, description, owner, "                  \
    "timetable_summary, "                                                                                    \
    "timetable_description, timezone, tags, max_active_runs, max_active_tasks, latest_version_id, "          \
    "first_seen_us, "                                                                                        \
    "last_parsed_us"

bool store_put_dag(Store *store, const DagRow *dag, GError **error)
{
    Query query = query_begin(
        store->conn,
        "INSERT INTO dag (" DAG_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (dag_id) DO UPDATE SET is_stale = excluded.is_stale, "
        "has_import_errors = excluded.has_import_errors, fileloc = excluded.fileloc, folder = "
        "excluded.folder, "
        "description = excluded.description, owner = excluded.owner, timetable_summary = "
        "excluded.timetable_summary, "
        "timetable_description = excluded.timetable_description, timezone = excluded.timezone, tags = "
        "excluded.tags, "
        "max_active_runs = excluded.max_active_runs, max_active_tasks = excluded.max_active_tasks, "
        "latest_version_id = excluded.latest_version_id, last_parsed_us = excluded.last_parsed_us");
    query_bind_text(&query, dag->dag_id);
    query_bind_int(&query, dag->is_paused);
    query_bind_int(&query, dag->is_stale);
    query_bind_int(&query, dag->has_import_errors);
    query_bind_text(&query, dag->fileloc);
    query_bind_text(&query, dag->folder);
    query_bind_text(&query, dag->description);
    query_bind_text(&query, dag->owner);
    query_bind_text(&query, dag->timetable_summary);
    query_bind_text(&query, dag->timetable_description);
    query_bind_text(&query, dag->timezone);
    query_bind_text(&query, dag->tags_json != NULL ? dag->tags_json : "[]");
    query_bind_int(&query, dag->max_active_runs);
    query_bind_int(&query, dag->max_active_tasks);
    query_bind_int_or_null(&query, dag->latest_version_id, 0);
    query_bind_int(&query, dag->first_seen_us);
    query_bind_int(&query, dag->last_parsed_us);
    return query_run(&query, error);
}

static DagRow *take_dag(Query *query)
{
    DagRow *row = g_new0(DagRow, 1);
    row->dag_id = query_dup_text(query);
    row->is_paused = query_int(query) != 0;
    row->is_stale = query_int(query) != 0;
    row->has_import_errors = query_int(query) != 0;
    row->fileloc = query_dup_text(query);
    row->folder = query_dup_text(query);
    row->description = query_dup_text(query);
    row->owner = query_dup_text(query);
    row->timetable_summary = query_dup_text(query);
    row->timetable_description = query_dup_text(query);
    row->timezone = query_dup_text(query);
    row->tags_json = query_dup_text(query);
    row->max_active_runs = (int32_t)query_int(query);
    row->max_active_tasks = (int32_t)query_int(query);
    row->latest_version_id = query_int(query);
    row->first_seen_us = query_int(query);
    row->last_parsed_us = query_int(query);
    return row;
}

static bool set_flag(Store *store, const char *sql, const char *dag_id, bool value, GError **error)
{
    Query query = query_begin(store->conn, sql);
    query_bind_int(&query, value);
    query_bind_text(&query, dag_id);
    return query_run_found(&query, "DAG", dag_id, error);
}

bool store_set_dag_paused(Store *store, const char *dag_id, bool is_paused, GError **error)
{
    return set_flag(store, "UPDATE dag SET is_paused = ? WHERE dag_id = ?", dag_id, is_paused, error);
}

bool store_set_dag_stale(Store *store, const char *dag_id, bool is_stale, GError **error)
{
    return set_flag(store, "UPDATE dag SET is_stale = ? WHERE dag_id = ?", dag_id, is_stale, error);
}

bool store_set_dag_import_errors(Store *store, const char *dag_id, bool has_import_errors, GError **error)
{
    return set_flag(store, "UPDATE dag SET has_import_errors = ? WHERE dag_id = ?", dag_id, has_import_errors,
                    error);
}

bool store_put_dag_retention(Store *store, const char *dag_id, Retention retention, GError **error)
{
    if (retention.runs_us < 0 && retention.logs_us < 0) {
        Query query = query_begin(store->conn, "DELETE FROM dag_retention WHERE dag_id = ?");
        query_bind_text(&query, dag_id);
        return query_run(&query, error);
    }
    Query query =
        query_begin(store->conn, "INSERT INTO dag_retention (dag_id, retention_us, log_retention_us) "
                                 "VALUES (?, ?, ?) ON CONFLICT (dag_id) DO UPDATE SET retention_us = "
                                 "excluded.retention_us, log_retention_us = excluded.log_retention_us");
    query_bind_text(&query, dag_id);
    query_bind_int_or_null(&query, retention.runs_us, RETENTION_DEFAULT);
    query_bind_int_or_null(&query, retention.logs_us, RETENTION_DEFAULT);
    return query_run(&query, error);
}

bool store_get_dag_retention(StoreConn *conn, const char *dag_id, Retention *ret, GError **error)
{
    Query query =
        query_begin(conn, "SELECT retention_us, log_retention_us FROM dag_retention WHERE dag_id = ?");
    query_bind_text(&query, dag_id);
    *ret = (Retention)RETENTION_UNSAID;
    if (query_next(&query)) {
        ret->runs_us = query_int_or(&query, RETENTION_DEFAULT);
        ret->logs_us = query_int_or(&query, RETENTION_DEFAULT);
    }
    return query_end(&query, error);
}

bool store_has_dag_retention(StoreConn *conn, bool *ret, GError **error)
{
    Query query =
        query_begin(conn, "SELECT 1 FROM dag_retention WHERE retention_us > 0 OR log_retention_us > 0 "
                          "LIMIT 1");
    *ret = query_next(&query);
    return query_end(&query, error);
}

bool store_delete_dag(Store *store, const char *dag_id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM dag WHERE dag_id = ?"); /* runs and below cascade */
    query_bind_text(&query, dag_id);
    if (!query_run_found(&query, "DAG", dag_id, error))
        return false;
    query = query_begin(store->conn, "DELETE FROM dag_version WHERE dag_id = ?");
    query_bind_text(&query, dag_id);
    return query_run(&query, error);
}

DagRow *store_get_dag(StoreConn *conn, const char *dag_id, GError **error)
{
    Query query = query_begin(conn, "SELECT " DAG_COLUMNS " FROM dag WHERE dag_id = ?");
    query_bind_text(&query, dag_id);
    g_autoptr(DagRow) row = query_next(&query) ? take_dag(&query) : NULL;
    if (!query_end(&query, error))
        return NULL;
    if (row == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no DAG %s", dag_id);
    return g_steal_pointer(&row);
}

GPtrArray *store_list_dags(StoreConn *conn, const DagQuery *wanted, int64_t *ret_total, GError **error)
{
    g_auto(Filter) filter = filter_begin();
    if (wanted->is_paused >= 0)
        filter_int(&filter, "is_paused = ?", wanted->is_paused != 0);
    if (!wanted->include_stale)
        filter_add(&filter, "is_stale = 0");
    g_autofree char *part = wanted->name_part != NULL ? g_ascii_strdown(wanted->name_part, -1) : NULL;
    filter_text(&filter, "instr(lower(dag_id), ?) > 0", part);
    filter_text(&filter, "owner = ?", wanted->owner);
    for (const char *const *tag = wanted->tags; tag != NULL && *tag != NULL; tag++)
        filter_text(&filter, "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", *tag);
    if (!filter_count(&filter, conn, "FROM dag", ret_total, error))
        return NULL;

    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)dag_row_free);
    Query query =
        filter_query(&filter, conn, "SELECT " DAG_COLUMNS " FROM dag",
                     wanted->descending ? " ORDER BY dag_id DESC" : " ORDER BY dag_id", wanted->page);
    while (query_next(&query))
        g_ptr_array_add(rows, take_dag(&query));
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}

char **store_list_dag_ids(StoreConn *conn, GError **error)
{
    g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
    Query query = query_begin(conn, "SELECT dag_id FROM dag ORDER BY dag_id");
    while (query_next(&query))
        g_strv_builder_add(ids, query_text(&query));
    return query_end(&query, error) ? g_strv_builder_end(ids) : NULL;
}
