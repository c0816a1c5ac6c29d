/* SPDX-License-Identifier: MIT */
/**
 * Unix stream sockets at any path: one over 107 bytes goes through /proc/self/fd/N/name.
 */
#pragma once

#include <stdbool.h>

/** A listening socket, mode 0600 from its first moment on; or a negative errno. */
int unix_socket_listen(const char *path);
/** A connected socket, or a negative errno. Does not wait. */
int unix_socket_connect(const char *path);
/** Whether the process at the other end is root's or ours. */
bool unix_socket_peer_is_trusted(int fd);
