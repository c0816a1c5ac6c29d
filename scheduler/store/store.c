/* SPDX-License-Identifier: MIT */
#include "scheduler/store/store.h"

#include "scheduler/model/crash_point.h"
#include "scheduler/store/migrate.h"
#include "scheduler/store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define WAL_FRAME_HEADER 24
#define TRUNCATE_WAIT_MS 500
#define BUSY_TIMEOUT_MS  5000

void store_open_report_clear(StoreOpenReport *report)
{
    g_clear_pointer(&report->copy_path, g_free);
}

/** A descriptor 0..2 that SQLite would get is one that a stray printf() writes to. */
static void keep_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/** Creates an empty private file when there is none. SQLite gives its -wal and -shm the same permissions. */
static bool prepare_file(const char *path, bool *ret_was_empty, GError **error)
{
    bool exists;
    if (!conn_check_file(path, &exists, ret_was_empty, error))
        return false;
    if (exists)
        return true;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        int code = errno;
        bool full = code == ENOSPC || code == EDQUOT;
        g_set_error(error, full ? STORE_ERROR : WEIR_ERROR, full ? (int)STORE_ERROR_FULL : (int)WEIR_ERROR_IO,
                    "cannot create %s: %s: weir needs a directory that it may write to, with some room", path,
                    g_strerror(code));
        return false;
    }
    close(fd);
    CRASH_POINT("store.file_made");
    return true;
}

static int on_commit(void *user, sqlite3 *db, const char *name, int n_frames)
{
    (void)db, (void)name;
    Store *store = user;
    if (n_frames < store->moved_frames)
        store->moved_frames = 0; /* the log began anew */
    store->wal_frames = n_frames;
    return SQLITE_OK;
}

static bool read_int(StoreConn *conn, const char *sql, int64_t *ret, GError **error)
{
    Query query = query_begin_once(conn, sql);
    *ret = query_next(&query) ? query_int(&query) : 0;
    return query_end(&query, error);
}

static bool read_state(Store *store, GError **error)
{
    g_autofree char *fresh_id = g_uuid_string_random();
    Query query =
        query_begin_once(store->conn, "INSERT OR IGNORE INTO meta (key, value) VALUES ('db_id', ?)");
    query_bind_text(&query, fresh_id);
    if (!query_run(&query, error))
        return false;
    query = query_begin_once(store->conn, "SELECT value FROM meta WHERE key = 'db_id'");
    store->db_id = query_next(&query) ? query_dup_text(&query) : NULL;
    if (!query_end(&query, error))
        return false;
    return read_int(store->conn,
                    "SELECT 1 + max((SELECT coalesce(max(id), 0) FROM dag_run), last_deleted_id) "
                    "FROM id_counter WHERE name = 'dag_run'",
                    &store->next_run_id, error) &&
           read_int(store->conn,
                    "SELECT 1 + max((SELECT coalesce(max(id), 0) FROM task_instance), last_deleted_id) "
                    "FROM id_counter WHERE name = 'task_instance'",
                    &store->next_task_id, error) &&
           read_int(store->conn,
                    "SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'backfill'), 0)",
                    &store->next_backfill_id, error) &&
           read_int(store->conn, "PRAGMA page_size", &store->page_size, error);
}

static bool check_not_newer(StoreConn *conn, const MigrationList *list, GError **error)
{
    int32_t version = 0;
    if (!conn_read_version(conn, &version, error))
        return false;
    if (version <= list->n_items)
        return true;
    g_set_error(
        error, STORE_ERROR, STORE_ERROR_NEWER,
        "%s was written by a newer weir (schema %d, this one knows %d): use that one, or put back a copy "
        "(%s.bak-v*)",
        conn->path, version, list->n_items, conn->path);
    return false;
}

/** What a killed writer left in the log. A full disk is no reason not to open: deletes must be able to make
 * room. */
static bool checkpoint_leftovers(Store *store, GError **error)
{
    GError *failure = NULL;
    if (store_checkpoint(store, CHECKPOINT_PASSIVE, &failure))
        return true;
    bool full = g_error_matches(failure, STORE_ERROR, STORE_ERROR_FULL);
    if (full)
        g_error_free(failure);
    else
        g_propagate_error(error, failure);
    return full;
}

Store *store_open_with(const char *path, const MigrationList *list, StoreOpenReport *ret_report,
                       GError **error)
{
    g_auto(StoreOpenReport) report = {0};
    keep_standard_descriptors();
    if (!prepare_file(path, &report.was_empty, error))
        return NULL;
    g_autoptr(Store) store = g_new0(Store, 1);
    store->conn = conn_open_writer(path, error);
    /* Nothing is written before the file is known to be ours and not newer. */
    if (store->conn == NULL || !check_not_newer(store->conn, list, error) ||
        !conn_set_up_writer(store->conn, error))
        return NULL;
    sqlite3_wal_hook(store->conn->db, on_commit, store);
    if (!migrate_run(store->conn, list, &report, error) || !read_state(store, error) ||
        !checkpoint_leftovers(store, error))
        return NULL;
    if (ret_report != NULL) {
        *ret_report = report;
        report.copy_path = NULL;
    }
    return g_steal_pointer(&store);
}

