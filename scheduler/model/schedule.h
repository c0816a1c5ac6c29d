/* SPDX-License-Identifier: MIT */
/**
 * When a DAG is to run, as its file says it: plain data, not yet checked beyond its shape.
 *
 * The loader fills it in; timetable_new() of scheduler/time checks the expressions and the zone, and knows
 * what they mean.
 */
#pragma once

#include "scheduler/model/types.h"

typedef enum {
    SCHEDULE_NONE,       /**< only by hand */
    SCHEDULE_ONCE,       /**< `@once` */
    SCHEDULE_CONTINUOUS, /**< `@continuous`: again as soon as the last run has ended */
    SCHEDULE_CRON,       /**< one or more cron expressions; a tick is a tick of any of them */
    SCHEDULE_EVERY,      /**< a fixed period */
} ScheduleKind;

typedef enum {
    DATA_INTERVAL_TRIGGER,  /**< Airflow 3: logical date = both ends of the interval = the tick */
    DATA_INTERVAL_INTERVAL, /**< Airflow 2: from the tick before to the tick; logical date = its start */
} DataIntervalMode;

/** Zero-initialised except for the dates is a valid "only by hand": see schedule_spec_init(). */
typedef struct {
    ScheduleKind kind;
    char **crons;          /**< SCHEDULE_CRON: NULL-terminated, at least one, presets as written; else NULL */
    int64_t every_us;      /**< SCHEDULE_EVERY: the period, > 0; else 0 */
    int64_t start_date_us; /**< TIME_NONE: when the DAG is first seen */
    int64_t end_date_us;   /**< TIME_NONE: never */
    bool catchup;          /**< run every missed tick, not only the latest */
    DataIntervalMode data_interval;
    char *timezone; /**< IANA name; NULL is UTC */
} ScheduleSpec;

/** No schedule, no dates, UTC. */
void schedule_spec_init(ScheduleSpec *spec);
/** Frees what it owns and leaves it as schedule_spec_init() does. */
void schedule_spec_clear(ScheduleSpec *spec);
/** A deep copy; `ret` need not be initialised. */
void schedule_spec_copy(const ScheduleSpec *spec, ScheduleSpec *ret);
bool schedule_spec_equal(const ScheduleSpec *a, const ScheduleSpec *b);

/**
 * Sets kind and crons from what stands after `schedule:` as text: `@once`, `@continuous`, `None` or "" (by
 * hand), anything else one cron expression, unchecked. Dates, zone and modes stay.
 */
void schedule_spec_set_text(ScheduleSpec *spec, const char *text);
/** As above, for a list of cron expressions (NULL-terminated, copied, not empty). */
void schedule_spec_set_crons(ScheduleSpec *spec, const char *const *crons);
void schedule_spec_set_every(ScheduleSpec *spec, int64_t every_us);

/** As a person would write it: "0 2 * * *", "@daily", "every 15m", "None". The caller frees it. */
char *schedule_spec_summary(const ScheduleSpec *spec);

/** "trigger" or "interval". */
const char *data_interval_mode_to_string(DataIntervalMode mode);
/** false, and *ret left alone, for any other word. */
bool data_interval_mode_from_string(const char *name, DataIntervalMode *ret);
