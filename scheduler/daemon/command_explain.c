/* SPDX-License-Identifier: MIT */
/* tasks.explain: why a task is not running. Changes nothing. */
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/explain_text.h"
#include "scheduler/daemon/selection.h"

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

static json_t *tasks_explain(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    g_autoptr(DagRun) run = command_find_run(command, error);
    if (run == NULL)
        return NULL;
    bool was_there = runs_find(daemon, run->id) != NULL;
    if (!runs_load(daemon, run, ENGINE_RUN_HELD, error))
        return NULL;
    engine_tick(daemon->engine, command->now_us); /* owed after a load */
    const Dag *dag = engine_run_dag(daemon->engine, run->id);
    const char *task_id = command_text(command, "task_id");
    int32_t index = dag_task_index(dag, task_id);
    json_t *result = index < 0 ? explain_unknown(command, run, dag, task_id, error)
                               : explain_known(command, run, (uint32_t)index);
    if (!was_there && engine_forget_run(daemon->engine, run->id))
        g_hash_table_remove(daemon->runs, &run->id);
    return result;
}

static const ArgSpec explain_args[] = {
    {"dag_id", ARG_ID, true}, {"run_id", ARG_RUN_ID, true}, {"task_id", ARG_ID, true}, {NULL}};

const CommandSpec commands_explain[] = {
    {"tasks.explain", tasks_explain, explain_args},
    {NULL},
};
