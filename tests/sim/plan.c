/* SPDX-License-Identifier: MIT */
#include "tests/sim/plan.h"

#include <math.h>

/** No cron expression is let in that does not fire for so long. */
#define LONGEST_GAP_DAYS    400
#define EARLIEST_START_DAYS 40

static int pick(GRand *rng, int n)
{
    return g_rand_int_range(rng, 0, n);
}

static int64_t year_begin(int year)
{
    return (int64_t)(year - 1970) * 365 * USEC_PER_DAY + (int64_t)((year - 1969) / 4) * USEC_PER_DAY;
}

/** Kept for the life of the process. */
static const LocalClock *clock_of(const char *zone)
{
    static GHashTable *clocks;
    if (clocks == NULL)
        clocks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)local_clock_free);
    LocalClock *clock = g_hash_table_lookup(clocks, zone);
    if (clock == NULL) {
        clock = local_clock_new(zone, year_begin(PLAN_FIRST_YEAR), year_begin(PLAN_LAST_YEAR + 1));
        g_hash_table_insert(clocks, (gpointer)zone, clock);
    }
    return clock;
}

const LocalClock *plan_clock(const Plan *plan)
{
    return clock_of(plan->zone);
}

/* ---- Making one ---- */

static const char *pick_zone(GRand *rng)
{
    int n = 0;
    while (local_clock_zones[n] != NULL)
        n++;
    return local_clock_zones[pick(rng, n)];
}

static CronModel pick_cron(GRand *rng, int fires_a_day)
{
    for (;;) {
        CronModel model = pick(rng, 4) == 0 ? cron_model_random(rng) : cron_model_plain(rng);
        if (cron_model_fires_a_day(&model) <= fires_a_day &&
            cron_model_longest_gap(&model, LONGEST_GAP_DAYS) < LONGEST_GAP_DAYS)
            return model;
    }
}

static void pick_schedule(GRand *rng, Plan *plan)
{
    int fires_a_day = plan->catchup ? 2 : 24 * 60;
    int kind = pick(rng, 20);
    plan->kind = SCHEDULE_CRON;
    plan->n_crons = 1;
    if (kind == 0) {
        plan->kind = SCHEDULE_ONCE;
    } else if (kind == 1) {
        plan->kind = SCHEDULE_CONTINUOUS;
    } else if (kind < 5) {
        plan->kind = SCHEDULE_EVERY;
        double shortest_us = (double)(plan->catchup ? 8 * USEC_PER_HOUR : 10 * USEC_PER_MIN);
        double longest_us = 60.0 * USEC_PER_HOUR;
        plan->every_us = (int64_t)(shortest_us * pow(longest_us / shortest_us, g_rand_double(rng))) /
                         USEC_PER_SEC * USEC_PER_SEC;
    } else if (kind < 8) {
        plan->n_crons = 2 + (guint)pick(rng, PLAN_CRONS - 1);
    }
    if (plan->kind != SCHEDULE_CRON)
        plan->n_crons = 0;
    for (guint i = 0; i < plan->n_crons; i++)
        plan->crons[i] = pick_cron(rng, fires_a_day);
}

static int64_t about(GRand *rng, int64_t now_us, int days_before, int days_after)
{
    double days = -days_before + g_rand_double(rng) * (days_before + days_after);
    int64_t us = now_us + (int64_t)(days * (double)USEC_PER_DAY);
    return pick(rng, 2) == 0 ? us / USEC_PER_DAY * USEC_PER_DAY : us / USEC_PER_SEC * USEC_PER_SEC;
}

/** So that the earliest date that matters has a tick before it. */
static int64_t days_to_look_back(const Plan *plan)
{
    int gap = plan->n_crons > 0 ? LONGEST_GAP_DAYS : 0;
    for (guint i = 0; i < plan->n_crons; i++)
        gap = MIN(gap, cron_model_longest_gap(&plan->crons[i], LONGEST_GAP_DAYS));
    return gap + EARLIEST_START_DAYS + 10;
}

/** Start and end are most telling when they are ticks themselves. */
static void move_to_ticks(Plan *plan)
{
    if (plan->start_us != TIME_NONE)
        plan->start_us = plan_tick_after(plan, plan->start_us);
    if (plan->end_us != TIME_NONE)
        plan->end_us = plan_tick_after(plan, plan->end_us);
}

Plan *plan_new(GRand *rng, int64_t now_us, int64_t since_us)
{
    Plan *plan = g_new0(Plan, 1);
    plan->start_us = plan->end_us = TIME_NONE;
    plan->catchup = pick(rng, 5) < 2;
    plan->mode = pick(rng, 3) == 0 ? DATA_INTERVAL_INTERVAL : DATA_INTERVAL_TRIGGER;
    plan->zone = pick_zone(rng);
    if (pick(rng, 5) < 3)
        plan->start_us = about(rng, now_us, EARLIEST_START_DAYS, 20);
    if (pick(rng, 8) == 0)
        plan->end_us = about(rng, now_us, 10, 400);
    pick_schedule(rng, plan);
    plan->ticks = g_array_new(FALSE, FALSE, sizeof(int64_t));
    plan->begin_us = since_us / USEC_PER_MIN * USEC_PER_MIN - days_to_look_back(plan) * USEC_PER_DAY;
    plan->looked_us = plan->begin_us;
    for (guint i = 0; i < plan->n_crons; i++)
        plan->walks[i] = cron_walk_begin(&plan->crons[i], plan_clock(plan), plan->begin_us);
    if (plan->kind == SCHEDULE_CRON && pick(rng, 2) == 0)
        move_to_ticks(plan);
    return plan;
}

