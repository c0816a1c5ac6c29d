/* SPDX-License-Identifier: MIT */
/**
 * One use of one prepared statement: bind in order, step, take the columns in order, end. Private to the
 * store.
 *
 *     Query query = query_begin(conn, "SELECT id, note FROM dag_run WHERE dag_id = ?");
 *     query_bind_text(&query, dag_id);
 *     while (query_next(&query)) {
 *         int64_t id = query_int(&query);
 *         char *note = query_dup_text(&query);
 *     }
 *     return query_end(&query, error);
 *
 * The first failure sticks: what follows does nothing, and query_end() reports it. Texts bound must live
 * until then.
 */
#pragma once

#include "scheduler/store/conn.h"

typedef struct {
    StoreConn *conn;
    sqlite3_stmt *stmt;
    int rc;
    int next; /**< parameters bound, later columns taken */
    bool once;
    char *problem; /**< query_refuse(); or NULL */
} Query;

/** `sql` stays prepared for the next time; it must be a constant. */
Query query_begin(StoreConn *conn, const char *sql);
/** For texts that differ from use to use. */
Query query_begin_once(StoreConn *conn, const char *sql);

void query_bind_int(Query *query, int64_t value);
/** NULL when `value` is `absent`. */
void query_bind_int_or_null(Query *query, int64_t value, int64_t absent);
void query_bind_time(Query *query, int64_t time_us);
void query_bind_text(Query *query, const char *text);

/** Steps to the next row. */
bool query_next(Query *query);
int64_t query_int(Query *query);
int64_t query_int_or(Query *query, int64_t absent);
int64_t query_time(Query *query);
/** Valid until the next step; NULL for NULL. */
const char *query_text(Query *query);
char *query_dup_text(Query *query);

/** The first column of all rows, as int64_t; ends the query. NULL on failure. */
GArray *query_take_ids(Query *query, GError **error);

/** A row says what no weir writes: `word` where a `what` should be. The query has failed with
 * WEIR_ERROR_CORRUPT. */
void query_refuse(Query *query, const char *word, const char *what);

/** Lets go of the statement. */
bool query_end(Query *query, GError **error);
/** Steps a statement without rows to its end, and ends. */
bool query_run(Query *query, GError **error);
/** The same, but the statement can be bound and run again. On failure it is ended. */
bool query_run_again(Query *query, GError **error);
/** query_run() of a statement that must change a row: else WEIR_ERROR_NOT_FOUND, "no WHAT NAME". */
bool query_run_found(Query *query, const char *what, const char *name, GError **error);
