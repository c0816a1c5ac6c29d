/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/xcom.h"

#include "scheduler/daemon/json_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MAX 250

/* Opens a plain file that a task may have put there; for anything else -errno (a link: ELOOP). */
static int open_plain(const char *path, int64_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0)
        return -errno;
    int reason = fstat(fd, &status) != 0    ? errno
                 : S_ISDIR(status.st_mode)  ? EISDIR
                 : !S_ISREG(status.st_mode) ? ENODEV
                                            : 0;
    if (reason != 0) {
        close(fd);
        return -reason;
    }
    *ret_size = status.st_size;
    return fd;
}

/* What the task has put into the place of its file, which nobody would look for there. */
static void warn_of_no_file(int reason, XComWarning warning, void *user)
{
    g_autofree char *text = NULL;
    if (reason == EISDIR || reason == ELOOP || reason == ENODEV)
        text = g_strdup_printf("$WEIR_OUTPUT is %s now and no file: nothing of it was read",
                               reason == EISDIR  ? "a folder"
                               : reason == ELOOP ? "a symbolic link"
                                                 : "a device, pipe or socket");
    else
        text = g_strdup_printf("$WEIR_OUTPUT cannot be read: %s", g_strerror(reason));
    warning(text, user);
}

/* Bytes from..to of the file, or fewer. NUL-terminated. */
static char *read_range(int fd, int64_t from, int64_t to, size_t *ret_n)
{
    size_t wanted = (size_t)MAX(to - from, 0), n = 0;
    char *bytes = g_malloc(wanted + 1);
    while (n < wanted) {
        ssize_t got = pread(fd, bytes + n, wanted - n, from + (int64_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    bytes[n] = '\0';
    *ret_n = n;
    return bytes;
}

char *xcom_read_last_line(const char *log_path, int64_t begin, int64_t end)
{
    if (end <= begin)
        return g_strdup("");
    int64_t size = 0;
    int fd = open_plain(log_path, &size);
    if (fd < 0)
        return g_strdup("");
    size_t n;
    end = MIN(end, size);
    /* One byte for the newline that ends the line. */
    g_autofree char *bytes = read_range(fd, MAX(begin, end - XCOM_VALUE_MAX - 1), end, &n);
    close(fd);
    if (n > 0 && bytes[n - 1] == '\n')
        n--;
    const char *line = bytes;
    const char *newline = n > 0 ? memrchr(bytes, '\n', n) : NULL;
    if (newline != NULL)
        line = newline + 1;
    n -= (size_t)(line - bytes);
    if (n > XCOM_VALUE_MAX) {
        line += n - XCOM_VALUE_MAX;
        n = XCOM_VALUE_MAX;
    }
    while (n > 0 && g_ascii_isspace(line[n - 1]))
        n--;
    return g_utf8_make_valid(line, (gssize)n);
}

static bool key_is_valid(const char *key)
{
    size_t n = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return n > 0 && n <= KEY_MAX && key[n] == '\0';
}

static void take_line(char *line, guint number, XComPair pair, XComWarning warning, void *user)
{
    g_strchomp(line);
    if (line[0] == '\0')
        return;
    char *equals = strchr(line, '=');
    if (equals != NULL)
        *equals = '\0';
    if (equals == NULL || !key_is_valid(line)) {
        g_autofree char *text =
            g_strdup_printf("line %u of $WEIR_OUTPUT is not KEY=VALUE and is left out", number);
        warning(text, user);
        return;
    }
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (value == NULL || !json_text_nesting_is_fine(equals + 1)) {
        json_decref(value);
        value = json_string(equals + 1);
    }
    pair(line, value, user);
    json_decref(value);
}

bool xcom_read_output(const char *path, XComPair pair, XComWarning warning, void *user)
{
    int64_t size = 0;
    int fd = open_plain(path, &size);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return false;
    if (fd < 0) {
        warn_of_no_file(-fd, warning, user);
        return true;
    }
    if (size > XCOM_OUTPUT_MAX)
        warning("$WEIR_OUTPUT is larger than 1 MiB; the rest of it is left out", user);
    size_t n;
    g_autofree char *bytes = read_range(fd, 0, MIN(size, XCOM_OUTPUT_MAX), &n);
    close(fd);
    if (size > XCOM_OUTPUT_MAX) { /* not half a line */
        const char *newline = memrchr(bytes, '\n', n);
        n = newline != NULL ? (size_t)(newline - bytes) : 0;
    }
    g_autofree char *text = g_utf8_make_valid(bytes, (gssize)n);
    guint number = 0;
    for (char *line = text; line != NULL;) {
        char *newline = strchr(line, '\n');
        if (newline != NULL)
            *newline = '\0';
        take_line(line, ++number, pair, warning, user);
        line = newline != NULL ? newline + 1 : NULL;
    }
    return true;
}
