/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_tree.h"

#include "scheduler/load/load.h"
#include "scheduler/load/yaml_builder.h"
#include "scheduler/load/yaml_problem.h"
#include "scheduler/load/yaml_text.h"

#include <yaml.h>

#include <string.h>

#define CORE_TAG_PREFIX "tag:yaml.org,2002:"

/** An open container. */
typedef struct {
    YamlNode *node;
    char *anchor;
    guint first; /**< where its children begin in `pending` */
} Frame;

typedef struct {
    YamlBuilder builder;
    Frame frames[LOAD_MAX_DEPTH];
    guint depth;
    GPtrArray *pending;  /**< YamlNode*: children of open containers, and at last the root */
    GHashTable *anchors; /**< name -> YamlNode*, or NULL while that node is open */
} Parse;

static const YamlNode placeholder = {.kind = YAML_KIND_SCALAR, .text = "", .reported = true, .expanded = 1};

bool yaml_builder_charge(YamlBuilder *builder, uint64_t n, uint32_t line, uint32_t column)
{
    builder->n_charged += n;
    if (builder->n_charged <= LOAD_MAX_NODES)
        return true;
    if (!builder->failed)
        load_error_add(builder->errors, line, column, NULL,
                       "the file holds more than %u values, aliases counted as what they stand for",
                       LOAD_MAX_NODES);
    builder->failed = true;
    return false;
}

static void fail_at(Parse *parse, const yaml_mark_t *mark, const char *message)
{
    load_error_add(parse->builder.errors, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1, NULL, "%s",
                   message);
    parse->builder.failed = true;
}

static YamlNode *new_node(Parse *parse, YamlKind kind, const yaml_mark_t *mark)
{
    YamlNode *node = yaml_arena_alloc(&parse->builder.tree->arena, sizeof *node);
    node->kind = kind;
    node->line = (uint32_t)mark->line + 1;
    node->column = (uint32_t)mark->column + 1;
    node->expanded = 1;
    yaml_builder_charge(&parse->builder, 1, node->line, node->column);
    return node;
}

static void set_tag(Parse *parse, YamlNode *node, const char *tag)
{
    static const char *const scalar_tags[] = {"int", "float", "bool", "null", NULL};
    if (tag == NULL)
        return;
    const char *name = g_str_has_prefix(tag, CORE_TAG_PREFIX) ? tag + strlen(CORE_TAG_PREFIX) : NULL;
    if (strcmp(tag, "!") == 0 || g_strcmp0(name, "str") == 0)
        node->tagged = YAML_TAGGED_STR;
    else if (node->kind == YAML_KIND_SCALAR && name != NULL && g_strv_contains(scalar_tags, name))
        node->tagged = YAML_TAGGED_CORE;
    else if (!(node->kind == YAML_KIND_MAPPING && g_strcmp0(name, "map") == 0) &&
             !(node->kind == YAML_KIND_SEQUENCE && g_strcmp0(name, "seq") == 0))
        load_error_add(parse->builder.errors, node->line, node->column, NULL,
                       "the tag %s%s is not supported; a text that begins with \"!\" must stand in quotes",
                       name != NULL ? "!!" : "", name != NULL ? name : tag);
}

/** Remembers `anchor` for `node`; NULL while the node is still open. */
static void set_anchor(Parse *parse, const char *anchor, YamlNode *node, const yaml_mark_t *mark)
{
    if (anchor == NULL)
        return;
    if (g_hash_table_size(parse->anchors) >= LOAD_MAX_ANCHORS &&
        !g_hash_table_contains(parse->anchors, anchor))
        fail_at(parse, mark, "too many anchors (&name); a file may have 1000");
    else
        g_hash_table_replace(parse->anchors, g_strdup(anchor), node);
}

static void add_scalar(Parse *parse, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    YamlNode *node = new_node(parse, YAML_KIND_SCALAR, &event->start_mark);
    static const YamlStyle styles[] = {
        [YAML_ANY_SCALAR_STYLE] = YAML_STYLE_PLAIN,
        [YAML_PLAIN_SCALAR_STYLE] = YAML_STYLE_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = YAML_STYLE_QUOTED,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YAML_STYLE_QUOTED,
        [YAML_LITERAL_SCALAR_STYLE] = YAML_STYLE_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = YAML_STYLE_FOLDED,
    };
    node->style = styles[event->data.scalar.style];
    node->text = "";
    if (n > LOAD_MAX_SCALAR_BYTES) {
        load_error_add(parse->builder.errors, node->line, node->column, NULL,
                       "this text is longer than %u KiB", LOAD_MAX_SCALAR_BYTES / 1024);
        node->reported = true;
    } else if (memchr(value, '\0', n) != NULL) {
        load_error_add(parse->builder.errors, node->line, node->column, NULL,
                       "the character NUL (\"\\0\") is not allowed");
        node->reported = true;
    } else {
        node->text = yaml_arena_copy(&parse->builder.tree->arena, value, n);
        node->n = (uint32_t)n;
        size_t width = event->end_mark.column - event->start_mark.column;
        size_t quotes = node->style == YAML_STYLE_QUOTED ? 2 : 0;
        node->verbatim = event->start_mark.line == event->end_mark.line && node->style <= YAML_STYLE_QUOTED &&
                         width == (size_t)g_utf8_strlen(node->text, (gssize)n) + quotes;
    }
    set_tag(parse, node, (const char *)event->data.scalar.tag);
    set_anchor(parse, (const char *)event->data.scalar.anchor, node, &event->start_mark);
    g_ptr_array_add(parse->pending, node);
}

