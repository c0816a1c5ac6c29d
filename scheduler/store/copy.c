/* SPDX-License-Identifier: MIT */
#include "scheduler/model/crash_point.h"
#include "scheduler/store/query.h"
#include "scheduler/store/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool set_copy_error(GError **error, const char *path)
{
    int code = errno;
    if (code == EEXIST)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                    "cannot write the copy %s: there is such a file already, and it is not written over",
                    path);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot write the copy %s: %s", path, g_strerror(code));
    return false;
}

/** So many pages at a time; in between, whoever waits for the file gets a turn. */
#define SLICE_PAGES 256

/**
 * In slices: a step of the backup begins anew when the source has changed since the last one, so the caller
 * holds a snapshot.
 */
static void copy_slices(sqlite3_backup *backup)
{
    int rc;
    do
        rc = sqlite3_backup_step(backup, SLICE_PAGES);
    while (rc == SQLITE_OK);
}

static bool copy_pages(StoreConn *conn, const char *path, GError **error)
{
    sqlite3 *target = NULL;
    int rc = sqlite3_open_v2(path, &target,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_backup *backup = sqlite3_backup_init(target, "main", conn->db, "main");
        if (backup != NULL) {
            copy_slices(backup);
            sqlite3_backup_finish(backup); /* repeats the step's error */
        }
        rc = sqlite3_extended_errcode(target);
    }
    /* A copy is one file: no -wal beside it that could be forgotten. */
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        rc = sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        sqlite_set_error(target, rc, path, error);
    sqlite3_close(target);
    return rc == SQLITE_OK;
}

/** Never over a file that has come meanwhile, where the file system can promise that. */
static bool rename_to_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && rename(from, to) == 0;
}

/** A snapshot for the copy, unless the caller has one. True as `ret_began` if store_read_end() is due. */
static bool begin_snapshot(StoreConn *conn, bool *ret_began, GError **error)
{
    *ret_began = sqlite3_get_autocommit(conn->db) != 0;
    if (!*ret_began)
        return true;
    if (!store_read_begin(conn, error))
        return false;
    Query query =
        query_begin_once(conn, "SELECT count(*) FROM sqlite_master"); /* BEGIN alone reads nothing */
    query_next(&query);
    return query_end(&query, error);
}

bool store_copy_to(StoreConn *conn, const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        errno = EEXIST;
        return set_copy_error(error, path);
    }
    /* Under another name until it is whole. */
    g_autofree char *partial = g_strconcat(path, ".partial", NULL);
    unlink(partial);
    int fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return set_copy_error(error, partial);
    close(fd);
    bool began = false;
    bool ok = begin_snapshot(conn, &began, error) && copy_pages(conn, partial, error);
    if (began)
        store_read_end(conn);
    CRASH_POINT("store.copy_partial");
    if (ok && (!rename_to_new(partial, path) || !sync_name(path)))
        ok = set_copy_error(error, path);
    if (!ok)
        unlink(partial);
    return ok;
}
