/* SPDX-License-Identifier: MIT */
/* From a plan to runs: loading what is done again, making what is new, all in one turn. */
#include "scheduler/daemon/backfill.h"

#include "scheduler/daemon/run_change.h"

#include <string.h>

EngineRunFlags backfill_run_flags(const Daemon *daemon)
{
    return daemon->mode == DAEMON_SERVICE ? runs_wanted_flags(daemon, false) : ENGINE_RUN_HELD;
}

void backfill_tell_engine(Daemon *daemon, const Backfill *backfill)
{
    /* Its pause ends with it: a run of it that is cleared later must not wait for ever. */
    EngineBackfill told = {
        .id = backfill->id,
        .is_paused = backfill->is_paused && backfill->completed_at_us == TIME_NONE,
        .is_backwards = backfill->run_backwards,
        .max_active_runs = backfill->max_active_runs,
    };
    engine_set_backfill(daemon->engine, &told);
}

bool backfill_register(Daemon *daemon, int64_t backfill_id, GError **error)
{
    if (backfill_id == 0)
        return true;
    g_autoptr(Backfill) backfill = store_get_backfill(store_conn(daemon->store), backfill_id, error);
    if (backfill == NULL)
        return false;
    backfill_tell_engine(daemon, backfill);
    return true;
}

/* ---- What can fail ---- */

/* Params of the version that the run will be on: with a new conf of that, else of what it was given before.
 */
static bool resolve_params(Daemon *daemon, const BackfillRequest *request, BackfillTick *tick, GError **error)
{
    if (request->conf == NULL)
        return !request->run_on_latest_version ||
               run_change_params(tick->run, &request->latest, &tick->params_json, error);
    const Dag *dag = request->run_on_latest_version
                         ? request->latest.dag
                         : dag_bag_get_version(daemon->bag, daemon, tick->run->dag_version_id, error);
    json_t *params =
        dag != NULL ? param_set_resolve(dag->params, request->conf, dag->folder, NULL, error) : NULL;
    if (params == NULL)
        return false;
    tick->params_json = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    return true;
}

static bool prepare_again(Daemon *daemon, const BackfillRequest *request, BackfillTick *tick,
                          const BackfillPlace *place, GError **error)
{
    if (!resolve_params(daemon, request, tick, error) ||
        !runs_load_in_backfill(daemon, tick->run, backfill_run_flags(daemon), place, error))
        return false;
    g_array_append_val(daemon->visited, tick->run->id);
    return true;
}

bool backfill_prepare(Daemon *daemon, const BackfillRequest *request, GArray *plan, int64_t backfill_id,
                      GError **error)
{
    const Dag *dag = request->latest.dag;
    const DagRun *before = NULL; /* backwards, nothing depends on the past */
    if (!runs_register_dag(daemon, dag->dag_id, error))
        return false;
    for (guint i = 0; i < plan->len; i++) {
        BackfillTick *tick = &g_array_index(plan, BackfillTick, i);
        BackfillPlace place = {.before = before, .is_first = i == 0};
        if (tick->run == NULL)
            continue;
        if (!tick->is_new) {
            if (!prepare_again(daemon, request, tick, &place, error))
                return false;
        } else {
            tick->run->id = store_next_run_id(daemon->store);
            tick->run->backfill_id = backfill_id;
            if (!past_find_in_backfill(daemon, tick->run, dag, &place, &tick->past, &tick->past_states,
                                       error))
                return false;
        }
        before = tick->run;
    }
    return true;
}

/* ---- What cannot ---- */

static void make_run(Daemon *daemon, const BackfillRequest *request, const BackfillTick *tick, int64_t now_us)
{
    Dag *dag = request->latest.dag;
    int64_t first_ti_id = store_reserve_task_ids(daemon->store, MAX(dag->n_tasks, 1));
    runs_add(daemon, tick->run);
    engine_create_run(daemon->engine, tick->run, dag, first_ti_id, &tick->past, backfill_run_flags(daemon),
                      now_us);
    if (backfill_run_flags(daemon) & ENGINE_RUN_HELD)
        g_array_append_val(daemon->visited, tick->run->id);
}

static void do_again(Daemon *daemon, const BackfillRequest *request, const BackfillTick *tick,
                     int64_t backfill_id, int64_t now_us)
{
    Engine *engine = daemon->engine;
    int64_t id = tick->run->id;
    g_autofree char *conf = request->conf != NULL ? json_dumps(request->conf, JSON_COMPACT) : NULL;
    bool is_finished = engine_set_run_backfill(engine, id, backfill_id, conf, tick->params_json);
    g_assert(is_finished);
    if (request->run_on_latest_version && tick->run->dag_version_id != request->latest.version_id) {
        int64_t first_ti_id = store_reserve_task_ids(daemon->store, MAX(request->latest.dag->n_tasks, 1));
        engine_set_run_version(engine, id, request->latest.dag, request->latest.version_id, first_ti_id,
                               now_us);
    }
    uint32_t n = engine_run_dag(engine, id)->n_tasks;
    g_autofree uint32_t *all = g_new(uint32_t, MAX(n, 1));
    for (uint32_t i = 0; i < n; i++)
        all[i] = i;
    engine_clear_tasks(engine, id, all, n, now_us);
}

static Backfill *row_new(const BackfillRequest *request, int64_t id, bool has_runs, int64_t now_us)
{
    Backfill *row = g_new0(Backfill, 1);
    row->id = id;
    row->dag_id = g_strdup(request->latest.dag->dag_id);
    row->from_date_us = request->from_us;
    row->to_date_us = request->to_us;
    row->reprocess_behavior = request->reprocess;
    row->run_backwards = request->run_backwards;
    row->max_active_runs = request->max_active_runs;
    row->conf_json = request->conf != NULL ? json_dumps(request->conf, JSON_COMPACT) : NULL;
    row->triggering_user = g_strdup(request->user);
    row->created_at_us = row->updated_at_us = now_us;
    row->completed_at_us = has_runs ? TIME_NONE : now_us;
    return row;
}

Backfill *backfill_apply(Daemon *daemon, const BackfillRequest *request, const GArray *plan,
                         int64_t backfill_id, int64_t now_us)
{
    GArray *dates = g_array_sized_new(FALSE, FALSE, sizeof(BackfillDate), plan->len);
    guint n_runs = 0;
    for (guint i = 0; i < plan->len; i++) {
        const BackfillTick *tick = &g_array_index(plan, BackfillTick, i);
        BackfillDate date = {tick->logical_date_us, tick->run != NULL ? tick->run->id : 0, tick->exception};
        g_array_append_val(dates, date);
        n_runs += tick->run != NULL;
    }
    Backfill *row = row_new(request, backfill_id, n_runs > 0, now_us);
    row->is_paused = true; /* until all are there: then the first in order starts first */
    backfill_tell_engine(daemon, row);
    for (guint i = 0; i < plan->len; i++) {
        const BackfillTick *tick = &g_array_index(plan, BackfillTick, i);
        if (tick->run != NULL && tick->is_new)
            make_run(daemon, request, tick, now_us);
        else if (tick->run != NULL)
            do_again(daemon, request, tick, backfill_id, now_us);
    }
    row->is_paused = false;
    backfill_tell_engine(daemon, row);
    engine_tick(daemon->engine, now_us);
    persist_add_backfill(daemon, backfill_copy(row), dates);
    return row;
}
