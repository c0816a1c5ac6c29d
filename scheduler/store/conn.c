/* SPDX-License-Identifier: MIT */
#include "scheduler/store/conn.h"

#include "scheduler/store/query.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_TIMEOUT_MS 5000

/* Bounds on what a statement or a value may be: far above our own needs, far below SQLite's defaults. */
static const struct {
    int id, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024},
    {SQLITE_LIMIT_SQL_LENGTH, 1024 * 1024},
    {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 10},
    {SQLITE_LIMIT_FUNCTION_ARG, 20},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 100},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

typedef struct {
    const char *set, *get, *expected;
} Setting;

/* The reasons are in README.md. */
static const Setting writer_settings[] = {
    {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
    {"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
    {"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1"},
    {"PRAGMA wal_autocheckpoint = 0", "PRAGMA wal_autocheckpoint", "0"},
    {"PRAGMA journal_size_limit = 67108864", "PRAGMA journal_size_limit", "67108864"},
    {"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
    {"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1"},
    {"PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2"},
    {"PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0"},
};

static const Setting reader_settings[] = {
    {"PRAGMA query_only = ON", "PRAGMA query_only", "1"},
    {"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
    {"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1"},
    {"PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2"},
    {"PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0"},
};

static void log_sqlite(void *user, int code, const char *message)
{
    (void)user;
    g_debug("sqlite %d: %s", code, message);
}

/** Once per process, before SQLite's first use. */
static void init_sqlite(void)
{
    static gsize done;
    if (g_once_init_enter(&done)) {
        signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a full disk, not the end of us */
        sqlite3_config(SQLITE_CONFIG_LOG, log_sqlite, NULL);
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        sqlite3_config(SQLITE_CONFIG_URI, 0);
        sqlite3_initialize();
        g_once_init_leave(&done, 1);
    }
}

static bool errno_is_full(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/** The errno of the last failed write: to the database, or to the journal or log beside it. */
static int last_write_errno(sqlite3 *db)
{
    int code = sqlite3_system_errno(db);
    sqlite3_file *journal = NULL;
    if (!errno_is_full(code))
        sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &code);
    if (!errno_is_full(code) &&
        sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal) == SQLITE_OK &&
        journal != NULL && journal->pMethods != NULL)
        journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &code);
    return code;
}

/** Not an fsync that failed for want of room: nobody knows then what has been written. */
static bool is_full(sqlite3 *db, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL)
        return true;
    return (rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE) && db != NULL &&
           errno_is_full(last_write_errno(db));
}

void sqlite_set_error(sqlite3 *db, int rc, const char *path, GError **error)
{
    const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    int code = db != NULL ? sqlite3_system_errno(db) : 0;
    int primary = rc & 0xff;
    if (is_full(db, rc)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FULL,
                    "no room to write %s: free some space on its disk; nothing committed is lost", path);
    } else if (primary == SQLITE_IOERR) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO,
                    "the disk failed under %s (%s%s%s): look at the system's log, then start weir again",
                    path, text, code != 0 ? ": " : "", code != 0 ? g_strerror(code) : "");
    } else if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "%s is damaged (%s): keep it and its -wal file, run `weir db check`, or put a backup in "
                    "its place",
                    path, text);
    } else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_BUSY, "another process holds %s (%s): try again", path,
                    text);
    } else if (rc == SQLITE_READONLY_ROLLBACK) {
        /* Only while a store is made there is a journal to roll back, and only a writer can do that. */
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "the store at %s is half made, by a process that was killed: start weir once", path);
    } else if (primary == SQLITE_READONLY) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO,
                    "%s cannot be written (%s): look at the permissions of it and of its directory", path,
                    text);
    } else if (primary == SQLITE_CANTOPEN || primary == SQLITE_PERM || primary == SQLITE_AUTH) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO,
                    "cannot open %s: %s: look at the permissions of it and of its "
                    "directory",
                    path, code != 0 ? g_strerror(code) : text);
    } else if (rc == SQLITE_CONSTRAINT_CHECK || rc == SQLITE_CONSTRAINT_NOTNULL ||
               rc == SQLITE_CONSTRAINT_DATATYPE) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the database refused a row: %s", text);
    } else if (primary == SQLITE_CONSTRAINT) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "the database refused a row: %s", text);
    } else if (primary == SQLITE_TOOBIG) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "a value is too big for the database: %s", text);
    } else {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "%s: %s (SQLite error %d)", path, text, rc);
    }
}

void conn_set_error(StoreConn *conn, int rc, GError **error)
{
    sqlite_set_error(conn->db, rc, conn->path, error);
}

bool conn_exec(StoreConn *conn, const char *sql, GError **error)
{
    int rc = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        conn_set_error(conn, sqlite3_extended_errcode(conn->db), error);
    return rc == SQLITE_OK;
}

static bool apply_settings(StoreConn *conn, const Setting *settings, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!conn_exec(conn, settings[i].set, error))
            return false;
        Query query = query_begin_once(conn, settings[i].get);
        g_autofree char *value = query_next(&query) ? query_dup_text(&query) : NULL;
        if (!query_end(&query, error))
            return false;
        if (g_strcmp0(value, settings[i].expected) != 0) {
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO,
                        "%s: \"%s\" had no effect (it is %s): is it on a file system without shared memory?",
                        conn->path, settings[i].set, value != NULL ? value : "not known");
            return false;
        }
    }
    return true;
}

