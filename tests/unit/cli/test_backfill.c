/* SPDX-License-Identifier: MIT */
/* How far a backfill is, in words. */
#include "cli/backfill_progress.h"
#include "tests/unit/cli/cli_test.h"

static void test_progress(void **state)
{
    (void)state;
    const int64_t none = TIME_NONE;
    static const struct {
        BackfillProgress progress;
        int max;
        bool paused, completed;
        const char *want;
    } rows[] = {
        {{365, 0, 353, 0, 1, 5 * USEC_PER_SEC}, 10, false, false, "12 of 365 done, 1 failed, ~3 min left"},
        {{365, 0, 343, 10, 1, 5 * USEC_PER_SEC}, 10, false, false, "12 of 365 done, 1 failed, ~3 min left"},
        {{365, 0, 365, 0, 0, TIME_NONE}, 10, false, false, "0 of 365 done"},
        {{365, 0, 300, 0, 0, USEC_PER_SEC}, 10, true, false, "65 of 365 done, paused"},
        {{365, 3, 0, 0, 2, USEC_PER_SEC}, 10, true, true, "365 of 365 done, 2 failed"},
        {{365, 3, 0, 2, 1, USEC_PER_SEC, 300}, 10, true, true, "63 of 365 done, 1 failed, 300 canceled"},
        {{0, 3, 0, 0, 0, TIME_NONE}, 10, false, true, "0 of 0 done"},
        {{2, 0, 0, 1, 0, 10 * USEC_PER_SEC}, 10, false, false, "1 of 2 done, ~6 s left"},
        {{400, 0, 399, 0, 0, USEC_PER_HOUR}, 100, false, false, "1 of 400 done, ~4 h left"},
        {{400, 0, 399, 0, 0, USEC_PER_HOUR}, 1, false, false, "1 of 400 done, ~17 days left"},
        {{2, 0, 1, 0, 0, INT64_MAX}, 1, false, false, "1 of 2 done, ~53375996 days left"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Backfill backfill = {.max_active_runs = rows[i].max,
                             .is_paused = rows[i].paused,
                             .completed_at_us = rows[i].completed ? 0 : none};
        g_autofree char *got = backfill_progress_text(&backfill, &rows[i].progress);
        assert_string_equal(got, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_progress)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
