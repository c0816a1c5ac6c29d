/* SPDX-License-Identifier: MIT */
/**
 * Without room on the disks nothing new is started: what runs goes on and its results are stored as long as
 * commits fit, runs are made, and what is ready waits. It goes on by itself when there is room.
 *
 * The disks are looked at when a turn begins, some times a second at most; while starts are held, every five
 * seconds. An attempt that an executor could not even begin for want of room is not started yet: it is
 * scheduled again under the same number, and holds starts as a full disk does.
 */
#pragma once

#include "scheduler/daemon/daemon.h"

typedef struct StartsHold StartsHold;

/** After store and loop are open. */
StartsHold *starts_hold_new(Daemon *daemon, const DaemonOptions *options);
void starts_hold_free(StartsHold *hold);

/** Whether starts_hold_look() would look. */
bool starts_hold_is_due(const Daemon *daemon);
/** The next starts_hold_look() looks, whenever that is. For tests. */
void starts_hold_expire(Daemon *daemon);
/** At the beginning of a turn: holds starts or lets them go, if it is time to look. */
void starts_hold_look(Daemon *daemon, int64_t now_us);
/** An executor had no room to begin an attempt: `why`, for people. In a turn. */
void starts_hold_refused(Daemon *daemon, const char *why, int64_t now_us);
/** Why nothing is started, for people; NULL: starts are not held. */
const char *starts_hold_reason(const Daemon *daemon);
