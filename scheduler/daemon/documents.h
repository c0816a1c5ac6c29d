/* SPDX-License-Identifier: MIT */
/** Runs, task instances and backfills as JSON, with the field names of Airflow's REST API. New references. */
#pragma once

#include "scheduler/load/settings.h"
#include "scheduler/store/rows.h"

#include <jansson.h>

json_t *document_of_run(const DagRun *run);
/** `run` is the task instance's run. */
json_t *document_of_task(const Settings *settings, const DagRun *run, const TaskInstance *ti);
/**
 * The same for whoever watches the run: only what tells how it goes, and of that no nulls but the state. A
 * run may have 100,000 of them.
 */
json_t *document_of_progress(const Settings *settings, const DagRun *run, const TaskInstance *ti);
json_t *document_of_backfill(const Backfill *backfill);
json_t *document_of_event(const EventLog *event);
/** A JSON text, or null for TIME_NONE. */
json_t *document_of_instant(int64_t us);
