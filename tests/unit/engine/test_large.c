/* SPDX-License-Identifier: MIT */
/* 100,000 tasks in one run: it works, without recursion, and prints what it costs. */
#include "tests/unit/engine/fixture.h"

#include <malloc.h>
#include <time.h>

#define N 100000

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2(); /* 0 with a sanitizer's malloc */
    return info.uordblks + info.hblkhd;
}

typedef enum { CHAIN, FAN_OUT, LAYERS, INDEPENDENT, LIMITED } Shape;

static Dag *large_dag(Shape shape, TaskBody body)
{
    Dag *dag = dag_new("large");
    dag->max_active_tasks = N;
    for (uint32_t i = 0; i < N; i++) {
        g_autofree char *task_id = g_strdup_printf("task_%u", i);
        Task *task = dag_add_task(dag, task_id);
        task->body = body;
        task->priority_weight = (int32_t)(i % 7);
        if (shape == LIMITED)
            task->max_active_tis_per_dag = 1;
        if (shape == CHAIN && i > 0)
            dag_add_dependency(dag, i, i - 1);
        if (shape == FAN_OUT && i > 0 && i < N - 1) {
            dag_add_dependency(dag, i, 0);
            dag_add_dependency(dag, N - 1, i);
        }
        if (shape == LAYERS &&
            i >= 1000) { /* 100 layers of 1,000: each task waits for three of the layer before */
            for (uint32_t k = 0; k < 3; k++)
                dag_add_dependency(dag, i, i - 1000 - i % 1000 + (i % 1000 + k * 331) % 1000);
        }
    }
    assert_true(dag_seal(dag, NULL, NULL));
    return dag;
}

static DagRun large_row(void)
{
    return (DagRun){.id = 1,
                    .dag_id = (char *)"large",
                    .run_id = (char *)"r",
                    .logical_date_us = FX_EPOCH_US,
                    .run_after_us = FX_EPOCH_US,
                    .queued_at_us = FX_EPOCH_US,
                    .start_date_us = TIME_NONE,
                    .end_date_us = TIME_NONE};
}

/** Executes all that the engine starts, `failing` of it with exit code 1; returns the number of attempts. */
static guint execute(Engine *engine, int64_t failing)
{
    guint n = 0;
    g_autoptr(GArray) starts = g_array_new(FALSE, FALSE, sizeof(AttemptId));
    for (guint head = 0;; head++) {
        const EngineOutput *output = engine_output(engine);
        for (guint i = 0; i < output->effects->len; i++) {
            const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, i);
            if (effect->kind == EFFECT_START)
                g_array_append_val(starts, effect->attempt);
        }
        engine_output_clear(engine);
        assert_true(engine_live_total(engine) <= 32);
        if (head == starts->len)
            return n;
        AttemptId id = g_array_index(starts, AttemptId, head);
        AttemptOutcome outcome = {
            .reason = END_EXIT_CODE, .exit_code = id.ti_id == failing, .end_us = FX_EPOCH_US};
        engine_attempt_started(engine, id, 1, FX_EPOCH_US, FX_EPOCH_US);
        assert_true(engine_attempt_finished(engine, id, &outcome, FX_EPOCH_US));
        n++;
    }
}

static void run_large(const char *name, Shape shape, TaskBody body, guint want_attempts, int64_t failing,
                      RunState want)
{
    size_t bytes_0 = heap_bytes();
    double begin = now_s();
    g_autoptr(Dag) dag = large_dag(shape, body);
    double sealed = now_s();
    size_t bytes_1 = heap_bytes();
    g_autoptr(Engine) engine = engine_new(32);
    engine_set_pool(engine, DEFAULT_POOL, 128);
    DagRun row = large_row();
    engine_create_run(engine, &row, dag, 1, NULL, ENGINE_RUN_NORMAL, FX_EPOCH_US);
    double created = now_s();
    size_t bytes_2 = heap_bytes();
    assert_int_equal(execute(engine, failing), want_attempts);
    double done = now_s();
    assert_int_equal(engine_run(engine, 1)->state, want);
    engine_check(engine);
    print_message("%-12s build %3.0f ms, create %3.0f ms, %.2f us per task; %zu + %zu bytes per task\n", name,
                  (sealed - begin) * 1e3, (created - sealed) * 1e3, (done - sealed) / N * 1e6,
                  (bytes_1 - bytes_0) / N, (bytes_2 - bytes_1) / N);
}

