/* SPDX-License-Identifier: MIT */
/* Schedules case by case; sim_years plays them over virtual years. */
#include "cmocka_all.h"
#include "scheduler/daemon/schedules.h"
#include "scheduler/time/instant.h"

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

/* What was worked out while the clock was ahead does not hold when it is set
 * right. */
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
    };
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
