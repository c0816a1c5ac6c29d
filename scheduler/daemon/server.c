/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/server.h"

#include "executors/local/unix_socket.h"
#include "scheduler/daemon/connection.h"
#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

struct Server {
    Daemon *daemon;
    uv_pipe_t listener;
    char *path;
    GPtrArray *connections; /**< Connection, open ones; not owned */
};

static void on_closed(Connection *connection, void *user)
{
    Server *server = user;
    g_ptr_array_remove_fast(server->connections, connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    Server *server = listener->data;
    if (status < 0)
        return;
    Connection *connection = connection_accept(server->daemon, listener, on_closed, server);
    if (connection == NULL)
        return;
    g_ptr_array_add(server->connections, connection);
    if (server->connections->len > CONNECTIONS_MAX)
        connection_refuse(
            connection,
            "weir serves " G_STRINGIFY(
                CONNECTIONS_MAX) " connections at once, and all are taken: try again in a moment");
}

/* libuv writes to sockets without MSG_NOSIGNAL: a peer that goes away must not end us. */
static void ignore_sigpipe(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        action.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &action, NULL);
    }
}

Server *server_start(Daemon *daemon, GError **error)
{
    ignore_sigpipe();
    Server *server = g_new0(Server, 1);
    server->daemon = daemon;
    server->path = g_strdup(daemon->home->socket_path);
    server->connections = g_ptr_array_new();
    uv_pipe_init(&daemon->loop, &server->listener, 0);
    server->listener.data = server;
    int result = unlink(server->path) == 0 || errno == ENOENT ? 0 : -errno;
    int fd = result == 0 ? unix_socket_listen(server->path) : result;
    result = fd < 0 ? fd : uv_pipe_open(&server->listener, fd);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&server->listener, 128, on_connection);
    CRASH_POINT("daemon.listening");
    if (result == 0)
        return server;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot listen at %s: %s", server->path,
                uv_strerror(result));
    server_free(server);
    return NULL;
}

static void on_listener_closed(uv_handle_t *handle)
{
    Server *server = handle->data;
    g_ptr_array_unref(server->connections);
    g_free(server->path);
    g_free(server);
}

void server_free(Server *server)
{
    if (server == NULL)
        return;
    unlink(server->path);
    CRASH_POINT("daemon.socket_removed");
    while (server->connections->len > 0)
        connection_close(server->connections->pdata[server->connections->len - 1]);
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}
