/* SPDX-License-Identifier: MIT */
/* tasks.explain: what is said, with nobody advancing the run and with a loop that does; and that it only
 * looks. */
#include "executors/local/runner.h"
#include "tests/unit/daemon/fixture.h"

#include <string.h>

static const char DAG_TEXT[] = "dag_id: shop\n"
                               "max_active_runs: 1\n"
                               "tasks:\n"
                               "  load: {command: 'sleep 60'}\n"
                               "  sell: {command: 'true', depends_on: load}\n"
                               "  alarm: {command: 'true', depends_on: load, trigger_rule: one_failed}\n"
                               "  again: {command: 'exit 3', retries: 1, retry_delay: 1h}\n"
                               "  bad: {command: 'exit 4'}\n"
                               "  after: {command: 'true', depends_on: bad}\n"
                               "  lost: {command: 'true', pool: nope}\n"
                               "  big: {command: 'true', pool: small, pool_slots: 3}\n";

static int set_up(void **state)
{
    fixture_set_up(state);
    fixture_write(*state, "dags/shop.yaml", DAG_TEXT);
    return 0;
}

/** The conditions as "name: reason" lines. */
static void expect(Fixture *f, const char *run_id, const char *task_id, const char *const *parts)
{
    g_autofree char *args =
        g_strdup_printf("{'dag_id': 'shop', 'run_id': '%s', 'task_id': '%s'}", run_id, task_id);
    json_t *result = fixture_do(f, "tasks.explain", args);
    const json_t *list = json_object_get(result, "dependencies");
    assert_int_equal(json_array_size(list), g_strv_length((char **)parts));
    for (size_t i = 0; parts[i] != NULL; i++) {
        const json_t *item = json_array_get(list, i);
        g_autofree char *line = g_strdup_printf("%s: %s", json_string_value(json_object_get(item, "name")),
                                                json_string_value(json_object_get(item, "reason")));
        if (strstr(line, parts[i]) == NULL)
            fail_msg("\"%s\" does not contain \"%s\"", line, parts[i]);
    }
    json_decref(result);
}

#define EXPECT(f, run_id, task_id, ...) expect(f, run_id, task_id, (const char *const[]){__VA_ARGS__, NULL})

static void test_nobody_advances_it(void **state)
{
    Fixture *f = *state;
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r2'}"));
    fixture_close(f);
    fixture_open(f, DAEMON_OFFLINE);
    EXPECT(f, "r1", "load", "Scheduler Running: nobody advances its run");
    EXPECT(f, "r1", "sell", "`weir run shop --run-id r1`",
           "Trigger Rule: trigger rule all_success waits for load");
    json_decref(fixture_do(f, "dags.pause", "{'dag_id': 'shop'}"));
    EXPECT(f, "r2", "load", "nobody advances", "Dag Not Paused: the DAG is paused");
    EXPECT(f, "r2", "lost", "nobody", "paused", "Pool Slots Available: there is no pool \"nope\"");
    g_autoptr(StoreConn) conn = fixture_reader(f);
    EventQuery events = EVENT_QUERY_ALL;
    g_autoptr(GPtrArray) audit = store_list_events(conn, &events, NULL, NULL);
    assert_int_equal(audit->len, 3); /* two triggers and the pause */
    assert_string_equal(fixture_state(f, "shop", "r1", NULL), "queued");
}

