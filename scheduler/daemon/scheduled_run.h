/* SPDX-License-Identifier: MIT */
/** Where schedules and runs meet: what a tick becomes, and what the end of a run means. Pure: the simulation
 * does it with these, too. */
#pragma once

#include "scheduler/daemon/schedules.h"
#include "scheduler/engine/engine.h"

/** The run of that tick, queued, still without id and params. The caller frees it. */
DagRun *scheduled_run_new(const ScheduleTick *tick, int64_t dag_version_id, int64_t now_us);

/** Runs that have ended make room for others of their DAG. To be called before engine_output_clear(). */
void scheduled_runs_ended(Schedules *schedules, const Engine *engine, const EngineOutput *output,
                          int64_t now_us);
