/* SPDX-License-Identifier: MIT */
/** The parts of sim_years. */
#pragma once

#include "tests/sim/calendar.h"

/* years_user.c */
/** Whatever a user of schedules may do; the caller owes a turn. */
void years_command(World *world);
/** A file changes, comes or goes; seen at once, or at the next start only. */
void years_change_file(World *world, bool is_seen);
