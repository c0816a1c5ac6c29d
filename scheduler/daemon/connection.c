/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/connection.h"

#include "executors/local/unix_socket.h"
#include "scheduler/daemon/command.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct Connection {
    uv_pipe_t pipe;
    Daemon *daemon;
    char *user;
    void (*on_closed)(Connection *connection, void *user);
    void *closed_user;
    GByteArray *in;
    guint scanned;   /**< bytes of `in` that hold no newline */
    guint n_pending; /**< commands that wait for their turn */
    guint refs;      /**< the open pipe, and each pending command */
    bool is_reading;
    bool is_at_end; /**< the peer sends no more */
    bool is_closing;
    GPtrArray *watched; /**< Watched */
};

/** A run that the peer watches. */
typedef struct {
    Connection *connection;
    guint subscription_id;
} Watched;

/** A command on its way, and who wants its answer. */
typedef struct {
    Connection *connection;
    json_t *watch_args; /**< of runs.watch; NULL for all others */
} Question;

typedef struct {
    uv_write_t request;
    char *bytes;
} Write;

static void take_lines(Connection *connection);

static void connection_unref(Connection *connection)
{
    if (--connection->refs > 0)
        return;
    g_byte_array_unref(connection->in);
    g_free(connection->user);
    g_free(connection);
}

static void watched_free(gpointer data)
{
    Watched *watched = data;
    daemon_unsubscribe(watched->connection->daemon, watched->subscription_id);
    g_free(watched);
}

/* ---- Closing ---- */

static void on_pipe_closed(uv_handle_t *handle)
{
    connection_unref(handle->data);
}

void connection_close(Connection *connection)
{
    if (connection->is_closing)
        return;
    connection->is_closing = true;
    g_ptr_array_set_size(connection->watched, 0);
    g_ptr_array_unref(connection->watched);
    uv_close((uv_handle_t *)&connection->pipe, on_pipe_closed);
    connection->on_closed(connection, connection->closed_user);
}

/* A peer that has said all it wanted still gets every answer, however slowly it reads. */
static void close_if_done(Connection *connection)
{
    if (connection->is_at_end && connection->n_pending == 0 && connection->watched->len == 0 &&
        uv_stream_get_write_queue_size((uv_stream_t *)&connection->pipe) == 0)
        connection_close(connection);
}

/* ---- Writing ---- */

static void on_written(uv_write_t *request, int status)
{
    Write *write = request->data;
    Connection *connection = request->handle->data;
    free(write->bytes);
    g_free(write);
    if (status < 0)
        connection_close(connection);
    else if (!connection->is_closing)
        close_if_done(connection);
}

static void send_document(Connection *connection, const json_t *document)
{
    if (connection->is_closing)
        return;
    uv_stream_t *stream = (uv_stream_t *)&connection->pipe;
    if (uv_stream_get_write_queue_size(stream) > CONNECTION_UNREAD_MAX) {
        connection_close(connection); /* it does not read */
        return;
    }
    Write *write = g_new0(Write, 1);
    write->bytes = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
    write->request.data = write;
    uv_buf_t buffers[] = {uv_buf_init(write->bytes, (unsigned)strlen(write->bytes)),
                          uv_buf_init((char *)"\n", 1)};
    if (uv_write(&write->request, stream, buffers, 2, on_written) != 0) {
        free(write->bytes);
        g_free(write);
        connection_close(connection);
    }
}

/* So few bytes are with the peer, or at least in its socket, before the pipe is closed. */
void connection_refuse(Connection *connection, const char *message)
{
    json_t *answer = command_error_answer(NULL, "busy", message);
    send_document(connection, answer);
    json_decref(answer);
    connection_close(connection);
}

/* ---- Watching ---- */

static bool is_end_of_run(const json_t *document)
{
    const char *event = json_string_value(json_object_get(document, "event"));
    const char *state = json_string_value(json_object_get(json_object_get(document, "run"), "state"));
    return g_strcmp0(event, "run") == 0 && run_state_is_finished(run_state_from_string(state));
}

static void on_document(const json_t *document, void *user)
{
    Watched *watched = user;
    Connection *connection = watched->connection;
    send_document(connection, document);
    if (connection->is_closing || !is_end_of_run(document))
        return;
    g_ptr_array_remove_fast(connection->watched, watched);
    close_if_done(connection);
}

static void begin_watching(Connection *connection, const json_t *args)
{
    Daemon *daemon = connection->daemon;
    g_autoptr(DagRun) run =
        store_get_run(store_conn(daemon->store), json_string_value(json_object_get(args, "dag_id")),
                      json_string_value(json_object_get(args, "run_id")), NULL);
    if (run == NULL)
        return;
    Watched *watched = g_new0(Watched, 1);
    watched->connection = connection;
    g_ptr_array_add(connection->watched, watched);
    guint id = daemon_subscribe(daemon, run->id, on_document, watched);
    if (connection->is_closing) /* the snapshot could not be sent; `watched` is gone */
        daemon_unsubscribe(daemon, id);
    else
        watched->subscription_id = id;
}

