/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include "cli/args.h"
#include "cli/colour.h"
#include "cli/text.h"

#include <string.h>

static const char *const format_names[] = {
    [OUTPUT_TABLE] = "table",
    [OUTPUT_JSON] = "json",
    [OUTPUT_YAML] = "yaml",
    [OUTPUT_PLAIN] = "plain",
};

bool output_format_from_string(const char *name, OutputFormat *ret, GError **error)
{
    *ret = OUTPUT_TABLE;
    if (name == NULL)
        return true;
    for (guint i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (strcmp(format_names[i], name) == 0) {
            *ret = (OutputFormat)i;
            return true;
        }
    }
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "-o \"%s\" is none of table, json, yaml and plain", name);
    return false;
}

/* ---- Cells ---- */

static char *list_cell(const json_t *list)
{
    GString *out = g_string_new(NULL);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        /* REST's tags are objects with a name */
        const json_t *name = json_object_get(item, "name");
        g_autofree char *cell = output_cell(name != NULL ? name : item);
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", cell);
    }
    return g_string_free(out, FALSE);
}

char *output_cell(const json_t *value)
{
    switch (value != NULL ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
        return g_strdup("");
    case JSON_TRUE:
        return g_strdup("True");
    case JSON_FALSE:
        return g_strdup("False");
    case JSON_STRING:
        return text_escape(json_string_value(value), (gssize)json_string_length(value), TEXT_ESCAPE_ALL);
    case JSON_ARRAY:
        return list_cell(value);
    default: {
        char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(10));
        char *cell = text_escape(dump, -1, TEXT_ESCAPE_ALL);
        free(dump);
        return cell;
    }
    }
}

static const json_t *find_value(const json_t *row, const char *key, gsize n)
{
    g_auto(GStrv) path = NULL;
    g_autofree char *text = g_strndup(key, n);
    path = g_strsplit(text, ".", -1);
    for (char **name = path; *name != NULL; name++)
        row = json_object_get(row, *name);
    return row;
}

/** Length of the key in "key=Heading". */
static gsize key_length(const char *column)
{
    return strcspn(column, "=");
}

static const char *heading(const char *column)
{
    const char *equals = strchr(column, '=');
    return equals != NULL ? equals + 1 : column;
}

/* ---- Tables ---- */

typedef struct {
    guint n_columns, n_rows;
    char **cells; /* row by row; row 0 has the headings */
    guint *widths;
} Grid;

static Grid grid_new(const char *const *columns, const json_t *rows)
{
    Grid grid = {.n_columns = g_strv_length((char **)columns), .n_rows = (guint)json_array_size(rows) + 1};
    grid.cells = g_new0(char *, (gsize)grid.n_columns *grid.n_rows);
    grid.widths = g_new0(guint, grid.n_columns);
    for (guint row = 0; row < grid.n_rows; row++) {
        for (guint c = 0; c < grid.n_columns; c++) {
            const json_t *object = row > 0 ? json_array_get(rows, row - 1) : NULL;
            char *cell = row == 0 ? g_strdup(heading(columns[c]))
                                  : output_cell(find_value(object, columns[c], key_length(columns[c])));
            grid.cells[row * grid.n_columns + c] = cell;
            grid.widths[c] = MAX(grid.widths[c], text_width(cell));
        }
    }
    return grid;
}

static void grid_clear(Grid *grid)
{
    for (gsize i = 0; i < (gsize)grid->n_columns * grid->n_rows; i++)
        g_free(grid->cells[i]);
    g_free(grid->cells);
    g_free(grid->widths);
}

static bool is_state_column(const char *column)
{
    gsize n = key_length(column);
    return n >= 5 && strncmp(column + n - 5, "state", 5) == 0;
}

static void append_row(GString *out, const Grid *grid, guint row, const char *const *columns,
                       const char *separator, bool colours)
{
    for (guint c = 0; c < grid->n_columns; c++) {
        const char *cell = grid->cells[row * grid->n_columns + c];
        const char *colour = colours && row > 0 && is_state_column(columns[c]) ? colour_of_state(cell) : NULL;
        g_string_append_printf(out, "%s%s%s%s", c > 0 ? separator : "", colour != NULL ? colour : "", cell,
                               colour != NULL ? COLOUR_RESET : "");
        text_append_spaces(out, grid->widths[c] - text_width(cell));
    }
    while (out->len > 0 && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, '\n');
}

