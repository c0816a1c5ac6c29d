/* SPDX-License-Identifier: MIT */
#include "executors/local/task_log.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * What somebody else has put there: an older log is gone on with; a pipe would stop us until it is read, and
 * a link may lead anywhere.
 */
static int open_existing(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENXIO ? -EEXIST : -errno; /* a pipe that nobody reads */
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fcntl(fd, F_SETFL, O_APPEND) == 0) /* not O_NONBLOCK */
        return fd;
    close(fd);
    return -EEXIST;
}

int task_log_open(const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        g_autofree char *folder = g_path_get_dirname(path);
        if (g_mkdir_with_parents(folder, 0700) < 0)
            return -errno;
        fd = open(path, flags, 0600);
    }
    if (fd < 0 && errno == EEXIST)
        return open_existing(path);
    return fd < 0 ? -errno : fd;
}

int64_t task_log_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

void task_log_append(const char *path, const char *text)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return; /* the task has put something else in its place */
    }
    char last = '\n';
    if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
        last = '\n';
    g_autofree char *line = g_strdup_printf("%s[weir] %s\n", last == '\n' ? "" : "\n", text);
    ssize_t written = write(fd, line, strlen(line));
    (void)written; /* a full disk: the outcome is recorded elsewhere */
    close(fd);
}
