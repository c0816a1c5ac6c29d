/* SPDX-License-Identifier: MIT */
#include "scheduler/load/load_error.h"

#include <string.h>

#define MAX_MESSAGE_BYTES 1000

static void error_free(gpointer data)
{
    LoadError *error = data;
    g_free(error->message);
    g_free(error->suggestion);
    g_free(error);
}

static guint error_hash(gconstpointer data)
{
    const LoadError *error = data;
    return (error->line * 31 + error->column) * 31 + g_str_hash(error->message);
}

static gboolean error_equal(gconstpointer a, gconstpointer b)
{
    const LoadError *x = a, *y = b;
    return x->line == y->line && x->column == y->column && strcmp(x->message, y->message) == 0;
}

LoadErrorList *load_error_list_new(const char *file)
{
    LoadErrorList *list = g_new0(LoadErrorList, 1);
    list->file = g_strdup(file);
    list->items = g_ptr_array_new_with_free_func(error_free);
    list->seen = g_hash_table_new(error_hash, error_equal);
    return list;
}

void load_error_list_free(LoadErrorList *list)
{
    if (list == NULL)
        return;
    g_hash_table_unref(list->seen);
    g_ptr_array_unref(list->items);
    g_free(list->file);
    g_free(list);
}

/** One line that is safe to show: control characters escaped, and cut if somebody's text made it long. */
static char *printable(const char *message)
{
    GString *clean = g_string_sized_new(strlen(message));
    for (const char *p = message; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (clean->len >= MAX_MESSAGE_BYTES) {
            g_string_append(clean, "...");
            break;
        }
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            g_string_append_printf(clean, "\\x%02x", c);
        else
            g_string_append_unichar(clean, c);
    }
    return g_string_free(clean, FALSE);
}

void load_error_add(LoadErrorList *list, uint32_t line, uint32_t column, const char *suggestion,
                    const char *format, ...)
{
    if (list->items->len >= LOAD_MAX_ERRORS) {
        list->n_dropped++;
        return;
    }
    LoadError *error = g_new0(LoadError, 1);
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    error->message = printable(message);
    error->file = list->file;
    error->line = line;
    error->column = column;
    error->suggestion = g_strdup(suggestion);
    if (g_hash_table_contains(list->seen, error)) {
        error_free(error);
        return;
    }
    g_hash_table_add(list->seen, error);
    g_ptr_array_add(list->items, error);
}

static gint compare_positions(gconstpointer a, gconstpointer b)
{
    const LoadError *x = *(const LoadError *const *)a, *y = *(const LoadError *const *)b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->message, y->message);
}

void load_error_list_sort(LoadErrorList *list)
{
    g_ptr_array_sort(list->items, compare_positions);
    if (list->n_dropped == 0)
        return;
    LoadError *last = g_new0(LoadError, 1);
    last->file = list->file;
    last->message = g_strdup_printf("%u more errors are not shown", list->n_dropped);
    g_ptr_array_add(list->items, last);
    list->n_dropped = 0;
}

char *load_error_text(const LoadError *error)
{
    if (error->suggestion == NULL)
        return g_strdup(error->message);
    return g_strdup_printf("%s; did you mean \"%s\"?", error->message, error->suggestion);
}

char *load_error_format(const LoadError *error, const char *severity)
{
    g_autofree char *text = load_error_text(error);
    if (error->line == 0)
        return g_strdup_printf("%s: %s: %s", error->file, severity, text);
    if (error->column == 0)
        return g_strdup_printf("%s:%u: %s: %s", error->file, error->line, severity, text);
    return g_strdup_printf("%s:%u:%u: %s: %s", error->file, error->line, error->column, severity, text);
}

char *load_error_list_format(const LoadErrorList *list, const char *severity)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < list->items->len; i++) {
        g_autofree char *line = load_error_format(g_ptr_array_index(list->items, i), severity);
        g_string_append(all, line);
        g_string_append_c(all, '\n');
    }
    return g_string_free(all, FALSE);
}
