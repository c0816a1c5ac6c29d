/* SPDX-License-Identifier: MIT */
#include "scheduler/store/query.h"

static void query_prepare(Query *query, const char *sql, unsigned flags)
{
    query->rc = sqlite3_prepare_v3(query->conn->db, sql, -1, flags, &query->stmt, NULL);
}

Query query_begin(StoreConn *conn, const char *sql)
{
    Query query = {.conn = conn, .rc = SQLITE_OK};
    query.stmt = g_hash_table_lookup(conn->statements, sql);
    if (query.stmt == NULL) {
        query_prepare(&query, sql, SQLITE_PREPARE_PERSISTENT);
        if (query.stmt != NULL)
            g_hash_table_insert(conn->statements, (char *)sqlite3_sql(query.stmt), query.stmt);
    }
    return query;
}

Query query_begin_once(StoreConn *conn, const char *sql)
{
    Query query = {.conn = conn, .rc = SQLITE_OK, .once = true};
    query_prepare(&query, sql, 0);
    return query;
}

void query_bind_int(Query *query, int64_t value)
{
    query->next++;
    if (query->rc == SQLITE_OK)
        query->rc = sqlite3_bind_int64(query->stmt, query->next, value);
}

void query_bind_int_or_null(Query *query, int64_t value, int64_t absent)
{
    if (value == absent)
        query_bind_text(query, NULL);
    else
        query_bind_int(query, value);
}

void query_bind_time(Query *query, int64_t time_us)
{
    query_bind_int_or_null(query, time_us, TIME_NONE);
}

void query_bind_text(Query *query, const char *text)
{
    query->next++;
    if (query->rc == SQLITE_OK) /* NULL binds NULL */
        query->rc = sqlite3_bind_text(query->stmt, query->next, text, -1, SQLITE_STATIC);
}

bool query_next(Query *query)
{
    query->next = 0;
    if (query->rc != SQLITE_OK && query->rc != SQLITE_ROW)
        return false;
    query->rc = sqlite3_step(query->stmt);
    return query->rc == SQLITE_ROW;
}

int64_t query_int(Query *query)
{
    return sqlite3_column_int64(query->stmt, query->next++);
}

int64_t query_int_or(Query *query, int64_t absent)
{
    if (sqlite3_column_type(query->stmt, query->next) == SQLITE_NULL) {
        query->next++;
        return absent;
    }
    return query_int(query);
}

int64_t query_time(Query *query)
{
    return query_int_or(query, TIME_NONE);
}

const char *query_text(Query *query)
{
    return (const char *)sqlite3_column_text(query->stmt, query->next++);
}

char *query_dup_text(Query *query)
{
    return g_strdup(query_text(query));
}

void query_refuse(Query *query, const char *word, const char *what)
{
    if (query->problem == NULL)
        query->problem = g_strdup_printf("\"%s\" is no %s", word, what);
    query->rc = SQLITE_CORRUPT;
}

bool query_end(Query *query, GError **error)
{
    bool ok = query->rc == SQLITE_OK || query->rc == SQLITE_ROW || query->rc == SQLITE_DONE;
    if (!ok && query->problem != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "%s is damaged (%s): run `weir db check`, or put a backup in its place",
                    query->conn->path, query->problem);
    else if (!ok)
        conn_set_error(query->conn, query->rc, error);
    g_clear_pointer(&query->problem, g_free);
    if (query->once) {
        sqlite3_finalize(query->stmt);
    } else if (query->stmt != NULL) {
        sqlite3_reset(query->stmt);
        sqlite3_clear_bindings(query->stmt); /* they point to what the caller may free now */
    }
    query->stmt = NULL;
    return ok;
}

bool query_run(Query *query, GError **error)
{
    while (query_next(query))
        continue;
    return query_end(query, error);
}

bool query_run_again(Query *query, GError **error)
{
    while (query_next(query))
        continue;
    if (query->rc != SQLITE_DONE)
        return query_end(query, error);
    sqlite3_reset(query->stmt);
    query->next = 0;
    query->rc = SQLITE_OK;
    return true;
}

bool query_run_found(Query *query, const char *what, const char *name, GError **error)
{
    StoreConn *conn = query->conn;
    if (!query_run(query, error))
        return false;
    if (sqlite3_changes(conn->db) > 0)
        return true;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no %s %s", what, name);
    return false;
}

GArray *query_take_ids(Query *query, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    while (query_next(query)) {
        int64_t id = query_int(query);
        g_array_append_val(ids, id);
    }
    return query_end(query, error) ? g_steal_pointer(&ids) : NULL;
}
