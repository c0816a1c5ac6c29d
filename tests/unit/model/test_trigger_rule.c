/* SPDX-License-Identifier: MIT */
/* The table of Airflow's trigger rules, written down twice: as verdicts per case, and as conditions. */
#include "scheduler/model/trigger_rule.h"

#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

/* Upstream states by letter: . unfinished, S success, F failed, U upstream_failed, K skipped, R removed. */
static const char letters[] = ".SFUKR";

static UpstreamCounts count(const char *states)
{
    UpstreamCounts counts = {0};
    for (const char *s = states; *s != '\0'; s++) {
        counts.total++;
        counts.success += *s == 'S';
        counts.failed += *s == 'F';
        counts.upstream_failed += *s == 'U';
        counts.skipped += *s == 'K';
        counts.removed += *s == 'R';
    }
    return counts;
}

/* Verdicts by letter: w wait, R run, S skip, U upstream_failed. */
static char verdict_of(TriggerRule rule, const char *states)
{
    UpstreamCounts counts = count(states);
    switch (trigger_rule_evaluate(rule, &counts)) {
    case VERDICT_WAIT:
        return 'w';
    case VERDICT_RUN:
        return 'R';
    case VERDICT_SKIP:
        return 'S';
    case VERDICT_UPSTREAM_FAILED:
        return 'U';
    }
    return '?';
}

/* One and two upstream tasks, each case looked up in the table by hand. */
static const char *const cases[] = {".",  "S",  "F",  "U",  "K",  "R",  "..", ".S", ".F",
                                    ".U", ".K", ".R", "SS", "SF", "SU", "SK", "SR", "FF",
                                    "FU", "FK", "FR", "UU", "UK", "UR", "KK", "KR", "RR"};
static const struct {
    TriggerRule rule;
    const char *verdicts; /* by case */
} by_hand[] = {
    /*                                 . S F U K R .. .S .F .U .K .R SS SF SU SK SR FF FU FK FR UU UK UR KK KR
       RR */
    {TRIGGER_RULE_ALL_SUCCESS, /*    */ "wRUUSw"
                                        "wwUUSw"
                                        "RUUSw"
                                        "UUUU"
                                        "UUU"
                                        "SS"
                                        "w"},
    {TRIGGER_RULE_ALL_FAILED, /*     */ "wSRRSw"
                                        "wSwwSw"
                                        "SSSSS"
                                        "RRSw"
                                        "RSw"
                                        "SS"
                                        "w"},
    {TRIGGER_RULE_ALL_DONE, /*       */ "wRRRRR"
                                        "wwwwww"
                                        "RRRRR"
                                        "RRRR"
                                        "RRR"
                                        "RR"
                                        "R"},
    {TRIGGER_RULE_ALL_SKIPPED, /*    */ "wSSSRw"
                                        "wSSSww"
                                        "SSSSS"
                                        "SSSS"
                                        "SSS"
                                        "Rw"
                                        "w"},
    {TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS, "wRUUSU"
                                            "wwwwSw"
                                            "RRRSR"
                                            "UUSU"
                                            "USU"
                                            "SS"
                                            "U"},
    {TRIGGER_RULE_ONE_FAILED, /*     */ "wSRRSS"
                                        "wwRRww"
                                        "SRRSS"
                                        "RRRR"
                                        "RRR"
                                        "SS"
                                        "S"},
    {TRIGGER_RULE_ONE_SUCCESS, /*    */ "wRUUSU"
                                        "wRwwww"
                                        "RRRRR"
                                        "UUUU"
                                        "UUU"
                                        "SU"
                                        "U"},
    {TRIGGER_RULE_ONE_DONE, /*       */ "wRRSSS"
                                        "wRRwww"
                                        "RRRRR"
                                        "RRRR"
                                        "SSS"
                                        "SS"
                                        "S"},
    {TRIGGER_RULE_NONE_FAILED, /*    */ "wRUURw"
                                        "wwUUww"
                                        "RUURw"
                                        "UUUU"
                                        "UUU"
                                        "Rw"
                                        "w"},
    {TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS, "wRUUSw"
                                               "wwUUww"
                                               "RUURw"
                                               "UUUU"
                                               "UUU"
                                               "Sw"
                                               "w"},
    {TRIGGER_RULE_NONE_SKIPPED, /*   */ "wRRRSR"
                                        "wwwwSw"
                                        "RRRSR"
                                        "RRSR"
                                        "RSR"
                                        "SS"
                                        "R"},
    {TRIGGER_RULE_ALWAYS, /*         */ "RRRRRR"
                                        "RRRRRR"
                                        "RRRRR"
                                        "RRRR"
                                        "RRR"
                                        "RR"
                                        "R"},
};

static void test_by_hand(void **state)
{
    (void)state;
    assert_int_equal(G_N_ELEMENTS(by_hand), TRIGGER_RULE_COUNT);
    for (size_t r = 0; r < G_N_ELEMENTS(by_hand); r++) {
        assert_int_equal(strlen(by_hand[r].verdicts), G_N_ELEMENTS(cases));
        for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
            char got = verdict_of(by_hand[r].rule, cases[c]);
            if (got != by_hand[r].verdicts[c])
                fail_msg("%s with %s: %c, want %c", trigger_rule_to_string(by_hand[r].rule), cases[c], got,
                         by_hand[r].verdicts[c]);
        }
    }
}