/* ---- Reading ---- */

static void on_answer(json_t *answer, void *user)
{
    Question *question = user;
    Connection *connection = question->connection;
    connection->n_pending--;
    if (answer != NULL && !connection->is_closing) {
        send_document(connection, answer);
        if (question->watch_args != NULL && json_is_true(json_object_get(answer, "ok")) &&
            !connection->is_closing)
            begin_watching(connection, question->watch_args);
    }
    json_decref(answer);
    json_decref(question->watch_args);
    g_free(question);
    if (!connection->is_closing)
        take_lines(connection); /* there is room for another */
    connection_unref(connection);
}

static void take_line(Connection *connection, const char *line, size_t n)
{
    json_error_t problem;
    json_t *document = json_loadb(line, n, JSON_REJECT_DUPLICATES, &problem);
    if (document == NULL) {
        g_autofree char *text = g_strdup_printf("not JSON: %s", problem.text);
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        json_t *answer = command_error_answer(NULL, "invalid", valid);
        send_document(connection, answer);
        json_decref(answer);
        return;
    }
    Question *question = g_new0(Question, 1);
    question->connection = connection;
    if (g_strcmp0(json_string_value(json_object_get(document, "command")), "runs.watch") == 0)
        question->watch_args = json_incref(json_object_get(document, "args"));
    connection->refs++;
    connection->n_pending++;
    PendingCommand *command = g_new0(PendingCommand, 1);
    command->document = document;
    command->user = g_strdup(connection->user);
    command->via = g_strdup("cli");
    command->answer = on_answer;
    command->answer_user = question;
    g_queue_push_tail(&connection->daemon->commands, command);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char bytes[64 * 1024]; /* read and copied at once, on the one thread there is */
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n_read, const uv_buf_t *buffer)
{
    Connection *connection = stream->data;
    if (n_read == UV_EOF) {
        connection->is_at_end = true;
        uv_read_stop(stream);
        connection->is_reading = false;
        close_if_done(connection);
    } else if (n_read < 0) {
        connection_close(connection);
    } else if (n_read > 0) {
        g_byte_array_append(connection->in, (const guint8 *)buffer->base, (guint)n_read);
        take_lines(connection);
    }
}

static void set_reading(Connection *connection, bool is_wanted)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->pipe;
    if (is_wanted == connection->is_reading || connection->is_at_end || connection->is_closing)
        return;
    connection->is_reading = is_wanted;
    if (is_wanted)
        uv_read_start(stream, on_alloc, on_read);
    else
        uv_read_stop(stream);
}

/* Whole lines become commands, as many as may wait. */
static void take_lines(Connection *connection)
{
    GByteArray *in = connection->in;
    guint taken = 0;
    while (connection->n_pending < CONNECTION_PENDING_MAX && !connection->is_closing) {
        guint from = taken + connection->scanned;
        const guint8 *newline = from < in->len ? memchr(in->data + from, '\n', in->len - from) : NULL;
        if (newline == NULL) {
            connection->scanned = in->len - taken;
            break;
        }
        connection->scanned = 0;
        guint end = (guint)(newline - in->data);
        if (end > taken)
            take_line(connection, (const char *)in->data + taken, end - taken);
        taken = end + 1;
    }
    if (taken > 0)
        g_byte_array_remove_range(in, 0, taken);
    if (connection->is_closing)
        return;
    if (in->len > CONNECTION_LINE_MAX && connection->n_pending < CONNECTION_PENDING_MAX) {
        connection_close(connection);
        return;
    }
    set_reading(connection, connection->n_pending < CONNECTION_PENDING_MAX);
    close_if_done(connection);
}

/* ---- Opening ---- */

static char *peer_name(uv_pipe_t *pipe)
{
    uv_os_fd_t fd;
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (uv_fileno((uv_handle_t *)pipe, &fd) != 0 || !unix_socket_peer_is_trusted(fd) ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return NULL;
    return caller_name(peer.uid);
}

static void ignore_closed(Connection *connection, void *user)
{
    (void)connection;
    (void)user;
}

Connection *connection_accept(Daemon *daemon, uv_stream_t *listener,
                              void (*on_closed)(Connection *, void *user), void *user)
{
    Connection *connection = g_new0(Connection, 1);
    connection->daemon = daemon;
    connection->refs = 1;
    connection->in = g_byte_array_new();
    connection->watched = g_ptr_array_new_with_free_func(watched_free);
    connection->on_closed = ignore_closed;
    uv_pipe_init(&daemon->loop, &connection->pipe, 0);
    connection->pipe.data = connection;
    if (uv_accept(listener, (uv_stream_t *)&connection->pipe) == 0)
        connection->user = peer_name(&connection->pipe);
    if (connection->user == NULL) {
        connection_close(connection);
        return NULL;
    }
    connection->on_closed = on_closed;
    connection->closed_user = user;
    set_reading(connection, true);
    return connection;
}
