/* SPDX-License-Identifier: MIT */
/* A number that is given again, as by a database that was put back, while what had it before is recorded or
 * lives. */
#include "gate.h"

#include <signal.h>

/** A script that exits with 9 if the process lives (a zombie does not), else does the rest. g_free() it. */
static char *exit_unless_alive(pid_t pid, const char *rest)
{
    return g_strdup_printf("case $(cut -d' ' -f3 /proc/%d/stat 2>/dev/null) in ''|Z) %s;; *) exit 9;; esac",
                           (int)pid, rest);
}

/* A database that was put back gives a number again whose attempt of before still runs. */
static void a_number_given_again_waits_for_the_former(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "echo former");
    h->token = 1;
    harness_kill_controller(h, g.script, 1);
    pid_t former = harness_read_pid(h, g.say);
    harness_open(h, NULL, 0);
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    h->token = 2;
    g_autofree char *script = exit_unless_alive(former, "echo latter");
    harness_start(h, 1, script);
    harness_wait_count(h, EXECUTOR_EVENT_FINISHED, 1);
    const ExecutorEvent *e = harness_wait(h, 1, EXECUTOR_EVENT_FINISHED);
    assert_int_equal(e->token, 2);
    assert_int_equal(e->outcome, EXECUTOR_OUTCOME_EXITED);
    assert_int_equal(e->exit_code, 0); /* nothing of the former lived any more */
    g_autofree char *output = harness_output(h, e);
    assert_string_equal(output, "latter\n");
    gate_close(&g);
}

/* The same, and what is recorded has ended: it says nothing of what the row waits for. */
static void a_record_of_another_token_is_no_outcome(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    h->token = 1;
    harness_kill_controller(h, g.script, 1);
    pid_t former = harness_read_pid(h, g.say);
    gate_release(&g);
    harness_expect_gone(former);
    ExecutorExpected expected[] = {{{1, 1}, 2, EXECUTOR_EXPECT_QUEUED}};
    harness_open(h, expected, 1);
    harness_wait(h, 1, EXECUTOR_EVENT_NOT_STARTED);
    h->token = 2;
    harness_start(h, 1, "exit 4");
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 4);
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 1);
    gate_close(&g);
}

/* The same, and the former still runs; its runner may be dead. */
static void expect_of_another_token(Harness *h, bool is_runner_dead, ExecutorExpectation expectation)
{
    Gate g = gate_open(h, "exit 0");
    h->token = 1;
    harness_kill_controller(h, g.script, 1);
    pid_t former = harness_read_pid(h, g.say);
    if (is_runner_dead) {
        pid_t runner = harness_runner_pid(h);
        kill(runner, SIGKILL);
        harness_expect_gone(runner);
    }
    ExecutorExpected expected[] = {{{1, 1}, 2, expectation}};
    harness_open(h, expected, 1);
    h->token = 2;
    if (expectation == EXECUTOR_EXPECT_RUNNING) {
        assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    } else {
        harness_wait(h, 1, EXECUTOR_EVENT_NOT_STARTED);
        g_autofree char *script = exit_unless_alive(former, "exit 4");
        harness_start(h, 1, script);
        assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->exit_code, 4);
    }
    harness_wait_count(h, EXECUTOR_EVENT_RESYNCED, 1);
    for (;;) { /* it is ended, and its record goes */
        g_autofree char *dir = harness_runner_dir(h);
        if (dir == NULL || harness_records(h, SLOT_CLAIMED) == 0)
            break;
        uv_run(&h->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_FINISHED), 1);
    gate_close(&g);
}

static void queued_beside_a_former(void **state)
{
    expect_of_another_token(*state, false, EXECUTOR_EXPECT_QUEUED);
}

static void running_beside_a_former(void **state)
{
    expect_of_another_token(*state, false, EXECUTOR_EXPECT_RUNNING);
}

static void queued_beside_a_former_without_runner(void **state)
{
    expect_of_another_token(*state, true, EXECUTOR_EXPECT_QUEUED);
}

static void running_beside_a_former_without_runner(void **state)
{
    expect_of_another_token(*state, true, EXECUTOR_EXPECT_RUNNING);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(a_number_given_again_waits_for_the_former),
        T(a_record_of_another_token_is_no_outcome),
        T(queued_beside_a_former),
        T(running_beside_a_former),
        T(queued_beside_a_former_without_runner),
        T(running_beside_a_former_without_runner),
    };
    return cmocka_run_group_tests_name("local executor: former attempts", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return harness_main(argc, argv, run);
}
