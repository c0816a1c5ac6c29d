/* SPDX-License-Identifier: MIT */
/** Waiting for another weir process of the same home to end. */
#pragma once

#include "scheduler/store/lock.h"

/**
 * Waits for the lock without ever waking up, but for `tick` every `tick_us` (0 = never). NULL without an
 * error when a signal came first (signals.h must be installed); then the waiting goes on in a thread that
 * ends with the process.
 */
StoreLock *standby_wait(const char *lock_path, const char *verb, int64_t tick_us, void (*tick)(void),
                        GError **error);
