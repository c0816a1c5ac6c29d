/* SPDX-License-Identifier: MIT */
/**
 * One YAML document as a tree of nodes with positions, built from libyaml's events within strict limits.
 *
 * A tree is built in linear time whatever the text is: nesting stops at LOAD_MAX_DEPTH at once, an alias
 * shares the nodes it stands for but is charged for all of them, and the text is checked (UTF-8, control
 * characters) before libyaml sees it. Everything lives in one arena and is freed with the tree. Scalars are
 * kept as written: whoever reads a value knows what type it must have (yaml_scalar.h has the core schema for
 * the rest).
 */
#pragma once

#include "scheduler/load/load_error.h"

typedef enum { YAML_KIND_SCALAR, YAML_KIND_SEQUENCE, YAML_KIND_MAPPING } YamlKind;

typedef enum {
    YAML_STYLE_PLAIN,
    YAML_STYLE_QUOTED,  /**< "..." or '...' */
    YAML_STYLE_LITERAL, /**< | */
    YAML_STYLE_FOLDED,  /**< > */
} YamlStyle;

/** An explicit core tag, `!!int 5`. */
typedef enum { YAML_TAGGED_NONE, YAML_TAGGED_STR, YAML_TAGGED_CORE } YamlTagged;

typedef struct YamlNode YamlNode;
typedef struct YamlPair YamlPair;

struct YamlNode {
    YamlKind kind : 8;
    YamlStyle style : 8;
    YamlTagged tagged : 8;
    /** The text stands in one line of the file without escapes: a column in it is a column of the file. */
    bool verbatim : 1;
    /** Something about it is in the errors already: readers pass over it in silence. */
    bool reported : 1;
    uint8_t height;        /**< 0 for scalars, else one more than the highest inside */
    uint32_t line, column; /**< 1-based, in characters */
    uint32_t n;            /**< bytes of text, or items, or pairs */
    uint32_t expanded;     /**< nodes of this subtree, aliases followed */
    union {
        const char *text; /**< NUL-terminated, contains no NUL */
        const YamlNode *const *items;
        const YamlPair *pairs;
    };
};

struct YamlPair {
    const YamlNode *key; /**< always a scalar */
    const YamlNode *value;
};

typedef struct YamlTree YamlTree;

/**
 * Parses `text`, which must outlive the tree. What is wrong goes to `errors`; a syntax error ends the
 * parsing. NULL only if there is nothing to read values from: after a syntax error, and for an empty document
 * (which is not reported).
 */
YamlTree *yaml_tree_parse(const char *text, size_t n_text, LoadErrorList *errors);
void yaml_tree_free(YamlTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlTree, yaml_tree_free)

const YamlNode *yaml_tree_root(const YamlTree *tree);
/** The value of `key`, or NULL; linear in the mapping's size. */
const YamlNode *yaml_mapping_get(const YamlNode *mapping, const char *key);
/** "text", "a list", "a mapping" or "nothing", for messages. */
const char *yaml_node_describe(const YamlNode *node);
/** Plain and empty, `~` or `null` (or tagged so). */
bool yaml_node_is_null(const YamlNode *node);

/**
 * Where line `line`, column `column` (both 1-based) of a scalar's text stands in the file; the scalar's start
 * where that cannot be told (escapes, folded text).
 */
void yaml_tree_locate(const YamlTree *tree, const YamlNode *scalar, uint32_t line, uint32_t column,
                      uint32_t *ret_line, uint32_t *ret_column);
