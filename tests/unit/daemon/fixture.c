/* SPDX-License-Identifier: MIT */
#include "tests/unit/daemon/fixture.h"

#include <glib/gstdio.h>
#include <uv.h>

#include <string.h>
#include <unistd.h>

static void remove_tree(const char *path)
{
    g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
    for (const char *name; entries != NULL && (name = g_dir_read_name(entries)) != NULL;) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            g_unlink(child);
    }
    g_rmdir(path);
}

/* A daemon starts its runner by executing this program again. If main() does not see to that, all tests would
 * run again in it, each with runners of its own, and so on. */
static void refuse_to_be_runner(void)
{
    g_autofree char *words = NULL;
    gsize n = 0;
    if (!g_file_get_contents("/proc/self/cmdline", &words, &n, NULL))
        return;
    for (gsize i = 0; i < n; i += strlen(words + i) + 1) {
        if (strcmp(words + i, "__runner") == 0) {
            g_printerr("main() of this test lacks the call of runner_main(); see test_loop.c\n");
            _exit(1);
        }
    }
}

int fixture_set_up(void **state)
{
    refuse_to_be_runner();
    Fixture *fixture = g_new0(Fixture, 1);
    fixture->home = g_dir_make_tmp("weir-daemon-XXXXXX", NULL);
    fixture->log = g_string_new(NULL);
    fixture->disk_bytes = fixture->disk_files = -1;
    g_setenv("WEIR_HOME", fixture->home, TRUE);
    g_autofree char *dags = g_build_filename(fixture->home, "dags", NULL);
    g_mkdir(dags, 0700);
    GError *error = NULL;
    fixture->settings = settings_load(&error);
    if (fixture->settings == NULL)
        fail_msg("%s", error->message);
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    Fixture *fixture = *state;
    fixture_close(fixture);
    settings_free(fixture->settings);
    remove_tree(fixture->home);
    g_free(fixture->home);
    g_free(fixture->end_state);
    g_string_free(fixture->log, TRUE);
    g_free(fixture);
    return 0;
}

