/* SPDX-License-Identifier: MIT */
/**
 * Timetables: which runs a DAG's schedule asks for, and when.
 *
 * A timetable is pure arithmetic on its arguments: ask again with the same arguments and the answer is the
 * same. So nothing has to be remembered but the last run, and a restart, a clock step or a suspend need no
 * rules of their own. It is immutable; any thread may read it.
 *
 * The rules (start_date and end_date as in Airflow):
 *  - A DAG that has no run yet starts at its next tick after it was first seen, with catchup at the first
 * tick from start_date on. Without start_date there is nothing to catch up.
 *  - Later, with catchup the tick after the last run's comes next. Without it, when several ticks were
 * missed, only the latest of them.
 *  - `every` counts from start_date, else from the epoch.
 *  - @once: one run at start_date (at once if that is past), else when first seen.
 *  - @continuous: each run's interval reaches from the end of the last run's to now. Its caller allows one
 * active run.
 */
#pragma once

#include "scheduler/model/schedule.h"

typedef struct Timetable Timetable;

/** The dates of one run. All are set. */
typedef struct {
    int64_t logical_date_us;
    int64_t data_interval_start_us, data_interval_end_us;
    int64_t run_after_us; /**< when it is due; may be past */
} DagRunTimes;

/** The DAG's last run that was scheduled or backfilled; manual runs do not count. */
typedef DagRunTimes TimetableLast;

/**
 * Checks the spec's expressions, period and zone and takes what it needs; `spec` may go afterwards. NULL and
 * WEIR_ERROR_INVALID if one is wrong.
 */
Timetable *timetable_new(const ScheduleSpec *spec, GError **error);
/** Accepts NULL. */
void timetable_free(Timetable *timetable);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Timetable, timetable_free)

/**
 * The next run: due when run_after_us <= now_us, to be waited for otherwise. False if the schedule has no
 * further run. `last` is NULL before the first one; `first_seen_us` TIME_NONE means now. The logical date
 * always lies after last's.
 *
 * To list runs to come, pass each result as the next `last`.
 */
bool timetable_next(const Timetable *timetable, const TimetableLast *last, int64_t first_seen_us,
                    int64_t now_us, DagRunTimes *ret);

/** The dates of a run that somebody starts by hand, to be run at `run_after_us`; its logical date is that. */
void timetable_infer_manual(const Timetable *timetable, int64_t run_after_us, DagRunTimes *ret);
/** The same from what the DAG says; without a schedule the interval is that instant. False if it is wrong. */
bool timetable_manual_times(const ScheduleSpec *spec, int64_t run_after_us, DagRunTimes *ret, GError **error);

/**
 * For backfills: the first run with a logical date at or after `from_us`, whatever start_date, end_date and
 * catchup say. False if there is none, or if the schedule is not periodic.
 */
bool timetable_backfill_next(const Timetable *timetable, int64_t from_us, DagRunTimes *ret);

/** Whether it has ticks (cron or every), which backfills need. */
bool timetable_is_periodic(const Timetable *timetable);

/** "0 2 * * *", "every 15m", "@daily", "None". Belongs to the timetable. */
const char *timetable_summary(const Timetable *timetable);
/** A sentence for people. Belongs to the timetable. */
const char *timetable_description(const Timetable *timetable);
