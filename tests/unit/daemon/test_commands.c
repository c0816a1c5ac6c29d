/* SPDX-License-Identifier: MIT */
/* Commands without a scheduler: what is accepted, what is refused, and what is left in the store. */
#include "tests/unit/daemon/fixture.h"

#include <string.h>

static const char DAG_TEXT[] = "dag_id: shop\n"
                               "params:\n"
                               "  n: {type: integer, default: 1}\n"
                               "  where: {type: string, format: path, default: ./in}\n"
                               "tasks:\n"
                               "  load: {command: 'true'}\n"
                               "  sell: {command: 'true', depends_on: load}\n";

static int set_up(void **state)
{
    fixture_set_up(state);
    fixture_write(*state, "dags/shop.yaml", DAG_TEXT);
    fixture_write(*state, "dags/broken.yaml", "dag_id: broken\ntasks: {a: {comand: x}}\n");
    fixture_open(*state, DAEMON_OFFLINE);
    return 0;
}

static void test_form(void **state)
{
    Fixture *f = *state;
    fixture_refuse(f, "dags.triger", "{}", "invalid", "did you mean \"dags.trigger\"?");
    fixture_refuse(f, "dags.pause", "{}", "invalid", "needs \"dag_id\"");
    fixture_refuse(f, "dags.pause", "{'dag_id': 1}", "invalid", "must be an id");
    fixture_refuse(f, "dags.pause", "{'dag_id': '../x'}", "invalid", "must be an id");
    fixture_refuse(f, "dags.pause", "{'dagid': 'shop'}", "invalid", "did you mean \"dag_id\"?");
    fixture_refuse(f, "dags.trigger", "{}", "invalid", "either");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'own': 1}", "invalid", "true or false");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'conf': []}", "invalid", "an object");
    json_t *not_object = json_string("hello");
    json_t *answer = daemon_execute(f->daemon, not_object, NULL);
    assert_true(json_is_false(json_object_get(answer, "ok")));
    json_decref(answer);
    json_decref(not_object);
    json_t *status = fixture_do(f, "status", "{}");
    assert_string_equal(json_string_value(json_object_get(status, "verb")), "test");
    json_decref(status);
}

static void test_trigger(void **state)
{
    Fixture *f = *state;
    json_t *answer =
        fixture_execute(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1', 'params': {'n': '5'}}");
    const char *note = json_string_value(json_object_get(answer, "note"));
    assert_non_null(strstr(note, "`weir run shop --run-id r1`")); /* what to do, as there is no scheduler */
    assert_null(strstr(note, "pool"));
    const json_t *run = json_object_get(answer, "result");
    assert_string_equal(json_string_value(json_object_get(run, "state")), "queued");
    assert_string_equal(json_string_value(json_object_get(run, "dag_run_id")), "r1");
    json_decref(answer);

    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(DagRun) row = store_get_run(conn, "shop", "r1", NULL);
    assert_string_equal(row->conf_json, "{\"n\":5}");
    assert_non_null(strstr(row->params_json, "\"n\":5"));
    g_autofree char *path = g_strdup_printf("\"where\":\"%s/dags/in\"", f->home);
    assert_non_null(strstr(row->params_json, path));
    assert_string_equal(row->triggering_user, "ada");
    assert_int_not_equal(row->logical_date_us, TIME_NONE);
    TaskQuery query = {.dag_run_id = row->id};
    g_autoptr(TaskList) tasks = store_list_tasks(conn, &query, NULL, NULL);
    assert_int_equal(tasks->n_items, 2);
    EventQuery events = EVENT_QUERY_ALL;
    events.event = "trigger_dag_run";
    g_autoptr(GPtrArray) audit = store_list_events(conn, &events, NULL, NULL);
    assert_int_equal(audit->len, 1);
    assert_string_equal(((const EventLog *)audit->pdata[0])->owner, "ada");
}

/* It would wait for ever without a word. */
static void test_trigger_notes_pools(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/pooled.yaml",
                  "dag_id: pooled\n"
                  "tasks:\n"
                  "  a: {command: 'true', pool: api}\n"
                  "  b: {command: 'true', pool: api}\n"
                  "  wide: {command: 'true', pool: small, pool_slots: 3}\n"
                  "  empty: {pool: nowhere}\n");
    json_decref(fixture_do(f, "pools.set", "{'name': 'small', 'slots': 2}"));
    json_t *answer = fixture_execute(f, "dags.trigger", "{'dag_id': 'pooled', 'run_id': 'r1'}");
    const char *note = json_string_value(json_object_get(answer, "note"));
    const char *first = strstr(note, "no pool \"api\"");
    assert_non_null(first);
    assert_null(strstr(first + 1, "no pool")); /* once a pool, and none that nobody waits for */
    assert_non_null(strstr(note, "\"wide\" needs 3 slots of pool \"small\", which has 2"));
    json_decref(answer);
    json_decref(fixture_do(f, "pools.set", "{'name': 'api', 'slots': 1}"));
    json_decref(fixture_do(f, "pools.set", "{'name': 'small', 'slots': -1}"));
    answer = fixture_execute(f, "dags.trigger", "{'dag_id': 'pooled', 'run_id': 'r2'}");
    assert_null(strstr(json_string_value(json_object_get(answer, "note")), "pool \""));
    json_decref(answer);
}

