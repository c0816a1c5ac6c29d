/* SPDX-License-Identifier: MIT */
#include "executors/local/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, HANDLES = 4 };

struct Channel {
    uv_pipe_t pipe;
    uv_prepare_t prepare; /* flushes what earlier phases of the turn have put ... */
    uv_check_t check;     /* ... and what the poll phase has */
    uv_idle_t idle;       /* active while something is unsent: the loop must not block before it is flushed */
    uv_write_t write;
    ChannelEvents events;
    void *user;
    GByteArray *in;      /* an incomplete frame */
    GByteArray *out;     /* not yet given to the kernel */
    GByteArray *sending; /* given to uv_write */
    bool writing, broken, closing;
    int open_handles;
    char buffer[READ_SIZE];
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
    uv_read_stop((uv_stream_t *)&channel->pipe);
    uv_idle_stop(&channel->idle);
    channel->events.on_broken(channel->user);
}

static void channel_flush(Channel *channel);

static void on_written(uv_write_t *write, int status)
{
    Channel *channel = write->data;
    channel->writing = false;
    if (channel->closing)
        return;
    if (status < 0)
        channel_break(channel);
    else
        channel_flush(channel);
}

static void channel_flush(Channel *channel)
{
    uv_idle_stop(&channel->idle);
    if (channel->writing || channel->broken || channel->closing || channel->out->len == 0)
        return;
    uv_stream_t *stream = (uv_stream_t *)&channel->pipe;
    uv_buf_t buffer = uv_buf_init((char *)channel->out->data, channel->out->len);
    int written = uv_try_write(stream, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) {
        channel_break(channel);
        return;
    }
    if (written > 0 && (guint)written == channel->out->len) {
        g_byte_array_set_size(channel->out, 0);
        return;
    }
    GByteArray *rest = channel->out;
    channel->out = channel->sending;
    channel->sending = rest;
    g_byte_array_set_size(channel->out, 0);
    guint done = written > 0 ? (guint)written : 0;
    buffer = uv_buf_init((char *)rest->data + done, rest->len - done);
    channel->write.data = channel;
    channel->writing = true;
    int r = uv_write(&channel->write, stream, &buffer, 1, on_written);
    if (r < 0) {
        channel->writing = false;
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
    if (!channel->broken && !channel->closing)
        uv_idle_start(&channel->idle, on_idle);
    return channel->out;
}

/** Hands out the frames in data; returns how many bytes they took, or -1 when the channel broke. */
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

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    Channel *channel = handle->data;
    *out = uv_buf_init(channel->buffer, sizeof channel->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    Channel *channel = stream->data;
    if (count == 0)
        return;
    if (count < 0) {
        channel_break(channel);
        return;
    }
    ssize_t taken;
    if (channel->in->len == 0) {
        taken = dispatch(channel, (const uint8_t *)buffer->base, (size_t)count);
        if (taken >= 0 && taken < count)
            g_byte_array_append(channel->in, (const uint8_t *)buffer->base + taken, (guint)(count - taken));
    } else {
        g_byte_array_append(channel->in, (const uint8_t *)buffer->base, (guint)count);
        taken = dispatch(channel, channel->in->data, channel->in->len);
        if (taken > 0)
            g_byte_array_remove_range(channel->in, 0, (guint)taken);
    }
    if (!channel->broken && !channel->closing && channel->events.on_read_end != NULL)
        channel->events.on_read_end(channel->user);
}

Channel *channel_open(uv_loop_t *loop, int fd, const ChannelEvents *events, void *user)
{
    Channel *channel = g_new0(Channel, 1);
    channel->events = *events;
    channel->user = user;
    channel->in = g_byte_array_new();
    channel->out = g_byte_array_new();
    channel->sending = g_byte_array_new();
    uv_pipe_init(loop, &channel->pipe, 0);
    uv_prepare_init(loop, &channel->prepare);
    uv_check_init(loop, &channel->check);
    uv_idle_init(loop, &channel->idle);
    channel->pipe.data = channel->prepare.data = channel->check.data = channel->idle.data = channel;
    channel->open_handles = HANDLES;
    uv_prepare_start(&channel->prepare, on_prepare);
    uv_check_start(&channel->check, on_check);
    /* Only the pipe keeps a loop running. */
    uv_unref((uv_handle_t *)&channel->prepare);
    uv_unref((uv_handle_t *)&channel->check);
    int r = uv_pipe_open(&channel->pipe, fd);
    if (r < 0) {
        close(fd);
        channel->broken =
            true; /* the first read or write would have said so; the owner finds out by its timer */
        return channel;
    }
    uv_read_start((uv_stream_t *)&channel->pipe, on_alloc, on_read);
    return channel;
}

void channel_drain(Channel *channel, int timeout_ms)
{
    int64_t deadline = g_get_monotonic_time() + (int64_t)timeout_ms * USEC_PER_MSEC;
    uv_os_fd_t fd;
    while (!channel->broken && !channel->closing && !channel->writing && channel->out->len > 0) {
        uv_buf_t buffer = uv_buf_init((char *)channel->out->data, channel->out->len);
        int written = uv_try_write((uv_stream_t *)&channel->pipe, &buffer, 1);
        if (written > 0) {
            g_byte_array_remove_range(channel->out, 0, (guint)written);
            continue;
        }
        int64_t left_ms = (deadline - g_get_monotonic_time()) / USEC_PER_MSEC;
        if (written != UV_EAGAIN || left_ms <= 0 || uv_fileno((uv_handle_t *)&channel->pipe, &fd) < 0)
            return;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        poll(&wait, 1, (int)left_ms);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    Channel *channel = handle->data;
    if (--channel->open_handles > 0)
        return;
    g_byte_array_unref(channel->in);
    g_byte_array_unref(channel->out);
    g_byte_array_unref(channel->sending);
    g_free(channel);
}

void channel_close(Channel *channel)
{
    if (channel == NULL || channel->closing)
        return;
    channel->closing = true;
    uv_close((uv_handle_t *)&channel->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&channel->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&channel->check, on_handle_closed);
    uv_close((uv_handle_t *)&channel->idle, on_handle_closed);
}
