/* SPDX-License-Identifier: MIT */
#include "scheduler/store/sync.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool sync_name(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    errno = code;
    return ok;
}
