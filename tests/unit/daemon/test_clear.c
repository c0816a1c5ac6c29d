/* SPDX-License-Identifier: MIT */
/* Clear, mark, cancel and resume on runs of the store, without a scheduler. */
#include "tests/unit/daemon/fixture.h"

#include <string.h>

static const char DAG_TEXT[] = "dag_id: d\ntasks:\n"
                               "  a: {command: 'true'}\n"
                               "  b: {command: 'true', depends_on: a}\n"
                               "  c: {command: 'true', depends_on: b}\n";

static int set_up(void **state)
{
    fixture_set_up(state);
    fixture_write(*state, "dags/d.yaml", DAG_TEXT);
    fixture_open(*state, DAEMON_OFFLINE);
    json_decref(
        fixture_do(*state, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'logical_date': '2026-01-01'}"));
    json_decref(
        fixture_do(*state, "dags.trigger", "{'dag_id': 'd', 'run_id': 's', 'logical_date': '2026-01-02'}"));
    return 0;
}

static void assert_count(json_t *result, size_t n)
{
    assert_int_equal(json_array_size(json_object_get(result, "task_instances")), n);
    json_decref(result);
}

static void test_mark_tasks(void **state)
{
    Fixture *f = *state;
    const char *args = "{'dag_id': 'd', 'run_id': 'r', 'task_ids': ['b'], 'upstream': true, 'state': "
                       "'success', 'dry_run': true}";
    assert_count(fixture_do(f, "tasks.mark", args), 2);
    assert_string_equal(fixture_state(f, "d", "r", "b"), "none"); /* it was dry */
    assert_count(
        fixture_do(f, "tasks.mark", "{'dag_id': 'd', 'run_id': 'r', 'task_ids': ['a'], 'state': 'success'}"),
        1);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "success");
    fixture_refuse(f, "tasks.mark", "{'dag_id': 'd', 'run_id': 'r', 'task_ids': ['a'], 'state': 'success'}",
                   "conflict", "already in state success");
    fixture_refuse(f, "tasks.mark", "{'dag_id': 'd', 'run_id': 'r', 'task_ids': ['a'], 'state': 'running'}",
                   "invalid", "not one of");
    fixture_refuse(f, "tasks.mark", "{'dag_id': 'd', 'run_id': 'r', 'task_ids': ['zz'], 'state': 'success'}",
                   "not_found", "zz");
    fixture_refuse(f, "tasks.mark", "{'dag_id': 'd', 'run_id': 'q', 'task_ids': ['a'], 'state': 'success'}",
                   "not_found", "no run \"q\"");
}

static void test_mark_and_clear_run(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 'r', 'state': 'success'}"));
    assert_string_equal(fixture_state(f, "d", "r", NULL), "success");
    assert_string_equal(fixture_state(f, "d", "r", "c"), "success");
    fixture_refuse(f, "dags.cancel", "{'dag_id': 'd', 'run_id': 'r'}", "conflict", "already finished");
    fixture_refuse(f, "dags.resume", "{'dag_id': 'd', 'run_id': 'r'}", "conflict", "already finished");
    fixture_refuse(f, "dags.mark", "{'dag_id': 'd', 'run_id': 'r', 'state': 'odd'}", "invalid", "not one of");

    assert_count(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'r', 'only_failed': true}"), 0);
    assert_string_equal(fixture_state(f, "d", "r", NULL), "success"); /* nothing was meant, nothing happens */
    assert_count(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'r', 'dry_run': true}"), 3);
    assert_string_equal(fixture_state(f, "d", "r", NULL), "success");
    assert_count(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'r'}"), 3);
    assert_string_equal(fixture_state(f, "d", "r", NULL), "queued");
    assert_string_equal(fixture_state(f, "d", "r", "a"), "none");
}

static void test_cancel(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "dags.cancel", "{'dag_id': 'd', 'run_id': 'r'}"));
    assert_string_equal(fixture_state(f, "d", "r", NULL), "failed");
    assert_string_equal(fixture_state(f, "d", "r", "a"), "skipped");
    assert_count(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'r', 'only_failed': true}"), 3);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "none"); /* not a success without its tasks */
}

static void test_clear_over_runs(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 'r', 'state': 'success'}"));
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 's', 'state': 'success'}"));
    assert_count(fixture_do(f, "tasks.clear", "{'dag_id': 'd', 'task_regex': '^b', 'dry_run': true}"), 2);
    assert_count(fixture_do(f, "tasks.clear", "{'dag_id': 'd', 'start_date': '2026-01-02', 'dry_run': true}"),
                 3);
    fixture_refuse(f, "tasks.clear", "{'dag_id': 'd', 'start_date': '2026-01-02', 'end_date': '2026-01-01'}",
                   "invalid", "before");
    fixture_refuse(f, "tasks.clear", "{'dag_id': 'd', 'run_id': 'r', 'end_date': '2026-01-01'}", "invalid",
                   "either");
    fixture_refuse(f, "tasks.clear", "{'dag_id': 'd', 'task_regex': '('}", "invalid", "regular expression");

    /* Both runs move to the version that the file has by now. */
    g_autofree char *text = g_strconcat(DAG_TEXT, "  extra: {command: 'true', depends_on: c}\n", NULL);
    fixture_write(f, "dags/d.yaml", text);
    assert_count(fixture_do(f, "tasks.clear", "{'dag_id': 'd', 'task_ids': ['b'], 'downstream': true}"), 4);
    assert_string_equal(fixture_state(f, "d", "r", NULL), "queued");
    assert_string_equal(fixture_state(f, "d", "s", "a"), "success");
    assert_string_equal(fixture_state(f, "d", "s", "c"), "none");
    assert_string_equal(fixture_state(f, "d", "s", "extra"), "none");
}

static void test_clear_on_own_version(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 'r', 'state': 'success'}"));
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks: {a: {command: 'true'}}\n");
    assert_count(
        fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'r', 'run_on_latest_version': false}"), 3);
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 's', 'state': 'success'}"));
    assert_count(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 's'}"), 1);
    assert_string_equal(fixture_state(f, "d", "s", "c"), "removed");
    /* A file that is broken now: the last good version is the latest. */
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks: {}\n");
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 's', 'state': 'success'}"));
    assert_count(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 's'}"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mark_tasks, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_mark_and_clear_run, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_clear_over_runs, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_clear_on_own_version, set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
