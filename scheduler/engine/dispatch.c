/* SPDX-License-Identifier: MIT */
/*
 * Slots: which scheduled task is queued next (airflow-compatible: scheduler_job_runner.py,
 * _executable_task_instances_to_queued, without its per-query limits).
 *
 * Order: tasks of backfills after all others, then priority weight descending, logical date ascending (null
 * first), then the older row. The first closed gate stops a bucket; whatever is below it in other buckets may
 * pass, also smaller tasks of the same pool.
 */
#include "scheduler/engine/internal.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int task_compare(const void *a, const void *b)
{
    const EngineTask *x = a, *y = b;
    bool x_is_late = x->run->row->backfill_id != 0, y_is_late = y->run->row->backfill_id != 0;
    if (x_is_late != y_is_late)
        return x_is_late ? 1 : -1;
    if (x->ti.priority_weight != y->ti.priority_weight)
        return COMPARE(y->ti.priority_weight, x->ti.priority_weight);
    if (x->run->row->logical_date_us != y->run->row->logical_date_us)
        return COMPARE(x->run->row->logical_date_us, y->run->row->logical_date_us);
    return COMPARE(x->ti.id, y->ti.id);
}

int bucket_compare(const void *a, const void *b)
{
    const Bucket *x = a, *y = b;
    return task_compare(heap_peek(&x->tasks), heap_peek(&y->tasks));
}

guint bucket_hash(gconstpointer bucket)
{
    const Bucket *b = bucket;
    return g_direct_hash(b->pool) ^ g_direct_hash(b->limit) * 31 ^ (guint)b->slots * 7919;
}

gboolean bucket_equal(gconstpointer a, gconstpointer b)
{
    const Bucket *x = a, *y = b;
    return x->pool == y->pool && x->slots == y->slots && x->limit == y->limit && x->max_used == y->max_used;
}

void bucket_free(gpointer bucket)
{
    Bucket *b = bucket;
    heap_done(&b->tasks);
    g_free(b);
}

/* ---- Gates ------------------------------------------------------------------------------------------- */

void gate_init(Gate *gate)
{
    heap_init(&gate->waiting, bucket_compare, offsetof(Bucket, position));
}

void gate_done(Gate *gate)
{
    heap_done(&gate->waiting);
}

void gate_release_one(Engine *engine, Gate *gate)
{
    Bucket *bucket = heap_pop(&gate->waiting);
    if (bucket == NULL)
        return;
    bucket->at = NULL;
    bucket->came_from = gate;
    heap_push(&engine->active, bucket);
}

void gate_release_all(Engine *engine, Gate *gate)
{
    while (heap_peek(&gate->waiting) != NULL)
        gate_release_one(engine, gate);
}

static bool pool_is_open(const Pool *pool, int slots)
{
    return pool->exists && (pool->slots == -1 || pool->slots - pool->used >= slots);
}

static Gate *sized_gate(GPtrArray *gates, int size)
{
    for (guint i = 0; i < gates->len; i++) {
        SizedGate *known = gates->pdata[i];
        if (known->size == size)
            return &known->gate;
    }
    SizedGate *added = g_new0(SizedGate, 1);
    added->size = size;
    gate_init(&added->gate);
    g_ptr_array_add(gates, added);
    return &added->gate;
}

bool gate_is_open(const Bucket *needs, GateKind kind)
{
    const EngineRun *run = needs->run;
    switch (kind) {
    case GATE_RUN_STATE:
        return run->row->state == RUN_STATE_RUNNING; /* else queued again by hand */
    case GATE_PAUSE:
        return !run->entry->paused || (run->flags & ENGINE_RUN_IGNORES_PAUSE) != 0;
    case GATE_POOL:
        return pool_is_open(needs->pool, needs->slots);
    case GATE_MAX_ACTIVE_TASKS:
        return run->n_live < (uint32_t)run->dag->max_active_tasks;
    case GATE_TASK_LIMIT:
        return needs->limit == NULL || needs->limit->used < needs->max_used;
    case GATE_COUNT:
        break;
    }
    g_assert_not_reached();
}