static void test_trigger_refused(void **state)
{
    Fixture *f = *state;
    json_decref(
        fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1', 'logical_date': '2026-01-01'}"));
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shopp'}", "not_found", "did you mean \"shop\"?");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'broken'}", "invalid", "comand");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'r1'}", "conflict",
                   "already has a run \"r1\"");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'logical_date': '2026-01-01T00:00:00Z'}",
                   "conflict", "r1");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': 'scheduled__x'}", "invalid", "reserved");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'run_id': '../x'}", "invalid", "not a run id");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'logical_date': 'soon'}", "invalid",
                   "logical_date");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'params': {'m': '1'}}", "invalid",
                   "no param \"m\"");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'params': {'n': 'x'}}", "invalid", "n");
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'shop', 'conf': {'m': 1}}", "invalid", "m");
    g_autoptr(StoreConn) conn = fixture_reader(f);
    RunQuery query = RUN_QUERY_ALL;
    g_autoptr(GPtrArray) runs = store_list_runs(conn, &query, NULL, NULL);
    assert_int_equal(runs->len, 1); /* what was refused left nothing */
}

static void test_null_logical_date(void **state)
{
    Fixture *f = *state;
    json_t *run = fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'logical_date': null}");
    assert_true(json_is_null(json_object_get(run, "logical_date")));
    const char *run_id = json_string_value(json_object_get(run, "dag_run_id"));
    assert_true(g_str_has_prefix(run_id, "manual__"));
    assert_int_equal(run_id[strlen(run_id) - 9], '_');
    json_decref(run);
    json_decref(
        fixture_do(f, "dags.trigger", "{'dag_id': 'shop', 'logical_date': null}")); /* any number of them */
}

/* Two in one microsecond must not collide; here at least two at once. */
static void test_many_triggers(void **state)
{
    Fixture *f = *state;
    for (int i = 0; i < 50; i++)
        json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'shop'}"));
}

static void test_source(void **state)
{
    Fixture *f = *state;
    json_decref(
        fixture_do(f, "dags.trigger",
                   "{'source': {'text': 'dag_id: adhoc\\ntasks: {a: {command: date}}', 'folder': '/tmp'},"
                   " 'run_id': 'r'}"));
    fixture_refuse(f, "dags.trigger", "{'source': {'text': 'dag_id: adhoc', 'folder': '/tmp'}}", "invalid",
                   "tasks");
    fixture_refuse(f, "dags.trigger", "{'source': {'text': 'x'}}", "invalid", "folder");
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'adhoc'}")); /* its text is known from now on */
}

static void test_pause(void **state)
{
    Fixture *f = *state;
    json_t *result = fixture_do(f, "dags.pause", "{'dag_id': 'shop'}");
    assert_true(json_is_true(json_object_get(result, "is_paused")));
    json_decref(result);
    json_t *answer = fixture_execute(f, "dags.trigger", "{'dag_id': 'shop'}");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "note")), "paused"));
    json_decref(answer);
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(DagRow) row = store_get_dag(conn, "shop", NULL);
    assert_true(row->is_paused);
    fixture_refuse(f, "dags.unpause", "{'dag_id': 'nope'}", "not_found", "nope");
}

static void test_pools(void **state)
{
    Fixture *f = *state;
    json_decref(fixture_do(f, "pools.set", "{'name': 'db', 'slots': 3, 'description': 'd'}"));
    json_t *pool = fixture_do(f, "pools.set", "{'name': 'db', 'slots': -1}");
    assert_string_equal(json_string_value(json_object_get(pool, "description")), "d");
    json_decref(pool);
    fixture_refuse(f, "pools.set", "{'name': 'db', 'slots': -2}", "invalid", "slots");
    fixture_refuse(f, "pools.delete", "{'name': 'default_pool'}", "conflict", "cannot be deleted");
    fixture_refuse(f, "pools.delete", "{'name': 'none'}", "not_found", "none");
    json_decref(fixture_do(f, "pools.delete", "{'name': 'db'}"));
}

static void test_lock(void **state)
{
    Fixture *f = *state;
    DaemonOptions options = {.settings = f->settings, .mode = DAEMON_OFFLINE, .verb = "second"};
    g_autoptr(GError) error = NULL;
    assert_null(daemon_open(&options, &error));
    assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_BUSY));
    assert_non_null(strstr(error->message, "test"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_form, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_trigger, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_trigger_notes_pools, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_trigger_refused, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_null_logical_date, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many_triggers, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_source, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_pause, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_pools, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_lock, set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
