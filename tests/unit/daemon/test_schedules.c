/* SPDX-License-Identifier: MIT */
/*
 * Schedules over virtual years: random schedules, zones, pauses, downtime, clock steps, restarts, full DAGs
 * and runs made by hand, against the ticks themselves. No tick is lost beyond policy, none is doubled, none
 * is early. A failing seed is printed; WEIR_SEED=N runs only that one.
 */
#include "cmocka_all.h"
#include "scheduler/daemon/schedules.h"
#include "scheduler/time/cron.h"
#include "scheduler/time/instant.h"

#include <stdlib.h>

#define N_SEEDS 20
#define N_STEPS 250
#define N_DAGS  5

#define HOUR_US (INT64_C(3600) * USEC_PER_SEC)

/* ---- A world with a clock of its own and a store of sets ---- */

typedef struct {
    char *dag_id;
    ScheduleSpec spec;
    GPtrArray *crons; /**< Cron */
    Zone *zone;
    int32_t max_active_runs;
    bool is_paused;
    int64_t first_seen_us;
    guint n_active;
    GHashTable *runs; /**< logical date -> whether the schedule made it (GINT 1) or a user (2) */
    bool has_last;
    TimetableLast last; /**< of what the schedule made */
} Dag;

typedef struct {
    GRand *rand;
    int64_t now_us, latest_us; /**< the greatest `now` so far */
    Dag dags[N_DAGS];
    Schedules *schedules;
} World;

static Dag *find_dag(World *world, const char *dag_id)
{
    for (guint i = 0; i < N_DAGS; i++) {
        if (g_str_equal(world->dags[i].dag_id, dag_id))
            return &world->dags[i];
    }
    fail_msg("an unknown DAG: %s", dag_id);
    return NULL;
}

static guint count_active(const char *dag_id, void *user)
{
    return find_dag(user, dag_id)->n_active;
}

static int64_t pick(World *world, int64_t from, int64_t to)
{
    return from + (int64_t)(g_rand_double(world->rand) * (double)(to - from));
}

static bool chance(World *world, double probability)
{
    return g_rand_double(world->rand) < probability;
}

/* ---- Ticks, without timetables ---- */

static int64_t tick_after(const Dag *dag, int64_t after_us)
{
    int64_t found = TIME_NONE;
    if (dag->spec.kind == SCHEDULE_EVERY) {
        int64_t anchor = dag->spec.start_date_us != TIME_NONE ? dag->spec.start_date_us : 0;
        return anchor + (floor_div(after_us - anchor, dag->spec.every_us) + 1) * dag->spec.every_us;
    }
    for (guint i = 0; i < dag->crons->len; i++) {
        int64_t tick = cron_next(dag->crons->pdata[i], dag->zone, after_us);
        found = found == TIME_NONE || tick < found ? tick : found;
    }
    return found;
}

static int64_t tick_before(const Dag *dag, int64_t before_us) /* strictly */
{
    int64_t found = TIME_NONE;
    if (dag->spec.kind == SCHEDULE_EVERY)
        return tick_after(dag, before_us - 1) - dag->spec.every_us;
    for (guint i = 0; i < dag->crons->len; i++)
        found = MAX(found, cron_prev(dag->crons->pdata[i], dag->zone, before_us - 1));
    return found;
}

static int64_t logical_of(const Dag *dag, int64_t tick_us)
{
    return dag->spec.data_interval == DATA_INTERVAL_INTERVAL ? tick_before(dag, tick_us) : tick_us;
}

/* Whether policy wants a run of that tick at all. */
static bool is_wanted(const Dag *dag, int64_t tick_us)
{
    int64_t logical_us = logical_of(dag, tick_us);
    bool from_start = dag->spec.catchup && dag->spec.start_date_us != TIME_NONE;
    return (dag->spec.start_date_us == TIME_NONE || logical_us >= dag->spec.start_date_us) &&
           (dag->spec.end_date_us == TIME_NONE || logical_us <= dag->spec.end_date_us) &&
           (from_start || tick_us > dag->first_seen_us);
}

static int has_run(const Dag *dag, int64_t logical_us)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(dag->runs, &logical_us));
}

static void add_run(Dag *dag, int64_t logical_us, int kind)
{
    g_hash_table_insert(dag->runs, g_memdup2(&logical_us, sizeof logical_us), GINT_TO_POINTER(kind));
}

