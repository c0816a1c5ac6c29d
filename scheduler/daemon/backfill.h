/* SPDX-License-Identifier: MIT */
/**
 * Backfills: the runs that one asks for, and making all of them in one turn. Private.
 *
 * backfill_plan() looks, backfill_prepare() loads the runs that are done again and does all that can fail,
 * backfill_apply() changes the engine and hands the rows to the turn. airflow-compatible: models/backfill.py.
 */
#pragma once

#include "scheduler/daemon/dag_bag.h"
#include "scheduler/time/timetable.h"

/** One backfill makes at most so many runs, and so many task instances: all of it is one transaction. */
#define BACKFILL_RUNS_MAX  100000
#define BACKFILL_TASKS_MAX 1000000

typedef struct {
    DagLatest latest;
    int64_t from_us, to_us; /**< logical dates, both inclusive */
    ReprocessBehavior reprocess;
    bool run_backwards;
    bool run_on_latest_version; /**< runs that are done again move to `latest` */
    int32_t max_active_runs;
    const json_t *conf; /**< object, or NULL: none was given */
    const char *user;   /**< or NULL */
} BackfillRequest;

/** A date of the plan. */
typedef struct {
    int64_t logical_date_us;
    DagRun *run; /**< to be made, or to be done again; NULL: left alone, see `exception` */
    bool is_new;
    BackfillException exception;
    char *params_json;   /**< of a run that is done again with a new conf, else NULL */
    EnginePast past;     /**< of a new run */
    int8_t *past_states; /**< what it points to */
} BackfillTick;

/** What keeps it from being made at all: schedule, dates, depends_on_past, another backfill. */
bool backfill_check(Daemon *daemon, const BackfillRequest *request, int64_t now_us, GError **error);
/** Its dates in the order in which they are to run: GArray of BackfillTick. Never empty. */
GArray *backfill_plan(Daemon *daemon, const BackfillRequest *request, int64_t now_us, GError **error);
bool backfill_prepare(Daemon *daemon, const BackfillRequest *request, GArray *plan, int64_t backfill_id,
                      GError **error);
/** Takes nothing of the plan; the backfill as it is now, to be freed. */
Backfill *backfill_apply(Daemon *daemon, const BackfillRequest *request, const GArray *plan,
                         int64_t backfill_id, int64_t now_us);

/** Tells the engine what holds for the runs of a stored backfill. */
bool backfill_register(Daemon *daemon, int64_t backfill_id, GError **error);
/** The same for one as it is about to be stored. */
void backfill_tell_engine(Daemon *daemon, const Backfill *backfill);
/** Runs that this process does not advance are held; so are all of a backfill but in a service. */
EngineRunFlags backfill_run_flags(const Daemon *daemon);
