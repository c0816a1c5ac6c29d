/* SPDX-License-Identifier: MIT */
/**
 * How a DagRun lies in a row. Private to the store.
 */
#pragma once

#include "scheduler/store/query.h"

/* In the order of the table. */
#define RUN_COLUMNS                                                                                          \
    "id, dag_id, run_id, run_type, state, dag_version_id, logical_date_us, data_interval_start_us, "         \
    "data_interval_end_us, run_after_us, queued_at_us, start_date_us, end_date_us, forced_state, "           \
    "end_reason, "                                                                                           \
    "clear_number, backfill_id, conf, params, triggered_by, triggering_user_name, note"

/** The row the query stands on. */
DagRun *run_take(Query *query);
