/* SPDX-License-Identifier: MIT */
#include "scheduler/model/hook.h"

#include <string.h>

static const char *const event_names[HOOK_EVENT_COUNT] = {
    [HOOK_ON_SUCCESS] = "on_success",
    [HOOK_ON_FAILURE] = "on_failure",
    [HOOK_ON_RETRY] = "on_retry",
};

static const char *const state_names[HOOK_STATE_COUNT] = {
    [HOOK_STATE_QUEUED] = "queued",
    [HOOK_STATE_RUNNING] = "running",
    [HOOK_STATE_SUCCESS] = "success",
    [HOOK_STATE_FAILED] = "failed",
};

/** The index of `name`, or -1. */
static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; name != NULL && i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

const char *hook_event_to_string(HookEvent event)
{
    return event >= 0 && event < HOOK_EVENT_COUNT ? event_names[event] : NULL;
}

HookEvent hook_event_from_string(const char *name)
{
    return (HookEvent)find_name(event_names, HOOK_EVENT_COUNT, name);
}

const char *hook_state_to_string(HookState state)
{
    return state >= 0 && state < HOOK_STATE_COUNT ? state_names[state] : NULL;
}

HookState hook_state_from_string(const char *name)
{
    return (HookState)find_name(state_names, HOOK_STATE_COUNT, name);
}
