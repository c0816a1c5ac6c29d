/* SPDX-License-Identifier: MIT */
/* The pure parts: selections, run ids, XComs of files. */
#include "scheduler/daemon/json_text.h"
#include "scheduler/daemon/run_id.h"
#include "scheduler/daemon/selection.h"
#include "scheduler/daemon/xcom.h"
#include "tests/unit/daemon/cmocka_all.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

/* ---- Selection ---- */

/* a -> b -> c, and x apart */
static Dag *make_dag(void)
{
    Dag *dag = dag_new("d");
    dag_add_task(dag, "load_a");
    dag_add_task(dag, "load_b");
    dag_add_task(dag, "clean_c");
    dag_add_task(dag, "x");
    dag_add_dependency(dag, 1, 0);
    dag_add_dependency(dag, 2, 1);
    assert_true(dag_seal(dag, NULL, NULL));
    return dag;
}

static void assert_selects(const Selection *selection, const char *expected)
{
    g_autoptr(Dag) dag = make_dag();
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) indexes = selection_tasks(selection, dag, &error);
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; indexes != NULL && i < indexes->len; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? " " : "",
                               dag->tasks[g_array_index(indexes, uint32_t, i)].task_id);
    assert_string_equal(error != NULL ? error->message : names->str, expected);
}

static void test_selection(void **state)
{
    (void)state;
    json_t *b = json_pack("[s]", "load_b"), *wrong = json_pack("[s]", "laod_b");
    assert_selects(&(Selection){0}, "load_a load_b clean_c x");
    assert_selects(&(Selection){.regex = "^load"}, "load_a load_b");
    assert_selects(&(Selection){.regex = "_"}, "load_a load_b clean_c");
    assert_selects(&(Selection){.task_ids = b}, "load_b");
    assert_selects(&(Selection){.task_ids = b, .upstream = true}, "load_a load_b");
    assert_selects(&(Selection){.task_ids = b, .downstream = true}, "load_b clean_c");
    assert_selects(&(Selection){.task_ids = b, .upstream = true, .downstream = true},
                   "load_a load_b clean_c");
    assert_selects(&(Selection){.task_ids = b, .regex = "x"}, "load_b x");
    assert_selects(&(Selection){.task_ids = wrong},
                   "task \"laod_b\" was not found in DAG \"d\"; did you mean \"load_b\"?");
    assert_selects(&(Selection){.regex = "nothing"}, "no task of DAG \"d\" matches \"nothing\"");
    json_decref(b);
    json_decref(wrong);
}

