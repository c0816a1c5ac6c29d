/* SPDX-License-Identifier: MIT */
/**
 * The schedules of all DAGs: which run is due next, and when.
 *
 * Pure but for the time, which is an argument: no clock, no store, no loop. What happened is told in; what is
 * due is taken out one by one, the earliest first. Each tick is decided anew by timetable_next() at the
 * moment it is taken, from the DAG's last scheduled run alone; so clock steps, suspend, downtime, pauses and
 * changed files have no rules of their own, and whoever makes this anew from the store gets the same answers.
 *
 * A DAG at its max_active_runs is set aside until schedules_look_again().
 */
#pragma once

#include "scheduler/time/timetable.h"

typedef struct Schedules Schedules;

/** How many runs of a DAG are queued or running, backfills not counted. */
typedef guint (*SchedulesCountFn)(const char *dag_id, void *user);

Schedules *schedules_new(SchedulesCountFn count_active, void *user);
void schedules_free(Schedules *schedules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Schedules, schedules_free)

typedef struct {
    const char *dag_id;
    const ScheduleSpec *spec;
    int32_t max_active_runs;
    bool is_paused;
    int64_t first_seen_us;
    const TimetableLast *last; /**< its last scheduled run; NULL = none yet */
} ScheduledDag;

/** Adds a DAG, or says all of it anew. Copies everything. False (and the DAG is gone) if the spec is wrong.
 */
bool schedules_put(Schedules *schedules, const ScheduledDag *dag, int64_t now_us, GError **error);
/** It fires no more; nothing if unknown. */
void schedules_remove(Schedules *schedules, const char *dag_id);
void schedules_set_paused(Schedules *schedules, const char *dag_id, bool is_paused, int64_t now_us);
/** A run of the DAG has ended: there may be room for another. */
void schedules_look_again(Schedules *schedules, const char *dag_id, int64_t now_us);

/** When schedules_take_due() has something next; may be past; TIME_NONE = never. */
int64_t schedules_next_due(const Schedules *schedules);

typedef struct {
    const char *dag_id; /**< valid until the DAG is put or removed */
    DagRunTimes times;
} ScheduleTick;

/**
 * Takes the earliest tick that is due and may have its run; false if there is none. From here on it counts as
 * the DAG's last scheduled run, whether the caller makes a run of it or finds that there is one.
 */
bool schedules_take_due(Schedules *schedules, int64_t now_us, ScheduleTick *ret);

/** The next run as of now; false if there is none, paused or not. For messages. */
bool schedules_peek(const Schedules *schedules, const char *dag_id, int64_t now_us, DagRunTimes *ret);
/** How many DAGs there are, with or without a schedule. */
guint schedules_size(const Schedules *schedules);