static void test_chain_of_empty_tasks(void **state)
{
    (void)state;
    run_large("empty chain", CHAIN, TASK_BODY_EMPTY, 0, 0, RUN_STATE_SUCCESS);
}

static void test_chain(void **state)
{
    (void)state;
    run_large("chain", CHAIN, TASK_BODY_COMMAND, N, 0, RUN_STATE_SUCCESS);
}

static void test_failure_cascade(void **state)
{
    (void)state;
    run_large("cascade", CHAIN, TASK_BODY_COMMAND, 1, 1, RUN_STATE_FAILED);
}

static void test_fan_out(void **state)
{
    (void)state;
    run_large("fan-out", FAN_OUT, TASK_BODY_COMMAND, N, 0, RUN_STATE_SUCCESS);
}

static void test_layers(void **state)
{
    (void)state;
    run_large("layers", LAYERS, TASK_BODY_COMMAND, N, 0, RUN_STATE_SUCCESS);
}

static void test_independent(void **state)
{
    (void)state;
    run_large("independent", INDEPENDENT, TASK_BODY_COMMAND, N, 0, RUN_STATE_SUCCESS);
}

static void test_own_limits(void **state)
{
    (void)state;
    run_large("own limits", LIMITED, TASK_BODY_COMMAND, N, 0, RUN_STATE_SUCCESS);
}

/** Cleared and marked as a whole, moved to another version, loaded again. */
static void test_by_hand(void **state)
{
    (void)state;
    g_autoptr(Dag) dag = large_dag(LAYERS, TASK_BODY_COMMAND);
    g_autoptr(Dag) other = large_dag(CHAIN, TASK_BODY_EMPTY);
    g_autoptr(Engine) engine = engine_new(32);
    engine_set_pool(engine, DEFAULT_POOL, 128);
    DagRun row = large_row();
    engine_create_run(engine, &row, dag, 1, NULL, ENGINE_RUN_NORMAL, FX_EPOCH_US);
    engine_output_clear(engine);
    double begin = now_s();
    engine_mark_run(engine, 1, RUN_STATE_SUCCESS, END_MARKED, FX_EPOCH_US);
    g_autofree uint32_t *all = g_new(uint32_t, N);
    for (uint32_t i = 0; i < N; i++)
        all[i] = i;
    assert_int_equal(engine_clear_tasks(engine, 1, all, N, FX_EPOCH_US), N);
    assert_int_equal(engine_mark_tasks(engine, 1, all, N, TASK_STATE_FAILED, FX_EPOCH_US), N);
    print_message("mark, clear, mark all: %.0f ms\n", (now_s() - begin) * 1e3);
    begin = now_s();
    assert_true(engine_set_run_version(engine, 1, other, 2, N + 1, FX_EPOCH_US));
    print_message("another version: %.0f ms\n", (now_s() - begin) * 1e3);
    engine_check(engine);
    engine_output_clear(engine);

    g_autofree TaskInstance *rows = g_new(TaskInstance, N);
    for (uint32_t i = 0; i < N; i++)
        rows[i] = *engine_task(engine, 1, i);
    begin = now_s();
    g_autoptr(Engine) second = engine_new(32);
    assert_true(engine_load_run(second, engine_run(engine, 1), other, rows, N, NULL, ENGINE_RUN_NORMAL));
    engine_tick(second, FX_EPOCH_US);
    print_message("load: %.0f ms\n", (now_s() - begin) * 1e3);
    engine_check(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_of_empty_tasks),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_failure_cascade),
        cmocka_unit_test(test_fan_out),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_independent),
        cmocka_unit_test(test_own_limits),
        cmocka_unit_test(test_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
