/* SPDX-License-Identifier: MIT */
/**
 * Which tasks of a DAG a clear or a mark means: by id or pattern, with their relatives, then by state.
 */
#pragma once

#include "scheduler/model/dag.h"
#include "scheduler/model/records.h"

#include <jansson.h>

typedef struct {
    const char *regex;         /**< searched for in task ids, as Python's re.search; NULL = not asked */
    const json_t *task_ids;    /**< array of strings; NULL = not asked. Neither: all tasks */
    bool upstream, downstream; /**< with all transitive relatives */
    unsigned states;           /**< bits 1 << TaskState; 0 = any but none */
} Selection;

/** The bits of only_failed (failed and upstream_failed) and only_running; both: their union. */
unsigned selection_states(bool only_failed, bool only_running);

/**
 * Indexes (uint32_t) of the tasks meant, ascending, whatever their state. An unknown id is an error with a
 * near name, and so is a pattern that is wrong or matches nothing. The caller unrefs.
 */
GArray *selection_tasks(const Selection *selection, const Dag *dag, GError **error);

/**
 * Of these tasks, those whose row is in one of the states, with failed also those that were skipped because
 * their run was ended (canceled, timed out, in a deadlock): their indexes. `ret_rows` (may be NULL) gets the
 * rows (const TaskInstance *, of `rows`) in the same order.
 */
GArray *selection_filter(const Selection *selection, const Dag *dag, const GArray *indexes,
                         const TaskInstance *rows, size_t n_rows, GPtrArray **ret_rows);

/** WEIR_ERROR_NOT_FOUND about a task id, with a near name. */
void selection_set_unknown_task(const Dag *dag, const char *task_id, GError **error);
