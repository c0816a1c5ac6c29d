/* SPDX-License-Identifier: MIT */
/**
 * Airflow's trigger rules over the states of the direct upstream tasks.
 *
 * Source: Airflow 3, ti_deps/deps/trigger_rule_dep.py. Two facts are easily got wrong: a negative verdict of
 * all_success, none_failed*, all_failed, none_skipped and all_skipped comes with the *first* contradicting
 * upstream, and all_done_min_one_success skips on any skipped upstream.
 */
#pragma once

#include "scheduler/model/types.h"

typedef enum {
    TRIGGER_RULE_ALL_SUCCESS,
    TRIGGER_RULE_ALL_FAILED,
    TRIGGER_RULE_ALL_DONE,
    TRIGGER_RULE_ALL_SKIPPED,
    TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS,
    TRIGGER_RULE_ONE_FAILED,
    TRIGGER_RULE_ONE_SUCCESS,
    TRIGGER_RULE_ONE_DONE,
    TRIGGER_RULE_NONE_FAILED,
    TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS,
    TRIGGER_RULE_NONE_SKIPPED,
    TRIGGER_RULE_ALWAYS,
    TRIGGER_RULE_COUNT,
    TRIGGER_RULE_INVALID = -1,
} TriggerRule;

/** How many direct upstream tasks are in each finished state, and how many there are. */
typedef struct {
    uint32_t success, skipped, failed, upstream_failed, removed;
    uint32_t total;
} UpstreamCounts;

typedef enum {
    VERDICT_WAIT,            /**< more upstream outcomes are needed */
    VERDICT_RUN,             /**< the task may run */
    VERDICT_SKIP,            /**< set it skipped */
    VERDICT_UPSTREAM_FAILED, /**< set it upstream_failed */
} TriggerVerdict;

const char *trigger_rule_to_string(TriggerRule rule);
TriggerRule trigger_rule_from_string(const char *name);
/** All names, NULL-terminated, in enum order (for suggestions). */
const char *const *trigger_rule_names(void);

/** What `rule` says with these counts. No upstream at all: VERDICT_RUN, whatever the rule. */
TriggerVerdict trigger_rule_evaluate(TriggerRule rule, const UpstreamCounts *counts);
