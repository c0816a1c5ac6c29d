/* SPDX-License-Identifier: MIT */
/* A run moves to another version of its DAG: "fix it, then retry it". */
#include "scheduler/engine/internal.h"

/** Moves what `old` says to `task`, the same task in the new version. */
static void task_move(Engine *engine, EngineTask *task, const EngineTask *old)
{
    const Task *definition = task_definition(task);
    task->ti = old->ti;
    task->ti.task_id = definition->task_id;
    task->ti.operator_name = task_body_operator(definition->body);
    task->is_live = old->is_live;
    task->live_try = old->live_try;
    task->held = old->held;
    task->ti.pool = definition->pool;
    task->ti.pool_slots = definition->pool_slots;
    task->ti.priority_weight = definition->effective_weight;
    if (task->ti.state == TASK_STATE_REMOVED) { /* restored; its process may still be on its way out */
        task->ti.state = task->is_live ? TASK_STATE_RESTARTING : TASK_STATE_NONE;
        if (!task->is_live && task->ti.scheduled_us != TIME_NONE) {
            task_archive(engine, task, TASK_STATE_REMOVED);
            task->ti.scheduled_us = TIME_NONE;
        }
        task->ti.start_date_us = task->ti.end_date_us = TIME_NONE;
        task->ti.end_reason = END_NONE;
    }
    if (task->ti.state == TASK_STATE_SCHEDULED) { /* its rule and its body may be others now: look again */
        task->ti.state = TASK_STATE_NONE;
        task->ti.try_number--;
        task->ti.scheduled_us = TIME_NONE;
    }
}

/** A task that the new version does not have any more: removed; its process is ended. */
static void task_vanish(Engine *engine, EngineRun *run, const EngineTask *old, int64_t now_us)
{
    EngineTask *task = run_add_extra(run, &old->ti);
    task->is_live = old->is_live;
    task->live_try = old->live_try;
    task->held = old->held;
    g_hash_table_insert(engine->tasks, &task->ti.id, task);
    if (task->ti.state == TASK_STATE_REMOVED)
        return;
    if (task->is_live)
        engine_effect(engine, EFFECT_CANCEL, run, task);
    task_end_dates(task, task->ti.end_reason, now_us);
    if (task->ti.state == TASK_STATE_SCHEDULED) {
        task->ti.try_number--; /* no attempt was made under this number */
        task->ti.scheduled_us = TIME_NONE;
    }
    if (task->ti.state == TASK_STATE_UP_FOR_RETRY)
        task->ti.scheduled_us = TIME_NONE; /* this attempt is in history */
    task->ti.state = TASK_STATE_REMOVED;
    task->ti.retry_at_us = TIME_NONE;
}

/** What is kept of the previous run goes by task index. */
static void remap_past(EngineRun *run, const Dag *old_dag)
{
    g_autofree int8_t *old = run->past_states;
    if (old == NULL)
        return;
    run->past_states = g_new(int8_t, MAX(run->dag->n_tasks, 1));
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        int32_t before = dag_task_index(old_dag, run->dag->tasks[i].task_id);
        run->past_states[i] = before < 0 ? PAST_FIRST : old[before];
    }
}

/** The rows of a run in the output point into memory that is about to move. */
static void output_drop_tasks(Engine *engine, const EngineRun *run)
{
    for (guint i = engine->output.tasks->len; i > 0; i--) {
        const TaskInstance *ti = engine->output.tasks->pdata[i - 1];
        if (ti->dag_run_id == run->row->id)
            g_ptr_array_remove_index(engine->output.tasks, i - 1);
    }
}

/** Rows to be inserted point into memory, too; but a run moves only once between two commits. */
static bool output_has_added(const Engine *engine, const EngineRun *run)
{
    for (guint i = 0; i < engine->output.added_tasks->len; i++) {
        const TaskInstance *ti = engine->output.added_tasks->pdata[i];
        if (ti->dag_run_id == run->row->id)
            return true;
    }
    return false;
}

bool engine_set_run_params(Engine *engine, int64_t dag_run_id, const char *params_json)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL)
        return false;
    g_free(run->row->params_json);
    run->row->params_json = g_strdup(params_json);
    run_touch(engine, run);
    return true;
}

bool engine_set_run_version(Engine *engine, int64_t dag_run_id, Dag *dag, int64_t dag_version_id,
                            int64_t first_ti_id, int64_t now_us)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL)
        return false;
    g_assert(!run->is_new && !output_has_added(engine, run));
    Dag *old_dag = run->dag;
    g_ptr_array_add(engine->replaced_dags,
                    old_dag); /* archived rows and notices have their strings from it */
    g_autofree EngineTask *old_tasks = run->tasks;
    g_autoptr(GPtrArray) old_extras = run->extras;
    g_autoptr(GPtrArray) old = g_ptr_array_new();
    for (uint32_t i = 0; i < old_dag->n_tasks; i++)
        g_ptr_array_add(old, &old_tasks[i]);
    for (guint i = 0; i < old_extras->len; i++)
        g_ptr_array_add(old, old_extras->pdata[i]);
    run_drop_from_lists(engine, run);
    output_drop_tasks(engine, run);
    for (guint i = 0; i < old->len; i++)
        task_detach(engine, old->pdata[i]);

    run->dag = dag_ref(dag);
    run->row->dag_version_id = dag_version_id;
    run->extras = g_ptr_array_new_with_free_func(g_free);
    remap_past(run, old_dag);
    run_alloc_tasks(run);
    for (guint i = 0; i < old->len; i++) {
        const EngineTask *was = old->pdata[i];
        int32_t index = dag_task_index(dag, was->ti.task_id);
        if (index >= 0)
            task_move(engine, &run->tasks[index], was);
        else
            task_vanish(engine, run, was, now_us);
    }
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (run->tasks[i].ti.id != 0)
            continue;
        task_init_row(&run->tasks[i], first_ti_id++);
        g_ptr_array_add(engine->output.added_tasks, &run->tasks[i].ti);
        run->tasks[i].is_dirty = true; /* inserted as it is at the end of the turn */
    }
    run_count(run);
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        EngineTask *task = &run->tasks[i];
        task_touch(engine, task);
        if (task->is_live)
            g_hash_table_insert(engine->tasks, &task->ti.id, task);
        else
            task_take_up(engine, task);
    }
    for (guint i = 0; i < run->extras->len; i++)
        task_touch(engine, run->extras->pdata[i]);
    run_touch(engine, run);
    run_set_timeout(engine, run);
    run_mark_to_check(engine, run);
    if (run->n_unfinished > 0)
        run_reopen(engine, run, now_us);
    engine_settle(engine, now_us);
    return true;
}
