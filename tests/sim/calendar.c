/* SPDX-License-Identifier: MIT */
/* The DAG folder, the rows of DAGs, and what fire.c, dag_bag_folder.c and clean.c of the daemon do with them.
 */
#include "tests/sim/calendar.h"

#include "scheduler/daemon/retention.h"
#include "scheduler/daemon/scheduled_run.h"
#include "scheduler/time/instant.h"

#include <string.h>

struct Calendar {
    GArray *dags; /**< CalendarDag */
    Schedules *schedules;
};

guint calendar_size(const World *world)
{
    return world->calendar->dags->len;
}

CalendarDag *calendar_dag(World *world, guint i)
{
    return &g_array_index(world->calendar->dags, CalendarDag, i);
}

CalendarDag *calendar_find_dag(World *world, const char *dag_id)
{
    return calendar_dag(world, (guint)g_ascii_strtoull(dag_id + strlen("dag"), NULL, 10));
}

Dag *calendar_version(const World *world, const CalendarDag *dag)
{
    return world->latest->pdata[g_ascii_strtoull(dag->dag_id + strlen("dag"), NULL, 10)];
}

/* ---- Rows ---- */

static bool is_automatic(const DagRun *run)
{
    return run->type == RUN_TYPE_SCHEDULED ||
           (run->type != RUN_TYPE_MANUAL && g_str_has_prefix(run->run_id, "scheduled__"));
}

bool calendar_last_row(World *world, const char *dag_id, DagRunTimes *ret)
{
    const DagRun *last = NULL;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const DagRun *run = ((const SimRun *)value)->row;
        if (strcmp(run->dag_id, dag_id) == 0 && is_automatic(run) &&
            (last == NULL || run->logical_date_us > last->logical_date_us))
            last = run;
    }
    if (last != NULL)
        *ret = (DagRunTimes){last->logical_date_us, last->data_interval_start_us, last->data_interval_end_us,
                             last->run_after_us};
    return last != NULL;
}

/* From rows alone: what was taken without a run of its own is forgotten. */
static void read_last(World *world, CalendarDag *dag)
{
    dag->has_last = calendar_last_row(world, dag->dag_id, &dag->last);
    if (dag->has_made != dag->has_last || (dag->has_made && dag->made_us != dag->last.logical_date_us))
        world_fail(world, "%s: the last scheduled run is gone", dag->dag_id);
}

static guint ask_engine(const char *dag_id, void *user)
{
    return engine_count_active_runs(((const World *)user)->engine, dag_id);
}

/* ---- The folder ---- */

static void put(World *world, CalendarDag *dag)
{
    GError *error = NULL;
    Dag *version = calendar_version(world, dag);
    bool is_paused = g_hash_table_contains(world->paused, dag->dag_id);
    read_last(world, dag);
    ScheduledDag scheduled = {
        .dag_id = dag->dag_id,
        .spec = &version->schedule,
        .max_active_runs = version->max_active_runs,
        .is_paused = is_paused,
        .first_seen_us = dag->first_seen_us,
        .last = dag->has_last ? &dag->last : NULL,
    };
    if (!schedules_put(world->calendar->schedules, &scheduled, world->now_us, &error))
        world_fail(world, "%s: %s", dag->dag_id, error->message);
    engine_set_dag(world->engine, dag->dag_id, is_paused, version->max_active_runs);
}

/* Rows agree with the file. Whether what the schedules know of it is wrong now. */
static bool look(World *world, guint i)
{
    CalendarDag *dag = calendar_dag(world, i);
    bool is_changed =
        dag->file != NULL && (!dag->is_stored || dag->is_stale || calendar_version(world, dag) != dag->file);
    if (dag->file == NULL) {
        dag->is_stale = dag->is_stored;
        return false;
    }
    if (!dag->is_stored)
        dag->first_seen_us = world->now_us;
    dag->is_stored = true;
    dag->is_stale = false;
    world->latest->pdata[i] = dag->file;
    return is_changed;
}

