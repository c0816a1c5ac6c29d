/* SPDX-License-Identifier: MIT */
/** Why a task is not running, in words. Private to the commands. */
#pragma once

#include "scheduler/daemon/internal.h"

/**
 * `[{"name": ..., "reason": ...}]`, as REST's task instance dependencies, of what engine_explain() says about
 * a task of a run in the engine. The names are those of Airflow's dependencies. New reference.
 */
json_t *explain_to_json(const Daemon *daemon, int64_t dag_run_id, const TaskInstance *ti,
                        const GPtrArray *conditions, int64_t now_us);