static void test_while_it_runs(void **state)
{
    Fixture *f = *state;
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "pools.set", "{'name': 'small', 'slots': 2}"));
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r2'}"));
    while (strcmp(fixture_state(f, "shop", "r1", "load"), "running") != 0 ||
           strcmp(fixture_state(f, "shop", "r1", "after"), "upstream_failed") != 0 ||
           strcmp(fixture_state(f, "shop", "r1", "again"), "up_for_retry") != 0)
        fixture_loop_for(f, 20);
    EXPECT(f, "r1", "load", "Task Instance Not Running: it is running for ");
    EXPECT(f, "r1", "sell", "waits for load (running for ");
    EXPECT(f, "r1", "alarm", "one_failed: none of its 1 upstream tasks has failed yet; waits for load");
    EXPECT(f, "r1", "again", "Not In Retry Period: try 1 failed; the next is due in 59m");
    EXPECT(f, "r1", "bad", "Task Instance State: it has finished: failed, exit code 4, 0s ago (try 1)");
    EXPECT(f, "r1", "after", "upstream_failed, by its trigger rule all_success because of bad (failed)");
    EXPECT(f, "r1", "big", "wants 3 slots of pool \"small\", which has 2: it never fits");
    EXPECT(f, "r2", "load", "Dagrun Running: its run is queued: max_active_runs 1 is reached by r1");
    json_decref(fixture_do(f, "dags.cancel", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    EXPECT(f, "r1", "sell", "skipped, its run was canceled");
    json_decref(fixture_do(f, "dags.cancel", "{'dag_id': 'shop', 'run_id': 'r2'}"));
    assert_string_equal(fixture_follow(f, "shop", "r1"), "failed");
    EXPECT(f, "r1", "load", "it has finished: failed, its run was canceled");
}

/* Without a task: the one that the others wait for, wherever it stands. */
static void test_the_run_as_a_whole(void **state)
{
    Fixture *f = *state;
    fixture_open(f, DAEMON_OFFLINE);
    fixture_write(f, "dags/shop.yaml",
                  "dag_id: shop\ntasks:\n  sell: {command: 'true', depends_on: load}\n"
                  "  load: {command: 'true', pool: nope}\n");
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    json_t *result = fixture_do(f, "tasks.explain", "{'dag_id': 'shop', 'run_id': 'r1'}");
    assert_string_equal(json_string_value(json_object_get(result, "task_id")), "load");
    json_decref(result);
    json_decref(
        fixture_do(f, "tasks.mark",
                   "{'dag_id': 'shop', 'run_id': 'r1', 'task_ids': ['load', 'sell'], 'state': 'success'}"));
    fixture_refuse(f, "tasks.explain", "{'dag_id': 'shop', 'run_id': 'r1'}", "not_found",
                   "no task of run \"r1\" waits");
}

/* Looking at a run that is not in memory has time pass: what is due by then happens, and stays. */
static void test_while_something_is_due(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/done.yaml", "tasks: {a: {}}\n");
    fixture_write(f, "dags/soon.yaml",
                  "tasks: {a: {command: test $WEIR_TRY_NUMBER = 2, retries: 1, "
                  "retry_delay: 1s}}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'done', 'run_id': 'd1'}"));
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'soon', 'run_id': 's1'}"));
    while (strcmp(fixture_state(f, "soon", "s1", "a"), "up_for_retry") != 0)
        fixture_loop_for(f, 20);
    int64_t due_us = g_get_real_time() + USEC_PER_SEC;
    while (g_get_real_time() <= due_us)
        g_usleep(1000);
    json_t *result = fixture_do(f, "tasks.explain", "{'dag_id': 'done', 'run_id': 'd1', 'task_id': 'a'}");
    assert_string_equal(json_string_value(json_object_get(result, "state")), "success");
    json_decref(result);
    assert_string_equal(fixture_follow(f, "soon", "s1"), "success");
}

/* A run that is still in the store only is explained as one that the service will come to. */
static void test_of_a_run_far_behind(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/many.yaml", "max_active_runs: 1\ntasks: {a: {command: exec sleep 60}}\n");
    fixture_open(f, DAEMON_OFFLINE);
    for (int i = 0; i < 100; i++) {
        g_autofree char *args = g_strdup_printf("{'dag_id': 'many', 'run_id': 'r%d'}", i);
        json_decref(fixture_do(f, "dags.trigger", args));
    }
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    json_t *result = fixture_do(f, "tasks.explain", "{'dag_id': 'many', 'run_id': 'r99', 'task_id': 'a'}");
    g_autofree char *text = json_dumps(json_object_get(result, "dependencies"), 0);
    json_decref(result);
    assert_non_null(strstr(text, "its run is queued: max_active_runs 1 is reached by r0"));
    assert_null(strstr(text, "Scheduler Running"));
    json_decref(fixture_do(f, "dags.pause", "{'dag_id': 'many'}"));
    json_decref(fixture_do(f, "dags.cancel", "{'dag_id': 'many', 'run_id': 'r0'}"));
    assert_string_equal(fixture_follow(f, "many", "r0"), "failed");
    assert_string_equal(fixture_state(f, "many", "r99", NULL), "queued");
}

static void test_unknown_names(void **state)
{
    Fixture *f = *state;
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    fixture_refuse(f, "tasks.explain", "{'dag_id': 'shop', 'run_id': 'r1', 'task_id': 'lod'}", "not_found",
                   "did you mean \"load\"?");
    fixture_refuse(f, "tasks.explain", "{'dag_id': 'shop', 'run_id': 'r9', 'task_id': 'load'}", "not_found",
                   "no run \"r9\"");
    fixture_write(f, "dags/shop.yaml", "dag_id: shop\ntasks: {new: {command: 'true'}}\n");
    json_decref(fixture_do(f, "tasks.clear", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    json_decref(fixture_do(f, "dags.resume", "{'dag_id': 'shop', 'run_id': 'r1'}"));
    EXPECT(f, "r1", "load", "does not have it");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_advances_it, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_while_it_runs, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_the_run_as_a_whole, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_while_something_is_due, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_of_a_run_far_behind, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_names, set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