void plan_free(Plan *plan)
{
    if (plan == NULL)
        return;
    g_array_unref(plan->ticks);
    g_free(plan);
}

void plan_to_spec(const Plan *plan, ScheduleSpec *ret)
{
    schedule_spec_init(ret);
    ret->kind = plan->kind;
    if (plan->kind == SCHEDULE_CRON) {
        const char *texts[PLAN_CRONS + 1] = {NULL};
        for (guint i = 0; i < plan->n_crons; i++)
            texts[i] = plan->crons[i].text;
        schedule_spec_set_crons(ret, texts);
    } else if (plan->kind == SCHEDULE_EVERY) {
        schedule_spec_set_every(ret, plan->every_us);
    }
    ret->start_date_us = plan->start_us;
    ret->end_date_us = plan->end_us;
    ret->catchup = plan->catchup;
    ret->data_interval = plan->mode;
    ret->timezone = g_strdup(plan->zone);
}

static void add_date(GString *text, const char *what, int64_t us)
{
    if (us == TIME_NONE)
        return;
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(us / USEC_PER_SEC);
    g_autofree char *iso = g_date_time_format_iso8601(date);
    g_string_append_printf(text, ", %s %s", what, iso);
}

char *plan_to_text(const Plan *plan)
{
    ScheduleSpec spec;
    plan_to_spec(plan, &spec);
    g_autofree char *summary = schedule_spec_summary(&spec);
    schedule_spec_clear(&spec);
    GString *text = g_string_new(summary);
    g_string_append_printf(text, " in %s", plan->zone);
    add_date(text, "from", plan->start_us);
    add_date(text, "until", plan->end_us);
    g_string_append_printf(text, "%s%s", plan->catchup ? ", catchup" : "",
                           plan->mode == DATA_INTERVAL_INTERVAL ? ", intervals" : "");
    return g_string_free(text, FALSE);
}

bool plan_is_periodic(const Plan *plan)
{
    return plan->kind == SCHEDULE_CRON || plan->kind == SCHEDULE_EVERY;
}

/* ---- Ticks ---- */

static int64_t tick_at(const Plan *plan, guint i)
{
    return g_array_index(plan->ticks, int64_t, i);
}

static bool fires_at(Plan *plan, int64_t us)
{
    bool is_tick = false;
    for (guint i = 0; i < plan->n_crons; i++)
        is_tick = cron_walk_look(&plan->walks[i], us) || is_tick; /* each clock looks at each minute */
    return is_tick;
}

static void look_at_clock(Plan *plan, int64_t after_us)
{
    int64_t end_us = year_begin(PLAN_LAST_YEAR);
    while ((plan->ticks->len == 0 || tick_at(plan, plan->ticks->len - 1) <= after_us) &&
           plan->looked_us < end_us) {
        plan->looked_us += USEC_PER_MIN;
        if (fires_at(plan, plan->looked_us))
            g_array_append_val(plan->ticks, plan->looked_us);
    }
}

static void count_periods(Plan *plan, int64_t after_us)
{
    int64_t anchor_us = plan->start_us != TIME_NONE ? plan->start_us : 0;
    if (plan->ticks->len == 0) {
        int64_t first = anchor_us + (plan->begin_us - anchor_us) / plan->every_us * plan->every_us;
        g_array_append_val(plan->ticks, first);
    }
    for (int64_t tick = tick_at(plan, plan->ticks->len - 1); tick <= after_us;) {
        tick += plan->every_us;
        g_array_append_val(plan->ticks, tick);
    }
}

