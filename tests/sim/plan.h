/* SPDX-License-Identifier: MIT */
/**
 * A random schedule, and which runs it asks for: the auditor's own opinion, from ticks that were found by
 * looking at a clock minute by minute (tests/oracle), and from the rules' text. Shares no code with
 * timetables.
 */
#pragma once

#include "scheduler/time/timetable.h"
#include "tests/oracle/cron_walk.h"

#define PLAN_CRONS 3

/** Clocks are known for so long. */
#define PLAN_FIRST_YEAR 2003
#define PLAN_LAST_YEAR  2037

typedef struct {
    ScheduleKind kind;
    CronModel crons[PLAN_CRONS];
    guint n_crons;
    const char *zone; /**< static */
    int64_t every_us;
    int64_t start_us, end_us; /**< TIME_NONE: open */
    bool catchup;
    DataIntervalMode mode;
    /* Ticks found so far. */
    CronWalk walks[PLAN_CRONS];
    GArray *ticks; /**< int64_t */
    int64_t begin_us, looked_us;
} Plan;

/** A random one, made at `now_us`, sparse enough to catch up on all of it. Nothing before `since_us` matters.
 */
Plan *plan_new(GRand *rng, int64_t now_us, int64_t since_us);
void plan_free(Plan *plan);
/** As a DAG file would say it; `ret` is overwritten. */
void plan_to_spec(const Plan *plan, ScheduleSpec *ret);
/** For the trace. The caller frees it. */
char *plan_to_text(const Plan *plan);
/** The clock of its zone. Borrowed. */
const LocalClock *plan_clock(const Plan *plan);
bool plan_is_periodic(const Plan *plan);

/** The first tick after `after_us`, and the last before `before_us`; INT64_MAX or TIME_NONE if it has none.
 */
int64_t plan_tick_after(Plan *plan, int64_t after_us);
int64_t plan_tick_before(Plan *plan, int64_t before_us);
/** The run of that tick. */
DagRunTimes plan_run_at(Plan *plan, int64_t tick_us);

/** The run that is due at `now_us`, after `last` (NULL: none yet); false if there is none. */
bool plan_due(Plan *plan, const DagRunTimes *last, int64_t first_seen_us, int64_t now_us, DagRunTimes *ret);
/** If nothing is due: when something will be. TIME_NONE: never, or not while clocks are known. */
int64_t plan_next_due(Plan *plan, const DagRunTimes *last, int64_t first_seen_us, int64_t now_us);
