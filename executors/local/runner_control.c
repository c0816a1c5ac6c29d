/* SPDX-License-Identifier: MIT */
/*
 * The runner's conversation with its controller: at most one at a time, and the newest wins.
 */
#include "executors/local/runner_internal.h"
#include "executors/local/unix_socket.h"
#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct Client {
    Runner *runner;
    Channel *channel;
};

static void client_close(Client *client)
{
    if (client == NULL)
        return;
    channel_close(client->channel);
    g_free(client);
}

void runner_disconnect(Runner *runner)
{
    client_close(g_steal_pointer(&runner->pending));
    client_close(g_steal_pointer(&runner->controller));
}

void runner_report(Runner *runner, const Attempt *attempt)
{
    if (runner->controller != NULL)
        protocol_put_record(channel_out(runner->controller->channel),
                            slot_file_bytes(runner->slots, attempt->slot), SLOT_RECORD_SIZE);
}

void runner_refuse(Runner *runner, AttemptId key, int error_number, const char *text)
{
    if (runner->controller != NULL)
        protocol_put_refused(channel_out(runner->controller->channel),
                             &(ProtocolRefused){.key = key, .error_number = error_number, .text = text});
}

/** The new connection takes over: what the former one has not been heard on is dropped, and all is told
 * again. */
static void take_over(Client *client, const ProtocolHello *hello)
{
    Runner *runner = client->runner;
    client_close(runner->controller);
    runner->pending = NULL;
    runner->controller = client;
    runner->had_controller = true;
    g_strfreev(runner->environment);
    runner->environment = g_strdupv((char **)hello->environment);
    runner->task_umask = hello->task_umask & 0777;

    GByteArray *out = channel_out(client->channel);
    protocol_put_welcome(out, &(ProtocolWelcome){.version = PROTOCOL_VERSION, .pid = getpid()});
    GHashTableIter iter;
    gpointer attempt;
    g_hash_table_iter_init(&iter, runner->attempts);
    while (g_hash_table_iter_next(&iter, NULL, &attempt))
        runner_report(runner, attempt);
    protocol_put_records_end(out);
    CRASH_POINT("runner.taken_over");
}

static void on_hello(Client *client, const ProtocolFrame *frame)
{
    Runner *runner = client->runner;
    ProtocolHello hello = {0};
    bool ok = client == runner->pending && protocol_get_hello(frame, &hello) && hello.version >= 1 &&
              strcmp(hello.instance, runner->meta.instance) == 0;
    if (ok)
        take_over(client, &hello);
    else if (client == runner->pending)
        client_close(g_steal_pointer(&runner->pending));
    g_free(hello.environment);
}

static void on_start(Runner *runner, const ProtocolFrame *frame)
{
    ExecutorRequest request;
    if (!protocol_get_start(frame, &request)) {
        AttemptId key;
        if (protocol_get_key(frame, &key))
            runner_refuse(runner, key, EPROTO, "the runner does not understand the request");
        return;
    }
    attempt_start(runner, &request, frame);
    g_free((gpointer)request.argv);
    g_free((gpointer)request.env_extra);
}

static void on_acknowledge(Runner *runner, AttemptId key)
{
    const Attempt *attempt = g_hash_table_lookup(runner->attempts, &key);
    if (attempt == NULL || !attempt->recorded)
        return;
    slot_file_release(runner->slots, attempt->slot);
    g_hash_table_remove(runner->attempts, &key);
}

static void on_frame(const ProtocolFrame *frame, void *user)
{
    Client *client = user;
    Runner *runner = client->runner;
    AttemptId key;
    if (frame->type == PROTOCOL_HELLO) {
        on_hello(client, frame);
        return;
    }
    if (client != runner->controller)
        return;
    switch (frame->type) {
    case PROTOCOL_START:
        on_start(runner, frame);
        break;
    case PROTOCOL_CANCEL:
        if (protocol_get_key(frame, &key)) {
            Attempt *attempt = g_hash_table_lookup(runner->attempts, &key);
            if (attempt != NULL)
                attempt_cancel(attempt);
        }
        break;
    case PROTOCOL_ACKNOWLEDGE:
        if (protocol_get_key(frame, &key))
            on_acknowledge(runner, key);
        break;
    default: /* from a newer controller; it knows our version and can do without */
        break;
    }
}

static void on_broken(void *user)
{
    Client *client = user;
    Runner *runner = client->runner;
    if (client == runner->controller)
        runner->controller = NULL;
    if (client == runner->pending)
        runner->pending = NULL;
    client_close(client);
    CRASH_POINT("runner.left_alone");
    runner_sync(runner);
    runner_check_end(runner);
}

void runner_accept(Runner *runner)
{
    int fd = accept4(RUNNER_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (!unix_socket_peer_is_trusted(fd)) {
        close(fd);
        return;
    }
    static const ChannelEvents events = {.on_frame = on_frame, .on_broken = on_broken};
    client_close(runner->pending);
    Client *client = g_new0(Client, 1);
    client->runner = runner;
    runner->pending = client;
    client->channel = channel_open(&runner->loop, fd, &events, client);
}
