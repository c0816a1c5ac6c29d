/* SPDX-License-Identifier: MIT */
/**
 * One timer at a time of day. Unlike uv_timer it counts the time a machine sleeps, and it notices when the
 * clock is set; so nothing has to wake up now and then to look.
 */
#pragma once

#include "scheduler/model/types.h"

#include <uv.h>

typedef struct WallTimer WallTimer;

/** `fire` is called on the loop when the time has come, and also when the clock was set: look what is due. */
WallTimer *wall_timer_new(uv_loop_t *loop, void (*fire)(void *user), void *user, GError **error);
/** Its handle must be closed, the loop finished. Accepts NULL. */
void wall_timer_free(WallTimer *timer);
/** At that time, or at once if it is past; TIME_NONE = not at all. */
void wall_timer_set(WallTimer *timer, int64_t at_us);
