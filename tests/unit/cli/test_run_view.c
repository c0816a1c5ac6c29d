/* SPDX-License-Identifier: MIT */
#include "cli/colour.h"
#include "cli/run_display.h"
#include "cli/run_summary.h"
#include "cli/run_view.h"
#include "cli/text.h"
#include "scheduler/time/instant.h"
#include "tests/unit/cli/cli_test.h"

#include <locale.h>
#include <string.h>

static const char snapshot[] =
    "{'event': 'snapshot', 'run': {'dag_id': 'etl', 'dag_run_id': 'r1', 'state': 'running', 'start_date': "
    "'2026-01-01T00:00:00Z', 'end_date': null}, 'tasks': ["
    "{'task_id': 'load', 'state': 'success', 'try_number': 1, 'start_date': '2026-01-01T00:00:00Z', "
    "'end_date': "
    "'2026-01-01T00:00:01.500000Z'},"
    "{'task_id': 'clean_everything', 'state': 'running', 'try_number': 2, 'start_date': "
    "'2026-01-01T00:00:02Z', "
    "'end_date': null},"
    "{'task_id': 'query', 'state': null, 'try_number': 0, 'start_date': null, 'end_date': null}]}";

static void apply(RunView *view, const char *text, RunViewChanged changed, void *user)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    json_auto_t *document = json_loads(json, 0, NULL);
    assert_non_null(document);
    run_view_apply(view, document, changed, user);
}

static RunView *make_view(void)
{
    RunView *view = run_view_new();
    apply(view, snapshot, NULL, NULL);
    return view;
}

static int64_t at(const char *text)
{
    int64_t us = TIME_NONE;
    assert_true(instant_parse(text, NULL, &us, NULL));
    return us;
}

static void assert_drawing(const RunView *view, RunViewLook look, const char *expected)
{
    g_autofree char *text = run_view_draw(view, &look);
    assert_string_equal(text, expected);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        assert_true(text_width(*line) <= look.width);
    assert_true(g_strv_length(lines) <= MAX(look.height, 4));
}

static void a_run_is_drawn(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    RunViewLook look = {.now_us = at("2026-01-01T00:00:05.900Z"), .width = 80, .height = 24, .utf8 = true};
    assert_drawing(view, look,
                   "etl  running  1 of 3 done  5s  r1\n"
                   " ✔ load              success          1.5s\n"
                   " ▶ clean_everything  running          try 2  3s\n"
                   " · query\n");
    look.utf8 = false;
    look.is_last = true;
    assert_drawing(view, look,
                   " + load              success          1.5s\n"
                   " > clean_everything  running          try 2  3s\n"
                   " . query\n");
}

/* A run of which nothing moves says why, until something does. */
static void an_idle_run_says_why(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    assert_false(run_view_is_idle(view)); /* one runs */
    apply(view, "{'event': 'task', 'task': {'task_id': 'clean_everything', 'state': 'up_for_retry'}}", NULL,
          NULL);
    assert_false(run_view_is_idle(view)); /* one will, by itself */
    apply(view, "{'event': 'task', 'task': {'task_id': 'clean_everything', 'state': 'scheduled'}}", NULL,
          NULL);
    assert_true(run_view_is_idle(view));
    view->waiting = g_strdup("clean_everything waits: pool \"db\" is full: 3 of 3 slots are taken");
    RunViewLook look = {.now_us = at("2026-01-01T00:00:05.900Z"), .width = 40, .height = 24};
    assert_drawing(view, look,
                   "etl  running  1 of 3 done  5s  r1\n"
                   " + load      success          1.5s\n"
                   " s clean_e…  scheduled\n"
                   " . query\n"
                   " - clean_everything waits: pool \"db\" is…\n");
    look.height = 4;
    g_autofree char *low = run_view_draw(view, &look);
    assert_null(strstr(low, "waits"));
    apply(view, "{'event': 'run', 'run': {'dag_id': 'etl', 'dag_run_id': 'r1', 'state': 'failed'}}", NULL,
          NULL);
    assert_false(run_view_is_idle(view));
}

static void lines_are_cut_to_the_width(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    RunViewLook look = {.now_us = at("2026-01-01T00:00:05Z"), .width = 20, .height = 24, .utf8 = true};
    assert_drawing(view, look,
                   "etl  running  1 of …\n"
                   " ✔ load      success\n"
                   " ▶ clean_e…  running\n"
                   " · query\n");
}

static void failures_show_their_log(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    apply(view,
          "{'event': 'task', 'task': {'task_id': 'clean_everything', 'state': 'failed', 'try_number': 2, "
          "'exit_code': 3,"
          " 'end_reason': 'exit_code', 'start_date': '2026-01-01T00:00:02Z', 'end_date': "
          "'2026-01-01T00:00:03Z'}}",
          NULL, NULL);
    RunViewTask *task = g_ptr_array_index(view->tasks, 1);
    task->tail = g_strdup("one\nlast words");
    RunViewLook look = {.now_us = at("2026-01-01T00:00:05Z"), .width = 60, .height = 10, .utf8 = true};
    assert_drawing(view, look,
                   "etl  running  2 of 3 done, 1 failed  5s  r1\n"
                   " ✔ load              success          1.5s\n"
                   " ✘ clean_everything  failed           try 2  1.0s\n"
                   "     │ one\n"
                   "     │ last words\n"
                   " · query\n");
    g_autofree char *reason = run_view_reason(task);
    assert_string_equal(reason, "exit code 3");
}

