/* SPDX-License-Identifier: MIT */
/*
 * What happens in a seed of sim_years: schedules fire over virtual years, through downtime, suspend, clocks
 * that are set, edits of files, pauses, backfills, retention and the faults of sim; then quiet, until all has
 * ended.
 */
#include "tests/sim/years.h"

#include <math.h>

#define FAULTY_STEPS   500
#define QUIET_STEPS    100000
#define HORIZON_YEARS  3
#define CATCH_UP_STEPS 5000
#define MOST_BACKLOG   30

/* ---- Time ---- */

static void set_clock(World *world, int64_t now_us)
{
    world->now_us = now_us;
    world->latest_us = MAX(world->latest_us, now_us);
}

/** Fires what is due and lets the engine's timers fire, in one turn. */
static void wake_up(World *world)
{
    calendar_fire(world);
    engine_tick(world->engine, world->now_us);
    world_turn(world);
}

/** Advances to the next event; false when nothing is left to happen. */
static bool advance(World *world)
{
    int64_t report_us, wake_us = engine_next_timer(world->engine), due_us = calendar_next_due(world);
    SimAttempt *attempt = executors_next_report(world, &report_us);
    if (due_us != TIME_NONE && (wake_us == TIME_NONE || due_us < wake_us))
        wake_us = due_us;
    if (wake_us == TIME_NONE && attempt == NULL)
        return false;
    if (wake_us != TIME_NONE && (attempt == NULL || wake_us <= report_us)) {
        set_clock(world, MAX(world->now_us, wake_us));
        wake_up(world);
    } else {
        set_clock(world, MAX(world->now_us, report_us));
        world_deliver(world, attempt);
    }
    return true;
}

/** From minutes to weeks, each order of magnitude as likely. */
static int64_t random_span(World *world)
{
    double days = pow(10, -3 + 4.6 * g_rand_double(world->rng));
    return (int64_t)(days * (double)USEC_PER_DAY);
}

/** When so many ticks wait for a DAG that catches up, the world has enough to do. */
static int64_t time_of_backlog(CalendarDag *dag)
{
    if (dag->file == NULL || !dag->is_stored || !plan_is_periodic(dag->plan) || !dag->plan->catchup)
        return INT64_MAX;
    int64_t tick = dag->first_seen_us;
    if (dag->has_last)
        tick = dag->last.data_interval_end_us;
    for (int i = 0; i < MOST_BACKLOG && tick != INT64_MAX; i++)
        tick = plan_tick_after(dag->plan, tick);
    return tick;
}

/** Shortly before the clock of one of the DAGs is changed, or just anywhere. */
static int64_t pick_time(World *world)
{
    const CalendarDag *dag = calendar_dag(world, (guint)between(world, 0, calendar_size(world)));
    int64_t change_us = local_clock_next_change(plan_clock(dag->plan), world->now_us + 4 * USEC_PER_HOUR);
    if (chance(world, 2) || change_us > world->now_us + 200 * USEC_PER_DAY)
        return world->now_us + random_span(world);
    return change_us - between(world, 0, 4 * USEC_PER_HOUR);
}

static int64_t random_time(World *world)
{
    int64_t at_us = pick_time(world);
    for (guint i = 0; i < calendar_size(world); i++)
        at_us = MIN(at_us, MAX(time_of_backlog(calendar_dag(world, i)), world->now_us + USEC_PER_HOUR));
    return at_us;
}

/** Nobody is there for a while; files may change meanwhile. */
static void be_down(World *world)
{
    if (chance(world, 3))
        years_change_file(world, false);
    set_clock(world, MAX(world->now_us, random_time(world)));
    world_trace(world, "down until now");
    world_crash(world);
}

static void set_back(World *world)
{
    int64_t most_us = chance(world, 4) ? 2 * USEC_PER_DAY : 3 * USEC_PER_HOUR;
    set_clock(world, world->now_us - between(world, 0, most_us));
    world_trace(world, "the clock is set back");
    wake_up(world);
}

/* ---- A seed ---- */

