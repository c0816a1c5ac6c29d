/* SPDX-License-Identifier: MIT */
/* weir.sock from the other end: a thread with the blocking client, against a daemon that loops. */
#include "executors/local/runner.h"
#include "executors/local/unix_socket.h"
#include "scheduler/daemon/client.h"
#include "tests/unit/daemon/fixture.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    Fixture *fixture;
    void (*body)(Fixture *fixture);
} Job;

/* A thread-safe stop: the daemon's own loop looks at this flag. */
static gint job_is_done;

static gpointer run_job(gpointer data)
{
    Job *job = data;
    job->body(job->fixture);
    g_atomic_int_set(&job_is_done, 1);
    return NULL;
}

/* Loops while `body` runs in a thread of its own. cmocka's assertions belong to the main thread, so bodies
 * use g_assert. */
static void loop_with(Fixture *fixture, void (*body)(Fixture *fixture))
{
    Job job = {fixture, body};
    g_atomic_int_set(&job_is_done, 0);
    GThread *thread = g_thread_new("client", run_job, &job);
    while (!g_atomic_int_get(&job_is_done))
        fixture_loop_for(fixture, 20);
    g_thread_join(thread);
}

static json_t *call(Fixture *f, const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    json_t *command = json_loads(json, 0, NULL);
    g_assert_nonnull(command);
    g_autoptr(GError) error = NULL;
    json_t *answer = client_call(f->home, command, 20 * USEC_PER_SEC, &error);
    g_assert_no_error(error);
    json_decref(command);
    return answer;
}

static bool on_document(const json_t *document, void *user)
{
    if (document != NULL)
        ++*(int *)user;
    return true;
}

static void trigger_and_follow(Fixture *f)
{
    json_t *answer = call(f, "{'command': 'status', 'id': 'x'}");
    g_assert_cmpstr(json_string_value(json_object_get(answer, "id")), ==, "x");
    json_decref(answer);
    answer = call(f, "{'command': 'dags.trigger', 'args': {'dag_id': 'd', 'run_id': 'r'}}");
    g_assert_true(json_is_true(json_object_get(answer, "ok")));
    g_assert_nonnull(json_object_get(json_object_get(answer, "result"), "triggering_user_name"));
    json_decref(answer);
    int n = 0;
    g_autoptr(GError) error = NULL;
    ClientFollowEnd end = client_follow(f->home, "d", "r", on_document, &n, &error);
    g_assert_no_error(error);
    g_assert_cmpint(end, ==, CLIENT_FOLLOW_DONE);
    g_assert_cmpint(n, >=, 4);
    n = 0; /* a run that is finished already */
    end = client_follow(f->home, "d", "r", on_document, &n, &error);
    g_assert_cmpint(end, ==, CLIENT_FOLLOW_DONE);
    g_assert_cmpint(n, ==, 2);
    end = client_follow(f->home, "d", "nope", on_document, &n, &error);
    g_assert_cmpint(end, ==, CLIENT_FOLLOW_ERROR);
    g_assert_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
}

static void test_trigger_and_follow(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'sleep 0.2'}\n  b: {depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    g_autofree char *path = g_build_filename(f->home, "weir.sock", NULL);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    loop_with(f, trigger_and_follow);
    fixture_close(f);
    assert_int_not_equal(stat(path, &status), 0);
}

/** A connection that has said all it will: the text, and that there is no more. */
static int send_text(Fixture *f, const char *text)
{
    g_autofree char *path = g_build_filename(f->home, "weir.sock", NULL);
    int fd = unix_socket_connect(path);
    g_assert_cmpint(fd, >=, 0);
    size_t n = strlen(text);
    for (size_t sent = 0; sent < n;) {
        ssize_t k = write(fd, text + sent, n - sent);
        if (k > 0)
            sent += (size_t)k;
        else
            g_usleep(1000);
    }
    shutdown(fd, SHUT_WR);
    return fd;
}