static void write_file(World *world, guint i)
{
    CalendarDag *dag = calendar_dag(world, i);
    int64_t since_us = dag->is_stored ? MIN(world->now_us, dag->first_seen_us) : world->now_us;
    if (dag->has_made) /* whatever has been taken since is forgotten in a crash */
        since_us = MIN(since_us, dag->made_us);
    ScheduleSpec spec;
    plan_free(dag->plan);
    dag->plan = plan_new(world->rng, world->now_us, since_us);
    plan_to_spec(dag->plan, &spec);
    dag->file = generate_scheduled_dag(world->rng, dag->dag_id, &spec);
    schedule_spec_clear(&spec);
    g_ptr_array_add(world->dags, dag->file);
    g_autofree char *text = plan_to_text(dag->plan);
    world_trace(world, "file of %s: %s, at most %d runs", dag->dag_id, text, dag->file->max_active_runs);
}

void calendar_edit(World *world, guint i, bool is_seen)
{
    calendar_dag(world, i)->is_edited = true;
    write_file(world, i);
    if (is_seen && look(world, i))
        put(world, calendar_dag(world, i));
}

void calendar_remove(World *world, guint i, bool is_seen)
{
    CalendarDag *dag = calendar_dag(world, i);
    dag->file = NULL;
    world_trace(world, "file of %s goes", dag->dag_id);
    if (!is_seen)
        return;
    look(world, i);
    schedules_remove(world->calendar->schedules, dag->dag_id);
}

void calendar_set_paused(World *world, const char *dag_id, bool is_paused)
{
    if (world->calendar != NULL)
        schedules_set_paused(world->calendar->schedules, dag_id, is_paused, world->now_us);
}

/* ---- Deleting ---- */

/* By id: the order must not depend on a hash. */
static GPtrArray *runs_of(World *world, const char *dag_id)
{
    GPtrArray *runs = g_ptr_array_new();
    for (int64_t id = 1; id < world->next_run_id; id++) {
        SimRun *run = world_run_of(world, id);
        if (run != NULL && strcmp(run->row->dag_id, dag_id) == 0)
            g_ptr_array_add(runs, run);
    }
    return runs;
}

void calendar_delete(World *world, guint i)
{
    CalendarDag *dag = calendar_dag(world, i);
    g_autoptr(GPtrArray) runs = runs_of(world, dag->dag_id);
    for (guint k = 0; k < runs->len; k++) {
        const DagRun *row = ((const SimRun *)runs->pdata[k])->row;
        if (!run_state_is_finished(row->state) || engine_run_live(world->engine, row->id) > 0)
            return;
    }
    world_trace(world, "delete %s", dag->dag_id);
    for (guint k = 0; k < runs->len; k++) {
        SimRun *run = runs->pdata[k];
        engine_forget_run(world->engine, run->row->id);
        world_delete_run(world, run);
    }
    g_hash_table_remove_all(dag->dates);
    g_hash_table_remove(world->paused, dag->dag_id);
    schedules_remove(world->calendar->schedules, dag->dag_id);
    dag->has_last = dag->has_made = dag->is_stored = dag->is_stale = false;
    dag->is_edited = true;
    if (look(world, i))
        put(world, dag);
}

int64_t calendar_unfinished_backfill(const World *world, const char *dag_id)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const DagRun *run = ((const SimRun *)value)->row;
        if (run->backfill_id != 0 && strcmp(run->dag_id, dag_id) == 0)
            return run->backfill_id;
    }
    return 0;
}

void calendar_clean(World *world, int64_t before_us)
{
    world_trace(world, "clean");
    for (guint i = 0; i < calendar_size(world); i++) {
        const char *dag_id = calendar_dag(world, i)->dag_id;
        DagRunTimes last;
        RetentionRule rule = {
            .before_us = before_us,
            .last_scheduled_us = calendar_last_row(world, dag_id, &last) ? last.logical_date_us : TIME_NONE,
            .backfill_id = calendar_unfinished_backfill(world, dag_id),
        };
        g_autoptr(GPtrArray) runs = runs_of(world, dag_id);
        for (guint k = 0; k < runs->len; k++) {
            SimRun *run = runs->pdata[k];
            if (engine_run(world->engine, run->row->id) != NULL || !retention_is_old(run->row, &rule))
                continue;
            /* The schedule has yet to come to it, and will not know that somebody was faster. */
            if (!calendar_dag(world, i)->has_made ||
                run->row->logical_date_us > calendar_dag(world, i)->made_us)
                g_hash_table_remove(calendar_dag(world, i)->dates, &run->row->logical_date_us);
            world_delete_run(world, run);
        }
    }
}

