/* SPDX-License-Identifier: MIT */
/* tasks.explain: why a task is not running. Changes nothing. */
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/explain_text.h"
#include "scheduler/daemon/selection.h"

/** Of tasks that wait, no more than this many are looked at to find the one that says why. */
#define WAITING_SEEN_MAX 1000

/** Of a task that the run's version of the DAG does not have any more, or never had. */
static json_t *explain_unknown(Command *command, const DagRun *run, const Dag *dag, const char *task_id,
                               GError **error)
{
    g_autoptr(TaskList) rows = store_get_task(store_conn(command->daemon->store), run->id, task_id, NULL);
    if (rows == NULL) {
        selection_set_unknown_task(dag, task_id, error);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:s?, s:[{s:s, s:s}]}", "dag_id", run->dag_id, "dag_run_id",
                     run->run_id, "task_id", task_id, "state", task_state_to_string(rows->items[0].state),
                     "dependencies", "name", "Task Instance State", "reason",
                     "the version of the DAG that the run is on does not have it");
}

static json_t *explain_known(Command *command, const DagRun *run, uint32_t index)
{
    Daemon *daemon = command->daemon;
    g_autoptr(GPtrArray) conditions = engine_explain(daemon->engine, run->id, index, command->now_us);
    const TaskInstance *ti = engine_task(daemon->engine, run->id, index);
    return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "dag_id", run->dag_id, "dag_run_id", run->run_id,
                     "task_id", ti->task_id, "state", task_state_to_string(ti->state), "dependencies",
                     explain_to_json(daemon, run->id, ti, conditions, command->now_us));
}

static bool waits_for_upstream(const GPtrArray *conditions)
{
    for (guint i = 0; conditions != NULL && i < conditions->len; i++) {
        if (((const EngineCondition *)conditions->pdata[i])->kind == ENGINE_CONDITION_TRIGGER_RULE)
            return true;
    }
    return false;
}

/**
 * The first task that waits for something else than other tasks of its run: what these wait for explains the
 * others. Else the first that waits at all; -1 if none does.
 */
static int32_t find_waiting(Command *command, const DagRun *run, const Dag *dag)
{
    Engine *engine = command->daemon->engine;
    int32_t first = -1;
    guint n_seen = 0;
    for (uint32_t i = 0; i < dag->n_tasks && n_seen < WAITING_SEEN_MAX; i++) {
        const TaskInstance *ti = engine_task(engine, run->id, i);
        if (ti == NULL || (ti->state != TASK_STATE_NONE && ti->state != TASK_STATE_SCHEDULED))
            continue;
        n_seen++;
        g_autoptr(GPtrArray) conditions = engine_explain(engine, run->id, i, command->now_us);
        if (!waits_for_upstream(conditions))
            return (int32_t)i;
        if (first < 0)
            first = (int32_t)i;
    }
    return first;
}

static json_t *explain(Command *command, const DagRun *run, GError **error)
{
    const Dag *dag = engine_run_dag(command->daemon->engine, run->id);
    const char *task_id = command_text(command, "task_id");
    int32_t index = task_id != NULL ? dag_task_index(dag, task_id) : find_waiting(command, run, dag);
    if (index >= 0)
        return explain_known(command, run, (uint32_t)index);
    if (task_id != NULL)
        return explain_unknown(command, run, dag, task_id, error);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no task of run \"%s\" waits", run->run_id);
    return NULL;
}

static json_t *tasks_explain(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    g_autoptr(DagRun) run = command_find_run(command, error);
    if (run == NULL)
        return NULL;
    if (runs_find(daemon, run->id) == NULL)
        g_array_append_val(daemon->visited, run->id); /* it leaves after the turn, unless it is to stay */
    if (!runs_load(daemon, run, runs_stored_flags(daemon), error))
        return NULL;
    engine_tick(daemon->engine, command->now_us); /* owed after a load; what is due may happen with it */
    return explain(command, run, error);
}

static const ArgSpec explain_args[] = {
    {"dag_id", ARG_ID, true}, {"run_id", ARG_RUN_ID, true}, {"task_id", ARG_ID}, {NULL}};

const CommandSpec commands_explain[] = {
    {"tasks.explain", tasks_explain, explain_args},
    {NULL},
};
