/* SPDX-License-Identifier: MIT */
/**
 * Retention: what is kept no longer, by the settings or by DAG files, is deleted. A round begins soon after
 * the start and then once a day; it goes in slices, each of them a turn of its own, so that the loop never
 * waits. One in which nothing is to be deleted, because nobody asks for it, is a query. Private.
 */
#pragma once

#include "scheduler/daemon/internal.h"

/** Its timer is on the daemon's loop. */
Janitor *janitor_start(Daemon *daemon);
/** A DAG is to be kept for another time than before: the next round begins soon. NULL does nothing. */
void janitor_wake(Janitor *janitor);
/** After the loop has closed the timer. */
void janitor_free(Janitor *janitor);
