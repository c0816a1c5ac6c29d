/* SPDX-License-Identifier: MIT */
/* Graphs: neighbours, order, cycles, closure weights; and the Dag around them. */
#include "scheduler/model/dag.h"

#include <math.h>
#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

static void assert_span(GraphSpan span, const char *want)
{
    g_autoptr(GString) got = g_string_new(NULL);
    for (uint32_t i = 0; i < span.n; i++)
        g_string_append_printf(got, "%s%u", i > 0 ? " " : "", span.items[i]);
    assert_string_equal(got->str, want);
}

static void test_neighbours(void **state)
{
    (void)state;
    const GraphEdge edges[] = {{2, 3}, {0, 2}, {0, 1}, {0, 2}, {1, 3}, {2, 3}, {0, 2}};
    g_autoptr(Graph) graph = graph_new(5, edges, G_N_ELEMENTS(edges));
    assert_int_equal(graph_size(graph), 5);
    assert_span(graph_downstream(graph, 0), "1 2"); /* repeated edges count once */
    assert_span(graph_upstream(graph, 3), "1 2");
    assert_span(graph_upstream(graph, 0), "");
    assert_span(graph_downstream(graph, 4), "");
    g_autofree uint32_t *order = graph_topological_order(graph, NULL);
    assert_non_null(order);
    g_autoptr(Graph) empty = graph_new(0, NULL, 0);
    g_autofree uint32_t *nothing = graph_topological_order(empty, NULL);
    assert_non_null(nothing);
    graph_free(NULL);
}

/** Each node of the cycle is upstream of the next, and the last of the first. */
static void assert_cycle(const Graph *graph, const GArray *cycle)
{
    assert_non_null(cycle);
    assert_true(cycle->len > 0);
    for (guint i = 0; i < cycle->len; i++) {
        uint32_t node = g_array_index(cycle, uint32_t, i);
        uint32_t next = g_array_index(cycle, uint32_t, (i + 1) % cycle->len);
        GraphSpan down = graph_downstream(graph, node);
        bool found = false;
        for (uint32_t k = 0; k < down.n; k++)
            found = found || down.items[k] == next;
        assert_true(found);
        for (guint k = 0; k < i; k++)
            assert_int_not_equal(g_array_index(cycle, uint32_t, k), node);
    }
}

static void test_random_graphs(void **state)
{
    (void)state;
    g_autoptr(GRand) rng = g_rand_new_with_seed(7);
    int n_cyclic = 0;
    for (int round = 0; round < 2000; round++) {
        uint32_t n = (uint32_t)g_rand_int_range(rng, 1, 12);
        g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(GraphEdge));
        for (int e = g_rand_int_range(rng, 0, 16); e > 0; e--) {
            GraphEdge edge = {(uint32_t)g_rand_int_range(rng, 0, (gint32)n),
                              (uint32_t)g_rand_int_range(rng, 0, (gint32)n)};
            g_array_append_val(edges, edge);
        }
        g_autoptr(Graph) graph = graph_new(n, (const GraphEdge *)(void *)edges->data, edges->len);
        g_autoptr(GArray) cycle = NULL;
        g_autofree uint32_t *order = graph_topological_order(graph, &cycle);
        if (order == NULL) {
            n_cyclic++;
            assert_cycle(graph, cycle);
            assert_null(graph_topological_order(graph, NULL));
            continue;
        }
        assert_null(cycle);
        uint32_t place[12] = {0};
        bool seen[12] = {false};
        for (uint32_t i = 0; i < n; i++) {
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
            place[order[i]] = i;
        }
        for (guint e = 0; e < edges->len; e++) {
            GraphEdge edge = g_array_index(edges, GraphEdge, e);
            assert_true(place[edge.from] < place[edge.to]);
        }
    }
    assert_true(n_cyclic > 100 && n_cyclic < 1900);
}

static void test_self_loop_and_long_cycle(void **state)
{
    (void)state;
    g_autoptr(Graph) self = graph_new(3, (GraphEdge[]){{0, 1}, {1, 1}, {1, 2}}, 3);
    g_autoptr(GArray) cycle = NULL;
    assert_null(graph_topological_order(self, &cycle));
    assert_int_equal(cycle->len, 1);
    assert_int_equal(g_array_index(cycle, uint32_t, 0), 1);

    const uint32_t n = 100000;
    g_autofree GraphEdge *edges = g_new(GraphEdge, n);
    for (uint32_t i = 0; i < n; i++)
        edges[i] = (GraphEdge){i, (i + 1) % n};
    g_autoptr(Graph) ring = graph_new(n, edges, n);
    g_autoptr(GArray) whole = NULL;
    assert_null(graph_topological_order(ring, &whole));
    assert_int_equal(whole->len, n);
    g_autoptr(Graph) chain = graph_new(n, edges, n - 1);
    g_autofree uint32_t *order = graph_topological_order(chain, NULL);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(order[i], i);
}

