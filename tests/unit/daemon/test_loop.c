/* SPDX-License-Identifier: MIT */
/* The loop with real runner processes: this program is its own runner. */
#include "executors/local/runner.h"
#include "tests/unit/daemon/fixture.h"

#include <string.h>

static char *xcom(const Fixture *fixture, const char *run_id, const char *task_id, const char *key)
{
    g_autoptr(StoreConn) conn = fixture_reader(fixture);
    g_autoptr(DagRun) run = store_get_run(conn, "d", run_id, NULL);
    char *text = NULL;
    assert_true(store_find_xcom(conn, run->id, task_id, key, &text, NULL));
    return text;
}

static void test_small_run(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\nparams: {who: {type: string, default: world}}\nenv: {COLOR: 'blue'}\ntasks:\n"
                  "  a:\n    command: echo \"hello {{ params.who }} $COLOR $WEIR_TASK_ID $WEIR_TRY_NUMBER\"; "
                  "echo k=42 >> $WEIR_OUTPUT; echo bad >> $WEIR_OUTPUT; echo last\n"
                  "  b:\n    command: [echo, \"{{ ti.xcom_pull(task_ids='a', key='k') }}\", two words]\n    "
                  "depends_on: a\n"
                  "  e: {depends_on: b}\n"
                  "  quiet: {command: echo x, do_xcom_push: false}\n"
                  "  again:\n    command: test $WEIR_TRY_NUMBER = 2\n    retries: 1\n    retry_delay: 0s\n"
                  "  skipped: {command: exit 99}\n");
    fixture_open(f, DAEMON_RUN);
    json_t *run = fixture_do(f, "dags.trigger",
                             "{'dag_id': 'd', 'run_id': 'r', 'own': true, 'params': {'who': 'ada'}}");
    json_decref(run);
    assert_string_equal(fixture_follow(f, "d", "r"), "success");
    assert_true(f->n_documents > 5);
    g_autofree char *log = fixture_read(f, "logs/dag_id=d/run_id=r/task_id=a/attempt=1.log");
    assert_non_null(strstr(log, "weir: d.a try 1: echo"));
    assert_non_null(strstr(log, "\nhello ada blue a 1\n"));
    assert_non_null(strstr(log, "not KEY=VALUE"));
    g_autofree char *k = xcom(f, "r", "a", "k"), *last = xcom(f, "r", "a", "return_value");
    assert_string_equal(k, "42");
    assert_string_equal(last, "\"last\"");
    g_autofree char *b = xcom(f, "r", "b", "return_value"), *quiet = xcom(f, "r", "quiet", "return_value");
    assert_string_equal(b, "\"42 two words\"");
    assert_null(quiet);
    assert_string_equal(fixture_state(f, "d", "r", "e"), "success");
    assert_string_equal(fixture_state(f, "d", "r", "again"), "success");
    assert_string_equal(fixture_state(f, "d", "r", "skipped"), "skipped");
}

static void test_template_error(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'echo {{ dag_run.conf.nope }}'}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    assert_string_equal(fixture_follow(f, "d", "r"), "failed");
    g_autofree char *log = fixture_read(f, "logs/dag_id=d/run_id=r/task_id=a/attempt=1.log");
    assert_non_null(strstr(log, "nope"));
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(DagRun) run = store_get_run(conn, "d", "r", NULL);
    g_autoptr(TaskList) list = store_get_task(conn, run->id, "a", NULL);
    assert_int_equal(list->items[0].end_reason, END_TEMPLATE);
}

static void test_secrets_stay_out_of_logs(void **state)
{
    Fixture *f = *state;
    g_setenv("WEIR_CONN_DB", "pg://me:hunter2@host", TRUE);
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\ntasks:\n  a: {command: ['test', '{{ conn.db.password }}', '=', 'hunter' ]}\n"
                  "  b: {command: 'env | grep -c hunter2', trigger_rule: all_done, depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    fixture_follow(f, "d", "r");
    g_autofree char *log = fixture_read(f, "logs/dag_id=d/run_id=r/task_id=a/attempt=1.log");
    assert_null(strstr(log, "hunter2"));
    assert_non_null(strstr(log, "test *** ="));
    g_autofree char *other = fixture_read(f, "logs/dag_id=d/run_id=r/task_id=b/attempt=1.log");
    assert_non_null(strstr(other, "\n0\n")); /* nor do tasks inherit them */
    g_unsetenv("WEIR_CONN_DB");
}

