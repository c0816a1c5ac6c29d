/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/client.h"

#include "executors/local/unix_socket.h"
#include "scheduler/model/state.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A snapshot of a run with 100,000 tasks is one line. */
#define LINE_MAX_BYTES (512u * 1024 * 1024)
#define TICK_MS        100
/** Between two attempts at a server that has no room for another connection. */
#define FULL_WAIT_US (50 * 1000)

typedef struct {
    int fd;
    GByteArray *in;
    guint scanned;
} Client;

static void client_clear(Client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    g_clear_pointer(&client->in, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Client, client_clear)

static bool server_is_trusted(int fd)
{
    return geteuid() == 0 || unix_socket_peer_is_trusted(fd);
}

static bool client_connect(Client *client, const char *home, int64_t deadline_us, GError **error)
{
    *client = (Client){.fd = -1};
    g_autofree char *path = g_build_filename(home, "weir.sock", NULL);
    int fd = unix_socket_connect(path);
    while (fd == -EAGAIN && g_get_monotonic_time() < deadline_us) { /* many others are connecting */
        g_usleep(5000);
        fd = unix_socket_connect(path);
    }
    if (fd == -ENOENT || fd == -ECONNREFUSED) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "nobody listens at %s", path);
        return false;
    }
    if (fd < 0) {
        g_set_error(error, WEIR_ERROR, fd == -EAGAIN ? WEIR_ERROR_BUSY : WEIR_ERROR_IO,
                    "cannot connect to %s: %s", path, g_strerror(-fd));
        return false;
    }
    client->fd = fd;
    client->in = g_byte_array_new();
    if (server_is_trusted(fd))
        return true;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "%s belongs to another user", path);
    return false;
}

/* Waits until the socket is ready; false when the time is up. */
static bool wait_for(const Client *client, short events, int64_t deadline_us)
{
    for (;;) {
        int64_t left_us = deadline_us - g_get_monotonic_time();
        struct pollfd poll_fd = {.fd = client->fd, .events = events};
        int n = poll(&poll_fd, 1, (int)CLAMP((left_us + 999) / 1000, 0, INT32_MAX));
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
        if (g_get_monotonic_time() >= deadline_us)
            return false;
    }
}

static bool send_line(Client *client, const json_t *document, int64_t deadline_us, GError **error)
{
    char *text = json_dumps(document, JSON_COMPACT);
    g_autoptr(GString) line = g_string_new(text);
    free(text);
    g_string_append_c(line, '\n');
    for (gsize sent = 0; sent < line->len;) {
        ssize_t n = send(client->fd, line->str + sent, line->len - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (gsize)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN && wait_for(client, POLLOUT, deadline_us)) {
            continue;
        } else if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return true; /* what it said before it closed, if anything, tells more */
        } else {
            int reason = errno;
            g_set_error(error, WEIR_ERROR, reason == EAGAIN ? WEIR_ERROR_BUSY : WEIR_ERROR_IO,
                        "cannot send the command: %s", g_strerror(reason));
            return false;
        }
    }
    return true;
}

/* A whole line of what has been received, as JSON; NULL without an error when there is none yet. */
static json_t *take_line(Client *client, GError **error)
{
    GByteArray *in = client->in;
    const guint8 *newline = client->scanned < in->len
                                ? memchr(in->data + client->scanned, '\n', in->len - client->scanned)
                                : NULL;
    if (newline == NULL) {
        client->scanned = in->len;
        return NULL;
    }
    size_t n = (size_t)(newline - in->data);
    json_error_t problem;
    json_t *document = json_loadb((const char *)in->data, n, 0, &problem);
    if (document == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "the answer is not JSON: %s", problem.text);
    g_byte_array_remove_range(in, 0, (guint)n + 1);
    client->scanned = 0;
    return document;
}

typedef enum { RECEIVED, RECEIVED_NOTHING, RECEIVED_END } Received;