void fixture_write(const Fixture *fixture, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(fixture->home, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

char *fixture_read(const Fixture *fixture, const char *name)
{
    g_autofree char *path = g_build_filename(fixture->home, name, NULL);
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        fail_msg("no file %s", path);
    return text;
}

static void on_log(DaemonLogLevel level, const char *line, void *user)
{
    Fixture *fixture = user;
    g_string_append_printf(fixture->log, "%d %s\n", (int)level, line);
}

static bool look_at_disk(const char *path, int64_t *ret_bytes, int64_t *ret_files, void *user)
{
    const Fixture *fixture = user;
    if (fixture->disk_bytes < 0 || !g_str_has_prefix(path, fixture->home))
        return false;
    *ret_bytes = fixture->disk_bytes;
    *ret_files = fixture->disk_files;
    return true;
}

void fixture_open(Fixture *fixture, DaemonMode mode)
{
    DaemonOptions options = {.settings = fixture->settings,
                             .mode = mode,
                             .verb = "test",
                             .log = on_log,
                             .user = fixture,
                             .look_at_disk = look_at_disk};
    GError *error = NULL;
    fixture->daemon = daemon_open(&options, &error);
    if (fixture->daemon == NULL)
        fail_msg("%s", error->message);
}

void fixture_close(Fixture *fixture)
{
    daemon_close(g_steal_pointer(&fixture->daemon));
}

/* ---- Commands ---- */

json_t *fixture_execute(Fixture *fixture, const char *command, const char *args)
{
    g_autofree char *text = g_strdelimit(g_strdup(args), "'", '"');
    json_error_t problem;
    json_t *object = json_loads(text, 0, &problem);
    if (object == NULL)
        fail_msg("%s: %s", text, problem.text);
    json_t *document = json_pack("{s:s, s:i, s:o}", "command", command, "id", 7, "args", object);
    Caller caller = {.user = "ada", .via = "cli"};
    json_t *answer = daemon_execute(fixture->daemon, document, &caller);
    json_decref(document);
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 7);
    return answer;
}

json_t *fixture_do(Fixture *fixture, const char *command, const char *args)
{
    json_t *answer = fixture_execute(fixture, command, args);
    if (!json_is_true(json_object_get(answer, "ok"))) {
        char *text = json_dumps(answer, 0);
        fail_msg("%s %s: %s", command, args, text);
    }
    json_t *result = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return result;
}

void fixture_refuse(Fixture *fixture, const char *command, const char *args, const char *code,
                    const char *part)
{
    json_t *answer = fixture_execute(fixture, command, args);
    assert_true(json_is_false(json_object_get(answer, "ok")));
    const json_t *error = json_object_get(answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    const char *message = json_string_value(json_object_get(error, "message"));
    if (strstr(message, part) == NULL)
        fail_msg("\"%s\" does not contain \"%s\"", message, part);
    json_decref(answer);
}

/* ---- Looking ---- */

StoreConn *fixture_reader(const Fixture *fixture)
{
    g_autofree char *path = g_build_filename(fixture->home, "weir.db", NULL);
    GError *error = NULL;
    StoreConn *conn = store_reader_open(path, &error);
    if (conn == NULL)
        fail_msg("%s", error->message);
    return conn;
}

const char *fixture_state(const Fixture *fixture, const char *dag_id, const char *run_id, const char *task_id)
{
    g_autoptr(StoreConn) conn = fixture_reader(fixture);
    GError *error = NULL;
    g_autoptr(DagRun) run = store_get_run(conn, dag_id, run_id, &error);
    if (run == NULL)
        fail_msg("%s", error->message);
    if (task_id == NULL)
        return run_state_to_string(run->state);
    g_autoptr(TaskList) list = store_get_task(conn, run->id, task_id, &error);
    if (list == NULL)
        fail_msg("%s", error->message);
    const char *name = task_state_to_string(list->items[0].state);
    return name != NULL ? name : "none";
}

static void on_document(const json_t *document, void *user)
{
    Fixture *fixture = user;
    fixture->n_documents++;
    const char *event = json_string_value(json_object_get(document, "event"));
    const char *state = json_string_value(json_object_get(json_object_get(document, "run"), "state"));
    if (strcmp(event, "run") != 0 || !run_state_is_finished(run_state_from_string(state)))
        return;
    g_free(fixture->end_state);
    fixture->end_state = g_strdup(state);
    daemon_stop(fixture->daemon);
}

const char *fixture_follow(Fixture *fixture, const char *dag_id, const char *run_id)
{
    g_autoptr(StoreConn) conn = fixture_reader(fixture);
    g_autoptr(DagRun) run = store_get_run(conn, dag_id, run_id, NULL);
    assert_non_null(run);
    guint id = daemon_subscribe(fixture->daemon, run->id, on_document, fixture);
    assert_true(id > 0);
    GError *error = NULL;
    if (!daemon_loop(fixture->daemon, &error))
        fail_msg("%s", error->message);
    daemon_unsubscribe(fixture->daemon, id);
    return fixture->end_state;
}

static void on_time(uv_timer_t *timer)
{
    Fixture *fixture = timer->data;
    daemon_stop(fixture->daemon);
}

static void on_closed(uv_handle_t *handle)
{
    g_free(handle);
}

void fixture_loop_for(Fixture *fixture, guint ms)
{
    uv_timer_t *timer = g_new0(uv_timer_t, 1);
    uv_timer_init(daemon_uv_loop(fixture->daemon), timer);
    timer->data = fixture;
    uv_update_time(daemon_uv_loop(fixture->daemon));
    uv_timer_start(timer, on_time, ms, 0);
    assert_true(daemon_loop(fixture->daemon, NULL));
    uv_close((uv_handle_t *)timer, on_closed);
}
