/* SPDX-License-Identifier: MIT */
/** Run ids, airflow-compatible: `<type>__<instant>`. */
#pragma once

#include "scheduler/model/state.h"

/**
 * The id of a run of that type: with the instant as ISO 8601, microseconds when there are any, and `_` and
 * eight random characters when it has no logical date. The caller frees.
 */
char *run_id_make(RunType type, int64_t instant_us, bool has_logical_date);

/** A run id that a user gave: its form, and that its prefix does not stand for another type of run. */
bool run_id_check_manual(const char *run_id, GError **error);
