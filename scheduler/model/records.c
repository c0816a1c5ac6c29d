/* SPDX-License-Identifier: MIT */
#include "scheduler/model/records.h"

static const char *const end_reason_names[END_REASON_COUNT] = {
    [END_NONE] = NULL,
    [END_EXIT_CODE] = "exit_code",
    [END_SIGNAL] = "signal",
    [END_TIMEOUT] = "timed_out",
    [END_LOST] = "lost",
    [END_START_FAILED] = "start_failed",
    [END_TEMPLATE] = "template_error",
    [END_CANCELED] = "canceled",
    [END_MARKED] = "marked",
    [END_CLEARED] = "cleared",
    [END_TRIGGER_RULE] = "trigger_rule",
    [END_TASK_FAILURE] = "task_failure",
    [END_DEADLOCK] = "all_tasks_deadlocked",
    [END_RUN_ENDED] = "run_ended",
};

const char *end_reason_to_string(EndReason reason)
{
    g_return_val_if_fail(reason >= 0 && reason < END_REASON_COUNT, NULL);
    return end_reason_names[reason];
}

EndReason end_reason_from_string(const char *name)
{
    if (name == NULL)
        return END_NONE;
    for (int i = 0; i < END_REASON_COUNT; i++) {
        if (g_strcmp0(end_reason_names[i], name) == 0)
            return (EndReason)i;
    }
    return END_REASON_INVALID;
}

DagRun *dag_run_copy(const DagRun *run)
{
    if (run == NULL)
        return NULL;
    DagRun *copy = g_new(DagRun, 1);
    *copy = *run;
    copy->dag_id = g_strdup(run->dag_id);
    copy->run_id = g_strdup(run->run_id);
    copy->conf_json = g_strdup(run->conf_json);
    copy->params_json = g_strdup(run->params_json);
    copy->triggered_by = g_strdup(run->triggered_by);
    copy->triggering_user = g_strdup(run->triggering_user);
    copy->note = g_strdup(run->note);
    return copy;
}

void dag_run_free(DagRun *run)
{
    if (run == NULL)
        return;
    g_free(run->dag_id);
    g_free(run->run_id);
    g_free(run->conf_json);
    g_free(run->params_json);
    g_free(run->triggered_by);
    g_free(run->triggering_user);
    g_free(run->note);
    g_free(run);
}
