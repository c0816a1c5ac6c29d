/* SPDX-License-Identifier: MIT */
/* Where schedules and runs meet: making room, and what retention keeps. */
#include "cmocka_all.h"
#include "scheduler/daemon/retention.h"
#include "scheduler/daemon/scheduled_run.h"

#define NOW_US  (INT64_C(1777977000) * USEC_PER_SEC) /* 2026-05-05 10:30 */
#define HALF_US (30 * USEC_PER_MIN)

static guint n_running;

static guint count_running(const char *dag_id, void *user)
{
    (void)dag_id, (void)user;
    return n_running;
}

static Schedules *hourly_since_eight(void)
{
    ScheduleSpec spec;
    Schedules *schedules = schedules_new(count_running, NULL);
    schedule_spec_init(&spec);
    schedule_spec_set_text(&spec, "0 * * * *");
    spec.catchup = true;
    spec.start_date_us = NOW_US - HALF_US - 2 * USEC_PER_HOUR;
    ScheduledDag dag = {.dag_id = "d", .spec = &spec, .max_active_runs = 1, .first_seen_us = NOW_US};
    assert_true(schedules_put(schedules, &dag, NOW_US, NULL));
    schedule_spec_clear(&spec);
    return schedules;
}

/* A DAG without a task that takes time: each run ends in the turn that makes
 * it. */
static void test_a_run_that_ends_at_once_makes_room(void **state)
{
    (void)state;
    g_autoptr(Schedules) s = hourly_since_eight();
    g_autoptr(Engine) engine = engine_new(1);
    g_autoptr(Dag) dag = dag_new("d");
    dag_add_task(dag, "nothing")->body = TASK_BODY_EMPTY;
    assert_true(dag_seal(dag, NULL, NULL));
    ScheduleTick tick;
    for (int64_t id = 1; id <= 3; id++) {
        n_running = 0;
        assert_true(schedules_take_due(s, NOW_US, &tick));
        g_autoptr(DagRun) run = scheduled_run_new(&tick, 1, NOW_US);
        run->id = id;
        engine_create_run(engine, run, dag, id, NULL, ENGINE_RUN_NORMAL, NOW_US);
        n_running = 1;
        assert_false(schedules_take_due(s, NOW_US, &tick)); /* full, until it is known to have ended */
        scheduled_runs_ended(s, engine, engine_output(engine), NOW_US);
        engine_output_clear(engine);
        assert_int_equal(schedules_next_due(s), NOW_US - HALF_US + (id - 2) * USEC_PER_HOUR);
    }
}

static void test_what_retention_keeps(void **state)
{
    (void)state;
    const RetentionRule rule = {.before_us = 100, .last_scheduled_us = 50, .backfill_id = 7};
    static const struct {
        const char *what;
        RunState state;
        int64_t end_us, logical_us, backfill_id;
        bool is_old;
    } rows[] = {
        {"ended before", RUN_STATE_SUCCESS, 99, 49, 0, true},
        {"ended then", RUN_STATE_SUCCESS, 100, 49, 0, false},
        {"failed before", RUN_STATE_FAILED, 99, 49, 0, true},
        {"still runs", RUN_STATE_RUNNING, TIME_NONE, 49, 0, false},
        {"the last that was scheduled", RUN_STATE_SUCCESS, 99, 50, 0, false},
        {"without a date", RUN_STATE_SUCCESS, 99, TIME_NONE, 0, true},
        {"of the backfill that goes on", RUN_STATE_SUCCESS, 99, 49, 7, false},
        {"of another backfill", RUN_STATE_SUCCESS, 99, 49, 6, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        DagRun run = {.state = rows[i].state,
                      .end_date_us = rows[i].end_us,
                      .logical_date_us = rows[i].logical_us,
                      .backfill_id = rows[i].backfill_id};
        if (retention_is_old(&run, &rule) != rows[i].is_old)
            fail_msg("%s: %s", rows[i].what, rows[i].is_old ? "kept" : "not kept");
    }
    const RetentionRule logs = {.before_us = TIME_NONE, .logs_before_us = 100, .last_scheduled_us = 50};
    DagRun run = {.state = RUN_STATE_SUCCESS, .end_date_us = 99, .logical_date_us = 50};
    assert_true(retention_logs_are_old(&run, &logs)); /* the last that was scheduled, too */
    assert_false(retention_is_old(&run, &logs));
    run.end_date_us = 100;
    assert_false(retention_logs_are_old(&run, &logs));
    run = (DagRun){.state = RUN_STATE_RUNNING, .end_date_us = TIME_NONE};
    assert_false(retention_logs_are_old(&run, &logs));
    const RetentionRule no_schedule = {.before_us = 100, .last_scheduled_us = TIME_NONE};
    const DagRun without_date = {.state = RUN_STATE_SUCCESS, .end_date_us = 99, .logical_date_us = TIME_NONE};
    assert_true(retention_is_old(&without_date, &no_schedule));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_that_ends_at_once_makes_room),
        cmocka_unit_test(test_what_retention_keeps),
    };
    return cmocka_run_group_tests_name("scheduled_run", tests, NULL, NULL);
}