/* ---- Weights ------------------------------------------------------------------------------------------- */

/** Sums by plain reachability. */
static int64_t *sums_by_walking(const Graph *graph, const int32_t *weights, bool down)
{
    uint32_t n = graph_size(graph);
    int64_t *sums = g_new0(int64_t, n);
    g_autofree uint32_t *stack = g_new(uint32_t, n);
    g_autofree uint32_t *mark = g_new0(uint32_t, n);
    for (uint32_t start = 0; start < n; start++) {
        uint32_t top = 0;
        stack[top++] = start;
        mark[start] = start + 1;
        while (top > 0) {
            uint32_t node = stack[--top];
            sums[start] += weights[node];
            GraphSpan next = down ? graph_downstream(graph, node) : graph_upstream(graph, node);
            for (uint32_t k = 0; k < next.n; k++) {
                if (mark[next.items[k]] == start + 1)
                    continue;
                mark[next.items[k]] = start + 1;
                stack[top++] = next.items[k];
            }
        }
    }
    return sums;
}

static Graph *random_dag(GRand *rng, uint32_t n, uint32_t n_edges)
{
    g_autofree GraphEdge *edges = g_new(GraphEdge, MAX(n_edges, 1));
    for (uint32_t e = 0; e < n_edges; e++) {
        uint32_t to = (uint32_t)g_rand_int_range(rng, 1, (gint32)n);
        edges[e] = (GraphEdge){(uint32_t)g_rand_int_range(rng, 0, (gint32)to), to};
    }
    return graph_new(n, edges, n_edges);
}

static void test_exact_weights(void **state)
{
    (void)state;
    g_autoptr(GRand) rng = g_rand_new_with_seed(3);
    static const WeightRule rules[] = {WEIGHT_RULE_DOWNSTREAM, WEIGHT_RULE_UPSTREAM};
    for (int round = 0; round < 200; round++) {
        uint32_t n = (uint32_t)g_rand_int_range(rng, 2, round % 20 == 0 ? 1600 : 70);
        g_autoptr(Graph) graph = random_dag(rng, n, (uint32_t)g_rand_int_range(rng, 0, (gint32)(3 * n)));
        g_autofree uint32_t *order = graph_topological_order(graph, NULL);
        g_autofree int32_t *weights = g_new(int32_t, n);
        bool uniform = round % 3 == 0;
        for (uint32_t i = 0; i < n; i++)
            weights[i] = uniform ? 5 : g_rand_int_range(rng, -10, 1000);
        for (size_t r = 0; r < G_N_ELEMENTS(rules); r++) {
            g_autofree int32_t *got = graph_closure_weights(graph, order, weights, rules[r]);
            g_autofree int64_t *want = sums_by_walking(graph, weights, rules[r] == WEIGHT_RULE_DOWNSTREAM);
            for (uint32_t i = 0; i < n; i++)
                assert_int_equal(got[i], want[i]);
        }
        g_autofree int32_t *own = graph_closure_weights(graph, order, weights, WEIGHT_RULE_ABSOLUTE);
        assert_memory_equal(own, weights, n * sizeof *own);
    }
}

static void test_weights_are_clamped(void **state)
{
    (void)state;
    const GraphEdge edges[] = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
    g_autoptr(Graph) diamond = graph_new(4, edges, G_N_ELEMENTS(edges));
    g_autoptr(Graph) chain = graph_new(4, (GraphEdge[]){{0, 1}, {1, 2}, {2, 3}}, 3);
    const int32_t big[] = {INT32_MAX, INT32_MAX, INT32_MAX, 5}, low[] = {INT32_MIN, INT32_MIN, -1, -1};
    const Graph *graphs[] = {diamond, chain};
    for (size_t g = 0; g < G_N_ELEMENTS(graphs); g++) {
        g_autofree uint32_t *order = graph_topological_order(graphs[g], NULL);
        g_autofree int32_t *up = graph_closure_weights(graphs[g], order, big, WEIGHT_RULE_DOWNSTREAM);
        g_autofree int32_t *down = graph_closure_weights(graphs[g], order, low, WEIGHT_RULE_DOWNSTREAM);
        assert_int_equal(up[0], INT32_MAX);
        assert_int_equal(down[0], INT32_MIN);
        assert_int_equal(up[3], 5);
    }
}

