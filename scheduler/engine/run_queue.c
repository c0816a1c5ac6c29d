/* SPDX-License-Identifier: MIT */
/*
 * Which queued run starts next. A DAG's own runs share its max_active_runs and go by run_after; those of a
 * backfill share the backfill's and go by logical date, forwards or backwards.
 */
#include "scheduler/engine/internal.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/** Of two runs of the same queue. */
static int run_compare(const void *a, const void *b)
{
    const EngineRun *x = a, *y = b;
    if (x->queue->backfill_id != 0 && x->row->logical_date_us != y->row->logical_date_us) {
        int order = COMPARE(x->row->logical_date_us, y->row->logical_date_us);
        return x->queue->is_backwards ? -order : order;
    }
    if (x->row->run_after_us != y->row->run_after_us)
        return COMPARE(x->row->run_after_us, y->row->run_after_us);
    return COMPARE(x->row->id, y->row->id);
}

void run_queue_init(RunQueue *queue, int64_t backfill_id, int max_active_runs)
{
    *queue = (RunQueue){.backfill_id = backfill_id, .max_active_runs = max_active_runs};
    heap_init(&queue->queued[0], run_compare, offsetof(EngineRun, queue_position));
    heap_init(&queue->queued[1], run_compare, offsetof(EngineRun, queue_position));
}

void run_queue_done(RunQueue *queue)
{
    heap_done(&queue->queued[0]);
    heap_done(&queue->queued[1]);
}

void run_queue_free(gpointer queue)
{
    run_queue_done(queue);
    g_free(queue);
}

static RunQueue *backfill_queue(Engine *engine, int64_t id)
{
    RunQueue *queue = g_hash_table_lookup(engine->backfills, &id);
    if (queue == NULL) {
        queue = g_new(RunQueue, 1);
        run_queue_init(queue, id, DAG_DEFAULT_MAX_ACTIVE_RUNS);
        g_hash_table_insert(engine->backfills, &queue->backfill_id, queue);
    }
    return queue;
}

RunQueue *run_queue_of(Engine *engine, const EngineRun *run)
{
    return run->row->backfill_id == 0 ? &run->entry->own : backfill_queue(engine, run->row->backfill_id);
}

bool run_queue_has_room(const RunQueue *queue)
{
    return queue->n_running < queue->max_active_runs;
}

EngineRun *run_queue_next(const RunQueue *queue)
{
    EngineRun *run = heap_peek(&queue->queued[0]), *stubborn = heap_peek(&queue->queued[1]);
    if (run == NULL || queue->paused || run->entry->paused)
        return stubborn;
    return stubborn == NULL || run_compare(run, stubborn) < 0 ? run : stubborn;
}

bool run_takes_place(const EngineRun *run)
{
    return run->row->state == RUN_STATE_RUNNING && !run_is_held(run);
}

static Heap *heap_of(const EngineRun *run)
{
    return &run->queue->queued[(run->flags & ENGINE_RUN_IGNORES_PAUSE) != 0];
}

void run_leave_queue(Engine *engine, EngineRun *run)
{
    heap_remove(heap_of(run), run);
    engine_set_timer(engine, &run->timer, TIME_NONE);
}

void run_enqueue(Engine *engine, EngineRun *run, int64_t now_us)
{
    if (run_is_held(run) || run->row->state != RUN_STATE_QUEUED ||
        run->row->forced_state != RUN_STATE_INVALID)
        return;
    if (run->row->run_after_us > now_us) {
        engine_set_timer(engine, &run->timer, run->row->run_after_us);
        return;
    }
    if (!heap_contains(heap_of(run), run))
        heap_push(heap_of(run), run);
    run_mark_to_check(engine, run);
}

void run_requeue(Engine *engine, EngineRun *run, EngineRunFlags flags, int64_t now_us)
{
    heap_remove(heap_of(run), run);
    run->flags = flags;
    run_enqueue(engine, run, now_us);
}

void engine_set_backfill(Engine *engine, const EngineBackfill *backfill)
{
    bool is_known = g_hash_table_contains(engine->backfills, &backfill->id);
    RunQueue *queue = backfill_queue(engine, backfill->id);
    if (!is_known)
        queue->is_backwards = backfill->is_backwards; /* an order that changes would break the heap */
    queue->paused = backfill->is_paused;
    queue->max_active_runs = backfill->max_active_runs;
    EngineRun *next = run_queue_next(queue);
    if (next != NULL)
        run_mark_to_check(engine, next);
}

bool engine_set_run_backfill(Engine *engine, int64_t dag_run_id, int64_t backfill_id, const char *conf_json,
                             const char *params_json)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL || !run_state_is_finished(run->row->state))
        return false;
    DagRun *row = run->row;
    row->type = RUN_TYPE_BACKFILL;
    row->backfill_id = backfill_id;
    g_free(row->triggered_by);
    row->triggered_by = g_strdup("backfill");
    if (conf_json != NULL) {
        g_free(row->conf_json);
        row->conf_json = g_strdup(conf_json);
    }
    if (params_json != NULL) {
        g_free(row->params_json);
        row->params_json = g_strdup(params_json);
    }
    run->queue = run_queue_of(engine, run); /* finished: it neither waits nor has a place */
    run_touch(engine, run);
    return true;
}
