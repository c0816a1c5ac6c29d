/* SPDX-License-Identifier: MIT */
/**
 * Private to the loader: what the two halves of the tree builder share. yaml_tree.c turns events into nodes;
 * yaml_mapping.c finishes mappings (keys, duplicates, merge keys).
 */
#pragma once

#include "scheduler/load/yaml_arena.h"
#include "scheduler/load/yaml_tree.h"

struct YamlTree {
    YamlArena arena;
    const YamlNode *root;
    const char *text; /**< borrowed */
    size_t n_text;
    GArray *line_starts; /**< size_t; made when a position is first asked for */
};

typedef struct {
    YamlTree *tree;
    LoadErrorList *errors;
    uint64_t n_charged; /**< nodes so far, aliases as what they stand for */
    bool failed;        /**< a limit is exceeded: stop */
} YamlBuilder;

/** Counts `n` more nodes; false if that is beyond the budget, which is then reported at that position. */
bool yaml_builder_charge(YamlBuilder *builder, uint64_t n, uint32_t line, uint32_t column);

/**
 * Gives `mapping` its pairs from `n` nodes (key, value, key, value...): resolves merge keys, reports keys
 * that are not text and keys that occur twice.
 */
void yaml_mapping_finish(YamlBuilder *builder, YamlNode *mapping, const YamlNode *const *nodes, size_t n);
