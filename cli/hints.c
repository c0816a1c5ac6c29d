/* SPDX-License-Identifier: MIT */
#include "cli/hints.h"

#include <string.h>

typedef struct {
    const char *group, *word, *hint;
} VerbHint;

static const VerbHint verb_hints[] = {
    {NULL, "webserver", "one process does it all; `weir run DAG` runs one DAG to its end"},
    {NULL, "api-server", "one process does it all; `weir run DAG` runs one DAG to its end"},
    {NULL, "dag-processor", "DAG files are read by whatever needs them; `weir dags validate` checks them"},
    {NULL, "triggerer", "nothing needs it here"},
    {NULL, "worker", "tasks are started by the process that schedules them"},
    {NULL, "celery", "tasks are started by the process that schedules them"},
    {NULL, "initdb", "it is `weir db migrate`, and whatever first writes makes the database too"},
    {NULL, "resetdb", "stop weir and delete $WEIR_HOME/weir.db*"},
    {NULL, "help", "it is `weir --help` or `weir VERB --help`"},
    {NULL, "upgradedb", "it is `weir db migrate`, and whatever first writes upgrades it too"},
    {NULL, "list_dags", "it is `weir dags list`"},
    {NULL, "list_tasks", "it is `weir tasks list DAG`"},
    {NULL, "list_dag_runs", "it is `weir dags list-runs DAG`"},
    {NULL, "trigger_dag", "it is `weir dags trigger DAG`"},
    {NULL, "trigger", "it is `weir dags trigger DAG`"},
    {NULL, "dag_state", "it is `weir dags state DAG RUN`"},
    {NULL, "task_state", "it is `weir tasks state DAG TASK RUN`"},
    {NULL, "show_dag", "it is `weir dags show DAG`"},
    {NULL, "pause", "it is `weir dags pause DAG`"},
    {NULL, "unpause", "it is `weir dags unpause DAG`"},
    {NULL, "clear", "it is `weir tasks clear DAG` or `weir dags clear DAG --run-id RUN`"},
    {NULL, "render", "it is `weir tasks render DAG TASK RUN`"},
    {NULL, "pool", "it is `weir pools`"},
    {NULL, "dag", "it is `weir dags`"},
    {NULL, "task", "it is `weir tasks`"},
    {NULL, "audit-log", "it is `weir audit list`"},
    {NULL, "event-logs", "it is `weir audit list`"},
    {NULL, "events", "it is `weir audit list`"},
    {NULL, "logs", "it is `weir tasks logs DAG TASK RUN`"},
    {NULL, "validate", "it is `weir dags validate`"},
    {NULL, "cheat-sheet", "see `weir --help`"},
    {NULL, "next_execution", "it is `weir dags next-execution DAG`"},
    {"dags", "backfill", "since Airflow 3 it is `backfill create`"},
    {"dags", "test", "`weir run DAG` runs a DAG to its end in the foreground"},
    {"dags", "run", "it is `weir run DAG`"},
    {"dags", "reserialize", "files are read again whenever they change; `weir dags validate` checks them"},
    {"dags", "report", "`weir dags validate -v` says how each file fares"},
    {"dags", "list-jobs", "`weir dags list-runs DAG` lists the runs"},
    {"dags", "list_runs", "it is `weir dags list-runs DAG`"},
    {"tasks", "run", "tasks run as part of a run: `weir run DAG`, or `weir tasks clear` to run one again"},
    {"tasks", "failed-deps", "it is `weir tasks explain DAG TASK RUN`"},
    {"tasks", "log", "it is `weir tasks logs DAG TASK RUN`"},
    {"tasks", "states", "it is `weir tasks states-for-dag-run DAG RUN`"},
    {"tasks", "cancel", "it is `weir dags cancel DAG RUN`, or `weir tasks mark DAG RUN TASK --state failed`"},
    {"config", "get", "it is `weir config get-value SECTION KEY`"},
};

const char *hint_for_verb(const char *group, const char *word)
{
    if (group == NULL && strcmp(word, "users") == 0)
        return "nothing here needs a login yet";
    for (gsize i = 0; i < G_N_ELEMENTS(verb_hints); i++)
        if (g_strcmp0(verb_hints[i].group, group) == 0 && strcmp(verb_hints[i].word, word) == 0)
            return verb_hints[i].hint;
    return NULL;
}

static bool verb_is(const Verb *verb, const char *group, const char *name)
{
    return verb != NULL && g_strcmp0(verb->group, group) == 0 && strcmp(verb->name, name) == 0;
}

const char *hint_for_option(const Verb *verb, const char *word)
{
    bool starts_runs = verb_is(verb, "dags", "trigger") || verb_is(verb, NULL, "run");
    if (strcmp(word, "--exec-date") == 0 || strcmp(word, "--execution-date") == 0 || strcmp(word, "-e") == 0)
        return starts_runs ? "the execution date is called logical date now: --logical-date"
                           : "the execution date is called logical date now, and stands where a RUN stands";
    if (strcmp(word, "-S") == 0 || strcmp(word, "--subdir") == 0)
        return "the DAG folder is core.dags_folder; `weir run FILE` takes a file";
    if (strcmp(word, "--tree") == 0)
        return "`weir dags show DAG` draws the tree";
    if (strcmp(word, "-B") == 0 || strcmp(word, "--bundle-name") == 0)
        return "there is one DAG folder and no bundles";
    if (strcmp(word, "--map-index") == 0)
        return "there are no mapped tasks";
    return NULL;
}
