/* SPDX-License-Identifier: MIT */
/**
 * What systemd wants to hear of a service (sd_notify(3)), without its library. Outside of systemd nothing of
 * this does anything.
 */
#pragma once

#include "scheduler/model/types.h"

/** Sends e.g. "READY=1" or "STATUS=...", several in one text with a newline between. */
void sd_notify_send(const char *state);
/** How often "WATCHDOG=1" must be sent: half of what WATCHDOG_USEC allows; 0 = not at all. */
int64_t sd_notify_watchdog_us(void);
