/* SPDX-License-Identifier: MIT */
/** One connection to weir.sock. Private to the server. */
#pragma once

#include "scheduler/daemon/internal.h"

#define CONNECTION_LINE_MAX    (32u * 1024 * 1024)
#define CONNECTION_PENDING_MAX 16
#define CONNECTION_UNREAD_MAX  (128u * 1024 * 1024)

typedef struct Connection Connection;

/** Accepts what waits at `listener`; NULL if there is nothing or the peer is somebody else. `on_closed` is
 * called when it is closed, by whomever. */
Connection *connection_accept(Daemon *daemon, uv_stream_t *listener,
                              void (*on_closed)(Connection *, void *user), void *user);
/** Says why it is not served, and closes it. */
void connection_refuse(Connection *connection, const char *message);
/** Begins to close it; nothing is called back from now on but on_closed. */
void connection_close(Connection *connection);