static void append_rule(GString *out, const Grid *grid)
{
    for (guint c = 0; c < grid->n_columns; c++) {
        if (c > 0)
            g_string_append(out, "=+=");
        for (guint i = 0; i < grid->widths[c]; i++)
            g_string_append_c(out, '=');
    }
    g_string_append_c(out, '\n');
}

static void append_table(GString *out, const char *const *columns, const json_t *rows, bool colours)
{
    Grid grid = grid_new(columns, rows);
    append_row(out, &grid, 0, columns, " | ", false);
    append_rule(out, &grid);
    for (guint row = 1; row < grid.n_rows; row++)
        append_row(out, &grid, row, columns, " | ", colours);
    grid_clear(&grid);
}

static void append_plain(GString *out, const char *const *columns, const json_t *rows)
{
    Grid grid = grid_new(columns, rows);
    for (guint c = 0; c < grid.n_columns; c++) { /* without the headings they need not be as wide */
        grid.widths[c] = 0;
        for (guint row = 1; row < grid.n_rows; row++)
            grid.widths[c] = MAX(grid.widths[c], text_width(grid.cells[row * grid.n_columns + c]));
    }
    for (guint row = 1; row < grid.n_rows; row++)
        append_row(out, &grid, row, columns, "  ", false);
    grid_clear(&grid);
}

/* ---- JSON ---- */

/** C1 controls (U+0080..9f) are legal in JSON and commands to some terminals. */
static bool has_c1_controls(const char *text)
{
    for (const guchar *p = (const guchar *)text; *p != '\0'; p++)
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
            return true;
    return false;
}

static void append_json(GString *out, const json_t *rows)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(15);
    char *text = json_dumps(rows, flags);
    if (text != NULL && has_c1_controls(text)) {
        free(text);
        text = json_dumps(rows, flags | JSON_ENSURE_ASCII);
    }
    g_string_append_printf(out, "%s\n", text != NULL ? text : "[]");
    free(text);
}

/* ---- All of them ---- */

char *output_format_rows(OutputFormat format, const char *const *columns, const json_t *rows, bool colours)
{
    GString *out = g_string_new(NULL);
    switch (format) {
    case OUTPUT_TABLE:
        append_table(out, columns, rows, colours);
        break;
    case OUTPUT_JSON:
        append_json(out, rows);
        break;
    case OUTPUT_YAML:
        yaml_append_rows(out, rows);
        break;
    case OUTPUT_PLAIN:
        append_plain(out, columns, rows);
        break;
    }
    return g_string_free(out, FALSE);
}

void output_rows(OutputFormat format, const char *const *columns, const json_t *rows)
{
    bool for_people = format == OUTPUT_TABLE || format == OUTPUT_PLAIN;
    if (for_people && json_array_size(rows) == 0) {
        g_printerr("No data found\n");
        return;
    }
    g_autofree char *text = output_format_rows(format, columns, rows, colour_on_stdout());
    fputs(text, stdout);
}

/** Takes `value`. */
static void append_property_row(json_t *rows, const char *key, json_t *value)
{
    json_t *row = json_object();
    json_object_set_new(row, "property_name", json_string(key));
    json_object_set_new(row, "property_value", value);
    json_array_append_new(rows, row);
}

/** A row for each line of the value, so that a long text does not make one wide row. */
static void append_property(json_t *rows, const char *key, json_t *value)
{
    const char *text = json_string_value(value);
    g_autofree char *trimmed = text != NULL ? g_strchomp(g_strdup(text)) : NULL;
    if (trimmed == NULL || strchr(trimmed, '\n') == NULL) {
        append_property_row(rows, key, trimmed != NULL ? json_string(trimmed) : json_incref(value));
        return;
    }
    g_auto(GStrv) lines = g_strsplit(trimmed, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        append_property_row(rows, line == lines ? key : "", json_string(*line));
}

void output_object(OutputFormat format, const json_t *object)
{
    json_auto_t *rows = json_array();
    static const char *const columns[] = {"property_name", "property_value", NULL};
    if (format == OUTPUT_JSON || format == OUTPUT_YAML) {
        json_array_append(rows, (json_t *)object);
    } else {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)object, key, value)
        {
            append_property(rows, key, value);
        }
    }
    output_rows(format, columns, rows);
}

void output_word(OutputFormat format, const char *text, json_t *object)
{
    if (format == OUTPUT_JSON || format == OUTPUT_YAML) {
        output_object(format, object);
        return;
    }
    g_autofree char *clean = text_escape(text, -1, TEXT_ESCAPE_ALL);
    printf("%s\n", clean);
}
