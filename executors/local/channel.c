/* SPDX-License-Identifier: MIT */
#include "executors/local/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, READS_PER_TURN = 16, HANDLES = 4 };

struct Channel {
    int fd;
    uv_poll_t poll;
    uv_prepare_t prepare; /* flushes what earlier phases of the turn have put ... */
    uv_check_t check;     /* ... and what the poll phase has */
    uv_idle_t idle;       /* active while something is unsent: the loop must not block before it is flushed */
    ChannelEvents events;
    void *user;
    GByteArray *in;  /* an incomplete frame */
    GByteArray *out; /* not yet given to the kernel */
    bool blocked;    /* the kernel takes no more: wait until it does */
    bool broken, closing;
    int open_handles;
    uint8_t buffer[READ_SIZE];
};

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* being active is all it has to do */
}

static void channel_break(Channel *channel)
{
    if (channel->broken || channel->closing)
        return;
    channel->broken = true;
    uv_poll_stop(&channel->poll);
    uv_idle_stop(&channel->idle);
    channel->events.on_broken(channel->user);
}

/* --- Out --- */

/** Gives the kernel what it takes. 0, -EAGAIN when it takes no more for now, or another negative errno. */
static int send_some(Channel *channel)
{
    guint sent = 0;
    int r = 0;
    while (sent < channel->out->len && r == 0) {
        ssize_t n = send(channel->fd, channel->out->data + sent, channel->out->len - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            sent += (guint)n;
        else if (errno != EINTR)
            r = -errno;
    }
    if (sent > 0)
        g_byte_array_remove_range(channel->out, 0, sent);
    return r;
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void channel_flush(Channel *channel)
{
    uv_idle_stop(&channel->idle);
    if (channel->blocked || channel->broken || channel->closing || channel->out->len == 0)
        return;
    int r = send_some(channel);
    if (r == -EAGAIN) {
        channel->blocked = true;
        uv_poll_start(&channel->poll, UV_READABLE | UV_WRITABLE, on_poll);
    } else if (r < 0) {
        channel_break(channel);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    channel_flush(prepare->data);
}

static void on_check(uv_check_t *check)
{
    channel_flush(check->data);
}

GByteArray *channel_out(Channel *channel)
{
    if (!channel->blocked && !channel->broken && !channel->closing)
        uv_idle_start(&channel->idle, on_idle);
    return channel->out;
}

void channel_drain(Channel *channel, int timeout_ms)
{
    int64_t deadline_us = g_get_monotonic_time() + (int64_t)timeout_ms * USEC_PER_MSEC;
    while (!channel->broken && !channel->closing && channel->out->len > 0) {
        int64_t left_ms = (deadline_us - g_get_monotonic_time()) / USEC_PER_MSEC;
        int r = send_some(channel);
        if (r != -EAGAIN || left_ms <= 0)
            return;
        struct pollfd wait = {.fd = channel->fd, .events = POLLOUT};
        poll(&wait, 1, (int)left_ms);
    }
}

/* --- In --- */

/** Hands out the frames in data; returns how many bytes they took, or -1 when the channel is no more. */
static ssize_t dispatch(Channel *channel, const uint8_t *data, size_t size)
{
    size_t offset = 0;
    ProtocolFrame frame;
    int r;
    while ((r = protocol_next_frame(data, size, &offset, &frame)) == 1) {
        channel->events.on_frame(&frame, channel->user);
        if (channel->broken || channel->closing)
            return -1;
    }
    if (r < 0) {
        channel_break(channel);
        return -1;
    }
    return (ssize_t)offset;
}

/** Takes what was read; false when the channel is no more. */
static bool take(Channel *channel, size_t count)
{
    ssize_t taken;
    if (channel->in->len == 0) {
        taken = dispatch(channel, channel->buffer, count);
        if (taken >= 0 && (size_t)taken < count)
            g_byte_array_append(channel->in, channel->buffer + taken, (guint)(count - (size_t)taken));
    } else {
        g_byte_array_append(channel->in, channel->buffer, (guint)count);
        taken = dispatch(channel, channel->in->data, channel->in->len);
        if (taken > 0)
            g_byte_array_remove_range(channel->in, 0, (guint)taken);
    }
    return taken >= 0;
}

static void read_all(Channel *channel)
{
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = recv(channel->fd, channel->buffer, sizeof channel->buffer, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            channel_break(channel);
            return;
        }
        if (!take(channel, (size_t)n))
            return;
        if ((size_t)n < sizeof channel->buffer)
            break;
    }
    if (channel->events.on_read_end != NULL)
        channel->events.on_read_end(channel->user);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    Channel *channel = handle->data;
    if (status < 0) {
        channel_break(channel);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && channel->blocked) {
        channel->blocked = false;
        uv_poll_start(&channel->poll, UV_READABLE, on_poll);
        channel_flush(channel);
    }
    if ((events & UV_READABLE) != 0 && !channel->broken && !channel->closing)
        read_all(channel);
}

/* --- Open and close --- */

Channel *channel_open(uv_loop_t *loop, int fd, const ChannelEvents *events, void *user)
{
    Channel *channel = g_new0(Channel, 1);
    channel->fd = fd;
    channel->events = *events;
    channel->user = user;
    channel->in = g_byte_array_new();
    channel->out = g_byte_array_new();
    uv_poll_init(loop, &channel->poll, fd);
    uv_prepare_init(loop, &channel->prepare);
    uv_check_init(loop, &channel->check);
    uv_idle_init(loop, &channel->idle);
    channel->poll.data = channel->prepare.data = channel->check.data = channel->idle.data = channel;
    channel->open_handles = HANDLES;
    uv_prepare_start(&channel->prepare, on_prepare);
    uv_check_start(&channel->check, on_check);
    /* Only the socket keeps a loop running. */
    uv_unref((uv_handle_t *)&channel->prepare);
    uv_unref((uv_handle_t *)&channel->check);
    uv_poll_start(&channel->poll, UV_READABLE, on_poll);
    return channel;
}

static void on_handle_closed(uv_handle_t *handle)
{
    Channel *channel = handle->data;
    if (--channel->open_handles > 0)
        return;
    g_byte_array_unref(channel->in);
    g_byte_array_unref(channel->out);
    g_free(channel);
}

void channel_close(Channel *channel)
{
    if (channel == NULL || channel->closing)
        return;
    channel->closing = true;
    uv_close((uv_handle_t *)&channel->poll, on_handle_closed);
    uv_close((uv_handle_t *)&channel->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&channel->check, on_handle_closed);
    uv_close((uv_handle_t *)&channel->idle, on_handle_closed);
    close(channel->fd); /* a poll handle leaves its fd to its owner; it is out of the loop since uv_close() */
}
