/* SPDX-License-Identifier: MIT */
/**
 * Deleting what is old, in slices that are short enough for the loop. Private.
 *
 * A slice goes into one turn: it removes logs at once and has the turn's transaction delete the rows. Logs go
 * first: whatever dies in between, no logs are left of which no row tells; and a run whose logs are not gone
 * yet stays for the next slice. A run with more rows than a slice may delete loses them in slices, its task
 * instances last; its own row goes with the last of them. In between it is a finished run with fewer tasks.
 */
#pragma once

#include "scheduler/daemon/internal.h"

/** What one slice may do at most. CLEAN_ROWS counts what hangs on runs: task instances, XComs, hooks. */
#define CLEAN_RUNS_SEEN   1000
#define CLEAN_RUNS        100
#define CLEAN_ROWS        2000
#define CLEAN_LOG_ENTRIES 2000
#define CLEAN_OTHER_ROWS  2000

typedef struct {
    int64_t before_us;     /**< runs that ended, events and versions that are from before */
    bool by_retention;     /**< from before that time by as much as DAGs and settings keep it; logs, too */
    const json_t *dag_ids; /**< array of texts: only these DAGs; NULL = all */
    int64_t after_id;      /**< runs up to this id have been seen by earlier slices */
    int64_t max_runs;      /**< 0 = CLEAN_RUNS */
    bool is_dry;           /**< only count */
} CleanSlice;

typedef struct {
    GHashTable *dags; /**< dag_id -> CleanCount */
    int64_t n_versions, n_backfills, n_events;
    int64_t n_logs;   /**< runs that stay without their logs */
    int64_t after_id; /**< for the next slice */
    bool has_more;
} CleanResult;

typedef struct {
    int64_t n_runs, n_tasks;
} CleanCount;

void clean_result_clear(CleanResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CleanResult, clean_result_clear)

/**
 * Kept whatever its age: what is unfinished; each DAG's last scheduled run, from which the schedule goes on;
 * runs of a backfill that is not done; a DAG's latest version.
 */
bool clean_slice(Daemon *daemon, const CleanSlice *slice, CleanResult *ret, GError **error);

/**
 * All runs of a DAG, of which none may be unfinished. True as `ret_is_done` when none is left: then the DAG
 * itself can go. Counts into `ret`.
 */
bool clean_dag_slice(Daemon *daemon, const char *dag_id, CleanCount *ret, bool *ret_is_done, GError **error);