static StoreConn *conn_open(const char *path, int flags, GError **error)
{
    init_sqlite();
    StoreConn *conn = g_new0(StoreConn, 1);
    conn->path = g_strdup(path);
    conn->statements = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                             (GDestroyNotify)(void (*)(void))sqlite3_finalize);
    int rc = sqlite3_open_v2(path, &conn->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = conn_define_json_valid(conn->db);
    if (rc != SQLITE_OK) {
        conn_set_error(conn, rc, error);
        conn_close(conn);
        return NULL;
    }
    sqlite3_busy_timeout(conn->db, BUSY_TIMEOUT_MS);
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
        sqlite3_limit(conn->db, limits[i].id, limits[i].value);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    return conn;
}

bool conn_check_file(const char *path, bool *ret_exists, bool *ret_is_empty, GError **error)
{
    struct stat st, wal_st;
    g_autofree char *wal = g_strconcat(path, "-wal", NULL);
    *ret_exists = stat(path, &st) == 0;
    *ret_is_empty = *ret_exists && st.st_size == 0;
    if (*ret_exists && !S_ISREG(st.st_mode)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT, "%s is %s, not a database: move it away", path,
                    S_ISDIR(st.st_mode)    ? "a folder"
                    : S_ISFIFO(st.st_mode) ? "a pipe"
                                           : "no file");
        return false;
    }
    if ((!*ret_exists || *ret_is_empty) && stat(wal, &wal_st) == 0 && wal_st.st_size > 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "%s is %s, but %s is there and holds data of it: put back the database it belongs to, or "
                    "move both away",
                    path, *ret_exists ? "empty" : "missing", wal);
        return false;
    }
    return true;
}

StoreConn *conn_open_writer(const char *path, GError **error)
{
    return conn_open(path, SQLITE_OPEN_READWRITE, error);
}

bool conn_set_up_writer(StoreConn *conn, GError **error)
{
    return apply_settings(conn, writer_settings, G_N_ELEMENTS(writer_settings), error);
}

static bool check_reader_version(const char *path, int32_t found, int32_t ours, GError **error)
{
    if (found == 0)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "there is no store at %s yet: start weir once",
                    path);
    else if (found > ours)
        g_set_error(error, STORE_ERROR, STORE_ERROR_NEWER,
                    "%s was written by a newer weir (schema %d, this one knows %d): use that one", path,
                    found, ours);
    else if (found < ours)
        g_set_error(
            error, STORE_ERROR, STORE_ERROR_OLDER,
            "%s was written by an older weir (schema %d, this one needs %d): stop that one and run `weir db "
            "migrate`, which makes a copy first",
            path, found, ours);
    return found == ours;
}

StoreConn *conn_open_reader(const char *path, int32_t version, GError **error)
{
    bool exists, is_empty;
    if (!conn_check_file(path, &exists, &is_empty, error))
        return NULL;
    if (!exists) {
        check_reader_version(path, 0, version, error);
        return NULL;
    }
    StoreConn *conn = conn_open(path, SQLITE_OPEN_READONLY, error);
    if (conn == NULL)
        return NULL;
    /* Checkpoints are the writer's alone: two connections that do them can damage the file. */
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int32_t found = 0;
    if (!conn_read_version(conn, &found, error) || !check_reader_version(path, found, version, error) ||
        !apply_settings(conn, reader_settings, G_N_ELEMENTS(reader_settings), error)) {
        conn_close(conn);
        return NULL;
    }
    return conn;
}

void conn_close(StoreConn *conn)
{
    if (conn == NULL)
        return;
    g_hash_table_destroy(conn->statements);
    int rc = sqlite3_close(conn->db);
    if (rc != SQLITE_OK)
        g_warning("%s: closed with a statement open (%d)", conn->path, rc);
    g_free(conn->path);
    g_free(conn);
}

/* One statement, so that a database is never seen half made by another process. */
static const char identity_sql[] =
    "SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM "
    "pragma_application_id), (SELECT count(*) FROM sqlite_schema)";

bool conn_read_version(StoreConn *conn, int32_t *ret_version, GError **error)
{
    int64_t version = 0, application = 0, tables = 0;
    Query query = query_begin_once(conn, identity_sql);
    if (query_next(&query)) {
        version = query_int(&query);
        application = query_int(&query);
        tables = query_int(&query);
    }
    if (!query_end(&query, error))
        return false;
    bool empty = version == 0 && application == 0 && tables == 0;
    if (!empty && application != STORE_APPLICATION_ID) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "%s is a database, but not one of weir's: move it away, or set WEIR_HOME", conn->path);
        return false;
    }
    if (!empty && version <= 0) { /* it is an index into the migrations */
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "%s is damaged (it says that its schema is %" G_GINT64_FORMAT
                    ", which no weir writes): put a backup in its place",
                    conn->path, version);
        return false;
    }
    *ret_version = (int32_t)version;
    return true;
}
