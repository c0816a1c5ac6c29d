/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_text.h"

#include "scheduler/load/load.h"

#include <string.h>

#define MAX_DIRECTIVES 16 /* libyaml compares each %TAG with all before it */

/** Position of byte `at`, counting lines and characters before it. */
static void position_of(const char *text, size_t at, uint32_t *ret_line, uint32_t *ret_column)
{
    const char *line_start = text;
    uint32_t line = 1;
    for (const char *p = text; (p = memchr(p, '\n', at - (size_t)(p - text))) != NULL; line_start = ++p)
        line++;
    uint32_t column = 1;
    for (const char *p = line_start; p < text + at; p++)
        column += ((unsigned char)*p & 0xc0) != 0x80;
    *ret_line = line;
    *ret_column = column;
}

static bool fail_at(const char *text, size_t at, LoadErrorList *errors, const char *message)
{
    uint32_t line, column;
    position_of(text, at, &line, &column);
    load_error_add(errors, line, column, NULL, "%s", message);
    return false;
}

/** The same set of characters as YAML's c-printable, less the byte order mark inside a text. */
static bool is_allowed(gunichar c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    if (c < 0xa0)
        return c < 0x7f || c == 0x85;
    return c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static bool fail_character(const char *text, size_t at, gunichar c, LoadErrorList *errors)
{
    g_autofree char *message =
        c == 0 ? g_strdup("a NUL byte: this is not a text file")
               : g_strdup_printf(
                     "the control character U+%04X is not allowed; in a quoted text write \"\\%c%0*x\"", c,
                     c < 0x100 ? 'x' : 'u', c < 0x100 ? 2 : 4, c);
    return fail_at(text, at, errors, message);
}

static bool check_characters(const char *text, size_t n, LoadErrorList *errors)
{
    for (size_t i = 0; i < n;) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte < 0x7f) {
            i++;
            continue;
        }
        gunichar c = byte < 0x80 ? byte : g_utf8_get_char_validated(text + i, (gssize)(n - i));
        if (c == (gunichar)-1 || c == (gunichar)-2)
            return fail_at(text, i, errors, "not valid UTF-8; save the file in the encoding UTF-8");
        if (!is_allowed(c))
            return fail_character(text, i, c, errors);
        i += byte < 0x80 ? 1 : (size_t)g_unichar_to_utf8(c, NULL);
    }
    return true;
}

static bool check_directives(const char *text, size_t n, LoadErrorList *errors)
{
    size_t count = 0;
    for (const char *p = text; (p = memmem(p, n - (size_t)(p - text), "%TAG", 4)) != NULL; p += 4) {
        bool starts_line = p == text || p[-1] == '\n' || p[-1] == '\r';
        if (starts_line && ++count > MAX_DIRECTIVES)
            return fail_at(text, (size_t)(p - text), errors,
                           "too many %TAG directives; tags are not supported");
    }
    return true;
}

bool yaml_text_check(const char **text, size_t *n_text, LoadErrorList *errors)
{
    const char *start = *text;
    size_t n = *n_text;
    if (n > LOAD_MAX_FILE_BYTES) {
        load_error_add(errors, 0, 0, NULL, "the file is larger than %u MiB",
                       LOAD_MAX_FILE_BYTES / 1024 / 1024);
        return false;
    }
    if (n >= 2 && (memcmp(start, "\xff\xfe", 2) == 0 || memcmp(start, "\xfe\xff", 2) == 0)) {
        load_error_add(errors, 1, 1, NULL, "the file is UTF-16; save it in the encoding UTF-8");
        return false;
    }
    if (n >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
        start += 3;
        n -= 3;
    }
    *text = start;
    *n_text = n;
    return check_characters(start, n, errors) && check_directives(start, n, errors);
}

const char *yaml_text_line(const char *text, size_t n_text, size_t line, size_t *ret_length)
{
    const char *p = text, *end = text + n_text;
    for (; line > 0 && p < end; line--) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline == NULL ? end : newline + 1;
    }
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    *ret_length = (size_t)((newline == NULL ? end : newline) - p);
    if (*ret_length > 0 && p[*ret_length - 1] == '\r')
        (*ret_length)--;
    return p;
}
