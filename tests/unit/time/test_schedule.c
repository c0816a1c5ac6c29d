/* SPDX-License-Identifier: MIT */
/** The plain data of scheduler/model/schedule.h. */
#include "scheduler/model/schedule.h"
#include "tests/unit/time/time_test.h"

static void test_spec(void **state)
{
    (void)state;
    ScheduleSpec spec, copy;
    schedule_spec_init(&spec);
    schedule_spec_set_text(&spec, "0 2 * * *");
    spec.timezone = g_strdup("Europe/London");
    schedule_spec_copy(&spec, &copy);
    assert_true(schedule_spec_equal(&spec, &copy));
    schedule_spec_set_every(&copy, 1500001);
    assert_false(schedule_spec_equal(&spec, &copy));
    assert_null(copy.crons);
    g_autofree char *summary = schedule_spec_summary(&copy);
    assert_string_equal(summary, "every 1s500.001ms");
    schedule_spec_clear(&copy);
    schedule_spec_clear(&spec);
    assert_true(schedule_spec_equal(&spec, &copy));
    DataIntervalMode mode = DATA_INTERVAL_TRIGGER;
    assert_true(data_interval_mode_from_string("interval", &mode));
    assert_string_equal(data_interval_mode_to_string(mode), "interval");
    assert_false(data_interval_mode_from_string("both", &mode));
    assert_int_equal(mode, DATA_INTERVAL_INTERVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spec)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
