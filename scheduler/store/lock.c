/* SPDX-License-Identifier: MIT */
#include "scheduler/store/lock.h"

#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* One record of fixed size, written with one pwrite(): a reader never sees half of it. */
#define RECORD_SIZE    256
#define POLL_US        (20 * USEC_PER_MSEC)
#define PROBE_US       (5 * USEC_PER_MSEC) /* store_lock_holder() of another process holds it for microseconds */
#define RECORD_WAIT_US (200 * USEC_PER_MSEC) /* a new holder has the lock before it has written its name */
#define FOLDER_WAIT_US USEC_PER_SEC          /* a process that ends lets go of one lock after the other */

struct StoreLock {
    int fd;
    int folder_fd; /* -1: its file system knows no locks of folders */
};

void lock_holder_free(LockHolder *holder)
{
    if (holder == NULL)
        return;
    g_free(holder->verb);
    g_free(holder);
}

static void set_io_error(GError **error, const char *path)
{
    int code = errno;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot use the lock file %s: %s", path, g_strerror(code));
}

static int flock_retry(int fd, int operation)
{
    int rc;
    do
        rc = flock(fd, operation);
    while (rc != 0 && errno == EINTR);
    return rc;
}

static bool write_record(int fd, const char *verb)
{
    char record[RECORD_SIZE];
    memset(record, '\n', sizeof record);
    /* The verb comes last and is cut if need be; it is for people. */
    g_autofree char *text =
        g_strdup_printf("%d %" G_GINT64_FORMAT " %.200s", (int)getpid(), g_get_real_time(), verb);
    size_t n = MIN(strlen(text), sizeof record - 1);
    for (size_t i = 0; i < n; i++) /* no terminator: newlines fill the record */
        record[i] = text[i];
    return pwrite(fd, record, sizeof record, 0) == (ssize_t)sizeof record;
}

static LockHolder *read_record(int fd)
{
    LockHolder *holder = g_new0(LockHolder, 1);
    char record[RECORD_SIZE + 1] = "";
    ssize_t n = pread(fd, record, RECORD_SIZE, 0);
    if (n > 0) {
        char *rest = NULL;
        record[n] = '\0';
        holder->pid = g_ascii_strtoll(record, &rest, 10);
        holder->since_us = g_ascii_strtoll(rest, &rest, 10);
        holder->verb = g_strdup(g_strstrip(rest));
    }
    if (holder->verb == NULL)
        holder->verb = g_strdup("");
    return holder;
}

static int open_lock_file(const char *path, int flags, GError **error)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        set_io_error(error, path);
    return fd;
}

static void set_busy_error(GError **error, const char *path, int fd)
{
    g_autoptr(LockHolder) holder = read_record(fd);
    if (holder->pid <= 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_BUSY, "another weir process holds %s", path);
        return;
    }
    g_autoptr(GDateTime) since = g_date_time_new_from_unix_utc(holder->since_us / USEC_PER_SEC);
    g_autofree char *text = since != NULL ? g_date_time_format_iso8601(since) : NULL;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_BUSY, "`weir %s` (pid %" G_GINT64_FORMAT ", since %s) holds %s",
                holder->verb, holder->pid, text != NULL ? text : "?", path);
}

/** Tries for `timeout_us`; on EWOULDBLOCK errno stays so. */
static bool flock_until(int fd, int64_t timeout_us)
{
    if (timeout_us < 0)
        return flock_retry(fd, LOCK_EX) == 0;
    int64_t deadline = g_get_monotonic_time() + MAX(timeout_us, PROBE_US);
    int64_t pause = timeout_us <= PROBE_US ? USEC_PER_MSEC : POLL_US;
    while (flock_retry(fd, LOCK_EX | LOCK_NB) != 0) {
        int64_t left = deadline - g_get_monotonic_time();
        if (errno != EWOULDBLOCK || left <= 0)
            return false;
        g_usleep((gulong)MIN(left, pause));
        errno = EWOULDBLOCK;
    }
    return true;
}

/**
 * The folder's own lock, which nobody can delete: a lock file can be removed under its holder, and the next
 * one would lock another file. False when somebody else has it.
 */
static bool lock_folder(const char *path, int *ret_fd)
{
    g_autofree char *folder = g_path_get_dirname(path);
    *ret_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0 || flock_until(*ret_fd, FOLDER_WAIT_US))
        return true;
    bool is_held = errno == EWOULDBLOCK;
    close(*ret_fd);
    *ret_fd = -1;
    return !is_held;
}

StoreLock *store_lock_wait(const char *path, const char *verb, int64_t timeout_us, GError **error)
{
    int fd = open_lock_file(path, O_RDWR | O_CREAT, error);
    if (fd < 0)
        return NULL;
    if (!flock_until(fd, timeout_us)) {
        if (errno == EWOULDBLOCK)
            set_busy_error(error, path, fd);
        else
            set_io_error(error, path);
        close(fd);
        return NULL;
    }
    int folder_fd;
    if (!lock_folder(path, &folder_fd)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_BUSY,
                    "another weir process holds the folder of %s, and has held that file, which somebody has "
                    "deleted: end that process first",
                    path);
        close(fd);
        return NULL;
    }
    /* A full disk must not keep the lock from being taken: the record is for messages only. */
    if (!write_record(fd, verb))
        g_debug("cannot write the holder into %s: %s", path, g_strerror(errno));
    CRASH_POINT("store.locked");
    StoreLock *lock = g_new(StoreLock, 1);
    lock->fd = fd;
    lock->folder_fd = folder_fd;
    return lock;
}

StoreLock *store_lock_try(const char *path, const char *verb, GError **error)
{
    return store_lock_wait(path, verb, 0, error);
}

LockHolder *store_lock_holder(const char *path, GError **error)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NULL;
    int fd = open_lock_file(path, O_RDONLY, error);
    if (fd < 0)
        return NULL;
    LockHolder *holder = NULL;
    int64_t deadline = g_get_monotonic_time() + RECORD_WAIT_US;
    /* A shared lock, let go of at once. */
    while (flock_retry(fd, LOCK_SH | LOCK_NB) != 0) {
        lock_holder_free(holder);
        holder = read_record(fd);
        if (holder->pid > 0 || g_get_monotonic_time() >= deadline) {
            close(fd);
            return holder;
        }
        g_usleep(USEC_PER_MSEC);
    }
    lock_holder_free(holder);
    close(fd);
    return NULL;
}

void store_lock_release(StoreLock *lock)
{
    if (lock == NULL)
        return;
    if (ftruncate(lock->fd, 0) != 0)
        g_debug("cannot empty the lock file: %s", g_strerror(errno));
    if (lock->folder_fd >= 0)
        close(lock->folder_fd);
    close(lock->fd);
    g_free(lock);
}
