/* SPDX-License-Identifier: MIT */
/* Hooks as rows: what is due, what runs, and what goes with its run. */
#include "tests/unit/store/fixture.h"

static Hook hook_of(int64_t dag_run_id, const char *task_id, int64_t next_attempt_us)
{
    return (Hook){
        .dag_run_id = dag_run_id,
        .task_id = task_id,
        .event = HOOK_ON_FAILURE,
        .try_number = task_id != NULL ? 2 : 0,
        .max_tries = task_id != NULL ? 3 : 0,
        .told_state = TASK_STATE_FAILED,
        .told_reason = END_EXIT_CODE,
        .told_exit_code = 3,
        .created_at_us = T0,
        .next_attempt_us = next_attempt_us,
    };
}

static int64_t add_run(Fixture *fixture, const char *run_id)
{
    DagRun run = fixture_run(fixture, run_id);
    fixture_insert_run(fixture, &run, 1);
    return run.id;
}

static Hook *only_due(Fixture *fixture, int64_t now_us)
{
    g_autoptr(GPtrArray) due = NULL;
    assert_ok((due = store_list_due_hooks(store_conn(fixture->store), now_us, 10, &error)) != NULL);
    assert_int_equal(due->len, 1);
    return g_ptr_array_steal_index(due, 0);
}

static int64_t next_time(Fixture *fixture)
{
    int64_t us;
    assert_ok(store_next_hook_time(store_conn(fixture->store), T0 - 1, &us, &error));
    return us;
}

static void test_from_queued_to_success(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    int64_t run = add_run(fixture, "one"), n;
    assert_true(next_time(fixture) == TIME_NONE);
    Hook row = hook_of(run, "t0", T0);
    assert_ok(store_insert_hook(fixture->store, &row, &error));
    assert_int_equal(next_time(fixture), T0);
    g_autoptr(Hook) hook = only_due(fixture, T0);
    assert_int_equal(hook->id, 1);
    assert_string_equal(hook->dag_id, "d");
    assert_string_equal(hook->run_id, "one");
    assert_string_equal(hook->task_id, "t0");
    assert_true(hook->event == HOOK_ON_FAILURE && hook->state == HOOK_STATE_QUEUED && hook->attempt == 0);
    assert_true(hook->try_number == 2 && hook->max_tries == 3 && hook->told_exit_code == 3);
    assert_true(hook->told_state == TASK_STATE_FAILED && hook->told_reason == END_EXIT_CODE);

    hook->state = HOOK_STATE_RUNNING;
    hook->attempt = 1;
    hook->next_attempt_us = TIME_NONE;
    hook->start_date_us = T0 + 1;
    assert_ok(store_update_hook(fixture->store, hook, &error));
    assert_true(next_time(fixture) == TIME_NONE);
    g_autoptr(GPtrArray) running = NULL;
    assert_ok((running = store_list_running_hooks(conn, &error)) != NULL);
    assert_int_equal(running->len, 1);
    assert_int_equal(((const Hook *)running->pdata[0])->start_date_us, T0 + 1);
    assert_ok(store_count_unfinished_hooks(conn, run, &n, &error));
    assert_int_equal(n, 1);

    hook->state = HOOK_STATE_SUCCESS;
    hook->exit_code = 0;
    hook->end_date_us = T0 + 2;
    assert_ok(store_update_hook(fixture->store, hook, &error));
    assert_ok(store_count_unfinished_hooks(conn, run, &n, &error));
    assert_int_equal(n, 0);
}

