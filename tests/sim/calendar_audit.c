/* SPDX-License-Identifier: MIT */
/* The auditor of schedules: what fires is what the plans ask for, and nothing that is due is left lying. */
#include "tests/sim/calendar.h"

#include <string.h>

/* Runs that count for max_active_runs. */
static guint count_active(const World *world, const char *dag_id)
{
    guint n = 0;
    g_autoptr(GArray) ids = engine_run_ids(world->engine);
    for (guint i = 0; i < ids->len; i++) {
        const DagRun *run = engine_run(world->engine, g_array_index(ids, int64_t, i));
        n += run->type != RUN_TYPE_BACKFILL && !run_state_is_finished(run->state) &&
             strcmp(run->dag_id, dag_id) == 0;
    }
    return n;
}

void calendar_check_tick(World *world, CalendarDag *dag, const DagRunTimes *times)
{
    DagRunTimes want;
    const DagRunTimes *last = dag->has_last ? &dag->last : NULL;
    if (dag->file == NULL || g_hash_table_contains(world->paused, dag->dag_id))
        world_fail(world, "%s fires though it is paused or gone", dag->dag_id);
    if (count_active(world, dag->dag_id) >= (guint)dag->file->max_active_runs)
        world_fail(world, "%s fires over its max_active_runs", dag->dag_id);
    if (!plan_due(dag->plan, last, dag->first_seen_us, world->now_us, &want))
        world_fail(world, "%s fires though nothing is due", dag->dag_id);
    if (memcmp(times, &want, sizeof want) != 0)
        world_fail(
            world,
            "%s fires %" PRId64 " (%" PRId64 "-%" PRId64 ") and not %" PRId64 " (%" PRId64 "-%" PRId64 ")",
            dag->dag_id, times->logical_date_us, times->data_interval_start_us, times->data_interval_end_us,
            want.logical_date_us, want.data_interval_start_us, want.data_interval_end_us);
}

void calendar_stored(World *world, const DagRun *run)
{
    if (world->calendar == NULL)
        return;
    CalendarDag *dag = calendar_find_dag(world, run->dag_id);
    bool is_new = g_hash_table_add(dag->dates, g_memdup2(&run->logical_date_us, sizeof(int64_t)));
    if (run->type != RUN_TYPE_SCHEDULED)
        return;
    if (!is_new)
        world_fail(world, "%s: a logical date whose run was deleted has one again", dag->dag_id);
    if (run->run_after_us > world->now_us)
        world_fail(world, "%s: run %" PRId64 " is early", dag->dag_id, run->id);
    dag->made_us = dag->has_made ? MAX(dag->made_us, run->logical_date_us) : run->logical_date_us;
    dag->has_made = true;
}

bool calendar_is_due(World *world, guint i, int64_t at_us)
{
    CalendarDag *dag = calendar_dag(world, i);
    DagRunTimes due;
    return dag->file != NULL && !g_hash_table_contains(world->paused, dag->dag_id) &&
           plan_due(dag->plan, dag->has_last ? &dag->last : NULL, dag->first_seen_us, at_us, &due);
}

void calendar_check(World *world)
{
    int64_t next_us = calendar_next_due(world), latest_us = INT64_MAX, earliest_us = INT64_MAX;
    guint n_scheduled = 0;
    for (guint i = 0; i < calendar_size(world); i++) {
        CalendarDag *dag = calendar_dag(world, i);
        n_scheduled += dag->file != NULL;
        if (dag->file == NULL || g_hash_table_contains(world->paused, dag->dag_id))
            continue;
        int64_t due_us = world->now_us;
        if (!calendar_is_due(world, i, world->now_us))
            due_us = plan_next_due(dag->plan, dag->has_last ? &dag->last : NULL, dag->first_seen_us,
                                   world->now_us);
        if (due_us == TIME_NONE)
            continue;
        earliest_us = MIN(earliest_us, due_us);
        if (count_active(world, dag->dag_id) < (guint)dag->file->max_active_runs)
            latest_us = MIN(latest_us, due_us);
    }
    if (calendar_n_scheduled(world) != n_scheduled)
        world_fail(world, "%u DAGs are scheduled, not %u", calendar_n_scheduled(world), n_scheduled);
    if (latest_us != INT64_MAX && (next_us == TIME_NONE || next_us > latest_us))
        world_fail(world, "something is due at %" PRId64 ", and it sleeps until %" PRId64, latest_us,
                   next_us);
    if (next_us != TIME_NONE && next_us < earliest_us && next_us > world->now_us)
        world_fail(world, "nothing is due before %" PRId64 ", yet it wakes up at %" PRId64, earliest_us,
                   next_us);
}
