/* SPDX-License-Identifier: MIT */
/**
 * One SQLite connection, set up as DESIGN.md wants it. Private to the store.
 */
#pragma once

#include "scheduler/store/error.h"
#include "scheduler/store/reader.h"

#include <sqlite3.h>

#define STORE_APPLICATION_ID 0x77656972 /* "weir", in the file's header */

struct StoreConn {
    sqlite3 *db;
    char *path;
    GHashTable *statements; /**< SQL text -> sqlite3_stmt, kept prepared */
};

/** Opens for writing; the file must exist (it may be empty). Pragmas that write come with
 * conn_set_up_writer(). */
/**
 * Before anything opens it: a database is a file, not a pipe that nobody writes to; and a log beside a
 * database that is missing or empty holds what is lost if another one is made there. `ret_exists`: there is
 * one, perhaps empty.
 */
bool conn_check_file(const char *path, bool *ret_exists, bool *ret_is_empty, GError **error);
StoreConn *conn_open_writer(const char *path, GError **error);
/** Journal mode, durability and the rest, each read back. Only after the file is known to be ours. */
bool conn_set_up_writer(StoreConn *conn, GError **error);
/** Opens read-only and set up; refuses another schema version than `version`. */
StoreConn *conn_open_reader(const char *path, int32_t version, GError **error);
/** Finalizes all statements. NULL is allowed. */
void conn_close(StoreConn *conn);

/** The schema version of the file, 0 when it is empty; refuses what is no database of ours. */
bool conn_read_version(StoreConn *conn, int32_t *ret_version, GError **error);

/** Runs SQL without parameters or results. */
bool conn_exec(StoreConn *conn, const char *sql, GError **error);

/** json_valid() as CHECKs may use it; SQLite's code. */
int conn_define_json_valid(sqlite3 *db);

/** What must hold between rows; adds a line for each finding. check_rows.c. */
bool check_rows(StoreConn *conn, GPtrArray *problems, GError **error);

/** What went wrong last on this connection, `rc` being the extended code, for the user. */
void conn_set_error(StoreConn *conn, int rc, GError **error);
/** The same for a connection that is not one of ours. */
void sqlite_set_error(sqlite3 *db, int rc, const char *path, GError **error);
