/* SPDX-License-Identifier: MIT */
/**
 * Cron as cron itself does it: a clock that is looked at again and again, and no arithmetic on dates.
 *
 * Expressions are made at random together with the sets of values they mean, and are never parsed. A job
 * whose minute and hour are fixed catches up on each minute of local time between the latest seen so far and
 * the present one, and fires once for all of them; a job with a star in one of the two looks at the present
 * minute only. That is all there is to gaps and overlaps.
 */
#pragma once

#include "tests/oracle/local_clock.h"

/** An expression and what it means. */
typedef struct {
    char text[128];
    bool minute[60], hour[24], day[32], month[13], weekday[7];
    bool is_and;   /**< day of month and day of week: both must match (one of them begins with a star) */
    bool is_fixed; /**< neither minute nor hour begins with a star */
} CronModel;

/** A random expression with lists, ranges, steps and stars in all five fields. */
CronModel cron_model_random(GRand *rng);
/** One of a kind that people write: some times a day, some days; fires at least once in any 40 days. */
CronModel cron_model_plain(GRand *rng);
/** The longest time without a matching day, up to `limit` days: as many as that is taken for never. */
int cron_model_longest_gap(const CronModel *model, int limit);
/** How many minutes of a day match at most. */
int cron_model_fires_a_day(const CronModel *model);

/** A clock being looked at, for one expression. */
typedef struct {
    const CronModel *model;
    const LocalClock *clock;
    int64_t offset_us, change_us; /**< the present offset, and when it ends */
    int64_t high_us;              /**< the latest local time seen */
    int64_t day;                  /**< whose match `is_day` is */
    bool is_day;
} CronWalk;

/** Has looked at the clock at `us`, and never before. `model` and `clock` are borrowed. */
CronWalk cron_walk_begin(const CronModel *model, const LocalClock *clock, int64_t us);
/** Looks at the clock at `us`, later than before; whether the job fires. */
bool cron_walk_look(CronWalk *walk, int64_t us);
