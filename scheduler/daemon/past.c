/* SPDX-License-Identifier: MIT */
/*
 * airflow-compatible: ti_deps/deps/prev_dagrun_dep.py, the part that needs the store. The previous run is the
 * one with the greatest smaller logical date: of any type, or, in a DAG with catchup, not a manual one.
 */
#include "scheduler/daemon/internal.h"

#include <string.h>

static bool looks_back(const Dag *dag, uint32_t index)
{
    if (dag->tasks[index].depends_on_past)
        return true;
    GraphSpan up = dag_upstream(dag, index);
    for (uint32_t i = 0; i < up.n; i++) {
        if (dag->tasks[up.items[i]].wait_for_downstream)
            return true;
    }
    return false;
}

/* Tasks without a row in the previous run: new ones may run, those that ran before wait. */
static bool find_missing(Daemon *daemon, const DagRun *run, const Dag *dag, int8_t *states, GError **error)
{
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        if (states[i] != PAST_FIRST || !looks_back(dag, i))
            continue;
        bool ran_before;
        if (!store_task_ran_before(store_conn(daemon->store), run->dag_id, dag->tasks[i].task_id,
                                   run->logical_date_us, &ran_before, error))
            return false;
        if (ran_before)
            states[i] = PAST_MISSING;
    }
    return true;
}

/* Runs of this very turn are not in the store yet: of two ticks that are due at once, one is the other's
 * past. */
static int64_t find_created(Daemon *daemon, const DagRun *run, const DagRun *stored)
{
    const GArray *ids = engine_output(daemon->engine)->created_runs;
    const DagRun *found = stored;
    for (guint i = 0; i < ids->len; i++) {
        const DagRun *other = engine_run(daemon->engine, g_array_index(ids, int64_t, i));
        bool is_before =
            other != NULL && other->type != RUN_TYPE_MANUAL && other->logical_date_us != TIME_NONE &&
            other->logical_date_us < run->logical_date_us && strcmp(other->dag_id, run->dag_id) == 0;
        if (is_before && (found == NULL || other->logical_date_us > found->logical_date_us))
            found = other;
    }
    return found != stored ? found->id : 0;
}

static bool find_stored(Daemon *daemon, const DagRun *run, const Dag *dag, DagRun **ret, GError **error)
{
    return store_find_previous_run(store_conn(daemon->store), run->dag_id, run->logical_date_us,
                                   !dag->schedule.catchup, ret, error);
}

static bool take_states(Daemon *daemon, const DagRun *run, const Dag *dag, const DagRun *previous,
                        EnginePast *past, int8_t **ret_states, GError **error)
{
    TaskQuery query = {.dag_run_id = previous->id};
    g_autoptr(TaskList) rows = store_list_tasks(store_conn(daemon->store), &query, NULL, error);
    if (rows == NULL)
        return false;
    g_autofree int8_t *states = g_new(int8_t, MAX(dag->n_tasks, 1));
    memset(states, PAST_FIRST, MAX(dag->n_tasks, 1));
    for (size_t i = 0; i < rows->n_items; i++) {
        int32_t index = dag_task_index(dag, rows->items[i].task_id);
        if (index >= 0)
            states[index] = (int8_t)rows->items[i].state;
    }
    if (!find_missing(daemon, run, dag, states, error))
        return false;
    past->dag_run_id = previous->id;
    past->states = *ret_states = g_steal_pointer(&states);
    return true;
}

/* airflow-compatible: the first run of a backfill depends on no past. */
static bool is_first_of_backfill(Daemon *daemon, const DagRun *run, bool *ret, GError **error)
{
    *ret = false;
    return run->backfill_id == 0 ||
           store_is_first_of_backfill(store_conn(daemon->store), run->backfill_id, run->id, ret, error);
}

bool past_find(Daemon *daemon, const DagRun *run, const Dag *dag, EnginePast *past, int8_t **ret_states,
               GError **error)
{
    *past = (EnginePast){0};
    if (!dag->any_depends_on_past || run->logical_date_us == TIME_NONE)
        return true;
    bool is_first;
    g_autoptr(DagRun) previous = NULL;
    if (!is_first_of_backfill(daemon, run, &is_first, error) ||
        !find_stored(daemon, run, dag, &previous, error))
        return false;
    past->dag_run_id = is_first ? 0 : find_created(daemon, run, previous);
    if (is_first || past->dag_run_id != 0 || previous == NULL)
        return true;
    return take_states(daemon, run, dag, previous, past, ret_states, error);
}

bool past_find_in_backfill(Daemon *daemon, const DagRun *run, const Dag *dag, const BackfillPlace *place,
                           EnginePast *past, int8_t **ret_states, GError **error)
{
    *past = (EnginePast){0};
    if (!dag->any_depends_on_past || place->is_first)
        return true;
    g_autoptr(DagRun) previous = NULL;
    if (!find_stored(daemon, run, dag, &previous, error))
        return false;
    const DagRun *before = place->before;
    if (before != NULL && (previous == NULL || before->logical_date_us >= previous->logical_date_us)) {
        past->dag_run_id = before->id; /* it comes into the engine with this one: its states there count */
        return true;
    }
    return previous == NULL || take_states(daemon, run, dag, previous, past, ret_states, error);
}
