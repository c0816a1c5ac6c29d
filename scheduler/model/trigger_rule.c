/* SPDX-License-Identifier: MIT */
#include "scheduler/model/trigger_rule.h"

#include <string.h>

static const char *const rule_names[TRIGGER_RULE_COUNT + 1] = {
    [TRIGGER_RULE_ALL_SUCCESS] = "all_success",
    [TRIGGER_RULE_ALL_FAILED] = "all_failed",
    [TRIGGER_RULE_ALL_DONE] = "all_done",
    [TRIGGER_RULE_ALL_SKIPPED] = "all_skipped",
    [TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS] = "all_done_min_one_success",
    [TRIGGER_RULE_ONE_FAILED] = "one_failed",
    [TRIGGER_RULE_ONE_SUCCESS] = "one_success",
    [TRIGGER_RULE_ONE_DONE] = "one_done",
    [TRIGGER_RULE_NONE_FAILED] = "none_failed",
    [TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS] = "none_failed_min_one_success",
    [TRIGGER_RULE_NONE_SKIPPED] = "none_skipped",
    [TRIGGER_RULE_ALWAYS] = "always",
    [TRIGGER_RULE_COUNT] = NULL,
};

const char *trigger_rule_to_string(TriggerRule rule)
{
    g_return_val_if_fail(rule >= 0 && rule < TRIGGER_RULE_COUNT, NULL);
    return rule_names[rule];
}

TriggerRule trigger_rule_from_string(const char *name)
{
    for (int i = 0; i < TRIGGER_RULE_COUNT; i++) {
        if (g_strcmp0(rule_names[i], name) == 0)
            return (TriggerRule)i;
    }
    return TRIGGER_RULE_INVALID;
}

const char *const *trigger_rule_names(void)
{
    return rule_names;
}

static TriggerVerdict run_if(bool holds)
{
    return holds ? VERDICT_RUN : VERDICT_WAIT;
}

TriggerVerdict trigger_rule_evaluate(TriggerRule rule, const UpstreamCounts *counts)
{
    const uint32_t success = counts->success, skipped = counts->skipped, total = counts->total;
    const uint32_t failed = counts->failed + counts->upstream_failed;
    const uint32_t done = success + skipped + failed + counts->removed;
    const bool complete = done >= total;

    if (total == 0)
        return VERDICT_RUN;

    switch (rule) {
    case TRIGGER_RULE_ALWAYS:
        return VERDICT_RUN;
    case TRIGGER_RULE_ALL_SUCCESS:
        if (failed > 0)
            return VERDICT_UPSTREAM_FAILED;
        return skipped > 0 ? VERDICT_SKIP : run_if(success >= total);
    case TRIGGER_RULE_ALL_FAILED:
        return success + skipped > 0 ? VERDICT_SKIP : run_if(failed >= total);
    case TRIGGER_RULE_ALL_DONE:
        return run_if(complete);
    case TRIGGER_RULE_ALL_SKIPPED:
        return success + failed > 0 ? VERDICT_SKIP : run_if(skipped >= total);
    case TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        if (skipped > 0)
            return VERDICT_SKIP;
        if (complete && success == 0)
            return VERDICT_UPSTREAM_FAILED;
        return run_if(complete);
    case TRIGGER_RULE_ONE_SUCCESS:
        if (success > 0)
            return VERDICT_RUN;
        if (complete)
            return done == skipped ? VERDICT_SKIP : VERDICT_UPSTREAM_FAILED;
        return VERDICT_WAIT;
    case TRIGGER_RULE_ONE_FAILED:
        if (failed > 0)
            return VERDICT_RUN;
        return complete ? VERDICT_SKIP : VERDICT_WAIT;
    case TRIGGER_RULE_ONE_DONE: /* upstream_failed and skipped do not count as done here */
        if (success + counts->failed > 0)
            return VERDICT_RUN;
        return complete ? VERDICT_SKIP : VERDICT_WAIT;
    case TRIGGER_RULE_NONE_FAILED:
        return failed > 0 ? VERDICT_UPSTREAM_FAILED : run_if(success + skipped >= total);
    case TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        if (failed > 0)
            return VERDICT_UPSTREAM_FAILED;
        return skipped >= total ? VERDICT_SKIP : run_if(success + skipped >= total);
    case TRIGGER_RULE_NONE_SKIPPED:
        return skipped > 0 ? VERDICT_SKIP : run_if(complete);
    case TRIGGER_RULE_COUNT:
    case TRIGGER_RULE_INVALID:
        break;
    }
    g_assert_not_reached();
}
