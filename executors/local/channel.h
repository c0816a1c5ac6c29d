/* SPDX-License-Identifier: MIT */
/**
 * One end of a connection between controller and runner: frames in, frames out, on a uv loop.
 *
 * What is put during a turn of the loop goes out in one write at its end, whoever put it and in which phase.
 */
#pragma once

#include "executors/local/protocol.h"

#include <uv.h>

typedef struct Channel Channel;

typedef struct {
    void (*on_frame)(const ProtocolFrame *frame, void *user);
    /** After the frames of one read (may be NULL). */
    void (*on_read_end)(void *user);
    /** The peer is gone or talks nonsense. The channel still wants channel_close(). */
    void (*on_broken)(void *user);
} ChannelEvents;

/** Takes over `fd`, a connected stream socket. */
Channel *channel_open(uv_loop_t *loop, int fd, const ChannelEvents *events, void *user);

/** Where to append frames to; they are sent at the end of this turn. */
GByteArray *channel_out(Channel *channel);

/** Sends what was put and blocks for it, at most `timeout_ms`. For the end of a conversation. */
void channel_drain(Channel *channel, int timeout_ms);

/** Closes; no event follows. The memory goes when the loop has closed the handles. NULL is fine. */
void channel_close(Channel *channel);
