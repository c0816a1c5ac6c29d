/* SPDX-License-Identifier: MIT */
/* Backfills in the loop, with real runner processes: this program is its own runner. */
#include "executors/local/runner.h"
#include "tests/unit/daemon/fixture.h"

#include <glib/gstdio.h>

#include <string.h>

#define DAYS(n) "'dag_id': 'd', 'from_date': '2025-01-01', 'to_date': '2025-01-0" #n "T12:00:00Z'"

/* Tasks write their date into `proof`. */
static void write_dag(Fixture *f, const char *more, const char *command)
{
    g_autofree char *text = g_strdup_printf("dag_id: d\nschedule: '0 2 * * *'\n%s"
                                            "env: {DS: '{{ ds }}'}\ntasks:\n  a: {command: '%s'}\n",
                                            more, command);
    fixture_write(f, "dags/d.yaml", text);
}

static bool is_completed(const Fixture *f, int64_t id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    g_autoptr(Backfill) backfill = store_get_backfill(conn, id, NULL);
    assert_non_null(backfill);
    return backfill->completed_at_us != TIME_NONE;
}

static void loop_to_the_end(Fixture *f, int64_t id)
{
    for (int i = 0; i < 1000 && !is_completed(f, id); i++)
        fixture_loop_for(f, 20);
    assert_true(is_completed(f, id));
}

static BackfillProgress progress_of(const Fixture *f, int64_t id)
{
    g_autoptr(StoreConn) conn = fixture_reader(f);
    BackfillProgress progress;
    assert_true(store_read_backfill_progress(conn, id, &progress, NULL));
    return progress;
}

/* The lines of `proof` in one. */
static char *proof(const Fixture *f)
{
    g_autofree char *text = fixture_read(f, "proof");
    return g_strdelimit(g_strdup(g_strchomp(text)), "\n", ' ');
}

static void test_to_its_end(void **state)
{
    Fixture *f = *state;
    write_dag(f, "", "echo $DS >> $WEIR_HOME/proof; test $DS != 2025-01-02");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(4) ", 'max_active_runs': 1}"));
    loop_to_the_end(f, 1);
    g_autofree char *lines = proof(f);
    assert_string_equal(lines, "2025-01-01 2025-01-02 2025-01-03 2025-01-04");
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_runs, 4);
    assert_int_equal(progress.n_queued + progress.n_running, 0);
    assert_int_equal(progress.n_failed, 1);
    assert_true(progress.mean_duration_us > 0);

    json_decref(fixture_do(f, "backfills.create",
                           "{" DAYS(4) ", 'max_active_runs': 1, 'reprocess_behavior': 'completed', "
                                       "'run_backwards': true}"));
    loop_to_the_end(f, 2);
    g_autofree char *both = proof(f);
    assert_string_equal(both + strlen(lines) + 1, "2025-01-04 2025-01-03 2025-01-02 2025-01-01");
}

/* Its limit is its own, and other runs come first. */
static void test_limits(void **state)
{
    Fixture *f = *state;
    write_dag(f, "max_active_runs: 1\n", "sleep 0.2");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(5) ", 'max_active_runs': 2}"));
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'mine'}"));
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_running, 2);
    assert_int_equal(progress.n_queued, 3);
    assert_string_equal(fixture_state(f, "d", "mine", NULL), "running");
    loop_to_the_end(f, 1);
}

/* A pause outlives the daemon; what runs goes on. */
static void test_pause(void **state)
{
    Fixture *f = *state;
    write_dag(f, "", "sleep 0.1");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(3) ", 'max_active_runs': 1}"));
    json_decref(fixture_do(f, "backfills.pause", "{'backfill_id': 1}"));
    assert_string_equal(fixture_follow(f, "d", "backfill__2025-01-01T02:00:00+00:00"), "success");
    assert_int_equal(progress_of(f, 1).n_queued, 2);
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    fixture_loop_for(f, 100);
    assert_int_equal(progress_of(f, 1).n_queued, 2);
    json_decref(fixture_do(f, "backfills.unpause", "{'backfill_id': 1}"));
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_running, 1); /* the limit came back with the pause */
    assert_int_equal(progress.n_queued, 1);
    loop_to_the_end(f, 1);
}

/* What is queued fails at once, what runs ends as it ends; a run of it can be cleared afterwards. */
static void test_cancel(void **state)
{
    Fixture *f = *state;
    write_dag(f, "", "sleep 0.3");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(3) ", 'max_active_runs': 1}"));
    fixture_loop_for(f, 50);
    json_decref(fixture_do(f, "backfills.cancel", "{'backfill_id': 1}"));
    assert_true(is_completed(f, 1));
    assert_string_equal(fixture_state(f, "d", "backfill__2025-01-02T02:00:00+00:00", NULL), "failed");
    assert_string_equal(fixture_state(f, "d", "backfill__2025-01-01T02:00:00+00:00", NULL), "running");
    assert_string_equal(fixture_follow(f, "d", "backfill__2025-01-01T02:00:00+00:00"), "success");
    json_decref(
        fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'backfill__2025-01-02T02:00:00+00:00'}"));
    assert_string_equal(fixture_follow(f, "d", "backfill__2025-01-02T02:00:00+00:00"), "success");
}

