/* SPDX-License-Identifier: MIT */
/* What a command brings in while no daemon lives; it ends nothing. */
#include "gate.h"

#include <signal.h>

static bool commit_yes(void *user)
{
    (void)user;
    return true;
}

static void count_finished(const ExecutorEvent *event, void *user)
{
    if (event->kind == EXECUTOR_EVENT_FINISHED) {
        assert_int_equal(event->outcome, EXECUTOR_OUTCOME_LOST);
        (*(int *)user)++;
    }
}

static void a_command_collects(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 6");
    harness_kill_controller(h, g.script, 2);
    pid_t one = harness_read_pid(h, g.say), two = harness_read_pid(h, g.say);
    gate_release(&g);
    while (harness_is_alive(one) && harness_is_alive(two))
        g_thread_yield();
    h->acknowledge = false; /* the collection does that */
    LocalExecutorConfig config = {.home = h->home,
                                  .instance_id = TEST_INSTANCE,
                                  .task_umask = -1,
                                  .on_event = harness_on_event,
                                  .user = h};
    ExecutorExpected expected[] = {{{1, 1}, 0, EXECUTOR_EXPECT_RUNNING},
                                   {{2, 1}, 0, EXECUTOR_EXPECT_QUEUED},
                                   {{3, 1}, 0, EXECUTOR_EXPECT_QUEUED},
                                   {{4, 1}, 0, EXECUTOR_EXPECT_RUNNING}};
    while (harness_count(h, EXECUTOR_EVENT_FINISHED) < 2)
        assert_true(local_executor_collect(&config, expected, 4, commit_yes, 10 * USEC_PER_SEC, NULL));
    assert_int_equal(harness_count(h, EXECUTOR_EVENT_NOT_STARTED), 0);
    assert_true(harness_is_alive(one) || harness_is_alive(two));
    int first = 1;
    for (guint i = 0; i < h->events->len; i++) {
        const ExecutorEvent *e = &g_array_index(h->events, SeenEvent, i).event;
        if (e->kind == EXECUTOR_EVENT_FINISHED && e->outcome == EXECUTOR_OUTCOME_EXITED)
            first = (int)e->key.ti_id;
    }
    /* The other one still runs, and is nobody else's business. */
    h->acknowledge = true;
    ExecutorExpected other = {{first == 1 ? 2 : 1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    harness_open(h, &other, 1);
    gate_release(&g);
    assert_int_equal(harness_wait(h, other.key.ti_id, EXECUTOR_EVENT_FINISHED)->exit_code, 6);
    gate_close(&g);
}

static void a_command_leaves_what_lives_to_the_daemon(void **state)
{
    Harness *h = *state;
    Gate g = gate_open(h, "exit 0");
    harness_kill_controller(h, g.script, 1);
    pid_t task = harness_read_pid(h, g.say);
    pid_t runner = harness_runner_pid(h);
    kill(runner, SIGKILL);
    harness_expect_gone(runner);
    int finished = 0;
    LocalExecutorConfig config = {.home = h->home,
                                  .instance_id = TEST_INSTANCE,
                                  .task_umask = -1,
                                  .on_event = count_finished,
                                  .user = &finished};
    ExecutorExpected expected = {{1, 1}, 0, EXECUTOR_EXPECT_RUNNING};
    assert_true(local_executor_collect(&config, &expected, 1, commit_yes, 10 * USEC_PER_SEC, NULL));
    assert_int_equal(finished, 0);
    assert_true(harness_is_alive(task));
    harness_open(h, &expected, 1);
    assert_int_equal(harness_wait(h, 1, EXECUTOR_EVENT_FINISHED)->outcome, EXECUTOR_OUTCOME_LOST);
    assert_false(harness_is_alive(task));
    gate_close(&g);
}

#define T(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

static int run(void)
{
    const struct CMUnitTest tests[] = {
        T(a_command_collects),
        T(a_command_leaves_what_lives_to_the_daemon),
    };
    return cmocka_run_group_tests_name("local executor: collecting", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return harness_main(argc, argv, run);
}