Store *store_open(const char *path, StoreOpenReport *ret_report, GError **error)
{
    return store_open_with(path, &store_migrations, ret_report, error);
}

void store_close(Store *store)
{
    if (store == NULL)
        return;
    if (store->conn != NULL && store->db_id != NULL) {
        store_rollback(store);
        store_checkpoint(store, CHECKPOINT_TRUNCATE, NULL); /* what fails here is done at the next start */
    }
    conn_close(store->conn);
    g_free(store->db_id);
    g_free(store);
}

StoreConn *store_conn(Store *store)
{
    return store->conn;
}

const char *store_db_id(const Store *store)
{
    return store->db_id;
}

bool store_begin(Store *store, GError **error)
{
    Query query = query_begin(store->conn, "BEGIN IMMEDIATE");
    return query_run(&query, error);
}

#define WAL_BUSY_BYTES  INT64_C(131072)
#define WAL_GROWN_BYTES (STORE_WAL_HIGH + STORE_WAL_HIGH / 4)
#define WAL_GROWN_ROOM  (8 * WAL_GROWN_BYTES) /* room on the disk that makes this much of it no loss */
#define WRITE_BYTES     65536                 /* SQLite's files take less than 128 KiB at once */

/**
 * Once a process has written more than a few commits: gives the log its full size at once, as zeros.
 *
 * A commit that makes the file longer has its size and blocks to sync as well, and with them whatever else
 * the file system's journal holds: the log files and folders of all tasks just started. What that costs
 * depends on the disk and on what else syncs; on a quiet one it is hardly measurable. Readers and recovery
 * stop at the first frame whose salt is not the log's, so zeros are nothing. A failure costs only time, but
 * what was written of the zeros must go: on a disk that is nearly full they would take the room of the tasks'
 * logs.
 */
static void grow_log(Store *store)
{
    store->log_is_grown = true;
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    struct statvfs fs;
    if (sqlite3_file_control(store->conn->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK ||
        file == NULL || file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK ||
        size >= WAL_GROWN_BYTES || statvfs(store->conn->path, &fs) != 0 ||
        (int64_t)fs.f_bavail < WAL_GROWN_ROOM / (int64_t)fs.f_frsize)
        return;
    g_autofree void *zeros = g_malloc0(WRITE_BYTES);
    int rc = SQLITE_OK;
    for (sqlite3_int64 at = size; rc == SQLITE_OK && at < WAL_GROWN_BYTES; at += WRITE_BYTES)
        rc = file->pMethods->xWrite(file, zeros, (int)MIN(WRITE_BYTES, WAL_GROWN_BYTES - at), at);
    CRASH_POINT("store.log_grown");
    if (rc == SQLITE_OK)
        file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    else
        file->pMethods->xTruncate(file, size);
}

bool store_commit(Store *store, GError **error)
{
    CRASH_POINT("store.before_commit");
    Query query = query_begin(store->conn, "COMMIT");
    bool ok = query_run(&query, error);
    CRASH_POINT("store.after_commit");
    if (ok && !store->log_is_grown && store_wal_bytes(store) > WAL_BUSY_BYTES)
        grow_log(store);
    return ok;
}

bool store_in_transaction(const Store *store)
{
    return !sqlite3_get_autocommit(store->conn->db);
}

void store_rollback(Store *store)
{
    /* After some errors SQLite has rolled back by itself. */
    if (store_in_transaction(store))
        conn_exec(store->conn, "ROLLBACK", NULL);
}

bool store_checkpoint(Store *store, CheckpointMode mode, GError **error)
{
    sqlite3 *db = store->conn->db;
    int in_log = -1, moved = -1;
    sqlite3_busy_timeout(db, TRUNCATE_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(
        db, "main", mode == CHECKPOINT_TRUNCATE ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
        &in_log, &moved);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) {
        conn_set_error(store->conn, sqlite3_extended_errcode(db), error);
        return false;
    }
    if (in_log >= 0) {
        store->wal_frames = in_log;
        store->moved_frames = moved;
    }
    CRASH_POINT("store.checkpointed");
    return true;
}

int64_t store_wal_bytes(const Store *store)
{
    return (store->wal_frames - store->moved_frames) * (store->page_size + WAL_FRAME_HEADER);
}

int64_t store_next_run_id(Store *store)
{
    return store->next_run_id++;
}

int64_t store_reserve_task_ids(Store *store, uint32_t n)
{
    int64_t first = store->next_task_id;
    store->next_task_id += n;
    return first;
}
