/* SPDX-License-Identifier: MIT */
/** Bringing a run of the store into the engine to change it by hand. Private to the commands. */
#pragma once

#include "scheduler/daemon/command.h"
#include "scheduler/daemon/dag_bag.h"

/** Has the run in the engine; it leaves again after the turn when it is finished then. */
bool run_change_load(Command *command, const DagRun *run, GError **error);
/** Moves a loaded run to that version; false if it is on it already. */
bool run_change_version(Command *command, const DagRun *run, const DagLatest *latest);