static void test_diamond_counts_once(void **state)
{
    (void)state;
    const GraphEdge edges[] = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
    const int32_t weights[] = {1, 10, 100, 1000};
    g_autoptr(Graph) graph = graph_new(4, edges, G_N_ELEMENTS(edges));
    g_autofree uint32_t *order = graph_topological_order(graph, NULL);
    g_autofree int32_t *down = graph_closure_weights(graph, order, weights, WEIGHT_RULE_DOWNSTREAM);
    g_autofree int32_t *up = graph_closure_weights(graph, order, weights, WEIGHT_RULE_UPSTREAM);
    assert_int_equal(down[0], 1111);
    assert_int_equal(down[1], 1010);
    assert_int_equal(up[3], 1111);
    assert_int_equal(up[2], 101);
}

/** Beyond the exact ways: an estimate, near enough, and the same each time; chains stay in strict order. */
static void test_estimated_weights(void **state)
{
    (void)state;
    g_autoptr(GRand) rng = g_rand_new_with_seed(11);
    const uint32_t n = 45000, chain = 200;
    g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(GraphEdge));
    for (uint32_t e = 0; e < 2 * (n - chain); e++) { /* near neighbours, so that closures are of all sizes */
        uint32_t to = (uint32_t)g_rand_int_range(rng, 1, (gint32)(n - chain));
        uint32_t back = (uint32_t)g_rand_int_range(rng, 1, (gint32)MIN(to, 40) + 1);
        GraphEdge edge = {to - back, to};
        if (to % 500 > 60 || to % 500 >= back) /* and islands */
            g_array_append_val(edges, edge);
    }
    for (uint32_t i = n - chain; i < n; i++) {
        GraphEdge edge = {i - 1, i};
        g_array_append_val(edges, edge);
    }
    g_autoptr(Graph) graph = graph_new(n, (const GraphEdge *)(void *)edges->data, edges->len);
    g_autofree uint32_t *order = graph_topological_order(graph, NULL);
    g_autofree int32_t *weights = g_new(int32_t, n);
    for (uint32_t i = 0; i < n; i++)
        weights[i] = 1 + (int32_t)(i % 5);
    g_autofree int32_t *got = graph_closure_weights(graph, order, weights, WEIGHT_RULE_DOWNSTREAM);
    g_autofree int32_t *again = graph_closure_weights(graph, order, weights, WEIGHT_RULE_DOWNSTREAM);
    assert_memory_equal(got, again, n * sizeof *got);
    double worst = 0, total = 0;
    uint32_t sample = 0, not_exact = 0;
    g_autofree uint32_t *stack = g_new(uint32_t, n);
    g_autofree uint32_t *mark = g_new0(uint32_t, n);
    for (uint32_t start = 0; start < n; start += 97, sample++) {
        int64_t want = 0;
        uint32_t top = 0;
        stack[top++] = start;
        mark[start] = start + 1;
        while (top > 0) {
            uint32_t node = stack[--top];
            want += weights[node];
            GraphSpan next = graph_downstream(graph, node);
            for (uint32_t k = 0; k < next.n; k++) {
                if (mark[next.items[k]] != start + 1) {
                    mark[next.items[k]] = start + 1;
                    stack[top++] = next.items[k];
                }
            }
        }
        double error = fabs((double)got[start] - (double)want) / (double)want;
        not_exact += got[start] != want;
        worst = MAX(worst, error);
        total += error;
    }
    print_message("estimate: %u of %u not exact, worst %.0f %%, mean %.1f %%\n", not_exact, sample,
                  worst * 100, total / sample * 100);
    assert_true(not_exact > 0); /* else this test looks at the wrong way */
    assert_true(worst < 0.5 && total / sample < 0.15);
    for (uint32_t i = n - chain; i < n; i++)
        assert_true(got[i - 1] > got[i]);
    assert_int_equal(got[n - 1], weights[n - 1]);
}

