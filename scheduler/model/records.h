/* SPDX-License-Identifier: MIT */
/**
 * The records that travel between engine, store and daemon: one struct per row.
 *
 * Times are `_us` since the epoch or TIME_NONE. A run's `id` and a task instance's `id` are row ids of the
 * database; the daemon hands them out before the rows are written, and they are never used twice.
 */
#pragma once

#include "scheduler/model/state.h"

/** Why an attempt or a run ended as it did; stored and shown as text. */
typedef enum {
    END_NONE,         /**< not ended, or by plain success */
    END_EXIT_CODE,    /**< the command's own exit code */
    END_SIGNAL,       /**< killed by a signal that was not ours */
    END_TIMEOUT,      /**< execution_timeout, or dagrun_timeout for a run */
    END_LOST,         /**< nobody knows how it ended */
    END_START_FAILED, /**< could not be started: command not found, bad cwd, ... */
    END_TEMPLATE,     /**< a template of it could not be rendered */
    END_CANCELED,     /**< a user canceled the run */
    END_MARKED,       /**< a user marked it */
    END_CLEARED,      /**< ended because it was cleared while running */
    END_TRIGGER_RULE, /**< skipped or upstream_failed by its rule */
    END_TASK_FAILURE, /**< run: a leaf failed */
    END_DEADLOCK,     /**< run: tasks were left that nothing could start */
    END_RUN_ENDED,    /**< task: its run ended without it (timeout, deadlock, marked failed) */
    END_REASON_COUNT,
    END_REASON_INVALID = -1,
} EndReason;

const char *end_reason_to_string(EndReason reason); /* NULL for END_NONE */
EndReason end_reason_from_string(const char *name); /* NULL is END_NONE */

#define EXIT_CODE_NONE INT32_MIN

typedef struct {
    int64_t id;
    char *dag_id;
    char *run_id;
    RunType type;
    RunState state;
    int64_t dag_version_id;
    int64_t logical_date_us; /**< TIME_NONE: null */
    int64_t data_interval_start_us, data_interval_end_us;
    int64_t run_after_us;
    int64_t queued_at_us, start_date_us, end_date_us;
    /**
     * How the run must end (mark, cancel, dagrun_timeout) once no attempt of it is alive; RUN_STATE_INVALID
     * when its leaves decide.
     */
    RunState forced_state;
    EndReason end_reason;
    int32_t clear_number;
    int64_t backfill_id;   /**< 0 = none */
    char *conf_json;       /**< as given, an object; "{}" if nothing was */
    char *params_json;     /**< resolved: what {{ params.x }} sees */
    char *triggered_by;    /**< cli, rest_api, timetable, backfill, ... */
    char *triggering_user; /**< or NULL */
    char *note;            /**< or NULL */
} DagRun;

/** Deep copy; NULL gives NULL. */
DagRun *dag_run_copy(const DagRun *run);
void dag_run_free(DagRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DagRun, dag_run_free)

/**
 * One task of one run, at its latest try. `task_id` and `pool` are borrowed: from the Dag of the run, or from
 * whoever read the row.
 */
typedef struct {
    int64_t id;
    int64_t dag_run_id; /**< DagRun.id */
    const char *task_id;
    TaskState state;
    EndReason end_reason;
    int32_t try_number;  /**< 0 until first scheduled */
    int32_t max_tries;   /**< a retry is allowed while try_number <= max_tries and max_tries > 0 */
    int32_t exit_code;   /**< EXIT_CODE_NONE until known */
    int32_t term_signal; /**< 0 = none */
    int64_t pid;         /**< 0 until started */
    int64_t scheduled_us, queued_us, start_date_us, end_date_us;
    int64_t retry_at_us; /**< in up_for_retry: when the next try is due */
    const char *pool;
    int32_t pool_slots;
    int32_t priority_weight;   /**< effective */
    const char *operator_name; /**< task_body_operator(), or NULL; borrowed as task_id is */
} TaskInstance;

/**
 * Which attempt: the task instance's row id and the try; of a hook, whose keys must not meet those of tasks,
 * minus its row id and the number of its attempt. An attempt is started at most once.
 */
typedef struct {
    int64_t ti_id;
    int32_t try_number;
} AttemptId;