/* Given to a process that advances other runs, or to none, it waits for a scheduler. */
static void test_waits_for_a_scheduler(void **state)
{
    Fixture *f = *state;
    write_dag(f, "", "true");
    fixture_open(f, DAEMON_RUN);
    json_t *answer = fixture_execute(f, "backfills.create", "{" DAYS(3) "}");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "note")), "start a scheduler"));
    json_decref(answer);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'mine', 'own': true}"));
    assert_string_equal(fixture_follow(f, "d", "mine"), "success");
    fixture_loop_for(f, 50);
    assert_int_equal(progress_of(f, 1).n_queued, 3);
    json_decref(fixture_do(f, "dags.resume", /* but one of them by its name */
                           "{'dag_id': 'd', 'run_id': 'backfill__2025-01-02T02:00:00+00:00'}"));
    assert_string_equal(fixture_follow(f, "d", "backfill__2025-01-02T02:00:00+00:00"), "success");
    assert_int_equal(progress_of(f, 1).n_queued, 2);
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    loop_to_the_end(f, 1);
    assert_int_equal(progress_of(f, 1).n_failed, 0);
}

/* The first date depends on no past; each other one on the date before it, made or done again. */
static void test_depends_on_past(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml",
                  "dag_id: d\nschedule: '0 2 * * *'\nenv: {DS: '{{ ds }}'}\ntasks:\n"
                  "  a: {command: 'echo $DS >> $WEIR_HOME/proof; test $DS != 2025-01-03 -o -e "
                  "$WEIR_HOME/go', depends_on_past: true}\n");
    fixture_open(f, DAEMON_SERVICE);
    /* Before all of them a run that failed, and in their midst one that is done again. */
    json_decref(fixture_do(f, "dags.trigger",
                           "{'dag_id': 'd', 'run_id': 'old', 'logical_date': '2024-12-31T02:00:00Z'}"));
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 'old', 'state': 'failed'}"));
    json_decref(fixture_do(f, "dags.trigger",
                           "{'dag_id': 'd', 'run_id': 'mid', 'logical_date': '2025-01-02T02:00:00Z'}"));
    json_decref(fixture_do(f, "dags.mark", "{'dag_id': 'd', 'run_id': 'mid', 'state': 'success'}"));
    fixture_loop_for(f, 200);
    g_autofree char *path = g_build_filename(f->home, "proof", NULL);
    g_unlink(path);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(4) ", 'reprocess_behavior': 'completed'}"));
    for (int i = 0; i < 200 && progress_of(f, 1).n_failed == 0; i++)
        fixture_loop_for(f, 20);
    fixture_loop_for(f, 50);
    g_autofree char *lines = proof(f);
    assert_string_equal(lines, "2025-01-01 2025-01-02 2025-01-03");
    assert_false(is_completed(f, 1)); /* the 4th waits for the 3rd */
    fixture_close(f);
    fixture_open(f, DAEMON_SERVICE);
    fixture_loop_for(f, 50);
    assert_string_equal(fixture_state(f, "d", "backfill__2025-01-04T02:00:00+00:00", "a"), "none");
    fixture_write(f, "go", "");
    json_decref(
        fixture_do(f, "dags.clear", "{'dag_id': 'd', 'run_id': 'backfill__2025-01-03T02:00:00+00:00'}"));
    loop_to_the_end(f, 1);
    g_autofree char *all = proof(f);
    assert_string_equal(all + strlen(lines), " 2025-01-03 2025-01-04");
}

/* Without processes all of it is one turn. */
static void test_empty_tasks(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\nschedule: '0 2 * * *'\ntasks: {a: {}, b: {depends_on: a}}\n");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(9) "}"));
    assert_true(is_completed(f, 1));
    assert_int_equal(progress_of(f, 1).n_runs, 9);
    assert_string_equal(fixture_state(f, "d", "backfill__2025-01-09T02:00:00+00:00", "b"), "success");
}

/* A service that ends its tasks starts none of those that were waiting. */
static void test_end_tasks(void **state)
{
    Fixture *f = *state;
    write_dag(f, "", "exec sleep 30");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "backfills.create", "{" DAYS(9) ", 'max_active_runs': 2}"));
    fixture_loop_for(f, 100);
    assert_int_equal(daemon_end_tasks(f->daemon), 2);
    assert_true(daemon_loop(f->daemon, NULL));
    BackfillProgress progress = progress_of(f, 1);
    assert_int_equal(progress.n_queued, 7);
    assert_int_equal(progress.n_running, 2);
}

static void test_paused_dag(void **state)
{
    Fixture *f = *state;
    write_dag(f, "", "true");
    fixture_open(f, DAEMON_SERVICE);
    json_decref(fixture_do(f, "dags.pause", "{'dag_id': 'd'}"));
    json_t *answer = fixture_execute(f, "backfills.create", "{" DAYS(2) "}");
    assert_non_null(strstr(json_string_value(json_object_get(answer, "note")), "the DAG is paused"));
    json_decref(answer);
    fixture_loop_for(f, 50);
    assert_int_equal(progress_of(f, 1).n_queued, 2);
    json_decref(fixture_do(f, "dags.unpause", "{'dag_id': 'd'}"));
    loop_to_the_end(f, 1);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_to_its_end, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_limits, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_pause, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_waits_for_a_scheduler, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_depends_on_past, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_empty_tasks, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_end_tasks, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_paused_dag, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