/* ---- The service ---- */

static void put(World *world, const Dag *dag)
{
    GError *error = NULL;
    ScheduledDag scheduled = {
        .dag_id = dag->dag_id,
        .spec = &dag->spec,
        .max_active_runs = dag->max_active_runs,
        .is_paused = dag->is_paused,
        .first_seen_us = dag->first_seen_us,
        .last = dag->has_last ? &dag->last : NULL,
    };
    if (!schedules_put(world->schedules, &scheduled, world->now_us, &error))
        fail_msg("%s", error->message);
}

/* Killed and started: nothing but the store is left. */
static void restart(World *world)
{
    schedules_free(world->schedules);
    world->schedules = schedules_new(count_active, world);
    for (guint i = 0; i < N_DAGS; i++)
        put(world, &world->dags[i]);
}

static void take(World *world, const ScheduleTick *tick)
{
    Dag *dag = find_dag(world, tick->dag_id);
    const DagRunTimes *times = &tick->times;
    assert_false(dag->is_paused);
    assert_true(dag->n_active < (guint)dag->max_active_runs);
    assert_true(times->run_after_us <= world->now_us); /* not early */
    assert_int_equal(times->run_after_us, tick_after(dag, times->run_after_us - 1));
    assert_int_equal(times->logical_date_us, logical_of(dag, times->run_after_us));
    assert_true(is_wanted(dag, times->run_after_us));
    int known = has_run(dag, times->logical_date_us);
    assert_int_not_equal(known, 1); /* not twice */
    if (known == 2)
        return;
    add_run(dag, times->logical_date_us, 1);
    dag->has_last = true;
    dag->last = *times;
    dag->n_active++;
}

/* At that moment: nothing that could run is left, and the timer is set for the very next tick. */
static void check_drained(const World *world)
{
    int64_t expected_us = TIME_NONE;
    bool is_exact = world->now_us == world->latest_us; /* else the clock was set back: ticks may lie behind */
    for (guint i = 0; i < N_DAGS; i++) {
        const Dag *dag = &world->dags[i];
        if (dag->is_paused || dag->n_active >= (guint)dag->max_active_runs) {
            is_exact = false;
            continue;
        }
        int64_t latest_us = tick_before(dag, world->now_us + 1);
        if (world->now_us == world->latest_us && latest_us != TIME_NONE && is_wanted(dag, latest_us))
            assert_true(has_run(dag, logical_of(dag, latest_us)) != 0);
        int64_t next_us = tick_after(dag, world->now_us);
        while (logical_of(dag, next_us) < dag->spec.start_date_us)
            next_us = tick_after(dag, next_us);
        if (is_wanted(dag, next_us) && (expected_us == TIME_NONE || next_us < expected_us))
            expected_us = next_us;
    }
    if (is_exact)
        assert_int_equal(schedules_next_due(world->schedules), expected_us);
}

static void drain(World *world)
{
    ScheduleTick tick;
    while (schedules_take_due(world->schedules, world->now_us, &tick))
        take(world, &tick);
    int64_t next_us = schedules_next_due(world->schedules);
    assert_true(next_us == TIME_NONE || next_us > world->now_us);
    check_drained(world);
}

static void finish_some(World *world, double probability)
{
    for (guint i = 0; i < N_DAGS; i++) {
        Dag *dag = &world->dags[i];
        while (dag->n_active > 0 && chance(world, probability)) {
            dag->n_active--;
            schedules_look_again(world->schedules, dag->dag_id, world->now_us);
        }
    }
}

/* ---- What happens ---- */

static void set_clock(World *world, int64_t now_us)
{
    world->now_us = now_us;
    world->latest_us = MAX(world->latest_us, now_us);
}

static void toggle_pause(World *world)
{
    Dag *dag = &world->dags[g_rand_int_range(world->rand, 0, N_DAGS)];
    dag->is_paused = !dag->is_paused;
    schedules_set_paused(world->schedules, dag->dag_id, dag->is_paused, world->now_us);
}

