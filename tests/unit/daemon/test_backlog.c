/* SPDX-License-Identifier: MIT */
/* A service begins with the first queued runs of each queue, and the others follow in their order. */
#include "executors/local/runner.h"
#include "scheduler/daemon/internal.h"
#include "tests/unit/daemon/fixture.h"

#include <string.h>

#define N_RUNS 150

static guint count_in_engine(const Fixture *f)
{
    return g_hash_table_size(f->daemon->runs);
}

/** The ids of all runs in the order in which they started, a space after each; "?" for those that did not
 * succeed. */
static char *order_of_starts(const Fixture *f)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = "d";
    query.order = RUN_ORDER_START_DATE;
    query.page.limit = 1000;
    g_autoptr(GPtrArray) runs = store_list_runs(conn, &query, NULL, NULL);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < runs->len; i++) {
        const DagRun *run = runs->pdata[i];
        g_string_append_printf(text, "%s%s ", run->run_id, run->state == RUN_STATE_SUCCESS ? "" : "?");
    }
    return g_string_free(text, FALSE);
}

static void trigger(Fixture *f, const char *run_id)
{
    g_autofree char *args = g_strdup_printf("{'dag_id': 'd', 'run_id': '%s'}", run_id);
    json_decref(fixture_do(f, "dags.trigger", args));
}

static void test_in_order(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\nmax_active_runs: 1\ntasks: {a: {command: 'true'}}\n");
    fixture_open(f, DAEMON_OFFLINE);
    g_autoptr(GString) want = g_string_new(NULL);
    for (int i = 0; i < N_RUNS; i++) {
        g_autofree char *run_id = g_strdup_printf("r%d", i);
        trigger(f, run_id);
        g_string_append_printf(want, "%s ", run_id);
    }
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    assert_true(count_in_engine(f) < N_RUNS / 2); /* not all that waits */
    for (int i = 0; i < 100; i++) {               /* more than are in the engine, and later than all */
        g_autofree char *run_id = g_strdup_printf("late%d", i);
        trigger(f, run_id);
        g_string_append_printf(want, "%s ", run_id);
    }
    assert_string_equal(fixture_follow(f, "d", "late99"), "success");
    g_autofree char *got = order_of_starts(f);
    assert_string_equal(got, want->str);
    assert_int_equal(count_in_engine(f), 0);
}

/* A command on a run that is still in the store only. */
static void test_canceled_in_the_store(void **state)
{
    Fixture *f = *state;
    fixture_write(
        f, "dags/d.yaml",
        "dag_id: d\nmax_active_runs: 1\ntasks: {a: {command: 'until test -e $WEIR_HOME/go; do sleep 0.02; "
        "done'}}\n");
    fixture_open(f, DAEMON_OFFLINE);
    for (int i = 0; i < N_RUNS; i++) {
        g_autofree char *run_id = g_strdup_printf("r%d", i);
        trigger(f, run_id);
    }
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    for (int i = 1; i < N_RUNS - 1; i++) {
        g_autofree char *args = g_strdup_printf("{'dag_id': 'd', 'run_id': 'r%d'}", i);
        json_decref(fixture_do(f, "dags.cancel", args));
    }
    fixture_write(f, "go", "");
    g_autofree char *last = g_strdup_printf("r%d", N_RUNS - 1);
    assert_string_equal(fixture_follow(f, "d", last), "success");
    assert_string_equal(fixture_state(f, "d", "r0", NULL), "success");
    assert_string_equal(fixture_state(f, "d", "r77", NULL), "failed");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_canceled_in_the_store, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
