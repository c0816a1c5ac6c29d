/* SPDX-License-Identifier: MIT */
/**
 * A directed graph over task indexes, immutable once built: who waits for whom.
 *
 * Stored as two packed adjacency arrays, so that 100,000 tasks cost a few MB and a walk over the neighbours
 * of a task is a walk over memory. Nothing here recurses.
 */
#pragma once

#include "scheduler/model/types.h"

/** `to` waits for `from`. */
typedef struct {
    uint32_t from, to;
} GraphEdge;

typedef struct Graph Graph;

/** A view of neighbours; valid as long as the graph. */
typedef struct {
    const uint32_t *items;
    uint32_t n;
} GraphSpan;

/** Builds from `n_edges` edges over nodes 0..n_nodes-1; duplicate edges count once. Never NULL. */
Graph *graph_new(uint32_t n_nodes, const GraphEdge *edges, size_t n_edges);
void graph_free(Graph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Graph, graph_free)

uint32_t graph_size(const Graph *graph);
GraphSpan graph_upstream(const Graph *graph, uint32_t node);
GraphSpan graph_downstream(const Graph *graph, uint32_t node);

/**
 * All nodes such that each comes after its upstream; the roots first, by index. The caller frees with g_free.
 * NULL if there is a cycle; then `ret_cycle` (may be NULL) gets the nodes of one, in order, as a GArray of
 * uint32_t that the caller unrefs.
 */
uint32_t *graph_topological_order(const Graph *graph, GArray **ret_cycle);

typedef enum {
    WEIGHT_RULE_DOWNSTREAM, /**< own weight plus that of all transitive downstream tasks, each once */
    WEIGHT_RULE_UPSTREAM,   /**< own weight plus that of all transitive upstream tasks, each once */
    WEIGHT_RULE_ABSOLUTE,
    WEIGHT_RULE_INVALID = -1,
} WeightRule;

const char *weight_rule_to_string(WeightRule rule);
WeightRule weight_rule_from_string(const char *name);

/**
 * For each node, the sum of `weights` over itself and all its transitive downstream (or upstream) nodes, each
 * counted once, clamped to int32 as Airflow clamps. The caller frees with g_free.
 *
 * Exact where each node has at most one neighbour against the direction (chains, trees) or the graph is small
 * enough for bit sets; beyond that no subquadratic exact way is known, and the sums are estimated (typically
 * within 13 %) by Cohen's size-estimation framework (J. Comput. Syst. Sci. 55, 1997), deterministically.
 * `order` is graph_topological_order() of the same graph.
 */
int32_t *graph_closure_weights(const Graph *graph, const uint32_t *order, const int32_t *weights,
                               WeightRule direction);
