/* SPDX-License-Identifier: MIT */
#include "cli/tree.h"
#include "tests/unit/cli/cli_test.h"

#include <string.h>

/** A DAG of empty tasks from lines "task: upstream upstream". */
static Dag *make_dag(const char *text)
{
    Dag *dag = dag_new("d");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, ": ", -1);
        dag_add_task(dag, words[0]);
    }
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, ": ", -1);
        for (char **upstream = words + 1; *upstream != NULL; upstream++)
            if (**upstream != '\0')
                dag_add_dependency(dag, (uint32_t)dag_task_index(dag, words[0]),
                                   (uint32_t)dag_task_index(dag, *upstream));
    }
    assert_true(dag_seal(dag, NULL, NULL));
    return dag;
}

static void assert_tree(const char *text, const char *expected)
{
    g_autoptr(Dag) dag = make_dag(text);
    g_autofree char *tree = tree_draw(dag, true, false);
    assert_string_equal(tree, expected);
}

static void chains_stay_on_one_level(void **state)
{
    (void)state;
    assert_tree("a\nb: a\nc: b", "a  empty\n→ b  empty\n→ c  empty\n");
}

static void shared_tasks_are_drawn_once(void **state)
{
    (void)state;
    assert_tree("load\ngeo: load\npin: load\nquery: geo pin", "load  empty\n"
                                                              "├─ geo  empty\n"
                                                              "│  → query  empty\n"
                                                              "└─ pin  empty\n"
                                                              "   └─ query ↑\n");
}

static void roots_stand_side_by_side(void **state)
{
    (void)state;
    assert_tree("a\nb\nc: a b\nd: a", "a  empty\n├─ c  empty\n└─ d  empty\nb  empty\n└─ c ↑\n");
}

static void details_are_named(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = dag_new("d");
    Task *task = dag_add_task(dag, "t");
    task->body = TASK_BODY_COMMAND;
    task->trigger_rule = TRIGGER_RULE_ALL_DONE;
    task->pool = dag_intern(dag, "api");
    task->pool_slots = 2;
    task->retries = 1;
    assert_true(dag_seal(dag, NULL, NULL));
    g_autofree char *tree = tree_draw(dag, false, false);
    assert_string_equal(tree, "t  command, all_done, pool api, 2 slots, 1 retry\n");
}

static guint count_lines(const char *text)
{
    guint n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/** Full layers of 100 tasks, and a comb 5,000 deep: neither lines nor their length blow up. */
static void drawings_stay_small(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = dag_new("d");
    enum { LAYERS = 20, WIDTH = 100, COMB = 5000 };
    for (guint i = 0; i < LAYERS * WIDTH + 2 * COMB; i++) {
        g_autofree char *id = g_strdup_printf("t%u", i);
        dag_add_task(dag, id);
    }
    for (guint i = WIDTH; i < LAYERS * WIDTH; i++)
        for (guint j = 0; j < WIDTH; j++)
            dag_add_dependency(dag, i, (i / WIDTH - 1) * WIDTH + j);
    for (guint i = 0; i < COMB; i++) {
        guint tooth = LAYERS * WIDTH + 2 * i;
        dag_add_dependency(dag, tooth + 1, tooth);
        if (i + 1 < COMB)
            dag_add_dependency(dag, tooth + 2, tooth);
    }
    assert_true(dag_seal(dag, NULL, NULL));
    g_autofree char *tree = tree_draw(dag, true, true);
    assert_true(count_lines(tree) < 3 * dag->n_tasks);
    g_auto(GStrv) lines = g_strsplit(tree, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        assert_true(strlen(*line) < 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_stay_on_one_level), cmocka_unit_test(shared_tasks_are_drawn_once),
        cmocka_unit_test(roots_stand_side_by_side), cmocka_unit_test(details_are_named),
        cmocka_unit_test(drawings_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
