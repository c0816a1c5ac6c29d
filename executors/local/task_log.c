/* SPDX-License-Identifier: MIT */
#include "executors/local/task_log.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int task_log_open(const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        g_autofree char *folder = g_path_get_dirname(path);
        if (g_mkdir_with_parents(folder, 0700) < 0)
            return -errno;
        fd = open(path, flags, 0600);
    }
    return fd < 0 ? -errno : fd;
}

int64_t task_log_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

void task_log_append(const char *path, const char *text)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return;
    char last = '\n';
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        pread(fd, &last, 1, st.st_size - 1) != 1)
        last = '\n';
    g_autofree char *line = g_strdup_printf("%s[weir] %s\n", last == '\n' ? "" : "\n", text);
    ssize_t written = write(fd, line, strlen(line));
    (void)written; /* a full disk: the outcome is recorded elsewhere */
    close(fd);
}
