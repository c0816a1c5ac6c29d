/* SPDX-License-Identifier: MIT */
/* What users do in sim_years besides what they do in sim (commands.c). */
#include "scheduler/time/instant.h"
#include "tests/sim/years.h"

#define BACKFILL_DATES 12

static CalendarDag *any_dag(World *world)
{
    return calendar_dag(world, (guint)between(world, 0, calendar_size(world)));
}

static DagRun new_run(const World *world, const CalendarDag *dag, RunType type, const DagRunTimes *times)
{
    return (DagRun){
        .dag_id = (char *)dag->dag_id,
        .type = type,
        .logical_date_us = times->logical_date_us,
        .data_interval_start_us = times->data_interval_start_us,
        .data_interval_end_us = times->data_interval_end_us,
        .run_after_us = times->run_after_us,
        .queued_at_us = world->now_us,
        .start_date_us = TIME_NONE,
        .end_date_us = TIME_NONE,
        .forced_state = RUN_STATE_INVALID,
    };
}

/* ---- By hand ---- */

/** Now, or the date of a tick that has been or is to come. */
static int64_t pick_date(World *world, CalendarDag *dag)
{
    if (!plan_is_periodic(dag->plan) || chance(world, 3))
        return world->now_us;
    int64_t tick = chance(world, 2) ? plan_tick_after(dag->plan, world->now_us)
                                    : plan_tick_before(dag->plan, world->now_us + 1);
    if (tick == TIME_NONE || tick == INT64_MAX)
        return world->now_us;
    return plan_run_at(dag->plan, tick).logical_date_us;
}

static void trigger(World *world)
{
    CalendarDag *dag = any_dag(world);
    if (!dag->is_stored)
        return;
    int64_t date_us = pick_date(world, dag);
    if (date_us == TIME_NONE || world_run_at(world, dag->dag_id, date_us) != NULL)
        return; /* refused */
    DagRunTimes times = {date_us, TIME_NONE, TIME_NONE, world->now_us};
    DagRun run = new_run(world, dag, RUN_TYPE_MANUAL, &times);
    g_autofree char *run_id = g_strdup_printf("manual__%" PRId64, world->next_run_id);
    run.run_id = run_id;
    g_autofree char *date = instant_format(date_us, INSTANT_ISO);
    world_trace(world, "trigger %s: %s", dag->dag_id, date);
    calendar_make_run(world, &run);
}

/* ---- Backfills ---- */

/** The runs of a range of logical dates, found tick by tick, as timetables must find them, too. */
static GArray *backfill_dates(World *world, CalendarDag *dag, int64_t from_us, int64_t to_us)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(DagRunTimes));
    g_autoptr(Timetable) timetable = timetable_new(&calendar_version(world, dag)->schedule, NULL);
    int64_t tick = plan_tick_after(dag->plan, from_us - 1);
    while (list->len < BACKFILL_DATES && tick != INT64_MAX && tick <= to_us) {
        int64_t next = plan_tick_after(dag->plan, tick);
        DagRunTimes times = plan_run_at(dag->plan, dag->plan->mode == DATA_INTERVAL_INTERVAL ? next : tick),
                    got;
        if (times.data_interval_end_us >= world->now_us)
            break;
        if (!timetable_backfill_next(timetable, from_us, &got) ||
            got.logical_date_us != times.logical_date_us ||
            got.data_interval_end_us != times.data_interval_end_us || got.run_after_us != times.run_after_us)
            world_fail(world, "%s: a backfill misses %" PRId64, dag->dag_id, times.logical_date_us);
        g_array_append_val(list, times);
        from_us = times.logical_date_us + 1;
        tick = next;
    }
    return list;
}

static void do_again(World *world, SimRun *run, int64_t backfill_id)
{
    if (!run_state_is_finished(run->row->state) || chance(world, 2))
        return; /* in flight, or not to be done again */
    if (engine_run(world->engine, run->row->id) == NULL)
        world_load_run(world, run);
    world_touch(world, run);
    guint n = engine_run_dag(world->engine, run->row->id)->n_tasks;
    g_autofree uint32_t *all = g_new(uint32_t, n);
    for (guint i = 0; i < n; i++)
        all[i] = i;
    if (!engine_set_run_backfill(world->engine, run->row->id, backfill_id, NULL, NULL))
        return; /* a process of it is alive */
    engine_clear_tasks(world->engine, run->row->id, all, n, world->now_us);
}

