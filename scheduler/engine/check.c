/* SPDX-License-Identifier: MIT */
/* The invariants of README.md, by their numbers there, computed from scratch. */
#include "scheduler/engine/internal.h"

static void check_counters(const EngineRun *run) /* 1 */
{
    uint32_t by_state[TASK_STATE_COUNT] = {0}, unfinished = 0, live = 0;
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        const EngineTask *task = &run->tasks[i];
        by_state[task->ti.state]++;
        unfinished += !task_state_is_finished(task->ti.state);
        live += task->is_live;

        UpstreamCounts counts = {.total = dag_upstream(run->dag, i).n};
        GraphSpan up = dag_upstream(run->dag, i);
        for (uint32_t k = 0; k < up.n; k++) {
            TaskState state = run->tasks[up.items[k]].ti.state;
            counts.success += state == TASK_STATE_SUCCESS;
            counts.skipped += state == TASK_STATE_SKIPPED;
            counts.failed += state == TASK_STATE_FAILED;
            counts.upstream_failed += state == TASK_STATE_UPSTREAM_FAILED;
            counts.removed += state == TASK_STATE_REMOVED;
        }
        g_assert_cmpmem(&counts, sizeof counts, &task->upstream, sizeof task->upstream);
    }
    for (guint i = 0; i < run->extras->len; i++)
        live += ((const EngineTask *)run->extras->pdata[i])->is_live;
    g_assert_cmpmem(by_state, sizeof by_state, run->n_by_state, sizeof run->n_by_state);
    g_assert_cmpuint(unfinished, ==, run->n_unfinished);
    g_assert_cmpuint(live, ==, run->n_live);
}

static void check_task(const EngineTask *task)
{
    TaskState state = task->ti.state;
    if (task_state_is_executing(state)) /* 2 */
        g_assert_true(task->is_live);
    if (task->is_live && !task_state_is_executing(state)) /* 2 */
        g_assert_true(task_state_is_finished(state) || state == TASK_STATE_UP_FOR_RETRY ||
                      state == TASK_STATE_NONE || state == TASK_STATE_SCHEDULED || run_is_held(task->run));
    g_assert_true((state == TASK_STATE_SCHEDULED && !run_is_held(task->run) && !task->is_live) ==
                  (task->bucket != NULL)); /* 3 */
    g_assert_true((task->ti.end_date_us != TIME_NONE) ==
                  (task_state_is_finished(state) || state == TASK_STATE_UP_FOR_RETRY)); /* 4 */
    if (task_state_is_executing(state))                                                 /* 5 */
        g_assert_cmpint(task->ti.try_number, >=, 1);
    g_assert_false(task->is_pending);
}

static void check_run(const Engine *engine, const EngineRun *run)
{
    check_counters(run);
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        check_task(&run->tasks[i]);
        g_assert_true(engine_find_task(engine, run->tasks[i].ti.id) == &run->tasks[i]);
    }
    if (run_state_is_finished(run->row->state)) { /* 6 */
        g_assert_cmpuint(run->n_live, ==, 0);
        g_assert_cmpuint(run->n_unfinished, ==, 0);
        g_assert_true(run->row->end_date_us != TIME_NONE);
    }
    if (run->row->state == RUN_STATE_QUEUED && !run_is_held(run) &&
        run->row->forced_state == RUN_STATE_INVALID)
        g_assert_true(heap_contains(&run->queue->queued[(run->flags & ENGINE_RUN_IGNORES_PAUSE) != 0], run) ||
                      run->timer.position != HEAP_ABSENT); /* 7 */
    g_assert_cmpint(run->queue->backfill_id, ==, run->row->backfill_id);
    g_assert_true(run->entry->runs->pdata[run->entry_index] == run);
}

static void check_queue(const RunQueue *queue, GHashTable *running) /* 10 */
{
    g_assert_cmpint(queue->n_running, ==, GPOINTER_TO_INT(g_hash_table_lookup(running, queue)));
    const EngineRun *next = run_queue_next(queue);
    g_assert_true(next == NULL || !run_queue_has_room(queue)); /* a place is never left empty */
}

static void check_queues(const Engine *engine)
{
    g_autoptr(GHashTable) running = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const EngineRun *run = value;
        int n = GPOINTER_TO_INT(g_hash_table_lookup(running, run->queue)) + run_takes_place(run);
        g_hash_table_insert(running, run->queue, GINT_TO_POINTER(n));
    }
    g_hash_table_iter_init(&iter, engine->dags);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        check_queue(&((const DagEntry *)value)->own, running);
    g_hash_table_iter_init(&iter, engine->backfills);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        check_queue(value, running);
}

static void check_limits(const Engine *engine) /* 8 */
{
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer value;
    guint live = 0;
    g_hash_table_iter_init(&iter, engine->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const EngineTask *task = value;
        if (!task->is_live)
            continue;
        live++;
        int sum = GPOINTER_TO_INT(g_hash_table_lookup(used, task->held.pool)) + task->held.slots;
        g_hash_table_insert(used, task->held.pool, GINT_TO_POINTER(sum));
    }
    g_assert_cmpuint(live, ==, engine->n_live);
    g_hash_table_iter_init(&iter, engine->pools);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Pool *pool = value;
        g_assert_cmpint(pool->used, ==, GPOINTER_TO_INT(g_hash_table_lookup(used, pool)));
    }
}

void engine_check(const Engine *engine)
{
    GHashTableIter iter;
    gpointer value;
    g_assert_null(engine->pending_first);
    g_assert_null(engine->to_check_first);
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        check_run(engine, value);
    check_limits(engine);
    if (!engine->is_loading)
        check_queues(engine);
}