static void test_first_come_first(void **state)
{
    Fixture *fixture = *state;
    int64_t run = add_run(fixture, "one");
    const int64_t times[] = {T0 + 5, T0, T0, T0 + 9};
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        Hook row = hook_of(run, i == 0 ? NULL : "t0", times[i]);
        assert_ok(store_insert_hook(fixture->store, &row, &error));
    }
    g_autoptr(GPtrArray) due = NULL;
    assert_ok((due = store_list_due_hooks(store_conn(fixture->store), T0 + 5, 10, &error)) != NULL);
    assert_int_equal(due->len, 3);
    assert_int_equal(((const Hook *)due->pdata[0])->id, 2);
    assert_int_equal(((const Hook *)due->pdata[1])->id, 3);
    assert_int_equal(((const Hook *)due->pdata[2])->id, 1);
    assert_null(((const Hook *)due->pdata[2])->task_id);
    int64_t us;
    assert_ok(store_next_hook_time(store_conn(fixture->store), T0 + 5, &us, &error));
    assert_int_equal(us, T0 + 9);
    g_autoptr(GPtrArray) first = NULL;
    assert_ok((first = store_list_due_hooks(store_conn(fixture->store), T0 + 5, 1, &error)) != NULL);
    assert_int_equal(first->len, 1);
}

/** They go with their run, and their ids, which executors know them by, are not given again. */
static void test_deleted_with_the_run(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    int64_t first = add_run(fixture, "one"), second = add_run(fixture, "two");
    Hook row = hook_of(first, "t0", T0);
    assert_ok(store_insert_hook(fixture->store, &row, &error));
    assert_ok(store_delete_run(fixture->store, first, &error));
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM hook"), 0);
    assert_fails(store_get_hook(conn, 1, &error) != NULL, WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    row.dag_run_id = second;
    assert_ok(store_insert_hook(fixture->store, &row, &error));
    g_autoptr(Hook) hook = only_due(fixture, T0);
    assert_int_equal(hook->id, 2);
}

static void test_lists(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    int64_t first = add_run(fixture, "one"), second = add_run(fixture, "two"), total;
    Hook row = hook_of(first, "t0", T0);
    assert_ok(store_insert_hook(fixture->store, &row, &error));
    row = hook_of(second, NULL, T0);
    assert_ok(store_insert_hook(fixture->store, &row, &error));
    HookQuery query = HOOK_QUERY_ALL;
    query.dag_id = "d";
    query.descending = true;
    g_autoptr(GPtrArray) all = NULL, of_run = NULL, none = NULL;
    assert_ok((all = store_list_hooks(conn, &query, &total, &error)) != NULL);
    assert_true(all->len == 2 && total == 2 && ((const Hook *)all->pdata[0])->dag_run_id == second);
    query.dag_run_id = first;
    assert_ok((of_run = store_list_hooks(conn, &query, NULL, &error)) != NULL);
    assert_true(of_run->len == 1 && ((const Hook *)of_run->pdata[0])->dag_run_id == first);
    query.state = HOOK_STATE_FAILED;
    assert_ok((none = store_list_hooks(conn, &query, NULL, &error)) != NULL);
    assert_int_equal(none->len, 0);
}

/** An outcome that is not known is never success. */
static void test_what_a_row_cannot_say(void **state)
{
    Fixture *fixture = *state;
    int64_t run = add_run(fixture, "one");
    Hook row = hook_of(run, "t0", T0);
    assert_ok(store_insert_hook(fixture->store, &row, &error));
    static const char *const bad[] = {
        "UPDATE hook SET state = 'success', next_attempt_us = NULL, end_date_us = 1, exit_code = NULL",
        "UPDATE hook SET state = 'success', next_attempt_us = NULL, end_date_us = 1, exit_code = 3",
        "UPDATE hook SET state = 'failed', next_attempt_us = NULL",
        "UPDATE hook SET state = 'running', next_attempt_us = NULL, start_date_us = 1",
        "UPDATE hook SET state = 'skipped'",
        "UPDATE hook SET event = 'on_skipped'",
        "UPDATE hook SET task_id = NULL",
        "UPDATE hook SET next_attempt_us = NULL",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (fixture_sql(fixture, bad[i]) == 0)
            fail_msg("%s: was accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_queued_to_success, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_first_come_first, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_deleted_with_the_run, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_lists, fixture_set_up_store, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_what_a_row_cannot_say, fixture_set_up_store, fixture_tear_down),
    };
    return cmocka_run_group_tests_name("store/hooks", tests, NULL, NULL);
}
