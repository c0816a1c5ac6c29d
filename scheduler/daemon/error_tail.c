/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/error_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Of a log that is longer, only this much of its end is looked at. */
#define LOOKED_AT (64 * 1024)
/** "[2026-01-31T02:00:00.000Z]" */
#define STAMP_LENGTH 26

/** The header, or what the runner or the daemon says of the end. */
static bool is_of_weir(const char *line, size_t n)
{
    static const char runner[] = "[weir] ", daemon[] = " weir: ";
    if (n >= sizeof runner - 1 && memcmp(line, runner, sizeof runner - 1) == 0)
        return true;
    return n >= STAMP_LENGTH + sizeof daemon - 1 && line[0] == '[' && line[STAMP_LENGTH - 1] == ']' &&
           memcmp(line + STAMP_LENGTH, daemon, sizeof daemon - 1) == 0;
}

/** The length of a terminal's control sequence (ESC [ ... letter) at `p`; 0 if there is none. */
static size_t sequence_length(const char *p, const char *end)
{
    if (end - p < 2 || p[0] != 0x1b || p[1] != '[')
        return 0;
    const char *q = p + 2;
    while (q < end && *q >= 0x20 && *q <= 0x3f)
        q++;
    return q < end && *q >= 0x40 && *q <= 0x7e ? (size_t)(q - p) + 1 : 0;
}

/** A line as a terminal would leave it: without what a carriage return has overwritten. */
static const char *skip_overwritten(const char *line, size_t *n)
{
    while (*n > 0 && line[*n - 1] == '\r')
        (*n)--;
    const char *last = memrchr(line, '\r', *n);
    if (last == NULL)
        return line;
    *n -= (size_t)(last + 1 - line);
    return last + 1;
}

static char *clean(const char *line, size_t n)
{
    line = skip_overwritten(line, &n);
    const char *end = line + n;
    GString *out = g_string_sized_new(n);
    for (const char *p = line; p < end;) {
        size_t sequence = sequence_length(p, end);
        if (sequence > 0) {
            p += sequence;
            continue;
        }
        gunichar c = *p != '\0' ? g_utf8_get_char_validated(p, end - p) : 0;
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append(out, "\xef\xbf\xbd");
            p++;
            continue;
        }
        if (c == '\t' || !g_unichar_iscntrl(c))
            g_string_append_unichar(out, c);
        p = c == 0 ? p + 1 : g_utf8_next_char(p);
    }
    return g_string_free(out, FALSE);
}

/** Puts a line before those that are there. False when there is room for no more. */
static bool prepend(GString *tail, const char *line)
{
    size_t n = strlen(line), room = ERROR_TAIL_BYTES - tail->len;
    if (tail->len > 0 && room > 0) {
        g_string_prepend_c(tail, '\n');
        room--;
    }
    const char *from = line + (n > room ? n - room : 0);
    while (((guchar)*from & 0xc0) == 0x80) /* not half a character */
        from++;
    g_string_prepend(tail, from);
    return n < room;
}

char *error_tail_of(const char *bytes, size_t n, bool is_whole)
{
    g_autoptr(GString) tail = g_string_new(NULL);
    g_autofree char *of_weir = NULL;
    guint n_lines = 0;
    const char *end = bytes + n;
    while (end > bytes && n_lines < ERROR_TAIL_LINES) {
        size_t length = (size_t)(end - bytes);
        if (end[-1] == '\n')
            length--;
        const char *newline = memrchr(bytes, '\n', length);
        const char *line = newline != NULL ? newline + 1 : bytes;
        bool is_cut = line == bytes && !is_whole && n_lines > 0;
        length -= (size_t)(line - bytes);
        end = line;
        if (is_cut)
            break;
        g_autofree char *text = clean(line, length);
        if (is_of_weir(line, length)) {
            if (of_weir == NULL)
                of_weir = g_steal_pointer(&text);
            continue;
        }
        if (n_lines == 0 && text[strspn(text, " \t")] == '\0')
            continue; /* empty lines at the end say nothing */
        n_lines++;
        if (!prepend(tail, text))
            break;
    }
    if (n_lines == 0 && of_weir != NULL)
        prepend(tail, of_weir);
    return g_strdup(tail->str);
}

char *error_tail_read(const char *log_path)
{
    int fd = open(log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0)
        return g_strdup("");
    ssize_t n = -1;
    off_t from = 0;
    g_autofree char *bytes = g_malloc(LOOKED_AT);
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        from = MAX(0, status.st_size - LOOKED_AT);
        do
            n = pread(fd, bytes, LOOKED_AT, from);
        while (n < 0 && errno == EINTR);
    }
    close(fd);
    return n > 0 ? error_tail_of(bytes, (size_t)n, from == 0) : g_strdup("");
}