static void open_container(Parse *parse, YamlKind kind, const yaml_event_t *event, const char *anchor,
                           const char *tag)
{
    if (parse->depth == LOAD_MAX_DEPTH) {
        g_autofree char *message = g_strdup_printf("nested more than %d levels deep", LOAD_MAX_DEPTH);
        fail_at(parse, &event->start_mark, message);
        return;
    }
    YamlNode *node = new_node(parse, kind, &event->start_mark);
    set_tag(parse, node, tag);
    set_anchor(parse, anchor, NULL, &event->start_mark);
    parse->frames[parse->depth++] =
        (Frame){.node = node, .anchor = g_strdup(anchor), .first = parse->pending->len};
}

static void finish_sequence(Parse *parse, YamlNode *node, const YamlNode *const *items, size_t n)
{
    node->n = (uint32_t)n;
    node->height = 1;
    const YamlNode **copy = yaml_arena_alloc(&parse->builder.tree->arena, n * sizeof *copy);
    uint64_t expanded = 1;
    for (size_t i = 0; i < n; i++) {
        copy[i] = items[i];
        expanded += items[i]->expanded;
        node->height = MAX(node->height, (uint8_t)(items[i]->height + 1));
    }
    node->expanded = (uint32_t)MIN(expanded, UINT32_MAX);
    node->items = copy;
}

static void close_container(Parse *parse, const yaml_event_t *event)
{
    Frame *frame = &parse->frames[--parse->depth];
    const YamlNode *const *children = (const YamlNode *const *)parse->pending->pdata + frame->first;
    size_t n = parse->pending->len - frame->first;
    if (frame->node->kind == YAML_KIND_MAPPING)
        yaml_mapping_finish(&parse->builder, frame->node, children, n);
    else
        finish_sequence(parse, frame->node, children, n);
    set_anchor(parse, frame->anchor, frame->node, &event->start_mark);
    g_free(frame->anchor);
    g_ptr_array_set_size(parse->pending, (gint)frame->first);
    g_ptr_array_add(parse->pending, frame->node);
}

/** An alias is a copy of the node it stands for, at its own position, with the same children. */
static void add_alias(Parse *parse, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    uint32_t line = (uint32_t)event->start_mark.line + 1, column = (uint32_t)event->start_mark.column + 1;
    YamlNode *target = NULL;
    if (!g_hash_table_lookup_extended(parse->anchors, name, NULL, (gpointer *)&target)) {
        load_error_add(
            parse->builder.errors, line, column, NULL,
            "the alias *%s has no anchor &%s before it; a text that begins with \"*\" must stand in quotes",
            name, name);
        g_ptr_array_add(parse->pending, (gpointer)&placeholder);
    } else if (target == NULL) {
        fail_at(parse, &event->start_mark, "an alias inside the very value it stands for");
    } else if (parse->depth + target->height > LOAD_MAX_DEPTH) {
        g_autofree char *message =
            g_strdup_printf("nested more than %d levels deep, through an alias", LOAD_MAX_DEPTH);
        fail_at(parse, &event->start_mark, message);
    } else if (yaml_builder_charge(&parse->builder, target->expanded, line, column)) {
        YamlNode *node = yaml_arena_alloc(&parse->builder.tree->arena, sizeof *node);
        *node = *target;
        node->line = line;
        node->column = column;
        node->verbatim = false;
        g_ptr_array_add(parse->pending, node);
    }
}

static void handle_event(Parse *parse, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        add_scalar(parse, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        open_container(parse, YAML_KIND_SEQUENCE, event, (const char *)event->data.sequence_start.anchor,
                       (const char *)event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        open_container(parse, YAML_KIND_MAPPING, event, (const char *)event->data.mapping_start.anchor,
                       (const char *)event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_container(parse, event);
        break;
    case YAML_ALIAS_EVENT:
        add_alias(parse, event);
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (parse->pending->len > 0)
            fail_at(parse, &event->start_mark, "a second document begins here; a file has one");
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

/** Feeds all events to handle_event(); false if the text is not YAML or exceeds a limit. */
static bool run_parser(Parse *parse)
{
    const YamlTree *tree = parse->builder.tree;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        load_error_add(parse->builder.errors, 0, 0, NULL, "out of memory");
        return false;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)tree->text, tree->n_text);
    for (bool done = false; !done && !parse->builder.failed;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            yaml_problem_report(&parser, tree->text, tree->n_text, parse->builder.errors);
            parse->builder.failed = true;
            break;
        }
        handle_event(parse, &event);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return !parse->builder.failed;
}

YamlTree *yaml_tree_parse(const char *text, size_t n_text, LoadErrorList *errors)
{
    if (!yaml_text_check(&text, &n_text, errors))
        return NULL;
    YamlTree *tree = g_new0(YamlTree, 1);
    yaml_arena_init(&tree->arena);
    tree->text = text;
    tree->n_text = n_text;
    Parse parse = {
        .builder = {.tree = tree, .errors = errors},
        .pending = g_ptr_array_sized_new(64),
        .anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    if (run_parser(&parse) && parse.pending->len > 0)
        tree->root = g_ptr_array_index(parse.pending, 0);
    while (parse.depth > 0)
        g_free(parse.frames[--parse.depth].anchor);
    g_ptr_array_unref(parse.pending);
    g_hash_table_unref(parse.anchors);
    if (tree->root == NULL || yaml_node_is_null(tree->root))
        g_clear_pointer(&tree, yaml_tree_free);
    return tree;
}

void yaml_tree_free(YamlTree *tree)
{
    if (tree == NULL)
        return;
    yaml_arena_clear(&tree->arena);
    g_clear_pointer(&tree->line_starts, g_array_unref);
    g_free(tree);
}