/* The daemon goes away while a task runs; the next one takes its outcome in and goes on. */
static void test_recovery(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\ntasks:\n"
                  "  a: {command: 'echo start >> $WEIR_HOME/proof; sleep 0.7; echo end >> $WEIR_HOME/proof; "
                  "echo got'}\n"
                  "  b: {command: 'echo b >> $WEIR_HOME/proof', depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    fixture_loop_for(f, 300);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "running");
    fixture_close(f);

    fixture_open(f, DAEMON_RUN); /* another run's process: holds it, takes in what ends */
    fixture_loop_for(f, 900);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "success");
    assert_string_equal(fixture_state(f, "d", "r", "b"), "none");
    json_decref(fixture_do(f, "dags.resume", "{'dag_id': 'd', 'run_id': 'r'}"));
    assert_string_equal(fixture_follow(f, "d", "r"), "success");
    g_autofree char *proof = fixture_read(f, "proof");
    assert_string_equal(proof, "start\nend\nb\n");
    g_autofree char *value = xcom(f, "r", "a", "return_value");
    assert_string_equal(value, "\"got\"");
}

/* What ended while nobody was there is brought in by a command without a scheduler, too. */
static void test_collect_offline(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'sleep 0.3; echo got'}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    fixture_loop_for(f, 100);
    fixture_close(f);
    g_usleep(600 * 1000);
    fixture_open(f, DAEMON_OFFLINE);
    assert_string_equal(fixture_state(f, "d", "r", "a"), "success");
    assert_string_equal(fixture_state(f, "d", "r", NULL), "running"); /* held: decided by who advances it */
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    assert_string_equal(fixture_state(f, "d", "r", NULL), "success");
}

/* A run given to somebody's `weir run` stands still when that one has what it wanted. */
static void test_guest_is_told(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks: {a: {}}\n");
    fixture_open(f, DAEMON_RUN);
    json_t *answer = fixture_execute(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'own', 'own': true}");
    assert_null(json_object_get(answer, "note"));
    json_decref(answer);
    answer = fixture_execute(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'guest'}");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "note")), "until its own run ends"));
    json_decref(answer);
}

static void test_cancel_and_clear(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\ntasks:\n"
                  "  a: {command: 'test -e $WEIR_HOME/go || exec sleep 30'}\n"
                  "  b: {command: 'true', depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    fixture_loop_for(f, 200);
    fixture_write(f, "go", "");
    json_decref(fixture_do(f, "tasks.clear",
                           "{'dag_id': 'd', 'run_id': 'r', 'task_ids': ['a'], 'only_running': true}"));
    assert_string_equal(fixture_state(f, "d", "r", "a"), "restarting");
    assert_string_equal(fixture_follow(f, "d", "r"), "success");
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 's', 'own': true}"));
    json_decref(fixture_do(f, "dags.cancel", "{'dag_id': 'd', 'run_id': 's'}"));
    assert_string_equal(fixture_follow(f, "d", "s"), "failed");
}

/* A run whose place is taken by one that nobody advances would wait for ever. */
static void test_max_active_runs(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\nmax_active_runs: 1\ntasks:\n  a: {command: sleep 0.2}\n  b: {command: 'true', "
                  "depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    fixture_close(f);
    fixture_open(f, DAEMON_RUN);
    fixture_refuse(f, "dags.trigger", "{'dag_id': 'd', 'own': true}", "conflict", "weir run d --run-id r");
    json_decref(fixture_do(f, "dags.resume", "{'dag_id': 'd', 'run_id': 'r'}"));
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 's', 'own': true}"));
    assert_string_equal(fixture_follow(f, "d", "s"), "success");
    assert_string_equal(fixture_state(f, "d", "r", NULL), "success");
}

static void test_depends_on_past(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\ntasks:\n  a: {command: 'test -e $WEIR_HOME/go', depends_on_past: true}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'one', 'own': true}"));
    assert_string_equal(fixture_follow(f, "d", "one"), "failed");
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'two', 'own': true}"));
    fixture_loop_for(f, 100);
    assert_string_equal(fixture_state(f, "d", "two", "a"), "none");
    fixture_write(f, "go", "");
    json_decref(fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'one'}"));
    json_decref(fixture_do(f, "dags.resume", "{'dag_id': 'd', 'run_id': 'one'}"));
    assert_string_equal(fixture_follow(f, "d", "two"), "success");
}

static void test_service(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'true'}\n");
    fixture_write(f, "dags/bad.yaml", "dag_id: bad\n");
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r'}"));
    json_decref(fixture_do(f, "dags.pause", "{'dag_id': 'd'}"));
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    fixture_loop_for(f, 100);
    assert_string_equal(fixture_state(f, "d", "r", NULL), "queued");
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'd'}"));
    assert_string_equal(fixture_follow(f, "d", "r"), "success");
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(GPtrArray) errors = store_list_import_errors(conn, (Page){0}, NULL, NULL);
    assert_int_equal(errors->len, 1);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_small_run, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_template_error, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_secrets_stay_out_of_logs, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_recovery, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_collect_offline, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_guest_is_told, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_cancel_and_clear, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_max_active_runs, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_depends_on_past, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_service, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