static void make_world(World *world)
{
    int year = (int)between(world, PLAN_FIRST_YEAR + 2, PLAN_LAST_YEAR - HORIZON_YEARS - 1);
    set_clock(world,
              ((int64_t)(year - 1970) * 36525 / 100 * 86400 + between(world, 0, 365 * 86400)) * USEC_PER_SEC);
    world->begin_us = world->latest_us = world->now_us;
    calendar_open(world, (guint)between(world, 1, 5));
    world->engine = world_engine_new(world);
    calendar_restart(world);
    wake_up(world);
}

static void faulty_step(World *world)
{
    int what = (int)between(world, 0, 100);
    if (what < 64) {
        advance(world);
    } else if (what < 76) {
        set_clock(world, MAX(world->now_us, random_time(world))); /* suspended */
        wake_up(world);
    } else if (what < 80) {
        be_down(world);
    } else if (what < 82 && (world->faults & FAULT_CLOCK)) {
        set_back(world);
    } else if (what < 83 && (world->faults & FAULT_EXECUTOR)) {
        executors_kill(world);
    } else if (what < 84 && (world->faults & FAULT_DISK)) {
        world_hold_starts(world, !world->are_starts_held);
    } else if (what >= 84) {
        years_command(world);
        world_turn(world);
    }
}

static void check(World *world)
{
    engine_check(world->engine);
    calendar_check(world);
    oracle_check_progress(world);
}

static bool is_behind(World *world, int64_t until_us)
{
    for (guint i = 0; i < calendar_size(world); i++) {
        const CalendarDag *dag = calendar_dag(world, i);
        if (plan_is_periodic(dag->plan) && !oracle_waits_for_past(world, dag->dag_id) &&
            calendar_is_due(world, i, until_us))
            return true;
    }
    return false;
}

/** With room and time enough, catchup has left nothing out. */
static void check_caught_up(World *world, int64_t until_us)
{
    for (guint i = 0; i < calendar_size(world); i++) {
        CalendarDag *dag = calendar_dag(world, i);
        if (dag->is_edited || dag->file == NULL || !plan_is_periodic(dag->plan) || !dag->plan->catchup ||
            oracle_waits_for_past(world, dag->dag_id))
            continue;
        int64_t tick = dag->plan->start_us != TIME_NONE ? dag->plan->start_us - 1 : dag->first_seen_us;
        while ((tick = plan_tick_after(dag->plan, tick)) <= until_us) {
            DagRunTimes times = plan_run_at(dag->plan, tick);
            bool is_wanted =
                (dag->plan->start_us == TIME_NONE || times.logical_date_us >= dag->plan->start_us) &&
                (dag->plan->end_us == TIME_NONE || times.logical_date_us <= dag->plan->end_us);
            if (is_wanted && !g_hash_table_contains(dag->dates, &times.logical_date_us))
                world_fail(world, "%s has no run of %" PRId64, dag->dag_id, times.logical_date_us);
        }
    }
}

static void quiet_step(World *world, int *left, bool *ret_is_over)
{
    world->steps++;
    *ret_is_over = !advance(world);
    check(world);
    if (--*left == 0)
        world_fail(world, "no end in sight after %d quiet steps", QUIET_STEPS);
}

/** First all that is due by then, then no more schedules, and the end of all runs. */
static void end_quietly(World *world)
{
    int left = QUIET_STEPS;
    bool is_over = false;
    set_clock(world, world->latest_us);
    world_calm_down(world);
    int64_t until_us = world->now_us;
    while (!is_over && left > QUIET_STEPS - CATCH_UP_STEPS && is_behind(world, until_us))
        quiet_step(world, &left, &is_over);
    if (!is_behind(world, until_us)) /* else there is more to do than a seed has time for */
        check_caught_up(world, until_us);
    for (guint i = 0; i < calendar_size(world); i++)
        calendar_remove(world, i, true);
    while (!is_over)
        quiet_step(world, &left, &is_over);
    oracle_check_end(world);
}

void world_run(World *world)
{
    make_world(world);
    check(world);
    for (int i = 0;
         i < FAULTY_STEPS && world->latest_us < world->begin_us + HORIZON_YEARS * 365 * USEC_PER_DAY; i++) {
        world->steps++;
        faulty_step(world);
        check(world);
    }
    end_quietly(world);
}
