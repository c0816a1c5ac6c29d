/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_builder.h"

#include <string.h>

#define FEW_PAIRS 8 /* up to here comparing all with all is the fastest */

/** A pair that wants to be in the mapping. Of equal keys the one with the lowest rank stays. */
typedef struct {
    YamlPair pair;
    uint32_t rank;   /**< 0 = written here, else the number of the merged mapping */
    uint32_t number; /**< order of appearance */
    bool dropped;
} Candidate;

static bool same_key(const Candidate *a, const Candidate *b)
{
    return a->pair.key->n == b->pair.key->n && strcmp(a->pair.key->text, b->pair.key->text) == 0;
}

/** Both have the same key and `first` comes first: one of them goes, and is reported unless it was merged in.
 */
static void drop_second(YamlBuilder *builder, const Candidate *first, Candidate *second)
{
    const YamlNode *key = second->pair.key;
    if (second->rank == 0)
        load_error_add(builder->errors, key->line, key->column, NULL,
                       "duplicate key \"%s\"; it is already given at line %u, column %u", key->text,
                       first->pair.key->line, first->pair.key->column);
    second->dropped = true;
}

static int compare_candidates(const void *a, const void *b)
{
    const Candidate *x = *(const Candidate *const *)a, *y = *(const Candidate *const *)b;
    int order = strcmp(x->pair.key->text, y->pair.key->text);
    if (order != 0)
        return order;
    return x->number < y->number ? -1 : x->number > y->number;
}

/** Candidates stand in order of rank, so the first of equal keys is the one that stays. */
static void drop_duplicates(YamlBuilder *builder, GArray *candidates)
{
    Candidate *all = (Candidate *)(void *)candidates->data;
    guint n = candidates->len;
    if (n <= FEW_PAIRS) {
        for (guint i = 1; i < n; i++) {
            for (guint j = 0; j < i && !all[i].dropped; j++) {
                if (!all[j].dropped && same_key(&all[j], &all[i]))
                    drop_second(builder, &all[j], &all[i]);
            }
        }
        return;
    }
    g_autofree Candidate **sorted = g_new(Candidate *, n); /* sorted, not hashed: no input makes it slow */
    for (guint i = 0; i < n; i++)
        sorted[i] = &all[i];
    qsort(sorted, n, sizeof(Candidate *), compare_candidates);
    for (guint i = 1, first = 0; i < n; i++) {
        if (same_key(sorted[first], sorted[i]))
            drop_second(builder, sorted[first], sorted[i]);
        else
            first = i;
    }
}

/** Appends the pairs of one mapping that `<<` names, each charged as though it were written here. */
static void merge_mapping(YamlBuilder *builder, GArray *candidates, const YamlNode *from, uint32_t rank)
{
    if (from->kind != YAML_KIND_MAPPING) {
        if (!from->reported)
            load_error_add(builder->errors, from->line, from->column, NULL,
                           "the merge key << needs a mapping or a list of mappings, not %s",
                           yaml_node_describe(from));
        return;
    }
    if (!yaml_builder_charge(builder, from->expanded, from->line, from->column))
        return;
    for (uint32_t i = 0; i < from->n; i++) {
        Candidate candidate = {.pair = from->pairs[i], .rank = rank, .number = candidates->len};
        g_array_append_val(candidates, candidate);
    }
}

static bool is_merge_key(const YamlNode *key)
{
    return key->kind == YAML_KIND_SCALAR && key->style == YAML_STYLE_PLAIN &&
           key->tagged == YAML_TAGGED_NONE && strcmp(key->text, "<<") == 0;
}

/** `{{ x }}` without quotes is, to YAML, a mapping whose key is a mapping. */
static bool looks_like_template(const YamlNode *mapping, const YamlNode *key)
{
    return key->kind == YAML_KIND_MAPPING && key->line == mapping->line && key->column == mapping->column + 1;
}

static void report_bad_key(YamlBuilder *builder, YamlNode *mapping, const YamlNode *key)
{
    if (looks_like_template(mapping, key))
        load_error_add(builder->errors, mapping->line, mapping->column, NULL,
                       "a value that begins with {{ must stand in quotes: \"{{ ... }}\"");
    else if (!key->reported)
        load_error_add(builder->errors, key->line, key->column, NULL, "a key must be text, not %s",
                       yaml_node_describe(key));
    mapping->reported = true;
}

static GArray *collect_candidates(YamlBuilder *builder, YamlNode *mapping, const YamlNode *const *nodes,
                                  size_t n)
{
    GArray *candidates = g_array_sized_new(FALSE, FALSE, sizeof(Candidate), (guint)(n / 2));
    size_t n_merges = 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        Candidate candidate = {.pair = {.key = nodes[i], .value = nodes[i + 1]}, .number = candidates->len};
        if (is_merge_key(nodes[i]))
            n_merges++;
        else if (nodes[i]->kind == YAML_KIND_SCALAR)
            g_array_append_val(candidates, candidate);
        else
            report_bad_key(builder, mapping, nodes[i]);
    }
    uint32_t rank = 0;
    for (size_t i = 0; n_merges > 0 && i + 1 < n; i += 2) {
        const YamlNode *value = nodes[i + 1];
        if (!is_merge_key(nodes[i]))
            continue;
        if (value->kind != YAML_KIND_SEQUENCE)
            merge_mapping(builder, candidates, value, ++rank);
        for (uint32_t j = 0; value->kind == YAML_KIND_SEQUENCE && j < value->n && !builder->failed; j++)
            merge_mapping(builder, candidates, value->items[j], ++rank);
    }
    return candidates;
}

void yaml_mapping_finish(YamlBuilder *builder, YamlNode *mapping, const YamlNode *const *nodes, size_t n)
{
    g_autoptr(GArray) candidates = collect_candidates(builder, mapping, nodes, n);
    drop_duplicates(builder, candidates);
    YamlPair *pairs = yaml_arena_alloc(&builder->tree->arena, candidates->len * sizeof *pairs);
    uint64_t expanded = 1;
    for (guint i = 0; i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);
        if (candidate->dropped)
            continue;
        pairs[mapping->n++] = candidate->pair;
        expanded += (uint64_t)candidate->pair.key->expanded + candidate->pair.value->expanded;
        mapping->height = MAX(mapping->height, (uint8_t)(candidate->pair.value->height + 1));
    }
    mapping->height = MAX(mapping->height, 1);
    mapping->expanded = (uint32_t)MIN(expanded, UINT32_MAX);
    mapping->pairs = pairs;
}