static void many_tasks_are_chosen_from(void **state)
{
    (void)state;
    g_autoptr(RunView) view = run_view_new();
    for (int i = 0; i < 1000; i++) {
        g_autofree char *text =
            g_strdup_printf("{'event': 'task', 'task': {'task_id': 't%03d', 'state': '%s', "
                            "'try_number': 1}}",
                            i,
                            i == 500   ? "running"
                            : i == 700 ? "failed"
                                       : "success");
        apply(view, text, NULL, NULL);
    }
    apply(view, "{'event': 'run', 'run': {'dag_id': 'd', 'dag_run_id': 'r', 'state': 'running'}}", NULL,
          NULL);
    RunViewLook look = {.now_us = 0, .width = 80, .height = 8, .utf8 = true};
    assert_drawing(view, look,
                   "d  running  999 of 1000 done, 1 failed    r\n"
                   " ▶ t500  running\n"
                   " ✘ t700  failed\n"
                   " ✔ t997  success\n"
                   " ✔ t998  success\n"
                   " ✔ t999  success\n"
                   " … 995 more; all: 998 success, 1 failed, 1 running\n");
}

static void colours_do_not_count(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    RunViewLook look = {.now_us = at("2026-01-01T00:00:05Z"), .width = 40, .height = 24, .utf8 = true};
    g_autofree char *plain = run_view_draw(view, &look);
    look.colours = true;
    g_autofree char *coloured = run_view_draw(view, &look);
    assert_non_null(strstr(coloured, COLOUR_RESET));
    g_autofree char *stripped = text_escape(coloured, -1, TEXT_DROP_COLOURS | TEXT_KEEP_NEWLINES);
    assert_string_equal(stripped, plain);
}

static void collect(RunView *view, RunViewTask *task, void *user)
{
    g_autofree char *line = run_progress_line(view, task, 0);
    g_string_append_printf(user, "%s\n", line != NULL ? line + strlen("00:00:00 ") : "-");
}

static void changes_are_told(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    g_autoptr(GString) lines = g_string_new(NULL);
    apply(view, snapshot, collect, lines); /* nothing new in it */
    assert_string_equal(lines->str, "");
    apply(view, "{'event': 'task', 'task': {'task_id': 'query', 'state': 'queued', 'try_number': 1}}",
          collect, lines);
    apply(view,
          "{'event': 'task', 'task': {'task_id': 'query', 'state': 'up_for_retry', 'try_number': 1, "
          "'term_signal': 9,"
          " 'end_reason': 'signal', 'start_date': '2026-01-01T00:00:02Z', 'end_date': '2026-01-01T00:00:03Z',"
          " 'retry_at': '2026-01-01T00:05:03Z'}}",
          collect, lines);
    apply(view, "{'event': 'run', 'run': {'dag_id': 'etl', 'dag_run_id': 'r1', 'state': 'failed'}}", collect,
          lines);
    assert_string_equal(lines->str, "-\n"
                                    "query             up_for_retry (signal 9, 1.0s, again in 5m 00s)\n"
                                    "run r1 failed\n");
}

static void the_summary_says_what_next(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    apply(view,
          "{'event': 'task', 'task': {'task_id': 'clean_everything', 'state': 'failed', 'try_number': 2, "
          "'exit_code': 3,"
          " 'end_reason': 'exit_code', 'end_date': '2026-01-01T00:00:03Z', 'log_path': '/nowhere'}}",
          NULL, NULL);
    apply(view,
          "{'event': 'run', 'run': {'dag_id': 'etl', 'dag_run_id': 'r1', 'state': 'failed', 'end_reason': "
          "'task_failure',"
          " 'start_date': '2026-01-01T00:00:00Z', 'end_date': '2026-01-01T00:00:03Z'}}",
          NULL, NULL);
    g_autofree char *text = run_summary_text(view, "./my etl.yaml");
    assert_string_equal(text, "r1 of etl: failed in 3.0s (task failure)\n"
                              "1 success, 1 failed, 1 waiting\n"
                              "\n"
                              "first failure: clean_everything, try 2, exit code 3\n"
                              "log: /nowhere\n"
                              "\n"
                              "next:\n"
                              "  weir tasks logs etl clean_everything r1\n"
                              "  weir dags clear etl --run-id r1 --only-failed\n"
                              "  weir run './my etl.yaml' --run-id r1\n");
    json_auto_t *object = run_summary_object(view);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "task_counts"), "success")),
                     1);
}

static void foreign_documents_are_survived(void **state)
{
    (void)state;
    g_autoptr(RunView) view = make_view();
    apply(view, "{'event': 'task', 'task': {'task_id': 'load', 'state': 'of_a_newer_weir'}}", NULL, NULL);
    apply(view, "{'event': 'task'}", NULL, NULL);
    apply(view, "{'event': 'run', 'run': 5}", NULL, NULL);
    apply(view, "{'event': 'snapshot'}", NULL, NULL);
    apply(view, "[]", NULL, NULL);
    assert_int_equal(run_view_n_finished(view), 1);
}

int main(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_drawn),
        cmocka_unit_test(an_idle_run_says_why),
        cmocka_unit_test(lines_are_cut_to_the_width),
        cmocka_unit_test(failures_show_their_log),
        cmocka_unit_test(many_tasks_are_chosen_from),
        cmocka_unit_test(colours_do_not_count),
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(the_summary_says_what_next),
        cmocka_unit_test(foreign_documents_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
