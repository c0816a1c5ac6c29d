/* SPDX-License-Identifier: MIT */
/**
 * Signals of `weir run`, taken when it suits: handlers only note them and wake a poll.
 */
#pragma once

#include "scheduler/model/types.h"

/** Notes SIGINT, SIGTERM, SIGHUP and SIGWINCH from now on, and ignores SIGPIPE. */
void signals_install(void);
/** Back to the defaults, except for SIGPIPE. */
void signals_restore(void);
/** Readable whenever there is something to take. */
int signals_fd(void);
/** How often SIGINT came since the last call; also empties signals_fd(). */
guint signals_take_interrupts(void);
/** SIGTERM or SIGHUP if one came, else 0; it stays. */
int signals_end(void);
/** Whether the terminal has changed its size since the last call. */
bool signals_take_resize(void);