static Gate *gate_of(const Bucket *bucket, GateKind kind)
{
    switch (kind) {
    case GATE_RUN_STATE:
    case GATE_MAX_ACTIVE_TASKS:
        return &bucket->run->gate;
    case GATE_PAUSE:
        return &bucket->run->entry->pause_gate;
    case GATE_POOL:
        return sized_gate(bucket->pool->gates, bucket->slots);
    case GATE_TASK_LIMIT:
        return sized_gate(bucket->limit->gates, bucket->max_used);
    case GATE_COUNT:
        break;
    }
    g_assert_not_reached();
}

/** The first gate on the bucket's way that is closed; NULL = its most urgent task may be queued. */
static Gate *closed_gate(const Bucket *bucket)
{
    for (GateKind kind = 0; kind < GATE_COUNT; kind++) {
        if (!gate_is_open(bucket, kind))
            return gate_of(bucket, kind);
    }
    return NULL;
}

bool engine_has_slot(const Engine *engine)
{
    return engine->n_live < (guint)MAX(engine->parallelism, 0);
}

/* ---- Pools and limits -------------------------------------------------------------------------------- */

static void sized_gate_free(gpointer gate)
{
    gate_done(&((SizedGate *)gate)->gate);
    g_free(gate);
}

void engine_pool_free(gpointer pool)
{
    Pool *p = pool;
    g_ptr_array_unref(p->gates);
    g_free(p->name);
    g_free(p);
}

Pool *engine_pool(Engine *engine, const char *name)
{
    Pool *pool = g_hash_table_lookup(engine->pools, name);
    if (pool == NULL) {
        pool = g_new0(Pool, 1);
        pool->name = g_strdup(name);
        pool->gates = g_ptr_array_new_with_free_func(sized_gate_free);
        g_hash_table_insert(engine->pools, pool->name, pool);
    }
    return pool;
}

void pool_changed(Engine *engine, Pool *pool)
{
    for (guint i = 0; i < pool->gates->len; i++) {
        SizedGate *gate = pool->gates->pdata[i];
        if (pool_is_open(pool, gate->size))
            gate_release_one(engine, &gate->gate);
    }
}

void task_limit_free(gpointer limit)
{
    TaskLimit *l = limit;
    g_ptr_array_unref(l->gates);
    g_free(l->task_id);
    g_free(l);
}

TaskLimit *task_limit_of(DagEntry *entry, const Task *task)
{
    if (task == NULL || task->max_active_tis_per_dag <= 0)
        return NULL;
    TaskLimit *limit = g_hash_table_lookup(entry->task_limits, task->task_id);
    if (limit == NULL) {
        limit = g_new0(TaskLimit, 1);
        limit->task_id = g_strdup(task->task_id);
        limit->gates = g_ptr_array_new_with_free_func(sized_gate_free);
        g_hash_table_insert(entry->task_limits, limit->task_id, limit);
    }
    return limit;
}

void dispatch_take_slots(Engine *engine, EngineTask *task)
{
    task->held.pool = engine_pool(engine, task->ti.pool);
    task->held.slots = task->ti.pool_slots;
    task->held.limit = task_limit_of(task->run->entry, task_definition(task));
    task->held.pool->used += task->held.slots;
    if (task->held.limit != NULL)
        task->held.limit->used++;
}

static void task_limit_give_back(Engine *engine, TaskLimit *limit)
{
    limit->used--;
    for (guint i = 0; i < limit->gates->len; i++) {
        SizedGate *gate = limit->gates->pdata[i];
        if (limit->used < gate->size)
            gate_release_one(engine, &gate->gate);
    }
}

void dispatch_free_slots(Engine *engine, EngineTask *task)
{
    task->held.pool->used -= task->held.slots;
    pool_changed(engine, task->held.pool);
    gate_release_one(engine, &task->run->gate);
    if (task->held.limit != NULL)
        task_limit_give_back(engine, task->held.limit);
}

/* ---- The ready queue --------------------------------------------------------------------------------- */

