/* SPDX-License-Identifier: MIT */
#include "executors/local/folder_sync.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int folder_sync(const char *folder, int levels)
{
    g_autofree char *current = g_strdup(folder);
    for (int level = 0; level < levels; level++) {
        int fd = open(current, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        int r = fsync(fd) < 0 ? -errno : 0;
        close(fd);
        if (r < 0)
            return r;
        char *parent = g_path_get_dirname(current);
        g_free(current);
        current = parent;
    }
    return 0;
}
