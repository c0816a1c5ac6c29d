/* SPDX-License-Identifier: MIT */
/**
 * The other end of weir.sock: commands and watching, blocking, for the CLI.
 *
 * Wire form: one JSON document per line in both directions (docs/commands.md). The server checks the peer's
 * uid; the client checks that the socket's owner is us or root.
 */
#pragma once

#include "scheduler/model/types.h"

#include <jansson.h>

/**
 * Sends one command and waits for its answer, at most `timeout_us`. New reference.
 * WEIR_ERROR_NOT_FOUND: nobody listens (no socket, or connection refused) and nothing was sent.
 * WEIR_ERROR_BUSY: connected, but no answer in time: whether it was carried out is unknown.
 */
json_t *client_call(const char *home, json_t *command, int64_t timeout_us, GError **error);

typedef enum {
    CLIENT_FOLLOW_DONE,    /**< the run finished */
    CLIENT_FOLLOW_LOST,    /**< the daemon went away; the run goes on when another takes over */
    CLIENT_FOLLOW_STOPPED, /**< the callback said stop */
    CLIENT_FOLLOW_ERROR,
} ClientFollowEnd;

/**
 * Follows a run: each document that daemon_subscribe() describes goes to `on_document`, which returns false
 * to stop; it is also called with NULL about every 100 ms (redraw, signals).
 */
ClientFollowEnd client_follow(const char *home, const char *dag_id, const char *run_id,
                              bool (*on_document)(const json_t *document, void *user), void *user,
                              GError **error);
