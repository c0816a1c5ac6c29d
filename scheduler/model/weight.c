/* SPDX-License-Identifier: MIT */
/*
 * Priority weights: sums over transitive closures.
 *
 * Three ways, the first that fits:
 *  1. a forest (no node is reached on two paths): the closures of the neighbours are disjoint, so sums add
 * up;
 *  2. bit sets, LANES nodes at a time, while nodes * (nodes + edges) / 64 stays small;
 *  3. Cohen's estimator: give each node an exponentially distributed rank with its weight as the rate; the
 *     least rank in a closure then is exponential with the closure's weight as the rate. K independent ranks
 *     estimate it as (K - 1) / sum(least ranks), with a relative error of about 1 / sqrt(K - 2).
 *     Priorities only order what is ready, so that is near enough for graphs of that size.
 */
#include "scheduler/model/graph.h"

#include <math.h>
#include <string.h>

static const char *const weight_rule_names[] = {
    [WEIGHT_RULE_DOWNSTREAM] = "downstream",
    [WEIGHT_RULE_UPSTREAM] = "upstream",
    [WEIGHT_RULE_ABSOLUTE] = "absolute",
};

const char *weight_rule_to_string(WeightRule rule)
{
    g_return_val_if_fail(rule >= 0 && rule <= WEIGHT_RULE_ABSOLUTE, NULL);
    return weight_rule_names[rule];
}

WeightRule weight_rule_from_string(const char *name)
{
    for (int i = 0; i <= WEIGHT_RULE_ABSOLUTE; i++) {
        if (g_strcmp0(weight_rule_names[i], name) == 0)
            return (WeightRule)i;
    }
    return WEIGHT_RULE_INVALID;
}

#define LANE_WORDS      8 /* one cache line: 512 nodes a pass */
#define EXACT_MAX_WORDS (UINT64_C(1) << 26)
#define ESTIMATE_RANKS  64

/** The graph seen along one direction: `next` are the nodes whose closures make up a node's own. */
typedef struct {
    const Graph *graph;
    const uint32_t *order;
    const int32_t *weights;
    bool down;
    bool uniform; /* all weights are the same */
    uint32_t n;
} Closure;

static GraphSpan closure_next(const Closure *c, uint32_t node)
{
    return c->down ? graph_downstream(c->graph, node) : graph_upstream(c->graph, node);
}

static GraphSpan closure_back(const Closure *c, uint32_t node)
{
    return c->down ? graph_upstream(c->graph, node) : graph_downstream(c->graph, node);
}

/** Nodes in an order in which each comes after all its `next`. */
static uint32_t closure_step(const Closure *c, uint32_t i)
{
    return c->down ? c->order[c->n - 1 - i] : c->order[i];
}

static int32_t clamp_int32(double value)
{
    return (int32_t)CLAMP(value, (double)INT32_MIN, (double)INT32_MAX);
}

static void sum_forest(const Closure *c, int32_t *sums)
{
    g_autofree int64_t *wide = g_new(int64_t, MAX(c->n, 1));
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t node = closure_step(c, i);
        GraphSpan next = closure_next(c, node);
        wide[node] = c->weights[node];
        for (uint32_t k = 0; k < next.n; k++)
            wide[node] += wide[next.items[k]];
        sums[node] = (int32_t)CLAMP(wide[node], INT32_MIN, INT32_MAX);
    }
}

/** The weights of the nodes whose bits are set, bit 0 standing for node `base`. */
static int64_t sum_word(const Closure *c, uint32_t base, uint64_t bits)
{
    if (c->uniform) /* nearly always: nobody set a priority_weight */
        return (int64_t)__builtin_popcountll(bits) * c->weights[0];
    int64_t sum = 0;
    for (; bits != 0; bits &= bits - 1)
        sum += c->weights[base + (uint32_t)__builtin_ctzll(bits)];
    return sum;
}

