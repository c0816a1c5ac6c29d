/* SPDX-License-Identifier: MIT */
/** A store with old runs of a DAG "shop", for tests of what is deleted. */
#pragma once

#include "tests/unit/daemon/fixture.h"

#define DAY(n) (INT64_C(1767225600) * USEC_PER_SEC + (n)*USEC_PER_DAY) /* from 2026-01-01 on */

/** A fixture with the DAG, as a setup function. */
int old_runs_set_up(void **state);
/** A stored run, as if it had run on that day, with one task "load" and its log. While no daemon is open. */
void old_runs_add(Fixture *f, const char *run_id, RunType type, RunState state, int day, int64_t backfill_id);
/** All runs that are left are these, sorted: "a b c"; each has its logs, and there are no others. */
void old_runs_expect(Fixture *f, const char *want);
/** Task instances of a run that are left. */
int64_t old_runs_count_tasks(Fixture *f, const char *run_id);
bool old_runs_has_logs(Fixture *f, const char *run_id);
/** The store has no rows that contradict each other. */
void old_runs_expect_sound(Fixture *f);
