/* SPDX-License-Identifier: MIT */
/**
 * States of runs and tasks, in Airflow's words, and the edges between them.
 *
 * The edges in `task_state_may_become()` are the whole state machine: the engine asserts them, and the
 * store's CHECK constraints repeat what can be said about one row.
 */
#pragma once

#include "scheduler/model/types.h"

typedef enum {
    TASK_STATE_NONE,            /**< null: not yet decided, or cleared */
    TASK_STATE_SCHEDULED,       /**< its trigger rule holds; waits for a slot; try_number is already raised */
    TASK_STATE_QUEUED,          /**< has its slots; the committed row is the intent to start this attempt */
    TASK_STATE_RUNNING,         /**< the executor has reported the start */
    TASK_STATE_SUCCESS,         /**< exit code 0 of that very attempt, or marked by a user */
    TASK_STATE_FAILED,          /**< no retry left, or marked by a user */
    TASK_STATE_SKIPPED,         /**< by rule, by exit code 99, or because the run ended without it */
    TASK_STATE_UPSTREAM_FAILED, /**< cannot run: an upstream failed */
    TASK_STATE_UP_FOR_RETRY,    /**< failed with tries left; waits for its retry delay */
    TASK_STATE_UP_FOR_RESCHEDULE, /**< a sensor between two pokes */
    TASK_STATE_DEFERRED,          /**< waits outside an executor slot */
    TASK_STATE_RESTARTING, /**< cleared while running; its process is being ended, then it starts anew */
    TASK_STATE_REMOVED,    /**< its task is gone from the DAG version the run is on */
    TASK_STATE_COUNT,
    TASK_STATE_INVALID = -1,
} TaskState;

typedef enum {
    RUN_STATE_QUEUED,
    RUN_STATE_RUNNING,
    RUN_STATE_SUCCESS,
    RUN_STATE_FAILED,
    RUN_STATE_COUNT,
    RUN_STATE_INVALID = -1,
} RunState;

typedef enum {
    RUN_TYPE_MANUAL,
    RUN_TYPE_SCHEDULED,
    RUN_TYPE_BACKFILL,
    RUN_TYPE_ASSET_TRIGGERED,
    RUN_TYPE_COUNT,
    RUN_TYPE_INVALID = -1,
} RunType;

/** The stored and shown name; NULL for TASK_STATE_NONE, as in Airflow's JSON. */
const char *task_state_to_string(TaskState state);
/** NULL and "none" are TASK_STATE_NONE; an unknown word is TASK_STATE_INVALID. */
TaskState task_state_from_string(const char *name);

const char *run_state_to_string(RunState state);
RunState run_state_from_string(const char *name);
const char *run_type_to_string(RunType type);
RunType run_type_from_string(const char *name);
/** The type a run id's prefix stands for (`scheduled__...`); manual when it has none. */
RunType run_type_from_run_id(const char *run_id);

/** success, failed, skipped, upstream_failed, removed. */
bool task_state_is_finished(TaskState state);
/** failed, upstream_failed. */
bool task_state_is_failure(TaskState state);
/** success, skipped: what depends_on_past accepts. */
bool task_state_is_good(TaskState state);
/** queued, running, restarting: an attempt of it is, or may be, with an executor. */
bool task_state_is_executing(TaskState state);
bool run_state_is_finished(RunState state);

/** Whether the state machine has an edge `from` -> `to`. */
bool task_state_may_become(TaskState from, TaskState to);
