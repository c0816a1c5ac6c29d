/* SPDX-License-Identifier: MIT */
/** Pools that keep tasks waiting until somebody changes the pool: nothing else would ever tell. */
#pragma once

#include "scheduler/engine/engine.h"

/**
 * Says, once a pool, that tasks of the run wait for one that is missing or smaller than they need. Nothing of
 * finished tasks, and of a run that is not in the engine. The text is borrowed during the call.
 */
void pool_hindrances(const Engine *engine, int64_t dag_run_id, void (*say)(const char *text, void *user),
                     void *user);
