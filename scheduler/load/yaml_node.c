/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_builder.h"

#include <string.h>

const YamlNode *yaml_tree_root(const YamlTree *tree)
{
    return tree->root;
}

const YamlNode *yaml_mapping_get(const YamlNode *mapping, const char *key)
{
    for (uint32_t i = 0; mapping->kind == YAML_KIND_MAPPING && i < mapping->n; i++) {
        if (strcmp(mapping->pairs[i].key->text, key) == 0)
            return mapping->pairs[i].value;
    }
    return NULL;
}

bool yaml_node_is_null(const YamlNode *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    return node->kind == YAML_KIND_SCALAR && node->style == YAML_STYLE_PLAIN && !node->reported &&
           node->tagged != YAML_TAGGED_STR && g_strv_contains(nulls, node->text);
}

const char *yaml_node_describe(const YamlNode *node)
{
    switch (node->kind) {
    case YAML_KIND_SCALAR:
        return yaml_node_is_null(node) ? "nothing" : "text";
    case YAML_KIND_SEQUENCE:
        return "a list";
    case YAML_KIND_MAPPING:
        return "a mapping";
    }
    g_assert_not_reached();
}

/** 0-based line of the file, without its line break. */
static const char *raw_line(YamlTree *tree, size_t line, size_t *ret_n)
{
    if (tree->line_starts == NULL) {
        tree->line_starts = g_array_new(FALSE, FALSE, sizeof(size_t));
        size_t start = 0;
        do {
            g_array_append_val(tree->line_starts, start);
            const char *newline = memchr(tree->text + start, '\n', tree->n_text - start);
            start = newline == NULL ? 0 : (size_t)(newline - tree->text) + 1;
        } while (start > 0);
    }
    *ret_n = 0;
    if (line >= tree->line_starts->len)
        return "";
    size_t start = g_array_index(tree->line_starts, size_t, line);
    const char *newline = memchr(tree->text + start, '\n', tree->n_text - start);
    *ret_n = newline == NULL ? tree->n_text - start : (size_t)(newline - tree->text) - start;
    if (*ret_n > 0 && tree->text[start + *ret_n - 1] == '\r')
        (*ret_n)--;
    return tree->text + start;
}

/** Line `line` (1-based) of a block scalar's text, found again in the file behind its indentation. */
static bool locate_literal(YamlTree *tree, const YamlNode *scalar, uint32_t line, uint32_t *ret_indent)
{
    const char *wanted = scalar->text;
    for (uint32_t i = 1; i < line; i++) {
        wanted = strchr(wanted, '\n');
        if (wanted == NULL)
            return false;
        wanted++;
    }
    size_t n_wanted = strcspn(wanted, "\n"), n_raw;
    const char *raw = raw_line(tree, (size_t)scalar->line + line - 1, &n_raw);
    if (n_raw < n_wanted || memcmp(raw + n_raw - n_wanted, wanted, n_wanted) != 0)
        return false;
    *ret_indent = (uint32_t)(n_raw - n_wanted); /* spaces only: bytes are characters */
    for (uint32_t i = 0; i < *ret_indent; i++) {
        if (raw[i] != ' ')
            return false;
    }
    return true;
}

void yaml_tree_locate(const YamlTree *tree, const YamlNode *scalar, uint32_t line, uint32_t column,
                      uint32_t *ret_line, uint32_t *ret_column)
{
    uint32_t indent;
    *ret_line = scalar->line;
    *ret_column = scalar->column;
    if (scalar->kind != YAML_KIND_SCALAR || line == 0 || column == 0)
        return;
    if (scalar->verbatim && line == 1) {
        *ret_column = scalar->column + (scalar->style == YAML_STYLE_QUOTED ? 1 : 0) + column - 1;
    } else if (scalar->style == YAML_STYLE_LITERAL &&
               locate_literal((YamlTree *)tree, scalar, line, &indent)) {
        *ret_line = scalar->line + line;
        *ret_column = indent + column;
    }
}
