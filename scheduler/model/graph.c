/* SPDX-License-Identifier: MIT */
#include "scheduler/model/graph.h"

#include <string.h>

struct Graph {
    uint32_t n;
    /* neighbours of node i: items[offset[i] .. offset[i + 1]) */
    uint32_t *down_offset, *down_items;
    uint32_t *up_offset, *up_items;
};

static int compare_edges(const void *a, const void *b)
{
    const GraphEdge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/** Counting sort of sorted, unique edges into one packed adjacency array. */
static void pack(uint32_t n, const GraphEdge *edges, size_t n_edges, bool downstream, uint32_t **ret_offset,
                 uint32_t **ret_items)
{
    uint32_t *offset = g_new0(uint32_t, (gsize)n + 1);
    uint32_t *items = g_new(uint32_t, MAX(n_edges, 1));
    for (size_t e = 0; e < n_edges; e++)
        offset[(downstream ? edges[e].from : edges[e].to) + 1]++;
    for (uint32_t i = 0; i < n; i++)
        offset[i + 1] += offset[i];
    g_autofree uint32_t *next = g_memdup2(offset, sizeof *offset * ((gsize)n + 1));
    for (size_t e = 0; e < n_edges; e++) {
        uint32_t node = downstream ? edges[e].from : edges[e].to;
        items[next[node]++] = downstream ? edges[e].to : edges[e].from;
    }
    *ret_offset = offset;
    *ret_items = items;
}

Graph *graph_new(uint32_t n_nodes, const GraphEdge *edges, size_t n_edges)
{
    g_autofree GraphEdge *sorted = n_edges > 0 ? g_memdup2(edges, n_edges * sizeof *edges) : NULL;
    if (n_edges > 1)
        qsort(sorted, n_edges, sizeof *sorted, compare_edges);
    size_t unique = 0;
    for (size_t e = 0; e < n_edges; e++) {
        g_assert(sorted[e].from < n_nodes && sorted[e].to < n_nodes);
        if (unique == 0 || compare_edges(&sorted[unique - 1], &sorted[e]) != 0)
            sorted[unique++] = sorted[e];
    }
    Graph *graph = g_new0(Graph, 1);
    graph->n = n_nodes;
    pack(n_nodes, sorted, unique, true, &graph->down_offset, &graph->down_items);
    pack(n_nodes, sorted, unique, false, &graph->up_offset, &graph->up_items);
    return graph;
}

void graph_free(Graph *graph)
{
    if (graph == NULL)
        return;
    g_free(graph->down_offset);
    g_free(graph->down_items);
    g_free(graph->up_offset);
    g_free(graph->up_items);
    g_free(graph);
}

uint32_t graph_size(const Graph *graph)
{
    return graph->n;
}

GraphSpan graph_upstream(const Graph *graph, uint32_t node)
{
    uint32_t begin = graph->up_offset[node];
    return (GraphSpan){graph->up_items + begin, graph->up_offset[node + 1] - begin};
}

GraphSpan graph_downstream(const Graph *graph, uint32_t node)
{
    uint32_t begin = graph->down_offset[node];
    return (GraphSpan){graph->down_items + begin, graph->down_offset[node + 1] - begin};
}

/**
 * One cycle, given the number of upstream nodes of each node that Kahn's algorithm could not take away. Each
 * node left has such an upstream, so walking upstream must come back to a node already seen.
 */
static GArray *find_cycle(const Graph *graph, const uint32_t *waiting)
{
    uint32_t node = 0;
    while (waiting[node] == 0)
        node++;
    g_autofree uint32_t *step_of = g_new0(uint32_t, graph->n);
    g_autoptr(GArray) walk = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    while (step_of[node] == 0) {
        g_array_append_val(walk, node);
        step_of[node] = walk->len;
        GraphSpan up = graph_upstream(graph, node);
        uint32_t i = 0;
        while (waiting[up.items[i]] == 0)
            i++;
        node = up.items[i];
    }
    GArray *cycle = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (guint i = walk->len; i >= step_of[node]; i--) /* reversed: from upstream to downstream */
        g_array_append_val(cycle, g_array_index(walk, uint32_t, i - 1));
    return cycle;
}

uint32_t *graph_topological_order(const Graph *graph, GArray **ret_cycle)
{
    g_autofree uint32_t *order = g_new(uint32_t, MAX(graph->n, 1));
    g_autofree uint32_t *waiting = g_new(uint32_t, MAX(graph->n, 1));
    uint32_t head = 0, tail = 0;
    for (uint32_t i = 0; i < graph->n; i++) {
        waiting[i] = graph_upstream(graph, i).n;
        if (waiting[i] == 0)
            order[tail++] = i;
    }
    while (head < tail) {
        GraphSpan down = graph_downstream(graph, order[head++]);
        for (uint32_t i = 0; i < down.n; i++) {
            if (--waiting[down.items[i]] == 0)
                order[tail++] = down.items[i];
        }
    }
    if (tail < graph->n) {
        if (ret_cycle != NULL)
            *ret_cycle = find_cycle(graph, waiting);
        return NULL;
    }
    return g_steal_pointer(&order);
}
