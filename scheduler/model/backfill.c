/* SPDX-License-Identifier: MIT */
#include "scheduler/model/backfill.h"

static const char *const reprocess_names[REPROCESS_COUNT] = {
    [REPROCESS_NONE] = "none",
    [REPROCESS_FAILED] = "failed",
    [REPROCESS_COMPLETED] = "completed",
};

static const char *const exception_names[BACKFILL_EXCEPTION_COUNT] = {
    [BACKFILL_EXCEPTION_NONE] = NULL,
    [BACKFILL_EXCEPTION_ALREADY_EXISTS] = "already exists",
    [BACKFILL_EXCEPTION_IN_FLIGHT] = "in flight",
};

const char *reprocess_behavior_to_string(ReprocessBehavior behavior)
{
    g_return_val_if_fail(behavior >= 0 && behavior < REPROCESS_COUNT, NULL);
    return reprocess_names[behavior];
}

ReprocessBehavior reprocess_behavior_from_string(const char *name)
{
    for (int i = 0; i < REPROCESS_COUNT; i++) {
        if (g_strcmp0(reprocess_names[i], name) == 0)
            return (ReprocessBehavior)i;
    }
    return REPROCESS_INVALID;
}

const char *backfill_exception_to_string(BackfillException reason)
{
    g_return_val_if_fail(reason >= 0 && reason < BACKFILL_EXCEPTION_COUNT, NULL);
    return exception_names[reason];
}