static void test_very_large_weights_are_quick(void **state)
{
    (void)state;
    const uint32_t n = 100000, width = 1000;
    g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(GraphEdge));
    for (uint32_t i = width; i < n; i++) {
        for (uint32_t k = 0; k < 5; k++) {
            GraphEdge edge = {i - width - i % width + (i + k * 177) % width, i};
            g_array_append_val(edges, edge);
        }
    }
    g_autoptr(Graph) graph = graph_new(n, (const GraphEdge *)(void *)edges->data, edges->len);
    g_autofree uint32_t *order = graph_topological_order(graph, NULL);
    g_autofree int32_t *weights = g_new(int32_t, n);
    for (uint32_t i = 0; i < n; i++)
        weights[i] = 1;
    clock_t begin = clock();
    g_autofree int32_t *down = graph_closure_weights(graph, order, weights, WEIGHT_RULE_DOWNSTREAM);
    g_autofree int32_t *up = graph_closure_weights(graph, order, weights, WEIGHT_RULE_UPSTREAM);
    print_message("100,000 nodes, 500,000 edges, both weights: %.0f ms\n",
                  (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC);
    const int32_t exact = 19900; /* 1 + 5 + 9 + ... over 100 layers */
    assert_true(down[n - 1] == 1 && up[0] == 1);
    assert_true(down[0] > exact / 2 && down[0] < exact * 3 / 2 && up[n - 1] > exact / 2 &&
                up[n - 1] < exact * 3 / 2);
}

/* ---- The Dag ------------------------------------------------------------------------------------------- */

static void test_dag(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = dag_new("d");
    assert_int_equal(dag->max_active_runs, 16);
    assert_int_equal(dag->max_active_tasks, 16);
    Task *task = dag_add_task(dag, "a");
    assert_true(task->retries == 0 && task->retry_delay_us == 300 * USEC_PER_SEC && task->pool_slots == 1);
    assert_true(task->trigger_rule == TRIGGER_RULE_ALL_SUCCESS && task->priority_weight == 1);
    assert_true(task->n_skip_exit_codes == 1 && task->skip_exit_codes[0] == 99);
    assert_string_equal(task->pool, "default_pool");
    assert_null(dag_add_task(dag, "a"));
    dag_add_task(dag, "b")->wait_for_downstream = true;
    dag_add_dependency(dag, 1, 0);
    dag_add_dependency(dag, 1, 0);
    assert_true(dag_seal(dag, NULL, NULL));
    assert_int_equal(dag_task_index(dag, "b"), 1);
    assert_int_equal(dag_task_index(dag, "c"), -1);
    assert_span(dag_upstream(dag, 1), "0");
    assert_span(dag_downstream(dag, 0), "1");
    assert_int_equal(dag_order(dag)[0], 0);
    assert_int_equal(dag->tasks[0].effective_weight, 2);
    assert_true(dag->any_depends_on_past && dag->tasks[1].depends_on_past && !dag->tasks[0].depends_on_past);
    assert_non_null(dag->tags);
    assert_ptr_equal(dag_intern(dag, "x"), dag_intern(dag, "x"));
    assert_null(dag_intern(dag, NULL));
}

static void test_dag_with_a_cycle(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = dag_new("d");
    for (int i = 0; i < 4; i++) {
        g_autofree char *id = g_strdup_printf("t%d", i);
        dag_add_task(dag, id);
    }
    dag_add_dependency(dag, 1, 0);
    dag_add_dependency(dag, 2, 1);
    dag_add_dependency(dag, 3, 2);
    dag_add_dependency(dag, 1, 3);
    g_autoptr(GArray) cycle = NULL;
    g_autoptr(GError) error = NULL;
    assert_false(dag_seal(dag, &cycle, &error));
    assert_non_null(error);
    assert_int_equal(cycle->len, 3);
    for (guint i = 0; i < 3; i++) { /* from upstream to downstream, wherever it begins */
        uint32_t node = g_array_index(cycle, uint32_t, i), next = g_array_index(cycle, uint32_t, (i + 1) % 3);
        assert_int_equal(next, node % 3 + 1);
    }
}

static void test_empty_dag(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = dag_new("d");
    assert_true(dag_seal(dag, NULL, NULL));
    assert_int_equal(dag->n_tasks, 0);
    g_autoptr(Dag) other = dag_ref(dag);
    assert_ptr_equal(other, dag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_self_loop_and_long_cycle),
        cmocka_unit_test(test_exact_weights),
        cmocka_unit_test(test_weights_are_clamped),
        cmocka_unit_test(test_diamond_counts_once),
        cmocka_unit_test(test_estimated_weights),
        cmocka_unit_test(test_very_large_weights_are_quick),
        cmocka_unit_test(test_dag),
        cmocka_unit_test(test_dag_with_a_cycle),
        cmocka_unit_test(test_empty_dag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