static Received receive(Client *client, int64_t deadline_us)
{
    if (!wait_for(client, POLLIN, deadline_us))
        return RECEIVED_NOTHING;
    guint8 bytes[64 * 1024];
    ssize_t n = recv(client->fd, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return RECEIVED_NOTHING;
    if (n <= 0 || client->in->len > LINE_MAX_BYTES)
        return RECEIVED_END;
    g_byte_array_append(client->in, bytes, (guint)n);
    return RECEIVED;
}

static json_t *call_once(const char *home, json_t *command, int64_t deadline_us, GError **error)
{
    g_auto(Client) client;
    if (!client_connect(&client, home, deadline_us, error) ||
        !send_line(&client, command, deadline_us, error))
        return NULL;
    g_autoptr(GError) problem = NULL;
    for (;;) {
        json_t *answer = take_line(&client, &problem);
        if (answer != NULL)
            return answer;
        if (problem != NULL) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return NULL;
        }
        if (receive(&client, deadline_us) == RECEIVED_END) {
            g_set_error_literal(
                error, WEIR_ERROR, WEIR_ERROR_BUSY,
                "the other weir process ended before it answered; whether it was done is not known");
            return NULL;
        }
        if (g_get_monotonic_time() >= deadline_us) {
            g_set_error_literal(
                error, WEIR_ERROR, WEIR_ERROR_BUSY,
                "the other weir process did not answer in time; whether it was done is not known");
            return NULL;
        }
    }
}

/* Whether the server refused the connection, and hence has not done anything. */
static bool is_refusal(const json_t *answer)
{
    const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
    return g_strcmp0(code, "busy") == 0;
}

json_t *client_call(const char *home, json_t *command, int64_t timeout_us, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + timeout_us;
    for (;;) {
        json_t *answer = call_once(home, command, deadline_us, error);
        if (answer == NULL || !is_refusal(answer) || g_get_monotonic_time() + FULL_WAIT_US > deadline_us)
            return answer;
        json_decref(answer);
        g_usleep(FULL_WAIT_US);
    }
}

/* ---- Following ---- */

static bool is_finished(const json_t *document)
{
    const char *event = json_string_value(json_object_get(document, "event"));
    const char *state = json_string_value(json_object_get(json_object_get(document, "run"), "state"));
    return g_strcmp0(event, "run") == 0 && run_state_is_finished(run_state_from_string(state));
}

/* The answer to runs.watch. */
static bool check_answer(const json_t *answer, GError **error)
{
    if (json_is_true(json_object_get(answer, "ok")))
        return true;
    const json_t *problem = json_object_get(answer, "error");
    const char *message = json_string_value(json_object_get(problem, "message"));
    const char *code = json_string_value(json_object_get(problem, "code"));
    g_set_error_literal(error, WEIR_ERROR,
                        g_strcmp0(code, "not_found") == 0 ? WEIR_ERROR_NOT_FOUND
                        : is_refusal(answer)              ? WEIR_ERROR_BUSY
                                                          : WEIR_ERROR_IO,
                        message != NULL ? message : "the run cannot be followed");
    return false;
}

/* Whether to go on; else `ret_end` says why not. */
static bool take_document(const json_t *document, bool (*on_document)(const json_t *document, void *user),
                          void *user, ClientFollowEnd *ret_end, GError **error)
{
    if (json_object_get(document, "event") == NULL) {
        *ret_end = CLIENT_FOLLOW_ERROR;
        return check_answer(document, error);
    }
    *ret_end = CLIENT_FOLLOW_STOPPED;
    if (!on_document(document, user))
        return false;
    *ret_end = CLIENT_FOLLOW_DONE;
    return !is_finished(document);
}

ClientFollowEnd client_follow(const char *home, const char *dag_id, const char *run_id,
                              bool (*on_document)(const json_t *document, void *user), void *user,
                              GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_auto(Client) client;
    int64_t deadline_us = g_get_monotonic_time() + 10 * USEC_PER_SEC;
    json_t *command =
        json_pack("{s:s, s:{s:s, s:s}}", "command", "runs.watch", "args", "dag_id", dag_id, "run_id", run_id);
    bool asked = client_connect(&client, home, deadline_us, &problem) &&
                 send_line(&client, command, deadline_us, &problem);
    json_decref(command);
    if (!asked)
        return CLIENT_FOLLOW_LOST;
    int64_t tick_us = g_get_monotonic_time() + TICK_MS * USEC_PER_MSEC;
    for (;;) {
        json_t *document = take_line(&client, &problem);
        if (document != NULL) {
            ClientFollowEnd end;
            bool goes_on = take_document(document, on_document, user, &end, error);
            json_decref(document);
            if (!goes_on)
                return end;
            if (g_get_monotonic_time() < tick_us)
                continue;
        } else if (problem != NULL) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return CLIENT_FOLLOW_ERROR;
        } else if (receive(&client, tick_us) == RECEIVED_END) {
            return CLIENT_FOLLOW_LOST;
        }
        if (g_get_monotonic_time() >= tick_us) {
            if (!on_document(NULL, user))
                return CLIENT_FOLLOW_STOPPED;
            tick_us = g_get_monotonic_time() + TICK_MS * USEC_PER_MSEC;
        }
    }
}