static void add_backfill_run(World *world, const CalendarDag *dag, const DagRunTimes *times,
                             int64_t backfill_id)
{
    SimRun *there = world_run_at(world, dag->dag_id, times->logical_date_us);
    if (there != NULL) {
        do_again(world, there, backfill_id);
        return;
    }
    DagRun run = new_run(world, dag, RUN_TYPE_BACKFILL, times);
    g_autofree char *date = instant_format(times->run_after_us, INSTANT_ISO);
    g_autofree char *run_id = g_strconcat("backfill__", date, NULL);
    run.run_id = run_id;
    run.backfill_id = backfill_id;
    calendar_make_run(world, &run);
}

static void backfill(World *world)
{
    CalendarDag *dag = any_dag(world);
    if (!dag->is_stored || !plan_is_periodic(dag->plan) ||
        calendar_version(world, dag)->any_depends_on_past ||
        calendar_unfinished_backfill(world, dag->dag_id) != 0)
        return;
    int64_t from_us = world->now_us - between(world, USEC_PER_DAY, 30 * USEC_PER_DAY);
    int64_t to_us = from_us + between(world, 0, 15 * USEC_PER_DAY);
    g_autoptr(GArray) dates = backfill_dates(world, dag, from_us, to_us);
    EngineBackfill told = {.id = world->backfills->len + 1,
                           .is_paused = true,
                           .is_backwards = chance(world, 3),
                           .max_active_runs = (int)between(world, 1, 4)};
    world_trace(world, "backfill %" PRId64 " of %s: %u dates", told.id, dag->dag_id, dates->len);
    engine_set_backfill(world->engine, &told);
    g_array_append_val(world->backfills, told);
    for (guint i = 0; i < dates->len; i++) {
        guint k = told.is_backwards ? dates->len - 1 - i : i;
        add_backfill_run(world, dag, &g_array_index(dates, DagRunTimes, k), told.id);
    }
    told.is_paused = false;
    engine_set_backfill(world->engine, &told);
    *world_backfill(world, told.id) = told;
}

/* ---- Files ---- */

void years_change_file(World *world, bool is_seen)
{
    guint i = (guint)between(world, 0, calendar_size(world));
    if (calendar_dag(world, i)->file != NULL && chance(world, 3))
        calendar_remove(world, i, is_seen);
    else
        calendar_edit(world, i, is_seen);
}

static void toggle_pause(World *world)
{
    const char *dag_id = any_dag(world)->dag_id;
    bool is_paused = !g_hash_table_remove(world->paused, dag_id);
    if (is_paused)
        g_hash_table_add(world->paused, (gpointer)dag_id);
    world_trace(world, "%s %s", is_paused ? "pause" : "unpause", dag_id);
    const Dag *version = world->latest->pdata[g_ascii_strtoull(dag_id + 3, NULL, 10)];
    engine_set_dag(world->engine, dag_id, is_paused, version->max_active_runs);
    calendar_set_paused(world, dag_id, is_paused);
}

void years_command(World *world)
{
    switch (between(world, 0, 16)) {
    case 0:
        years_change_file(world, true);
        break;
    case 1:
        if (chance(world, 4))
            calendar_delete(world, (guint)between(world, 0, calendar_size(world)));
        break;
    case 2:
    case 3:
        calendar_clean(world, world->now_us - between(world, 0, 60 * USEC_PER_DAY));
        break;
    case 4:
    case 5:
        backfill(world);
        break;
    case 6:
    case 7:
    case 8:
        toggle_pause(world);
        break;
    case 9:
    case 10:
    case 11:
        world_command(world);
        break;
    default:
        trigger(world);
    }
    engine_tick(world->engine, world->now_us); /* limits may have changed */
}
