/* SPDX-License-Identifier: MIT */
#include "executors/executor.h"

#include <errno.h>

guint attempt_id_hash(gconstpointer key)
{
    const AttemptId *k = key;
    uint64_t mixed = ((uint64_t)k->ti_id * 31 + (uint32_t)k->try_number) * UINT64_C(0x9E3779B97F4A7C15);
    return (guint)(mixed >> 32);
}

gboolean attempt_id_equal(gconstpointer a, gconstpointer b)
{
    const AttemptId *x = a, *y = b;
    return x->ti_id == y->ti_id && x->try_number == y->try_number;
}

uint32_t attempt_token(int64_t queued_us)
{
    if (queued_us == TIME_NONE)
        return 0;
    uint64_t mixed = (uint64_t)queued_us * UINT64_C(0x9E3779B97F4A7C15);
    return MAX((uint32_t)(mixed >> 32), 1);
}

bool attempt_tokens_differ(uint32_t a, uint32_t b)
{
    return a != 0 && b != 0 && a != b;
}

bool executor_event_is_no_room(const ExecutorEvent *event)
{
    return event->kind == EXECUTOR_EVENT_FINISHED && event->outcome == EXECUTOR_OUTCOME_START_FAILED &&
           (event->error_number == ENOSPC || event->error_number == EDQUOT);
}

const char *executor_outcome_to_string(ExecutorOutcome outcome)
{
    switch (outcome) {
    case EXECUTOR_OUTCOME_EXITED:
        return "exited";
    case EXECUTOR_OUTCOME_SIGNALED:
        return "signaled";
    case EXECUTOR_OUTCOME_TIMED_OUT:
        return "timed_out";
    case EXECUTOR_OUTCOME_CANCELED:
        return "canceled";
    case EXECUTOR_OUTCOME_START_FAILED:
        return "start_failed";
    case EXECUTOR_OUTCOME_LOST:
        return "lost";
    case EXECUTOR_OUTCOME_COUNT:
    case EXECUTOR_OUTCOME_INVALID:
        break;
    }
    return "invalid";
}
