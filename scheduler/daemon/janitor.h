/* SPDX-License-Identifier: MIT */
/** Retention: what is older than scheduler.retention is deleted at the start and once a day. Private. */
#pragma once

#include "scheduler/daemon/internal.h"

/** NULL when everything is to be kept. Its timer is on the daemon's loop. */
Janitor *janitor_start(Daemon *daemon);
/** After the loop has closed the timer. */
void janitor_free(Janitor *janitor);