/* The same table as conditions, for any number of upstream tasks. */
typedef struct {
    int S, F, U, K, R, D, N;
    bool complete;
} Counts;

static bool fails_upstream(TriggerRule rule, Counts c)
{
    switch (rule) {
    case TRIGGER_RULE_ALL_SUCCESS:
    case TRIGGER_RULE_NONE_FAILED:
    case TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return c.F > 0 || c.U > 0;
    case TRIGGER_RULE_ONE_SUCCESS:
        return c.complete && c.S == 0 && c.D != c.K;
    case TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        return c.K == 0 && c.S + c.F + c.U + c.R >= c.N - c.K && c.S == 0;
    default:
        return false;
    }
}

static bool skips(TriggerRule rule, Counts c)
{
    switch (rule) {
    case TRIGGER_RULE_ALL_SUCCESS:
    case TRIGGER_RULE_NONE_SKIPPED:
    case TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        return c.K > 0;
    case TRIGGER_RULE_ALL_FAILED:
        return c.S > 0 || c.K > 0;
    case TRIGGER_RULE_ONE_SUCCESS:
        return c.complete && c.D == c.K;
    case TRIGGER_RULE_ONE_FAILED:
        return c.complete && c.F == 0 && c.U == 0;
    case TRIGGER_RULE_ONE_DONE:
        return c.complete && c.F == 0 && c.S == 0;
    case TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return c.K == c.N;
    case TRIGGER_RULE_ALL_SKIPPED:
        return c.S > 0 || c.F > 0 || c.U > 0;
    default:
        return false;
    }
}

static bool runs(TriggerRule rule, Counts c)
{
    switch (rule) {
    case TRIGGER_RULE_ALL_SUCCESS:
        return c.N - c.S <= 0;
    case TRIGGER_RULE_ALL_FAILED:
        return c.N - c.F - c.U <= 0;
    case TRIGGER_RULE_ALL_DONE:
        return c.complete;
    case TRIGGER_RULE_ALL_SKIPPED:
        return c.K == c.N;
    case TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        return c.K == 0 && c.complete && c.S > 0;
    case TRIGGER_RULE_ONE_FAILED:
        return c.F + c.U > 0;
    case TRIGGER_RULE_ONE_SUCCESS:
        return c.S > 0;
    case TRIGGER_RULE_ONE_DONE:
        return c.S + c.F > 0;
    case TRIGGER_RULE_NONE_FAILED:
    case TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return c.N - c.S - c.K <= 0;
    case TRIGGER_RULE_NONE_SKIPPED:
        return c.complete && c.K == 0;
    default:
        return true; /* always */
    }
}

static char want_of(TriggerRule rule, const char *states)
{
    UpstreamCounts counts = count(states);
    Counts c = {(int)counts.success,         (int)counts.failed,
                (int)counts.upstream_failed, (int)counts.skipped,
                (int)counts.removed,         0,
                (int)counts.total,           false};
    c.D = c.S + c.K + c.F + c.U + c.R;
    c.complete = c.D >= c.N;
    if (c.N == 0)
        return 'R';
    if (fails_upstream(rule, c))
        return 'U';
    if (skips(rule, c))
        return 'S';
    return runs(rule, c) ? 'R' : 'w';
}

static void test_all_combinations(void **state)
{
    (void)state;
    for (int n = 0; n <= 4; n++) {
        int n_cases = 1;
        for (int i = 0; i < n; i++)
            n_cases *= 6;
        for (int code = 0; code < n_cases; code++) {
            char states[5] = {0};
            for (int i = 0, rest = code; i < n; i++, rest /= 6)
                states[i] = letters[rest % 6];
            for (int rule = 0; rule < TRIGGER_RULE_COUNT; rule++) {
                char got = verdict_of((TriggerRule)rule, states), want = want_of((TriggerRule)rule, states);
                if (got != want)
                    fail_msg("%s with '%s': %c, want %c", trigger_rule_to_string((TriggerRule)rule), states,
                             got, want);
            }
        }
    }
}

/** Once no upstream is left unfinished or removed, no rule waits: there is no deadlock without removal. */
static void test_complete_never_waits(void **state)
{
    (void)state;
    for (int code = 0; code < 256; code++) {
        char states[5] = {0};
        for (int i = 0, rest = code; i < 4; i++, rest /= 4)
            states[i] = letters[1 + rest % 4];
        for (int rule = 0; rule < TRIGGER_RULE_COUNT; rule++)
            assert_int_not_equal(verdict_of((TriggerRule)rule, states), 'w');
    }
}

static void test_names(void **state)
{
    (void)state;
    const char *const *names = trigger_rule_names();
    for (int rule = 0; rule < TRIGGER_RULE_COUNT; rule++) {
        assert_string_equal(names[rule], trigger_rule_to_string((TriggerRule)rule));
        assert_int_equal(trigger_rule_from_string(names[rule]), rule);
    }
    assert_null(names[TRIGGER_RULE_COUNT]);
    assert_int_equal(trigger_rule_from_string("all_sucess"), TRIGGER_RULE_INVALID);
    assert_int_equal(trigger_rule_from_string(""), TRIGGER_RULE_INVALID);
    assert_int_equal(trigger_rule_from_string("ALL_DONE"), TRIGGER_RULE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_all_combinations),
        cmocka_unit_test(test_complete_never_waits),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