static void run_by_hand(World *world)
{
    Dag *dag = &world->dags[g_rand_int_range(world->rand, 0, N_DAGS)];
    int64_t at_us = pick(world, world->now_us - 48 * HOUR_US, world->now_us + 48 * HOUR_US);
    int64_t logical_us = chance(world, 0.7) ? tick_after(dag, at_us) : at_us;
    if (has_run(dag, logical_us) == 0)
        add_run(dag, logical_us, 2);
}

static void step(World *world)
{
    int64_t next_us = schedules_next_due(world->schedules);
    double what = g_rand_double(world->rand);
    if (what < 0.60 && next_us != TIME_NONE)
        set_clock(world, MAX(next_us, world->now_us)); /* awake in time */
    else if (what < 0.70)
        set_clock(world, pick(world, world->now_us, world->now_us + 30 * 24 * HOUR_US)); /* suspended */
    else if (what < 0.75)
        set_clock(world, pick(world, world->now_us - 3 * HOUR_US, world->now_us)); /* clock set back */
    else if (what < 0.82)
        restart(world);
    else if (what < 0.90)
        toggle_pause(world);
    else if (what < 0.95)
        run_by_hand(world);
    finish_some(world, chance(world, 0.7) ? 0.95 : 0.1);
    drain(world);
}

/* ---- Making a world ---- */

static const char *const expressions[] = {
    "0 2 * * *",  "30 1 * * *",  "*/15 * * * *", "0 * * * *", "15 */6 * * *", "0 0 * * MON",
    "0 12 1 * *", "0 9 * * 1-5", "@daily",       "@weekly",   "59 23 L * *",  "5 4 29 2 *",
};
static const char *const zones[] = {"UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe",
                                    "Asia/Kolkata"};