/** All that comes until the other side ends the connection. */
static GString *read_to_end(int fd)
{
    GString *answer = g_string_new(NULL);
    gint64 deadline = g_get_monotonic_time() + 30 * USEC_PER_SEC;
    for (char bytes[4096]; g_get_monotonic_time() < deadline;) {
        ssize_t k = read(fd, bytes, sizeof bytes);
        if (k > 0)
            g_string_append_len(answer, bytes, k);
        else if (k == 0)
            break;
        else
            g_usleep(1000);
    }
    close(fd);
    return answer;
}

static guint count_lines(const GString *text)
{
    guint n = 0;
    for (gsize i = 0; i < text->len; i++)
        n += text->str[i] == '\n';
    return n;
}

#define N_AT_ONCE 500

static void send_odd_things(Fixture *f)
{
    int fd = send_text(f, "not json\n\n[1]\n{\"command\": \"status\"}\n");
    GString *answer = read_to_end(fd);
    g_assert_cmpint(count_lines(answer), ==, 3);
    g_string_free(answer, TRUE);
    /* Far more commands at once than may wait: all are answered, and then the connection ends. */
    g_autoptr(GString) many = g_string_new(NULL);
    for (int i = 0; i < N_AT_ONCE; i++)
        g_string_append(many, "{\"command\": \"status\"}\n");
    fd = send_text(f, many->str);
    /* Connections take turns: after as many answers here, all is answered there, and more than a socket
     * holds. */
    for (int i = 0; i < N_AT_ONCE; i++)
        json_decref(call(f, "{'command': 'status'}"));
    answer = read_to_end(fd);
    g_assert_cmpint(count_lines(answer), ==, N_AT_ONCE);
    g_string_free(answer, TRUE);
}

static void test_odd_things(void **state)
{
    Fixture *f = *state;
    fixture_open(f, DAEMON_RUN);
    loop_with(f, send_odd_things);
}

static void test_nobody_there(void **state)
{
    Fixture *f = *state;
    json_t *command = json_pack("{s:s}", "command", "status");
    g_autoptr(GError) error = NULL;
    assert_null(client_call(f->home, command, USEC_PER_SEC, &error));
    assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND));
    /* A daemon that does not loop does not answer. */
    fixture_open(f, DAEMON_RUN);
    g_clear_error(&error);
    assert_null(client_call(f->home, command, USEC_PER_SEC / 5, &error));
    assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_BUSY));
    json_decref(command);
}

static void stop_in_the_middle(Fixture *f)
{
    int n = 0;
    ClientFollowEnd end = client_follow(f->home, "d", "r", on_document, &n, NULL);
    g_assert_cmpint(end, ==, CLIENT_FOLLOW_LOST);
}

static gpointer follow_thread(gpointer data)
{
    stop_in_the_middle(data);
    return NULL;
}

static void test_daemon_goes_away(void **state)
{
    Fixture *f = *state;
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'sleep 1'}\n");
    fixture_open(f, DAEMON_RUN);
    json_decref(fixture_do(f, "dags.trigger", "{'dag_id': 'd', 'run_id': 'r', 'own': true}"));
    GThread *thread = g_thread_new("follow", follow_thread, f);
    fixture_loop_for(f, 300);
    fixture_close(f);
    g_thread_join(thread);
}

static void test_long_home(void **state)
{
    Fixture *f = *state;
    g_autofree char *name = g_strnfill(120, 'h');
    g_autofree char *home = g_build_filename(f->home, name, NULL);
    assert_int_equal(g_mkdir(home, 0700), 0);
    char *short_home = f->home;
    g_setenv("WEIR_HOME", home, TRUE);
    settings_free(f->settings);
    f->settings = settings_load(NULL);
    f->home = home;
    g_autofree char *dags = g_build_filename(home, "dags", NULL);
    assert_int_equal(g_mkdir(dags, 0700), 0);
    fixture_write(f, "dags/d.yaml", "dag_id: d\ntasks:\n  a: {command: 'sleep 0.2'}\n  b: {depends_on: a}\n");
    fixture_open(f, DAEMON_RUN);
    loop_with(f, trigger_and_follow);
    fixture_close(f);
    f->home = short_home;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__runner") == 0)
        return runner_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trigger_and_follow, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_odd_things, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_there, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_daemon_goes_away, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_long_home, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
