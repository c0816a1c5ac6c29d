/* SPDX-License-Identifier: MIT */
/**
 * Runs that start by themselves: the DAG folder, the rows of DAGs, and the daemon's schedules over them, with
 * an auditor who knows by himself what is due (plan.h). All functions do nothing in a world without a
 * calendar.
 */
#pragma once

#include "tests/sim/plan.h"
#include "tests/sim/world.h"

/** A DAG, by its number in World.latest, which has the version of its row. */
typedef struct {
    const char *dag_id; /**< interned */
    /* The folder. */
    Dag *file;  /**< NULL: there is none */
    Plan *plan; /**< of `file`; of the version before when there is none */
    /* The row. */
    bool is_stored, is_stale;
    int64_t first_seen_us;
    /* What the auditor knows. */
    bool has_last;
    DagRunTimes last; /**< the last tick that was taken */
    bool has_made;
    int64_t made_us;   /**< the latest logical date of a scheduled run, kept or not */
    GHashTable *dates; /**< logical dates that ever had a run, while it is stored */
    bool is_edited;    /**< its schedule was another one, or all of it was deleted */
} CalendarDag;

/** Files for `n` DAGs, and their first look. */
void calendar_open(World *world, guint n);
void calendar_free(Calendar *calendar);
guint calendar_size(const World *world);
CalendarDag *calendar_dag(World *world, guint i);
CalendarDag *calendar_find_dag(World *world, const char *dag_id);
/** How many DAGs the schedules know. */
guint calendar_n_scheduled(const World *world);

/* daemon.c calls these where the daemon does. */
/** Schedules are made anew from rows. */
void calendar_restart(World *world);
/** Makes runs of all that is due; each is held against the plan. */
void calendar_fire(World *world);
/** Runs that have ended make room for others. Before the output is cleared. */
void calendar_look_again(World *world, const EngineOutput *output);

/** The version of its row. Borrowed. */
Dag *calendar_version(const World *world, const CalendarDag *dag);
/** Creates a run of that version; gives it its id. */
void calendar_make_run(World *world, DagRun *run);
/** Its backfill that has runs to come; 0 = none. */
int64_t calendar_unfinished_backfill(const World *world, const char *dag_id);

/* What users do. */
void calendar_set_paused(World *world, const char *dag_id, bool is_paused);
/** The file has another schedule and other tasks, or comes back; seen at once, or at the next start only. */
void calendar_edit(World *world, guint i, bool is_seen);
/** The file goes. */
void calendar_remove(World *world, guint i, bool is_seen);
/** `dags delete`: rows and all, if no run is unfinished; a file that is still there is new. */
void calendar_delete(World *world, guint i);
/** Runs that ended before that go, but for those that are kept. */
void calendar_clean(World *world, int64_t before_us);

/** When something is due next; TIME_NONE = never. */
int64_t calendar_next_due(const World *world);
/** The row that `store_list_dag_schedules()` finds as the last scheduled run. False if there is none. */
bool calendar_last_row(World *world, const char *dag_id, DagRunTimes *ret);
/* calendar_audit.c */
/** A tick has been taken: it is the one that is due, and there is room for its run. */
void calendar_check_tick(World *world, CalendarDag *dag, const DagRunTimes *times);
/** Whether a run of the DAG is due at that time, if there is room for it. */
bool calendar_is_due(World *world, guint i, int64_t at_us);
/** A run has been stored: it is none that was there before, and it is not early. */
void calendar_stored(World *world, const DagRun *run);
/** Nothing that is due has been left lying, and the next wake-up is the right one. */
void calendar_check(World *world);