/** How many of the ticks found lie before or at `us`. */
static guint count_until(const Plan *plan, int64_t us)
{
    guint low = 0, high = plan->ticks->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (tick_at(plan, middle) <= us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t plan_tick_after(Plan *plan, int64_t after_us)
{
    if (after_us < plan->begin_us)
        g_error("nobody has looked at the clock that early");
    if (plan->kind == SCHEDULE_EVERY)
        count_periods(plan, after_us);
    else
        look_at_clock(plan, after_us);
    guint n = count_until(plan, after_us);
    return n < plan->ticks->len ? tick_at(plan, n) : INT64_MAX;
}

int64_t plan_tick_before(Plan *plan, int64_t before_us)
{
    plan_tick_after(plan, before_us);
    guint n = count_until(plan, before_us - 1);
    return n > 0 ? tick_at(plan, n - 1) : TIME_NONE;
}

DagRunTimes plan_run_at(Plan *plan, int64_t tick_us)
{
    int64_t start_us = plan->mode == DATA_INTERVAL_INTERVAL ? plan_tick_before(plan, tick_us) : tick_us;
    return (DagRunTimes){start_us, start_us, tick_us, tick_us};
}

/* ---- Which of them are wanted ---- */

/** Whether a tick, of those after `last`, may have a run at all. */
static bool is_wanted(Plan *plan, const DagRunTimes *last, int64_t first_seen_us, int64_t tick_us)
{
    int64_t logical_us = plan_run_at(plan, tick_us).logical_date_us;
    if (plan->start_us != TIME_NONE && logical_us < plan->start_us)
        return false;
    if (plan->end_us != TIME_NONE && logical_us > plan->end_us)
        return false;
    if (last != NULL)
        return tick_us > last->data_interval_end_us && logical_us > last->logical_date_us;
    return (plan->catchup && plan->start_us != TIME_NONE) || tick_us > first_seen_us;
}

/** No tick before or at it can be wanted. */
static int64_t floor_of(const Plan *plan, const DagRunTimes *last, int64_t first_seen_us)
{
    if (last != NULL)
        return last->data_interval_end_us;
    return plan->catchup && plan->start_us != TIME_NONE ? plan->start_us - 1 : first_seen_us;
}

/** No tick after it can be wanted. */
static int64_t ceiling_of(Plan *plan)
{
    if (plan->end_us == TIME_NONE || plan->end_us < plan->begin_us)
        return plan->end_us == TIME_NONE ? INT64_MAX : plan->end_us;
    return plan->mode == DATA_INTERVAL_INTERVAL ? plan_tick_after(plan, plan->end_us) : plan->end_us;
}

static bool tick_due(Plan *plan, const DagRunTimes *last, int64_t first_seen_us, int64_t now_us,
                     DagRunTimes *ret)
{
    int64_t low = floor_of(plan, last, first_seen_us), high = MIN(now_us, ceiling_of(plan));
    int64_t tick = plan->catchup ? plan_tick_after(plan, low) : plan_tick_before(plan, high + 1);
    while (tick > low && tick <= high) {
        if (is_wanted(plan, last, first_seen_us, tick)) {
            *ret = plan_run_at(plan, tick);
            return true;
        }
        tick = plan->catchup ? plan_tick_after(plan, tick) : plan_tick_before(plan, tick);
    }
    return false;
}

/** The first instant of @once, and of the first interval of @continuous. */
static int64_t begin_of(const Plan *plan, int64_t first_seen_us)
{
    return plan->start_us != TIME_NONE ? plan->start_us : first_seen_us;
}

static bool is_over(const Plan *plan, int64_t us)
{
    return plan->end_us != TIME_NONE && us > plan->end_us;
}

/** One run takes no time, yet the next one begins a second later. */
static int64_t continuous_from(const Plan *plan, const DagRunTimes *last, int64_t first_seen_us)
{
    return last != NULL ? last->data_interval_end_us + USEC_PER_SEC : begin_of(plan, first_seen_us) + 1;
}

bool plan_due(Plan *plan, const DagRunTimes *last, int64_t first_seen_us, int64_t now_us, DagRunTimes *ret)
{
    int64_t begin_us = begin_of(plan, first_seen_us);
    switch (plan->kind) {
    case SCHEDULE_ONCE:
        *ret = (DagRunTimes){begin_us, begin_us, begin_us, begin_us};
        return last == NULL && begin_us <= now_us && !is_over(plan, begin_us);
    case SCHEDULE_CONTINUOUS:
        if (last != NULL)
            begin_us = last->data_interval_end_us;
        *ret = (DagRunTimes){begin_us, begin_us, now_us, now_us};
        return continuous_from(plan, last, first_seen_us) <= now_us && !is_over(plan, now_us);
    case SCHEDULE_CRON:
    case SCHEDULE_EVERY:
        return tick_due(plan, last, first_seen_us, now_us, ret);
    default:
        return false;
    }
}

int64_t plan_next_due(Plan *plan, const DagRunTimes *last, int64_t first_seen_us, int64_t now_us)
{
    int64_t at_us = begin_of(plan, first_seen_us);
    if (plan->kind == SCHEDULE_ONCE)
        return last == NULL && !is_over(plan, at_us) ? at_us : TIME_NONE;
    if (plan->kind == SCHEDULE_CONTINUOUS) {
        at_us = continuous_from(plan, last, first_seen_us);
        return is_over(plan, MAX(at_us, now_us)) ? TIME_NONE : at_us;
    }
    int64_t high = ceiling_of(plan), tick = MAX(now_us, floor_of(plan, last, first_seen_us));
    while ((tick = plan_tick_after(plan, tick)) <= high && tick != INT64_MAX) {
        if (is_wanted(plan, last, first_seen_us, tick))
            return tick;
    }
    return TIME_NONE;
}
