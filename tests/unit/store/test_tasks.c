/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

#include <string.h>

static void assert_same_task(const TaskInstance *a, const TaskInstance *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->dag_run_id, b->dag_run_id);
    assert_string_equal(a->task_id, b->task_id);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->end_reason, b->end_reason);
    assert_int_equal(a->try_number, b->try_number);
    assert_int_equal(a->max_tries, b->max_tries);
    assert_int_equal(a->exit_code, b->exit_code);
    assert_int_equal(a->term_signal, b->term_signal);
    assert_int_equal(a->pid, b->pid);
    assert_int_equal(a->scheduled_us, b->scheduled_us);
    assert_int_equal(a->queued_us, b->queued_us);
    assert_int_equal(a->start_date_us, b->start_date_us);
    assert_int_equal(a->end_date_us, b->end_date_us);
    assert_int_equal(a->retry_at_us, b->retry_at_us);
    assert_string_equal(a->pool, b->pool);
    assert_int_equal(a->pool_slots, b->pool_slots);
    assert_int_equal(a->priority_weight, b->priority_weight);
    assert_int_equal(g_strcmp0(a->operator_name, b->operator_name), 0);
}

static void test_round_trip(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRun run = fixture_run(fixture, "one");
    int64_t id = fixture_insert_run(fixture, &run, 1);
    TaskInstance ti = fixture_task(id, run.id, "t0", TASK_STATE_NONE);
    g_autoptr(TaskList) fresh = NULL;
    assert_ok((fresh = store_get_task(conn, run.id, "t0", &error)) != NULL);
    assert_same_task(&fresh->items[0], &ti);

    ti = fixture_task(id, run.id, "t0", TASK_STATE_UP_FOR_RETRY);
    ti.end_reason = END_SIGNAL;
    ti.max_tries = 3;
    ti.exit_code = -1;
    ti.term_signal = 9;
    ti.pid = INT64_C(4194304);
    ti.pool = "small";
    ti.pool_slots = 2;
    ti.priority_weight = -7;
    ti.operator_name = NULL;
    assert_ok(store_update_task(fixture->store, &ti, &error));
    g_autoptr(TaskList) updated = NULL;
    assert_ok((updated = store_get_task_by_id(conn, id, &error)) != NULL);
    assert_same_task(&updated->items[0], &ti);

    assert_fails(store_get_task(conn, run.id, "none", &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    assert_fails(store_get_task_by_id(conn, 99, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
    ti.id = 99;
    assert_fails(store_update_task(fixture->store, &ti, &error), WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
}

static void test_every_state(void **state)
{
    Fixture *fixture = *state;
    DagRun run = fixture_run(fixture, "one");
    int64_t first = fixture_insert_run(fixture, &run, TASK_STATE_COUNT);
    for (int i = 0; i < TASK_STATE_COUNT; i++) {
        g_autofree char *task_id = g_strdup_printf("t%d", i);
        TaskInstance ti = fixture_task(first + i, run.id, task_id, (TaskState)i);
        assert_ok(store_update_task(fixture->store, &ti, &error));
        g_autoptr(TaskList) row = NULL;
        assert_ok((row = store_get_task_by_id(store_conn(fixture->store), ti.id, &error)) != NULL);
        assert_same_task(&row->items[0], &ti);
    }
    int64_t counts[TASK_STATE_COUNT];
    assert_ok(store_count_task_states(store_conn(fixture->store), run.id, counts, &error));
    for (int i = 0; i < TASK_STATE_COUNT; i++)
        assert_int_equal(counts[i], 1);
}

static void test_list(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRun other = fixture_run(fixture, "other"), run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &other, 5);
    int64_t first = fixture_insert_run(fixture, &run, 12);
    TaskInstance failed = fixture_task(first + 1, run.id, "t1", TASK_STATE_FAILED);
    assert_ok(store_update_task(fixture->store, &failed, &error));

    int64_t total = 0;
    TaskQuery query = {.dag_run_id = run.id};
    g_autoptr(TaskList) all = NULL;
    assert_ok((all = store_list_tasks(conn, &query, &total, &error)) != NULL);
    assert_int_equal(all->n_items, 12);
    assert_int_equal(total, 12);
    for (int i = 0; i < 12; i++)
        assert_int_equal(all->items[i].id, first + i);

    query.states = 1u << TASK_STATE_NONE | 1u << TASK_STATE_SUCCESS;
    query.page = (Page){.limit = 5, .offset = 8};
    g_autoptr(TaskList) none = NULL;
    assert_ok((none = store_list_tasks(conn, &query, &total, &error)) != NULL);
    assert_int_equal(total, 11);
    assert_int_equal(none->n_items, 3);
    query = (TaskQuery){.dag_run_id = run.id, .states = 1u << TASK_STATE_NONE};
    g_autoptr(TaskList) only_null = NULL;
    assert_ok((only_null = store_list_tasks(conn, &query, &total, &error)) != NULL);
    assert_int_equal(total, 11);

    for (int order = 0; order < TASK_ORDER_COUNT; order++) {
        query = (TaskQuery){.dag_run_id = run.id, .order = (TaskOrder)order, .descending = true};
        g_autoptr(TaskList) list = NULL;
        assert_ok((list = store_list_tasks(conn, &query, NULL, &error)) != NULL);
        assert_int_equal(list->n_items, 12);
        if (order == TASK_ORDER_START_DATE || order == TASK_ORDER_STATE)
            assert_string_equal(list->items[0].task_id, "t1");
    }
    g_autoptr(TaskList) nothing = NULL;
    query = (TaskQuery){.dag_run_id = 99};
    assert_ok((nothing = store_list_tasks(conn, &query, &total, &error)) != NULL);
    assert_int_equal(nothing->n_items, 0);
}

static void test_tries(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    DagRun run = fixture_run(fixture, "one");
    int64_t id = fixture_insert_run(fixture, &run, 1);
    g_autoptr(TaskList) none = NULL;
    assert_ok((none = store_list_tries(conn, id, &error)) != NULL);
    assert_int_equal(none->n_items, 0);

    TaskInstance first = fixture_task(id, run.id, "t0", TASK_STATE_FAILED);
    first.exit_code = 7;
    first.end_reason = END_EXIT_CODE;
    assert_ok(store_archive_attempt(fixture->store, &first, &error));
    TaskInstance repeated = first;
    repeated.exit_code = 8;
    assert_ok(store_archive_attempt(fixture->store, &repeated, &error)); /* the first copy stays */
    TaskInstance second = fixture_task(id, run.id, "t0", TASK_STATE_RUNNING);
    second.try_number = 2;
    assert_ok(store_update_task(fixture->store, &second, &error));

    g_autoptr(TaskList) tries = NULL;
    assert_ok((tries = store_list_tries(conn, id, &error)) != NULL);
    assert_int_equal(tries->n_items, 2);
    assert_same_task(&tries->items[0], &first);
    assert_same_task(&tries->items[1], &second);

    second =
        fixture_task(id, run.id, "t0", TASK_STATE_SUCCESS); /* ended, cleared: archived and still the row */
    second.try_number = 2;
    assert_ok(store_archive_attempt(fixture->store, &second, &error));
    g_autoptr(TaskList) cleared = NULL;
    assert_ok((cleared = store_list_tries(conn, id, &error)) != NULL);
    assert_int_equal(cleared->n_items, 2);
    assert_int_equal(cleared->items[1].state, TASK_STATE_SUCCESS);
}

static void test_transaction(void **state)
{
    Fixture *fixture = *state;
    StoreConn *conn = store_conn(fixture->store);
    assert_false(store_in_transaction(fixture->store));
    assert_ok(store_begin(fixture->store, &error));
    assert_true(store_in_transaction(fixture->store));
    DagRun run = fixture_run(fixture, "one");
    fixture_insert_run(fixture, &run, 3);
    store_rollback(fixture->store);
    store_rollback(fixture->store);
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM task_instance"), 0);

    assert_ok(store_begin(fixture->store, &error));
    assert_ok(store_insert_run(fixture->store, &run, &error)); /* the same writes again */
    TaskInstance good = fixture_task(1, run.id, "good", TASK_STATE_NONE), bad = good;
    assert_ok(store_insert_tasks(fixture->store, &good, 1, &error));
    assert_fails(store_insert_tasks(fixture->store, &bad, 1, &error), WEIR_ERROR, WEIR_ERROR_CONFLICT);
    assert_true(store_in_transaction(fixture->store));
    assert_ok(store_commit(fixture->store, &error));
    assert_int_equal(fixture_number(conn, "SELECT count(*) FROM task_instance"), 1);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up_store, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_round_trip), WITH_STORE(test_every_state), WITH_STORE(test_list),
        WITH_STORE(test_tries),      WITH_STORE(test_transaction),
    };
    return cmocka_run_group_tests_name("store/tasks", tests, NULL, NULL);
}
