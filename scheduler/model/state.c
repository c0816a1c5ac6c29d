/* SPDX-License-Identifier: MIT */
#include "scheduler/model/state.h"

#include <string.h>

static const char *const task_state_names[TASK_STATE_COUNT] = {
    [TASK_STATE_NONE] = NULL,
    [TASK_STATE_SCHEDULED] = "scheduled",
    [TASK_STATE_QUEUED] = "queued",
    [TASK_STATE_RUNNING] = "running",
    [TASK_STATE_SUCCESS] = "success",
    [TASK_STATE_FAILED] = "failed",
    [TASK_STATE_SKIPPED] = "skipped",
    [TASK_STATE_UPSTREAM_FAILED] = "upstream_failed",
    [TASK_STATE_UP_FOR_RETRY] = "up_for_retry",
    [TASK_STATE_UP_FOR_RESCHEDULE] = "up_for_reschedule",
    [TASK_STATE_DEFERRED] = "deferred",
    [TASK_STATE_RESTARTING] = "restarting",
    [TASK_STATE_REMOVED] = "removed",
};

static const char *const run_state_names[RUN_STATE_COUNT] = {
    [RUN_STATE_QUEUED] = "queued",
    [RUN_STATE_RUNNING] = "running",
    [RUN_STATE_SUCCESS] = "success",
    [RUN_STATE_FAILED] = "failed",
};

static const char *const run_type_names[RUN_TYPE_COUNT] = {
    [RUN_TYPE_MANUAL] = "manual",
    [RUN_TYPE_SCHEDULED] = "scheduled",
    [RUN_TYPE_BACKFILL] = "backfill",
    [RUN_TYPE_ASSET_TRIGGERED] = "asset_triggered",
};

static int name_index(const char *const *names, int n, const char *name)
{
    for (int i = 0; name != NULL && i < n; i++) {
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

const char *task_state_to_string(TaskState state)
{
    g_return_val_if_fail(state >= 0 && state < TASK_STATE_COUNT, NULL);
    return task_state_names[state];
}

TaskState task_state_from_string(const char *name)
{
    if (name == NULL || strcmp(name, "none") == 0)
        return TASK_STATE_NONE;
    return (TaskState)name_index(task_state_names, TASK_STATE_COUNT, name);
}

const char *run_state_to_string(RunState state)
{
    g_return_val_if_fail(state >= 0 && state < RUN_STATE_COUNT, NULL);
    return run_state_names[state];
}

RunState run_state_from_string(const char *name)
{
    return (RunState)name_index(run_state_names, RUN_STATE_COUNT, name);
}

const char *run_type_to_string(RunType type)
{
    g_return_val_if_fail(type >= 0 && type < RUN_TYPE_COUNT, NULL);
    return run_type_names[type];
}

RunType run_type_from_string(const char *name)
{
    return (RunType)name_index(run_type_names, RUN_TYPE_COUNT, name);
}

RunType run_type_from_run_id(const char *run_id)
{
    const char *separator = strstr(run_id, "__");
    if (separator == NULL)
        return RUN_TYPE_MANUAL;
    g_autofree char *prefix = g_strndup(run_id, (gsize)(separator - run_id));
    RunType type = run_type_from_string(prefix);
    return type == RUN_TYPE_INVALID ? RUN_TYPE_MANUAL : type;
}

bool task_state_is_finished(TaskState state)
{
    return state == TASK_STATE_SUCCESS || state == TASK_STATE_FAILED || state == TASK_STATE_SKIPPED ||
           state == TASK_STATE_UPSTREAM_FAILED || state == TASK_STATE_REMOVED;
}

bool task_state_is_failure(TaskState state)
{
    return state == TASK_STATE_FAILED || state == TASK_STATE_UPSTREAM_FAILED;
}

bool task_state_is_good(TaskState state)
{
    return state == TASK_STATE_SUCCESS || state == TASK_STATE_SKIPPED;
}

bool task_state_is_executing(TaskState state)
{
    return state == TASK_STATE_QUEUED || state == TASK_STATE_RUNNING || state == TASK_STATE_RESTARTING;
}

bool run_state_is_finished(RunState state)
{
    return state == RUN_STATE_SUCCESS || state == RUN_STATE_FAILED;
}

#define TO(state) (1u << TASK_STATE_##state)
/* What a user may set by hand from any state: marks (airflow-compatible) and the end of a run. */
#define BY_HAND (TO(SUCCESS) | TO(FAILED) | TO(SKIPPED))

static const unsigned legal_edges[TASK_STATE_COUNT] = {
    /* An empty task succeeds without a queue; a rule may skip or fail it without an attempt. */
    [TASK_STATE_NONE] = TO(SCHEDULED) | TO(UPSTREAM_FAILED) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_SCHEDULED] = TO(QUEUED) | TO(NONE) | TO(REMOVED) | TO(UPSTREAM_FAILED) | BY_HAND,
    /* queued -> up_for_retry: it could not be started, or was lost before its start was reported; ->
     * scheduled: there was no room to begin it. */
    [TASK_STATE_QUEUED] =
        TO(RUNNING) | TO(SCHEDULED) | TO(UP_FOR_RETRY) | TO(RESTARTING) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_RUNNING] =
        TO(UP_FOR_RETRY) | TO(UP_FOR_RESCHEDULE) | TO(DEFERRED) | TO(RESTARTING) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_SUCCESS] = TO(NONE) | TO(RESTARTING) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_FAILED] = TO(NONE) | TO(RESTARTING) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_SKIPPED] = TO(NONE) | TO(RESTARTING) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_UPSTREAM_FAILED] = TO(NONE) | TO(RESTARTING) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_UP_FOR_RETRY] = TO(SCHEDULED) | TO(NONE) | TO(UPSTREAM_FAILED) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_UP_FOR_RESCHEDULE] = TO(SCHEDULED) | TO(NONE) | TO(UPSTREAM_FAILED) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_DEFERRED] = TO(SCHEDULED) | TO(UP_FOR_RETRY) | TO(NONE) | TO(REMOVED) | BY_HAND,
    /* Its old process is gone (or ended by itself): back to null, with a new attempt to come. */
    [TASK_STATE_RESTARTING] = TO(NONE) | TO(REMOVED) | BY_HAND,
    [TASK_STATE_REMOVED] = TO(NONE),
};

bool task_state_may_become(TaskState from, TaskState to)
{
    g_return_val_if_fail(from >= 0 && from < TASK_STATE_COUNT && to >= 0 && to < TASK_STATE_COUNT, false);
    return (legal_edges[from] & (1u << to)) != 0;
}
