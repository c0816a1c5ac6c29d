/* SPDX-License-Identifier: MIT */
/** Bringing a run of the store into the engine to change it by hand. Private to the commands. */
#pragma once

#include "scheduler/daemon/command.h"
#include "scheduler/daemon/dag_bag.h"

/** Has the run in the engine; it leaves again after the turn when it is finished then. */
bool run_change_load(Command *command, const DagRun *run, GError **error);
/**
 * The params that the run will have on that version of its DAG, as JSON; NULL when it is on it already. False
 * when what was given for the run does not fit it any more.
 */
bool run_change_params(const DagRun *run, const DagLatest *latest, char **ret_json, GError **error);
/** Moves a loaded run to that version, with run_change_params(); false if it is on it already. */
bool run_change_version(Command *command, const DagRun *run, const DagLatest *latest,
                        const char *params_json);
