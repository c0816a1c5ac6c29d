/* SPDX-License-Identifier: MIT */
/**
 * weir.sock: commands and watching from other processes of the same user. Wire form: docs/commands.md.
 *
 * Connections only put commands into the daemon's inbox and write answers; everything is bounded: the length
 * of a line, the commands waiting per connection, what a slow reader may leave unread, the number of
 * connections.
 */
#pragma once

#include "scheduler/daemon/internal.h"

/** Serves the home's socket. A socket file that is there is stale: we hold the lock. NULL with an error. */
Server *server_start(Daemon *daemon, GError **error);
/** Closes everything, removes the socket file; the memory goes when the loop has run. NULL is fine. */
void server_free(Server *server);