static void test_selection_by_state(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = make_dag();
    TaskInstance rows[] = {{.task_id = "load_a", .state = TASK_STATE_SUCCESS},
                           {.task_id = "load_b", .state = TASK_STATE_FAILED},
                           {.task_id = "clean_c", .state = TASK_STATE_UPSTREAM_FAILED},
                           {.task_id = "x", .state = TASK_STATE_NONE},
                           {.task_id = "gone", .state = TASK_STATE_FAILED}};
    static const struct {
        bool only_failed, only_running;
        guint n;
    } cases[] = {{false, false, 3}, {true, false, 2}, {false, true, 0}, {true, true, 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Selection selection = {.states = selection_states(cases[i].only_failed, cases[i].only_running)};
        g_autoptr(GArray) all = selection_tasks(&selection, dag, NULL);
        g_autoptr(GPtrArray) affected = NULL;
        g_autoptr(GArray) kept = selection_filter(&selection, dag, all, rows, G_N_ELEMENTS(rows), &affected);
        assert_int_equal(kept->len, cases[i].n);
        assert_int_equal(affected->len, cases[i].n);
    }
}

/* Who cancels a run in its middle and retries "what failed" wants the rest of it too, but no skip of a rule's
 * or his own. */
static void test_failed_means_cut_off_too(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = make_dag();
    TaskInstance rows[] = {
        {.task_id = "load_a", .state = TASK_STATE_SKIPPED, .end_reason = END_CANCELED},
        {.task_id = "load_b", .state = TASK_STATE_SKIPPED, .end_reason = END_RUN_ENDED},
        {.task_id = "clean_c", .state = TASK_STATE_SKIPPED, .end_reason = END_TRIGGER_RULE},
        {.task_id = "x", .state = TASK_STATE_SKIPPED, .end_reason = END_MARKED},
    };
    static const struct {
        bool only_failed, only_running;
        guint n;
    } cases[] = {{false, false, 4}, {true, false, 2}, {false, true, 0}, {true, true, 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Selection selection = {.states = selection_states(cases[i].only_failed, cases[i].only_running)};
        g_autoptr(GArray) all = selection_tasks(&selection, dag, NULL);
        g_autoptr(GArray) kept = selection_filter(&selection, dag, all, rows, G_N_ELEMENTS(rows), NULL);
        assert_int_equal(kept->len, cases[i].n);
    }
}

/* A chain that recursion would not survive. */
static void test_selection_is_not_recursive(void **state)
{
    (void)state;
    enum { N = 100000 };
    g_autoptr(Dag) dag = dag_new("long");
    for (uint32_t i = 0; i < N; i++) {
        char id[16];
        g_snprintf(id, sizeof id, "t%u", i);
        dag_add_task(dag, id);
        if (i > 0)
            dag_add_dependency(dag, i, i - 1);
    }
    assert_true(dag_seal(dag, NULL, NULL));
    json_t *first = json_pack("[s]", "t0");
    Selection selection = {.task_ids = first, .downstream = true};
    g_autoptr(GArray) indexes = selection_tasks(&selection, dag, NULL);
    assert_int_equal(indexes->len, N);
    json_decref(first);
}

/* ---- Run ids ---- */

static void test_run_ids(void **state)
{
    (void)state;
    int64_t day_us = INT64_C(1767225600) * USEC_PER_SEC;
    g_autofree char *plain = run_id_make(RUN_TYPE_MANUAL, day_us, true);
    assert_string_equal(plain, "manual__2026-01-01T00:00:00+00:00");
    g_autofree char *exact = run_id_make(RUN_TYPE_SCHEDULED, day_us + 42, true);
    assert_string_equal(exact, "scheduled__2026-01-01T00:00:00.000042+00:00");
    g_autofree char *dateless = run_id_make(RUN_TYPE_MANUAL, day_us + 42, false);
    assert_int_equal(strlen(dateless), strlen("manual__2026-01-01T00:00:00.000042+00:00_12345678"));
    assert_true(run_id_is_valid(dateless));

    assert_true(run_id_check_manual("my-run", NULL));
    assert_true(run_id_check_manual("manual__2026", NULL));
    assert_false(run_id_check_manual("scheduled__2026", NULL));
    assert_false(run_id_check_manual("backfill__2026", NULL));
    assert_false(run_id_check_manual("a..b", NULL));
    assert_false(run_id_check_manual("a/b", NULL));
    assert_false(run_id_check_manual("", NULL));
}

/* ---- XComs ---- */

static char *write_temporary(const char *text, gssize n)
{
    char *path = NULL;
    int fd = g_file_open_tmp("weir-xcom-XXXXXX", &path, NULL);
    close(fd);
    assert_true(g_file_set_contents(path, text, n, NULL));
    return path;
}

static void assert_last_line(const char *text, int64_t begin, const char *expected)
{
    g_autofree char *path = write_temporary(text, -1);
    g_autofree char *line = xcom_read_last_line(path, begin, (int64_t)strlen(text));
    assert_string_equal(line, expected);
    g_unlink(path);
}

static void test_last_line(void **state)
{
    (void)state;
    assert_last_line("", 0, "");
    assert_last_line("one", 0, "one");
    assert_last_line("one\n", 0, "one");
    assert_last_line("one\ntwo  \r\n", 0, "two");
    assert_last_line("one\n\n", 0, ""); /* as Airflow: a blank line is the last line */
    assert_last_line("  {\"a\": 1}\n", 0, "  {\"a\": 1}");
    assert_last_line("header\n", 7, ""); /* nothing of that is the task's */
    assert_last_line("header\nown", 7, "own");
    assert_last_line("header\nown", 8, "wn");
    assert_last_line("\xff\n", 0, "\xef\xbf\xbd");
    g_autofree char *none = xcom_read_last_line("/nowhere", 0, 10);
    assert_string_equal(none, "");
}

static void test_last_line_is_bounded(void **state)
{
    (void)state;
    g_autofree char *text = g_strnfill(3 * XCOM_VALUE_MAX, 'a');
    g_autofree char *path = write_temporary(text, -1);
    g_autofree char *line = xcom_read_last_line(path, 0, 3 * XCOM_VALUE_MAX);
    assert_int_equal(strlen(line), XCOM_VALUE_MAX);
    g_unlink(path);
}

static void on_pair(const char *key, json_t *value, void *user)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    g_string_append_printf(user, "%s:%s ", key, text);
    free(text);
}

static void on_warning(const char *text, void *user)
{
    (void)text;
    g_string_append(user, "! ");
}

static void assert_output(const char *text, gssize n, const char *expected)
{
    g_autofree char *path = write_temporary(text, n);
    g_autoptr(GString) seen = g_string_new(NULL);
    assert_true(xcom_read_output(path, on_pair, on_warning, seen));
    assert_string_equal(seen->str, expected);
    g_unlink(path);
}

static void test_output_file(void **state)
{
    (void)state;
    assert_output("", -1, "");
    assert_output("a=1\nb=two\nc={\"x\": [true]}\n\nd=\"q\"\n", -1,
                  "a:1 b:\"two\" c:{\"x\":[true]} d:\"q\" ");
    assert_output("a=1=2\nb=", -1, "a:\"1=2\" b:\"\" ");
    assert_output("nonsense\n=x\na b=1\nok=null\n", -1, "! ! ! ok:null ");
    assert_output("a=\xff\n", -1, "a:\"\xef\xbf\xbd\" ");
    assert_output("a=x\0y\nb=1\n", 10, "a:\"x\xef\xbf\xbdy\" b:1 ");
    g_autoptr(GString) seen = g_string_new(NULL);
    assert_false(xcom_read_output("/nowhere", on_pair, on_warning, seen));
    assert_string_equal(seen->str, "");
}

static void note_warning(const char *text, void *user)
{
    g_string_assign(user, text);
}

/* A task that replaces its file loses what it wrote: it should be able to read why. */
static void test_output_that_is_no_file(void **state)
{
    (void)state;
    g_autoptr(GString) said = g_string_new(NULL);
    g_autofree char *folder = g_dir_make_tmp("weir-output-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(folder, "link", NULL);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_true(xcom_read_output(folder, on_pair, note_warning, said));
    assert_non_null(strstr(said->str, "$WEIR_OUTPUT is a folder now"));
    assert_true(xcom_read_output(link, on_pair, note_warning, said));
    assert_non_null(strstr(said->str, "a symbolic link"));
    assert_true(xcom_read_output("/dev/zero", on_pair, note_warning, said));
    assert_non_null(strstr(said->str, "a device"));
    g_unlink(link);
    g_rmdir(folder);
}

/* Deeper than the store takes it: kept as the text it is. */
static void test_deep_json(void **state)
{
    (void)state;
    g_autofree char *open = g_strnfill(2000, '['), *close = g_strnfill(2000, ']');
    g_autofree char *deep = g_strconcat("deep=", open, close, NULL);
    g_autofree char *expected = g_strconcat("deep:\"", open, close, "\" ", NULL);
    assert_output(deep, -1, expected);
    assert_true(json_text_nesting_is_fine("[\"[[[[\\\"[\", {}]"));
    assert_true(json_text_nesting_is_fine(""));
}

static void test_output_file_is_bounded(void **state)
{
    (void)state;
    g_autoptr(GString) text = g_string_new(NULL);
    while (text->len <= XCOM_OUTPUT_MAX)
        g_string_append(text, "key=0123456789\n");
    g_autofree char *path = write_temporary(text->str, (gssize)text->len);
    g_autoptr(GString) seen = g_string_new(NULL);
    assert_true(xcom_read_output(path, on_pair, on_warning, seen));
    assert_true(g_str_has_prefix(seen->str, "! key:"));
    assert_true(g_str_has_suffix(seen->str, "key:\"0123456789\" ")); /* no half line */
    g_unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_selection_by_state),
        cmocka_unit_test(test_failed_means_cut_off_too),
        cmocka_unit_test(test_selection_is_not_recursive),
        cmocka_unit_test(test_run_ids),
        cmocka_unit_test(test_last_line),
        cmocka_unit_test(test_last_line_is_bounded),
        cmocka_unit_test(test_output_file),
        cmocka_unit_test(test_output_that_is_no_file),
        cmocka_unit_test(test_deep_json),
        cmocka_unit_test(test_output_file_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
