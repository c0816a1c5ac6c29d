/* SPDX-License-Identifier: MIT */
#include "cli/text.h"

#include <string.h>

/** Marks and isolates that reorder text around them ("Trojan source"). */
static bool reorders(gunichar c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f;
}

/** The length of a colour sequence `ESC [ digits ; m` at `p`; 0 if there is none. */
static gsize colour_length(const char *p, const char *end)
{
    if (end - p < 3 || p[0] != 0x1b || p[1] != '[')
        return 0;
    const char *q = p + 2;
    while (q < end && (g_ascii_isdigit(*q) || *q == ';'))
        q++;
    return q < end && *q == 'm' ? (gsize)(q - p) + 1 : 0;
}

static void append_escaped(GString *out, gunichar c)
{
    switch (c) {
    case '\n':
        g_string_append(out, "\\n");
        break;
    case '\r':
        g_string_append(out, "\\r");
        break;
    case '\t':
        g_string_append(out, "\\t");
        break;
    default:
        g_string_append_printf(out, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
    }
}

char *text_escape(const char *text, gssize n, TextEscape mode)
{
    const char *end = text + (n < 0 ? (gssize)strlen(text) : n);
    GString *out = g_string_sized_new((gsize)(end - text));
    for (const char *p = text; p < end;) {
        gsize colour = mode & (TEXT_KEEP_COLOURS | TEXT_DROP_COLOURS) ? colour_length(p, end) : 0;
        if (colour > 0) {
            if (mode & TEXT_KEEP_COLOURS)
                g_string_append_len(out, p, (gssize)colour);
            p += colour;
            continue;
        }
        gunichar c = g_utf8_get_char_validated(p, end - p);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (guchar)*p++);
            continue;
        }
        if ((mode & TEXT_KEEP_NEWLINES) && c == '\r' && end - p > 1 && p[1] == '\n')
            ; /* the newline says it all */
        else if ((mode & TEXT_KEEP_NEWLINES) && (c == '\n' || c == '\t'))
            g_string_append_c(out, (char)c);
        else if (g_unichar_iscntrl(c) || reorders(c))
            append_escaped(out, c);
        else
            g_string_append_unichar(out, c);
        p = c == 0 ? p + 1 : g_utf8_next_char(p);
    }
    return g_string_free(out, FALSE);
}

static guint char_width(gunichar c)
{
    if (c < 0x300)
        return c == 0xad ? 0 : 1;
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

guint text_width(const char *text)
{
    guint width = 0;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        width += char_width(g_utf8_get_char(p));
    return width;
}

guint text_append_cut(GString *out, const char *text, guint width)
{
    guint used = 0, before_last = 0;
    const char *cut_at = text; /* where the ellipsis goes if the text turns out too long */
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        guint w = char_width(g_utf8_get_char(p));
        if (used + w > width) {
            if (width == 0)
                return 0;
            g_string_append_len(out, text, cut_at - text);
            g_string_append(out, text_is_utf8_locale() ? "…" : "~");
            return before_last + 1;
        }
        used += w;
        if (used < width) {
            cut_at = g_utf8_next_char(p);
            before_last = used;
        }
    }
    g_string_append(out, text);
    return used;
}

void text_append_spaces(GString *out, guint n)
{
    for (; n > 0; n--)
        g_string_append_c(out, ' ');
}

bool text_is_utf8_locale(void)
{
    const char *charset;
    return g_get_charset(&charset);
}

const char *text_last_lines(const char *text, guint n_lines)
{
    const char *p = text + strlen(text);
    if (p > text && p[-1] == '\n')
        p--;
    while (p > text && (p[-1] != '\n' || --n_lines > 0))
        p--;
    return p;
}
