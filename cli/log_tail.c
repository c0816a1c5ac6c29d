/* SPDX-License-Identifier: MIT */
#include "cli/log_tail.h"

#include "cli/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TAIL_BYTES (64 * 1024)

char *log_tail(const char *path, guint n_lines)
{
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    struct stat status;
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        off_t from = MAX(0, status.st_size - MAX_TAIL_BYTES);
        g_autofree char *bytes = g_malloc(MAX_TAIL_BYTES + 1);
        ssize_t n = pread(fd, bytes, MAX_TAIL_BYTES, from);
        if (n > 0) {
            g_autofree char *clean = text_escape(bytes, n, TEXT_KEEP_NEWLINES | TEXT_DROP_COLOURS);
            text = g_strchomp(g_strdup(text_last_lines(clean, n_lines)));
        }
    }
    close(fd);
    return text;
}
