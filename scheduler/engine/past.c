/* SPDX-License-Identifier: MIT */
/*
 * depends_on_past and wait_for_downstream: airflow-compatible, ti_deps/deps/prev_dagrun_dep.py. While the
 * previous run is in the engine its live states count; otherwise those that were handed in, or kept when it
 * left.
 */
#include "scheduler/engine/internal.h"

int past_state(const EngineRun *run, uint32_t index)
{
    if (run->past_id == 0)
        return PAST_FIRST;
    if (run->past_run != NULL) {
        int32_t there = dag_task_index(run->past_run->dag, run->dag->tasks[index].task_id);
        if (there >= 0)
            return run->past_run->tasks[there].ti.state;
    }
    return run->past_states == NULL ? PAST_FIRST : run->past_states[index];
}

static bool was_good(int past)
{
    return past == PAST_FIRST || (past >= 0 && task_state_is_good((TaskState)past));
}

bool past_of_task_allows(const EngineTask *task)
{
    return !task_definition(task)->depends_on_past || was_good(past_state(task->run, task->index));
}

bool past_of_downstream_allows(const EngineTask *task, uint32_t downstream)
{
    const Task *definition = task_definition(task);
    if (!definition->depends_on_past || !definition->wait_for_downstream)
        return true;
    int past = past_state(task->run, downstream);
    return past == PAST_MISSING || was_good(past); /* a downstream task new since then is not waited for */
}

bool past_allows(const EngineTask *task)
{
    const Task *definition = task_definition(task);
    if (!definition->depends_on_past)
        return true;
    if (!past_of_task_allows(task))
        return false;
    if (!definition->wait_for_downstream)
        return true;
    GraphSpan down = dag_downstream(task->run->dag, task->index);
    for (uint32_t i = 0; i < down.n; i++) {
        if (!past_of_downstream_allows(task, down.items[i]))
            return false;
    }
    return true;
}

void past_task_is_good(Engine *engine, const EngineTask *task)
{
    GPtrArray *successors = task->run->successors;
    for (guint s = 0; successors != NULL && s < successors->len; s++) {
        EngineRun *later = successors->pdata[s];
        int32_t index = dag_task_index(later->dag, task->ti.task_id);
        if (index < 0)
            continue;
        if (later->dag->tasks[index].depends_on_past)
            task_make_pending(engine, &later->tasks[index]);
        GraphSpan up = dag_upstream(later->dag, (uint32_t)index);
        for (uint32_t i = 0; i < up.n; i++) {
            if (later->dag->tasks[up.items[i]].wait_for_downstream)
                task_make_pending(engine, &later->tasks[up.items[i]]);
        }
    }
}

static void link_to(EngineRun *run, EngineRun *previous)
{
    run->past_run = previous;
    run->entry->n_past_absent--;
    if (previous->successors == NULL)
        previous->successors = g_ptr_array_new();
    g_ptr_array_add(previous->successors, run);
}

void past_link(Engine *engine, EngineRun *run, const EnginePast *past)
{
    if (past != NULL && past->dag_run_id != 0) {
        run->past_id = past->dag_run_id;
        if (past->states != NULL)
            run->past_states = g_memdup2(past->states, run->dag->n_tasks * sizeof *past->states);
        EngineRun *previous = engine_find_run(engine, run->past_id);
        run->entry->n_past_absent++;
        if (previous != NULL)
            link_to(run, previous);
    }
    for (guint i = 0; run->entry->n_past_absent > 0 && i < run->entry->runs->len; i++) {
        EngineRun *other = run->entry->runs->pdata[i];
        if (other != run && other->past_id == run->row->id && other->past_run == NULL)
            link_to(other, run);
    }
}

/** What `run` will have to know of its previous run once that has left the engine. */
static void keep_states(EngineRun *run)
{
    int8_t *kept = g_new(int8_t, MAX(run->dag->n_tasks, 1));
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        kept[i] = (int8_t)past_state(run, i);
    g_free(run->past_states);
    run->past_states = kept;
}

void past_unlink(EngineRun *run)
{
    if (run->past_run != NULL)
        g_ptr_array_remove(run->past_run->successors, run);
    else if (run->past_id != 0)
        run->entry->n_past_absent--;
    run->past_run = NULL;
    for (guint i = 0; run->successors != NULL && i < run->successors->len; i++) {
        EngineRun *later = run->successors->pdata[i];
        keep_states(later);
        later->past_run = NULL;
        later->entry->n_past_absent++;
    }
    g_clear_pointer(&run->successors, g_ptr_array_unref);
}