Bucket task_needs(Engine *engine, const EngineTask *task)
{
    return (Bucket){
        .run = task->run,
        .pool = engine_pool(engine, task->ti.pool),
        .slots = task->ti.pool_slots,
        .limit = task_limit_of(task->run->entry, task_definition(task)),
        .max_used = MAX(task_definition(task)->max_active_tis_per_dag, 0),
        .position = HEAP_ABSENT,
    };
}

static Bucket *bucket_for(Engine *engine, EngineTask *task)
{
    EngineRun *run = task->run;
    Bucket key = task_needs(engine, task);
    Bucket *bucket = g_hash_table_lookup(run->buckets, &key);
    if (bucket == NULL) {
        bucket = g_memdup2(&key, sizeof key);
        heap_init(&bucket->tasks, task_compare, offsetof(EngineTask, ready_position));
        g_hash_table_add(run->buckets, bucket);
    }
    return bucket;
}

static Heap *heap_of(Engine *engine, Bucket *bucket)
{
    return bucket->at == NULL ? &engine->active : &bucket->at->waiting;
}

void task_make_ready(Engine *engine, EngineTask *task)
{
    Bucket *bucket = bucket_for(engine, task);
    task->bucket = bucket;
    heap_push(&bucket->tasks, task);
    if (bucket->at != NULL && heap_peek(&bucket->tasks) == task) {
        /* The gate may have let a less urgent bucket go, which has not had its turn yet: this one first. */
        heap_remove(&bucket->at->waiting, bucket);
        bucket->at = NULL;
    }
    if (bucket->position == HEAP_ABSENT)
        heap_push(&engine->active, bucket);
    else
        heap_update(heap_of(engine, bucket), bucket);
}

void task_make_unready(Engine *engine, EngineTask *task)
{
    Bucket *bucket = task->bucket;
    if (bucket == NULL)
        return;
    task->bucket = NULL;
    /* The bucket's place in its heap depends on its first task: out with it before that may change. */
    Heap *heap = heap_of(engine, bucket);
    heap_remove(heap, bucket);
    heap_remove(&bucket->tasks, task);
    if (heap_peek(&bucket->tasks) != NULL) {
        heap_push(heap, bucket);
        return;
    }
    Gate *came_from = bucket->came_from;
    bucket->at = bucket->came_from = NULL;
    if (came_from != NULL)
        gate_release_one(engine, came_from);
}

/** The gate that let this bucket go may have room for one more. */
static void queue_first(Engine *engine, Bucket *bucket, int64_t now_us)
{
    Gate *came_from = bucket->came_from;
    bucket->came_from = NULL;
    EngineTask *task = heap_peek(&bucket->tasks);
    task->ti.queued_us = now_us;
    task_set_state(engine, task, TASK_STATE_QUEUED); /* takes it out of the bucket */
    task_go_live(engine, task);
    engine_effect(engine, EFFECT_START, task->run, task);
    if (came_from != NULL)
        gate_release_one(engine, came_from);
}

/** Back to the same gate: it is full. To another one: the gate it came from has its room yet to give away. */
static void bucket_block(Engine *engine, Bucket *bucket, Gate *gate)
{
    Gate *came_from = bucket->came_from;
    heap_remove(&engine->active, bucket);
    bucket->came_from = NULL;
    bucket->at = gate;
    heap_push(&gate->waiting, bucket);
    if (came_from != NULL && came_from != gate)
        gate_release_one(engine, came_from);
}

void engine_set_starts_held(Engine *engine, bool are_held, int64_t now_us)
{
    engine->are_starts_held = are_held;
    engine_settle(engine, now_us);
}

void engine_dispatch(Engine *engine, int64_t now_us)
{
    while (!engine->are_starts_held && engine_has_slot(engine)) {
        Bucket *bucket = heap_peek(&engine->active);
        if (bucket == NULL)
            return;
        Gate *gate = closed_gate(bucket);
        if (gate == NULL)
            queue_first(engine, bucket, now_us);
        else
            bucket_block(engine, bucket, gate);
    }
}
