/* SPDX-License-Identifier: MIT */
#include "scheduler/model/crash_point.h"
#include "scheduler/store/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool set_copy_error(GError **error, const char *path)
{
    int code = errno;
    g_set_error(error, WEIR_ERROR, code == EEXIST ? WEIR_ERROR_CONFLICT : WEIR_ERROR_IO,
                "cannot write the copy %s: %s", path, g_strerror(code));
    return false;
}

/** Page by page, in one read transaction of the source. */
static bool copy_pages(StoreConn *conn, const char *path, GError **error)
{
    sqlite3 *target = NULL;
    int rc = sqlite3_open_v2(path, &target,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_backup *backup = sqlite3_backup_init(target, "main", conn->db, "main");
        if (backup != NULL) {
            sqlite3_backup_step(backup, -1);
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

static bool sync_directory_of(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
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
    bool ok = copy_pages(conn, partial, error);
    CRASH_POINT("store.copy_partial");
    if (ok && (rename(partial, path) != 0 || !sync_directory_of(path)))
        ok = set_copy_error(error, path);
    if (!ok)
        unlink(partial);
    return ok;
}