static void sum_exact(const Closure *c, int32_t *sums)
{
    typedef struct {
        uint64_t bits[LANE_WORDS];
    } Lane;
    g_autofree Lane *reach = g_new(Lane, MAX(c->n, 1));
    g_autofree int64_t *wide = g_new0(int64_t, MAX(c->n, 1));
    for (uint32_t base = 0; base < c->n; base += LANE_WORDS * 64) {
        for (uint32_t i = 0; i < c->n; i++) {
            uint32_t node = closure_step(c, i);
            GraphSpan next = closure_next(c, node);
            Lane lane = {{0}};
            for (uint32_t k = 0; k < next.n; k++) {
                for (int w = 0; w < LANE_WORDS; w++)
                    lane.bits[w] |= reach[next.items[k]].bits[w];
            }
            if (node >= base && node - base < LANE_WORDS * 64)
                lane.bits[(node - base) / 64] |= UINT64_C(1) << ((node - base) % 64);
            reach[node] = lane;
            for (uint32_t w = 0; w < LANE_WORDS; w++)
                wide[node] += sum_word(c, base + w * 64, lane.bits[w]);
        }
    }
    for (uint32_t i = 0; i < c->n; i++)
        sums[i] = (int32_t)CLAMP(wide[i], INT32_MIN, INT32_MAX);
}

/** SplitMix64 (Steele, Lea, Flood 2014): the ranks must be the same on each machine and in each run. */
static uint64_t mix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** Estimates the sums of the weights that are positive (sign 1) or, as positive numbers, negative (-1). */
static void estimate_part(const Closure *c, int sign, double *sums)
{
    g_autofree double *rank_sum = g_new0(double, MAX(c->n, 1));
    g_autofree double *least = g_new(double, MAX(c->n, 1));
    for (uint32_t r = 0; r < ESTIMATE_RANKS; r++) {
        for (uint32_t i = 0; i < c->n; i++) {
            uint32_t node = closure_step(c, i);
            double weight = (double)c->weights[node] * sign;
            double uniform = ((double)(mix64(((uint64_t)r << 32) | node) >> 11) + 1) / 9007199254740993.0;
            least[node] = weight > 0 ? -log(uniform) / weight : INFINITY;
            GraphSpan next = closure_next(c, node);
            for (uint32_t k = 0; k < next.n; k++)
                least[node] = fmin(least[node], least[next.items[k]]);
            rank_sum[node] += least[node];
        }
    }
    for (uint32_t i = 0; i < c->n; i++)
        sums[i] += isinf(rank_sum[i]) ? 0 : sign * (ESTIMATE_RANKS - 1) / rank_sum[i];
}

static void sum_estimate(const Closure *c, int32_t *sums)
{
    g_autofree double *estimate = g_new0(double, MAX(c->n, 1));
    bool any_negative = false;
    for (uint32_t i = 0; i < c->n && !any_negative; i++)
        any_negative = c->weights[i] < 0;
    estimate_part(c, 1, estimate);
    if (any_negative)
        estimate_part(c, -1, estimate);
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t node = closure_step(c, i);
        GraphSpan next = closure_next(c, node);
        if (next.n <= 1) /* known from its neighbour, so that chains stay in strict order */
            estimate[node] = c->weights[node] + (next.n == 1 ? estimate[next.items[0]] : 0);
        sums[node] = clamp_int32(round(estimate[node]));
    }
}

int32_t *graph_closure_weights(const Graph *graph, const uint32_t *order, const int32_t *weights,
                               WeightRule direction)
{
    uint32_t n = graph_size(graph);
    int32_t *sums = g_new(int32_t, MAX(n, 1));
    if (direction == WEIGHT_RULE_ABSOLUTE) {
        memcpy(sums, weights, n * sizeof *sums);
        return sums;
    }
    Closure c = {graph, order, weights, direction == WEIGHT_RULE_DOWNSTREAM, true, n};
    uint64_t n_edges = 0;
    bool is_forest = true;
    for (uint32_t i = 0; i < n; i++) {
        c.uniform = c.uniform && weights[i] == weights[0];
        n_edges += closure_next(&c, i).n;
        is_forest = is_forest && closure_back(&c, i).n <= 1;
    }
    if (is_forest)
        sum_forest(&c, sums);
    else if ((uint64_t)n / 64 * (n + n_edges) <= EXACT_MAX_WORDS)
        sum_exact(&c, sums);
    else
        sum_estimate(&c, sums);
    return sums;
}