/* ---- The daemon's part ---- */

void calendar_restart(World *world)
{
    Calendar *calendar = world->calendar;
    if (calendar == NULL)
        return;
    schedules_free(calendar->schedules);
    calendar->schedules = schedules_new(ask_engine, world);
    for (guint i = 0; i < calendar->dags->len; i++) {
        CalendarDag *dag = calendar_dag(world, i);
        look(world, i);
        if (dag->file != NULL)
            put(world, dag);
    }
}

void calendar_make_run(World *world, DagRun *run)
{
    Dag *version = calendar_version(world, calendar_find_dag(world, run->dag_id));
    g_autofree int8_t *states = g_new(int8_t, version->n_tasks + 1);
    EnginePast past = world_past(world, run, version, states);
    run->id = world->next_run_id++;
    run->dag_version_id = 1;
    engine_create_run(world->engine, run, version, world->next_ti_id, &past, ENGINE_RUN_NORMAL,
                      world->now_us);
    world->next_ti_id += version->n_tasks;
}

static void take(World *world, const ScheduleTick *tick)
{
    CalendarDag *dag = calendar_find_dag(world, tick->dag_id);
    const DagRunTimes *times = &tick->times;
    calendar_check_tick(world, dag, times);
    dag->has_last = true;
    dag->last = *times;
    bool is_taken = world_run_at(world, dag->dag_id, times->logical_date_us) != NULL;
    g_autofree char *logical = instant_format(times->logical_date_us, INSTANT_ISO);
    world_trace(world, "tick of %s: %s%s", dag->dag_id, logical, is_taken ? ", which has a run" : "");
    if (is_taken)
        return;
    g_autoptr(DagRun) run = scheduled_run_new(tick, 1, world->now_us);
    calendar_make_run(world, run);
}

void calendar_fire(World *world)
{
    ScheduleTick tick;
    if (world->calendar == NULL)
        return;
    while (schedules_take_due(world->calendar->schedules, world->now_us, &tick))
        take(world, &tick);
}

void calendar_look_again(World *world, const EngineOutput *output)
{
    if (world->calendar != NULL)
        scheduled_runs_ended(world->calendar->schedules, world->engine, output, world->now_us);
}

guint calendar_n_scheduled(const World *world)
{
    return schedules_size(world->calendar->schedules);
}

int64_t calendar_next_due(const World *world)
{
    return schedules_next_due(world->calendar->schedules);
}

/* ---- Life cycle ---- */

void calendar_open(World *world, guint n)
{
    Calendar *calendar = world->calendar = g_new0(Calendar, 1);
    calendar->dags = g_array_new(FALSE, TRUE, sizeof(CalendarDag));
    g_array_set_size(calendar->dags, n);
    g_ptr_array_set_size(world->latest, (gint)n);
    for (guint i = 0; i < n; i++) {
        CalendarDag *dag = calendar_dag(world, i);
        g_autofree char *dag_id = g_strdup_printf("dag%u", i);
        dag->dag_id = g_intern_string(dag_id);
        dag->dates = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        write_file(world, i);
        world->latest->pdata[i] = dag->file;
    }
}

void calendar_free(Calendar *calendar)
{
    if (calendar == NULL)
        return;
    for (guint i = 0; i < calendar->dags->len; i++) {
        CalendarDag *dag = &g_array_index(calendar->dags, CalendarDag, i);
        plan_free(dag->plan);
        g_hash_table_unref(dag->dates);
    }
    g_array_unref(calendar->dags);
    schedules_free(calendar->schedules);
    g_free(calendar);
}