static void make_dag(World *world, Dag *dag, guint index)
{
    GError *error = NULL;
    *dag = (Dag){.dag_id = g_strdup_printf("dag_%u", index), .max_active_runs = 1};
    schedule_spec_init(&dag->spec);
    dag->spec.catchup = chance(world, 0.4);
    dag->spec.data_interval = chance(world, 0.3) ? DATA_INTERVAL_INTERVAL : DATA_INTERVAL_TRIGGER;
    dag->crons = g_ptr_array_new_with_free_func((GDestroyNotify)cron_free);
    dag->spec.timezone = g_strdup(zones[g_rand_int_range(world->rand, 0, G_N_ELEMENTS(zones))]);
    dag->zone = zone_open(dag->spec.timezone, &error);
    assert_non_null(dag->zone);
    if (chance(world, 0.25)) {
        schedule_spec_set_every(&dag->spec, pick(world, 2 * HOUR_US, 50 * HOUR_US));
    } else {
        const char *texts[3] = {NULL};
        int n = chance(world, 0.3) ? 2 : 1;
        for (int i = 0; i < n; i++) {
            texts[i] = expressions[g_rand_int_range(world->rand, 0, G_N_ELEMENTS(expressions))];
            g_ptr_array_add(dag->crons, cron_new(texts[i], &error));
        }
        schedule_spec_set_crons(&dag->spec, texts);
    }
    if (chance(world, 0.6))
        dag->spec.start_date_us =
            pick(world, world->now_us - 90 * 24 * HOUR_US, world->now_us + 30 * 24 * HOUR_US);
    if (chance(world, 0.2))
        dag->spec.end_date_us = pick(world, world->now_us, world->now_us + 700 * 24 * HOUR_US);
    dag->first_seen_us = world->now_us - (chance(world, 0.3) ? pick(world, 0, 9 * 24 * HOUR_US) : 0);
    dag->max_active_runs = g_rand_int_range(world->rand, 1, 20);
    dag->is_paused = chance(world, 0.2);
    dag->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

static void free_world(World *world)
{
    for (guint i = 0; i < N_DAGS; i++) {
        Dag *dag = &world->dags[i];
        schedule_spec_clear(&dag->spec);
        g_ptr_array_unref(dag->crons);
        zone_unref(dag->zone);
        g_hash_table_unref(dag->runs);
        g_free(dag->dag_id);
    }
    schedules_free(world->schedules);
    g_rand_free(world->rand);
}

/* With time and room enough, catchup has left nothing out. */
static void check_caught_up(World *world)
{
    set_clock(world, world->latest_us);
    for (guint i = 0; i < N_DAGS; i++) {
        world->dags[i].is_paused = false;
        schedules_set_paused(world->schedules, world->dags[i].dag_id, false, world->now_us);
    }
    for (guint n_active = 1; n_active > 0;) {
        drain(world);
        n_active = 0;
        for (guint i = 0; i < N_DAGS; i++)
            n_active += world->dags[i].n_active;
        finish_some(world, 1.0);
    }
    for (guint i = 0; i < N_DAGS; i++) {
        const Dag *dag = &world->dags[i];
        int64_t from_us = dag->first_seen_us;
        if (dag->spec.start_date_us != TIME_NONE)
            from_us = MIN(from_us, dag->spec.start_date_us);
        if (!dag->spec.catchup)
            continue;
        for (int64_t tick = tick_after(dag, from_us - 1); tick <= world->now_us; tick = tick_after(dag, tick))
            assert_true(!is_wanted(dag, tick) || has_run(dag, logical_of(dag, tick)) != 0);
    }
}

static void run_seed(guint32 seed)
{
    World world = {.rand = g_rand_new_with_seed(seed)};
    set_clock(&world, pick(&world, days_from_civil(2020, 1, 1), days_from_civil(2030, 1, 1)) * USEC_PER_DAY +
                          pick(&world, 0, USEC_PER_DAY));
    for (guint i = 0; i < N_DAGS; i++)
        make_dag(&world, &world.dags[i], i);
    restart(&world);
    drain(&world);
    for (guint i = 0; i < N_STEPS; i++)
        step(&world);
    check_caught_up(&world);
    free_world(&world);
}

static void test_virtual_years(void **state)
{
    (void)state;
    gint64 first = 1, n_seeds = N_SEEDS;
    const char *one = g_getenv("WEIR_SEED");
    if (one != NULL && g_ascii_string_to_signed(one, 10, 0, G_MAXUINT32, &first, NULL))
        n_seeds = 1;
    for (guint32 seed = (guint32)first; seed < first + n_seeds; seed++) {
        print_message("\rseed %u ", seed); /* the last one printed is the one that failed */
        run_seed(seed);
    }
    print_message("\n");
}

/* ---- Cases by name ---- */

static guint n_running;

static guint count_running(const char *dag_id, void *user)
{
    (void)dag_id, (void)user;
    return n_running;
}

static int64_t at(const char *text)
{
    int64_t us;
    assert_true(instant_parse(text, NULL, &us, NULL));
    return us;
}

static Schedules *with_dag(const char *schedule, bool catchup, int64_t start_us, int64_t now_us)
{
    ScheduleSpec spec;
    Schedules *schedules = schedules_new(count_running, NULL);
    schedule_spec_init(&spec);
    schedule_spec_set_text(&spec, schedule);
    spec.catchup = catchup;
    spec.start_date_us = start_us;
    ScheduledDag dag = {.dag_id = "d", .spec = &spec, .max_active_runs = 1, .first_seen_us = now_us};
    n_running = 0;
    assert_true(schedules_put(schedules, &dag, now_us, NULL));
    schedule_spec_clear(&spec);
    return schedules;
}

static void assert_takes(Schedules *schedules, const char *now, const char *expected)
{
    ScheduleTick tick;
    if (expected == NULL) {
        assert_false(schedules_take_due(schedules, at(now), &tick));
        return;
    }
    assert_true(schedules_take_due(schedules, at(now), &tick));
    g_autofree char *text = instant_format(tick.times.logical_date_us, INSTANT_SECONDS_Z);
    assert_string_equal(text, expected);
}

static void test_first_sight_starts_nothing(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("0 2 * * *", false, TIME_NONE, at("2026-05-05T10:00:00Z"));
    assert_takes(s, "2026-05-05T10:00:00Z", NULL);
    assert_int_equal(schedules_next_due(s), at("2026-05-06T02:00:00Z"));
    assert_takes(s, "2026-05-06T02:00:00Z", "2026-05-06T02:00:00Z");
    assert_takes(s, "2026-05-06T02:00:00Z", NULL);
}

static void test_suspend_leaves_the_latest(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("0 * * * *", false, TIME_NONE, at("2026-05-05T10:30:00Z"));
    assert_takes(s, "2026-05-05T17:20:00Z", "2026-05-05T17:00:00Z");
    assert_takes(s, "2026-05-05T17:20:00Z", NULL);
}

static void test_unpause_takes_the_latest_at_once(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("0 * * * *", false, TIME_NONE, at("2026-05-05T10:30:00Z"));
    schedules_set_paused(s, "d", true, at("2026-05-05T10:31:00Z"));
    assert_int_equal(schedules_next_due(s), TIME_NONE);
    assert_takes(s, "2026-05-05T15:10:00Z", NULL);
    schedules_set_paused(s, "d", false, at("2026-05-05T15:10:00Z"));
    assert_takes(s, "2026-05-05T15:10:00Z", "2026-05-05T15:00:00Z");
    assert_takes(s, "2026-05-05T15:10:00Z", NULL);
}

static void test_full_dag_waits_for_room(void **state)
{
    (void)state;
    int64_t now_us = at("2026-05-05T10:30:00Z");
    g_autoptr(Schedules) s = with_dag("0 * * * *", true, at("2026-05-05T08:00:00Z"), now_us);
    assert_takes(s, "2026-05-05T10:30:00Z", "2026-05-05T08:00:00Z");
    n_running = 1;
    assert_takes(s, "2026-05-05T10:30:00Z", NULL);
    assert_int_equal(schedules_next_due(s), TIME_NONE); /* no timer spins while it is full */
    n_running = 0;
    schedules_look_again(s, "d", now_us);
    assert_takes(s, "2026-05-05T10:30:00Z", "2026-05-05T09:00:00Z");
}

static void test_continuous_follows_and_rests(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("@continuous", false, TIME_NONE, at("2026-05-05T10:30:00Z"));
    assert_takes(s, "2026-05-05T10:30:01Z", "2026-05-05T10:30:00Z");
    n_running = 1;
    assert_takes(s, "2026-05-05T10:40:00Z", NULL);
    n_running = 0;
    schedules_look_again(s, "d", at("2026-05-05T10:40:00Z"));
    assert_takes(s, "2026-05-05T10:40:00Z", "2026-05-05T10:30:01Z"); /* where the last one ended */
    assert_takes(s, "2026-05-05T10:40:00Z", NULL); /* one that took no time is no reason to spin */
    assert_int_equal(schedules_next_due(s), at("2026-05-05T10:40:01Z"));
}

static void test_once_is_once(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("@once", false, at("2026-01-01T00:00:00Z"), at("2026-05-05T10:30:00Z"));
    assert_takes(s, "2026-05-05T10:30:00Z", "2026-01-01T00:00:00Z");
    assert_takes(s, "2027-05-05T10:30:00Z", NULL);
    assert_int_equal(schedules_next_due(s), TIME_NONE);
}

/* What was worked out while the clock was ahead does not hold when it is set right. */
static void test_clock_set_back(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("0 * * * *", false, TIME_NONE, at("2026-05-05T10:30:00Z"));
    assert_takes(s, "2026-05-05T11:00:00Z", "2026-05-05T11:00:00Z");
    schedules_set_paused(s, "d", true, at("2030-01-01T00:30:00Z"));
    schedules_set_paused(s, "d", false, at("2030-01-01T00:30:00Z"));
    assert_takes(s, "2026-05-05T11:10:00Z", NULL);
    assert_int_equal(schedules_next_due(s), at("2026-05-05T12:00:00Z"));
    assert_takes(s, "2026-05-05T12:00:00Z", "2026-05-05T12:00:00Z");
}

static void test_removed_fires_no_more(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = with_dag("* * * * *", false, TIME_NONE, at("2026-05-05T10:30:00Z"));
    assert_int_equal(schedules_size(s), 1);
    schedules_remove(s, "d");
    schedules_remove(s, "d");
    schedules_look_again(s, "d", at("2026-05-05T11:30:00Z"));
    assert_takes(s, "2026-05-05T11:30:00Z", NULL);
    assert_int_equal(schedules_size(s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_sight_starts_nothing),
        cmocka_unit_test(test_suspend_leaves_the_latest),
        cmocka_unit_test(test_unpause_takes_the_latest_at_once),
        cmocka_unit_test(test_full_dag_waits_for_room),
        cmocka_unit_test(test_continuous_follows_and_rests),
        cmocka_unit_test(test_once_is_once),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_removed_fires_no_more),
        cmocka_unit_test(test_virtual_years),
    };
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
