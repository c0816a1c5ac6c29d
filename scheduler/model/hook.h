/* SPDX-License-Identifier: MIT */
/**
 * Hooks: commands that DAG files have run when something has ended. Airflow's callbacks, as commands.
 */
#pragma once

#include "scheduler/model/types.h"

/** What a hook waits for; named as its key in DAG files. */
typedef enum {
    HOOK_ON_SUCCESS, /**< an attempt, or a run, ended success */
    HOOK_ON_FAILURE, /**< an attempt failed for good, or a run failed */
    HOOK_ON_RETRY,   /**< an attempt failed and its task is up_for_retry */
    HOOK_EVENT_COUNT,
    HOOK_EVENT_INVALID = -1,
} HookEvent;

/** "on_success", "on_failure", "on_retry". */
const char *hook_event_to_string(HookEvent event);
HookEvent hook_event_from_string(const char *name);

/** How far one execution of a hook is. */
typedef enum {
    HOOK_STATE_QUEUED,  /**< to be started, for the first time or again */
    HOOK_STATE_RUNNING, /**< an attempt of it is with the executor, or is to be handed to it */
    HOOK_STATE_SUCCESS, /**< its command has exited with 0 */
    HOOK_STATE_FAILED,  /**< it has not, and is not tried again */
    HOOK_STATE_COUNT,
    HOOK_STATE_INVALID = -1,
} HookState;

const char *hook_state_to_string(HookState state);
HookState hook_state_from_string(const char *name);
