/* SPDX-License-Identifier: MIT */
/* What is deleted by itself: by settings, by DAG files, runs and logs. */
#include "executors/local/runner.h"
#include "scheduler/daemon/clean.h"
#include "tests/unit/daemon/old_runs.h"

#include <string.h>

/** Opens a service that is set so. */
static void open_service(Fixture *f, const char *retention, const char *log_retention)
{
    settings_free(f->settings);
    g_setenv("WEIR__SCHEDULER__RETENTION", retention, TRUE);
    g_setenv("WEIR__SCHEDULER__LOG_RETENTION", log_retention, TRUE);
    f->settings = settings_load(NULL);
    g_unsetenv("WEIR__SCHEDULER__RETENTION");
    g_unsetenv("WEIR__SCHEDULER__LOG_RETENTION");
    fixture_open(f, DAEMON_SERVICE);
}

static void wait_for_line(Fixture *f, const char *line)
{
    for (int i = 0; i < 100 && strstr(f->log->str, line) == NULL; i++)
        fixture_loop_for(f, 100);
    if (strstr(f->log->str, line) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, f->log->str);
}

static void write_shop(Fixture *f, const char *keys)
{
    g_autofree char *text = g_strdup_printf("dag_id: shop\n%stasks: {load: {command: 'true'}}\n", keys);
    fixture_write(f, "dags/shop.yaml", text);
}

/** Old runs by hand, and one by schedule. */
static void add_old_runs(Fixture *f)
{
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    old_runs_add(f, "manual__2", RUN_TYPE_MANUAL, RUN_STATE_FAILED, 2, 0);
    old_runs_add(f, "scheduled__3", RUN_TYPE_SCHEDULED, RUN_STATE_SUCCESS, 3, 0);
}

static void test_retention(void **state)
{
    Fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        g_autofree char *run_id = g_strdup_printf("manual__%d", i);
        old_runs_add(f, run_id, RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, i, 0);
    }
    open_service(f, "2d", "0s");
    assert_true(f->settings->retention.runs_us == 2 * USEC_PER_DAY);
    wait_for_line(f, "retention: deleted 5 runs with 5 task instances");
    old_runs_expect(f, "");
}

/* What the DAG's file says stands before the settings, whichever way. */
static void test_retention_of_a_dag(void **state)
{
    Fixture *f = *state;
    write_shop(f, "retention: 1w\n");
    add_old_runs(f);
    open_service(f, "0s", "0s");
    wait_for_line(f, "retention: deleted 2 runs with 2 task instances");
    old_runs_expect(f, "scheduled__3");
}

static void test_a_dag_is_kept_for_ever(void **state)
{
    Fixture *f = *state;
    write_shop(f, "retention: 0s\n");
    add_old_runs(f);
    open_service(f, "1d", "1d");
    wait_for_line(f, "retention: deleted the logs of 3 runs\n");
    assert_int_equal(old_runs_count_tasks(f, "manual__1") + old_runs_count_tasks(f, "manual__2"), 2);
}

/* DAG files come and go while the service runs. */
static void test_a_dag_asks_later(void **state)
{
    Fixture *f = *state;
    add_old_runs(f);
    open_service(f, "0s", "0s");
    fixture_loop_for(f, 1500); /* the first round, in which nobody asks */
    assert_null(strstr(f->log->str, "retention:"));
    write_shop(f, "retention: 1w\nlog_retention: 1d\n");
    wait_for_line(f, "retention: deleted 2 runs with 2 task instances, and the logs of 1 more run\n");
    assert_int_equal(old_runs_count_tasks(f, "scheduled__3"), 1);
    assert_false(old_runs_has_logs(f, "scheduled__3"));
}

/* Of whatever has ended, once; what is to go on keeps its logs. */
static void test_log_retention(void **state)
{
    Fixture *f = *state;
    add_old_runs(f);
    old_runs_add(f, "manual__9", RUN_TYPE_MANUAL, RUN_STATE_QUEUED, 9, 0);
    fixture_open(f, DAEMON_OFFLINE);
    json_t *none = fixture_do(f, "db.apply_retention", "{'at': '2026-01-20'}");
    assert_int_equal(json_integer_value(json_object_get(none, "dag_run_logs")), 0);
    json_decref(none);
    write_shop(f, "log_retention: 1w\n");
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}")); /* sees the new version */
    const char *at[] = {"{'at': '2026-01-09T01:30:00Z'}", "{'at': '2026-01-20'}", "{'at': '2026-01-20'}"};
    const int64_t n_logs[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        json_t *result = fixture_do(f, "db.apply_retention", at[i]);
        assert_int_equal(json_integer_value(json_object_get(result, "dag_run_logs")), n_logs[i]);
        assert_int_equal(json_array_size(json_object_get(result, "dags")), 0);
        assert_true(json_is_null(json_object_get(result, "after")));
        json_decref(result);
    }
    assert_false(old_runs_has_logs(f, "manual__1") || old_runs_has_logs(f, "manual__2") ||
                 old_runs_has_logs(f, "scheduled__3"));
    assert_true(old_runs_has_logs(f, "manual__9"));
    old_runs_expect_sound(f);
    fixture_refuse(f, "db.apply_retention", "{'at': '2999-01-01'}", "invalid", "future");
}

/* No slice removes more files than it may. */
static void test_many_logs_of_a_run_that_stays(void **state)
{
    Fixture *f = *state;
    write_shop(f, "log_retention: 1d\n");
    old_runs_add(f, "manual__1", RUN_TYPE_MANUAL, RUN_STATE_SUCCESS, 1, 0);
    for (int i = 0; i < CLEAN_LOG_ENTRIES; i++) {
        g_autofree char *name = g_strdup_printf("logs/dag_id=shop/run_id=manual__1/task_id=load/extra%d", i);
        g_autofree char *path = g_build_filename(f->home, name, NULL);
        assert_true(g_file_set_contents_full(path, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
    fixture_open(f, DAEMON_OFFLINE);
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'shop'}"));
    json_t *first = fixture_do(f, "db.apply_retention", "{'at': '2026-01-20'}");
    assert_true(json_is_integer(json_object_get(first, "after")));
    assert_int_equal(json_integer_value(json_object_get(first, "dag_run_logs")), 0);
    json_decref(first);
    json_t *second = fixture_do(f, "db.apply_retention", "{'at': '2026-01-20', 'after': 0}");
    assert_true(json_is_null(json_object_get(second, "after")));
    assert_int_equal(json_integer_value(json_object_get(second, "dag_run_logs")), 1);
    json_decref(second);
    assert_false(old_runs_has_logs(f, "manual__1"));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_retention, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_retention_of_a_dag, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_dag_is_kept_for_ever, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_dag_asks_later, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_log_retention, old_runs_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_many_logs_of_a_run_that_stays, old_runs_set_up,
                                        fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
