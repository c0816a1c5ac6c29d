/* SPDX-License-Identifier: MIT */
#include "scheduler/load/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *fail(GError **error, int number)
{
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot read the file: %s", g_strerror(number));
    return NULL;
}

/** Reads to the end, or until the text is too long to be a DAG file. */
static GString *read_all(int fd, size_t n_expected)
{
    GString *text = g_string_sized_new(n_expected + 1);
    for (;;) {
        char buffer[16384];
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int number = errno;
            g_string_free(text, TRUE);
            errno = number;
            return NULL;
        }
        g_string_append_len(text, buffer, n);
        if (n == 0 || text->len > LOAD_MAX_FILE_BYTES)
            return text;
    }
}

char *load_read_file(const char *path, size_t *ret_n, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe must not make us wait */
    struct stat status;
    if (fd < 0)
        return fail(error, errno);
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > (off_t)LOAD_MAX_FILE_BYTES) {
        if (S_ISREG(status.st_mode))
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the file is larger than %u MiB",
                        LOAD_MAX_FILE_BYTES / 1024 / 1024);
        else
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot read the file: it is not a regular file");
        close(fd);
        return NULL;
    }
    GString *text = read_all(fd, (size_t)status.st_size);
    int number = errno;
    close(fd);
    if (text == NULL)
        return fail(error, number);
    *ret_n = text->len;
    return g_string_free(text, FALSE);
}
