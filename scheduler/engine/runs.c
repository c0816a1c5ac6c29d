/* SPDX-License-Identifier: MIT */
/* The engine itself, and how runs come into it and leave it. */
#include "scheduler/engine/internal.h"

static void dag_entry_free(gpointer entry)
{
    DagEntry *e = entry;
    run_queue_done(&e->own);
    g_hash_table_unref(e->task_limits);
    g_ptr_array_unref(e->runs);
    gate_done(&e->pause_gate);
    g_free(e->dag_id);
    g_free(e);
}

static void output_init(EngineOutput *output)
{
    output->created_runs = g_array_new(FALSE, FALSE, sizeof(int64_t));
    output->runs = g_ptr_array_new();
    output->tasks = g_ptr_array_new();
    output->added_tasks = g_ptr_array_new();
    output->archived = g_array_new(FALSE, FALSE, sizeof(TaskInstance));
    output->notices = g_array_new(FALSE, FALSE, sizeof(EngineNotice));
    output->effects = g_array_new(FALSE, FALSE, sizeof(EngineEffect));
}

static void output_done(EngineOutput *output)
{
    g_array_unref(output->created_runs);
    g_ptr_array_unref(output->runs);
    g_ptr_array_unref(output->tasks);
    g_ptr_array_unref(output->added_tasks);
    g_array_unref(output->archived);
    g_array_unref(output->notices);
    g_array_unref(output->effects);
}

Engine *engine_new(int parallelism)
{
    Engine *engine = g_new0(Engine, 1);
    engine->parallelism = parallelism;
    engine->runs = g_hash_table_new(g_int64_hash, g_int64_equal);
    engine->tasks = g_hash_table_new(g_int64_hash, g_int64_equal);
    engine->pools = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, engine_pool_free);
    engine->dags = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, dag_entry_free);
    engine->backfills = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, run_queue_free);
    heap_init(&engine->active, bucket_compare, offsetof(Bucket, position));
    heap_init(&engine->timers, timer_compare, offsetof(Timer, position));
    output_init(&engine->output);
    engine->replaced_dags = g_ptr_array_new_with_free_func((GDestroyNotify)dag_unref);
    return engine;
}

void engine_free(Engine *engine)
{
    if (engine == NULL)
        return;
    g_autoptr(GArray) ids = engine_run_ids(engine);
    for (guint i = 0; i < ids->len; i++)
        run_free(engine, engine_find_run(engine, g_array_index(ids, int64_t, i)));
    heap_done(&engine->active);
    heap_done(&engine->timers);
    g_hash_table_unref(engine->runs);
    g_hash_table_unref(engine->tasks);
    g_hash_table_unref(engine->pools);
    g_hash_table_unref(engine->dags);
    g_hash_table_unref(engine->backfills);
    output_done(&engine->output);
    g_ptr_array_unref(engine->replaced_dags);
    g_free(engine);
}

void engine_set_pool(Engine *engine, const char *name, int slots)
{
    Pool *pool = engine_pool(engine, name);
    pool->exists = true;
    pool->slots = slots;
    pool_changed(engine, pool);
}

void engine_remove_pool(Engine *engine, const char *name)
{
    engine_pool(engine, name)->exists = false;
}

bool engine_get_pool(const Engine *engine, const char *name, int *ret_slots)
{
    const Pool *pool = g_hash_table_lookup(engine->pools, name);
    if (pool == NULL || !pool->exists)
        return false;
    *ret_slots = pool->slots;
    return true;
}

DagEntry *engine_dag_entry(Engine *engine, const char *dag_id)
{
    DagEntry *entry = g_hash_table_lookup(engine->dags, dag_id);
    if (entry != NULL)
        return entry;
    entry = g_new0(DagEntry, 1);
    entry->dag_id = g_strdup(dag_id);
    run_queue_init(&entry->own, 0, DAG_DEFAULT_MAX_ACTIVE_RUNS);
    entry->task_limits = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, task_limit_free);
    entry->runs = g_ptr_array_new();
    gate_init(&entry->pause_gate);
    g_hash_table_insert(engine->dags, entry->dag_id, entry);
    return entry;
}

void engine_set_dag(Engine *engine, const char *dag_id, bool paused, int max_active_runs)
{
    DagEntry *entry = engine_dag_entry(engine, dag_id);
    if (entry->paused == paused && entry->own.max_active_runs == max_active_runs)
        return; /* said with each of many runs */
    entry->paused = paused;
    entry->own.max_active_runs = max_active_runs;
    if (!paused)
        gate_release_all(engine, &entry->pause_gate);
    for (guint i = 0; i < entry->runs->len; i++) /* a run may start now */
        run_mark_to_check(engine, entry->runs->pdata[i]);
}

EngineRun *engine_find_run(const Engine *engine, int64_t dag_run_id)
{
    return g_hash_table_lookup(engine->runs, &dag_run_id);
}

EngineTask *engine_find_task(const Engine *engine, int64_t ti_id)
{
    return g_hash_table_lookup(engine->tasks, &ti_id);
}

static EngineRun *run_new(Engine *engine, const DagRun *row, Dag *dag, EngineRunFlags flags)
{
    EngineRun *run = g_new0(EngineRun, 1);
    run->row = dag_run_copy(row);
    run->dag = dag_ref(dag);
    run->flags = flags;
    run->extras = g_ptr_array_new_with_free_func(g_free);
    run->buckets = g_hash_table_new_full(bucket_hash, bucket_equal, bucket_free, NULL);
    gate_init(&run->gate);
    run->queue_position = HEAP_ABSENT;
    run->timer.position = HEAP_ABSENT;
    run->timer.run = run;
    run->entry = engine_dag_entry(engine, row->dag_id);
    run->queue = run_queue_of(engine, run);
    run->entry_index = run->entry->runs->len;
    g_ptr_array_add(run->entry->runs, run);
    g_hash_table_insert(engine->runs, &run->row->id, run);
    return run;
}

static void task_init(EngineTask *task, EngineRun *run, uint32_t index)
{
    task->run = run;
    task->index = index;
    task->ready_position = HEAP_ABSENT;
    task->timer.position = HEAP_ABSENT;
    task->timer.task = task;
}

/** A task that has not been looked at: null, with what its definition says. */
void task_init_row(EngineTask *task, int64_t ti_id)
{
    const Task *definition = task_definition(task);
    task->ti = (TaskInstance){
        .id = ti_id,
        .dag_run_id = task->run->row->id,
        .task_id = definition->task_id,
        .state = TASK_STATE_NONE,
        .max_tries = definition->retries,
        .exit_code = EXIT_CODE_NONE,
        .scheduled_us = TIME_NONE,
        .queued_us = TIME_NONE,
        .start_date_us = TIME_NONE,
        .end_date_us = TIME_NONE,
        .retry_at_us = TIME_NONE,
        .pool = definition->pool,
        .pool_slots = definition->pool_slots,
        .priority_weight = definition->effective_weight,
        .operator_name = task_body_operator(definition->body),
    };
}

void run_alloc_tasks(EngineRun *run)
{
    run->tasks = g_new0(EngineTask, MAX(run->dag->n_tasks, 1));
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        task_init(&run->tasks[i], run, i);
        run->tasks[i].upstream.total = dag_upstream(run->dag, i).n;
    }
}

/** Counters that follow from the states of all tasks, computed anew. */
void run_count(EngineRun *run)
{
    memset(run->n_by_state, 0, sizeof run->n_by_state);
    run->n_unfinished = 0;
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        run->tasks[i].upstream = (UpstreamCounts){.total = run->tasks[i].upstream.total};
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        TaskState state = run->tasks[i].ti.state;
        run->n_by_state[state]++;
        run->n_unfinished += !task_state_is_finished(state);
        if (!task_state_is_finished(state))
            continue;
        GraphSpan down = dag_downstream(run->dag, i);
        for (uint32_t k = 0; k < down.n; k++) {
            UpstreamCounts *counts = &run->tasks[down.items[k]].upstream;
            counts->success += state == TASK_STATE_SUCCESS;
            counts->skipped += state == TASK_STATE_SKIPPED;
            counts->failed += state == TASK_STATE_FAILED;
            counts->upstream_failed += state == TASK_STATE_UPSTREAM_FAILED;
            counts->removed += state == TASK_STATE_REMOVED;
        }
    }
}

/** Takes up a task as its row says, once the run's counters are right. */
void task_take_up(Engine *engine, EngineTask *task)
{
    g_hash_table_insert(engine->tasks, &task->ti.id, task);
    switch (task->ti.state) {
    case TASK_STATE_SCHEDULED:
        if (!run_is_held(task->run))
            task_make_ready(engine, task);
        break;
    case TASK_STATE_QUEUED:
    case TASK_STATE_RUNNING:
        task_go_live(engine, task);
        break;
    case TASK_STATE_RESTARTING:
        task_go_live(engine, task);
        engine_effect(engine, EFFECT_CANCEL, task->run, task);
        break;
    case TASK_STATE_UP_FOR_RETRY:
        if (!run_is_held(task->run))
            engine_set_timer(engine, &task->timer, task->ti.retry_at_us);
        break;
    case TASK_STATE_NONE:
        if (task->run->row->state == RUN_STATE_RUNNING)
            task_make_pending(engine, task);
        break;
    default:
        break;
    }
}

/** What the run itself waits for, after its tasks are in place; the next tick acts on it. */
static void run_take_up(Engine *engine, EngineRun *run)
{
    if (run_is_held(run) || run_state_is_finished(run->row->state))
        return;
    if (run->row->state == RUN_STATE_QUEUED)
        engine_set_timer(engine, &run->timer, run->row->run_after_us);
    run_set_timeout(engine, run);
    run_mark_to_check(engine, run);
}

void engine_create_run(Engine *engine, const DagRun *row, Dag *dag, int64_t first_ti_id,
                       const EnginePast *past, EngineRunFlags flags, int64_t now_us)
{
    g_assert(engine_find_run(engine, row->id) == NULL);
    EngineRun *run = run_new(engine, row, dag, flags);
    run->row->state = RUN_STATE_QUEUED;
    run->row->forced_state = RUN_STATE_INVALID;
    run->is_new = true;
    g_array_append_val(engine->output.created_runs, run->row->id);
    run_alloc_tasks(run);
    for (uint32_t i = 0; i < dag->n_tasks; i++) {
        task_init_row(&run->tasks[i], first_ti_id + i);
        g_hash_table_insert(engine->tasks, &run->tasks[i].ti.id, &run->tasks[i]);
    }
    run_count(run);
    past_link(engine, run, past);
    run_enqueue(engine, run, now_us);
    engine_settle(engine, now_us);
}

/** A task instance of a task that the Dag does not have. */
EngineTask *run_add_extra(EngineRun *run, const TaskInstance *row)
{
    if (run->strings == NULL)
        run->strings = g_string_chunk_new(256);
    EngineTask *task = g_new0(EngineTask, 1);
    task_init(task, run, UINT32_MAX);
    task->ti = *row;
    task->ti.task_id = g_string_chunk_insert_const(run->strings, row->task_id);
    task->ti.pool = g_string_chunk_insert_const(run->strings, row->pool);
    task->ti.operator_name = g_intern_string(row->operator_name); /* there are few */
    g_ptr_array_add(run->extras, task);
    return task;
}

static void run_place_row(EngineRun *run, const TaskInstance *row)
{
    int32_t index = dag_task_index(run->dag, row->task_id);
    if (index < 0) {
        run_add_extra(run, row);
        return;
    }
    EngineTask *task = &run->tasks[index];
    const Task *definition = task_definition(task);
    task->ti = *row;
    task->ti.task_id = definition->task_id;
    task->ti.pool = definition->pool; /* the run's version says so too: the row was written from it */
    task->ti.operator_name = task_body_operator(definition->body);
}

bool engine_load_run(Engine *engine, const DagRun *row, Dag *dag, const TaskInstance *rows, size_t n_rows,
                     const EnginePast *past, EngineRunFlags flags)
{
    if (engine_find_run(engine, row->id) != NULL)
        return false;
    EngineRun *run = run_new(engine, row, dag, flags);
    engine->is_loading = engine->is_loading || !run_state_is_finished(row->state);
    run_alloc_tasks(run);
    for (size_t i = 0; i < n_rows; i++)
        run_place_row(run, &rows[i]);
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        g_assert(run->tasks[i].ti.id != 0); /* the store inserts all task instances together with their run */
    run_count(run);
    run->queue->n_running += run_takes_place(run);
    past_link(engine, run, past);
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        task_take_up(engine, &run->tasks[i]);
    for (guint i = 0; i < run->extras->len; i++)
        task_take_up(engine, run->extras->pdata[i]);
    run_take_up(engine, run);
    return true;
}

/** Takes a task out of every heap and list, so that its memory may move or go. */
void task_detach(Engine *engine, EngineTask *task)
{
    task_make_unready(engine, task);
    heap_remove(&engine->timers, &task->timer);
    g_hash_table_remove(engine->tasks, &task->ti.id);
}

/** Drops what the work lists still hold of a run; they are short then. */
void run_drop_from_lists(Engine *engine, EngineRun *run)
{
    EngineTask *pending = engine->pending_first;
    engine->pending_first = engine->pending_last = NULL;
    while (pending != NULL) {
        EngineTask *next = pending->next_pending;
        pending->is_pending = false;
        if (pending->run != run)
            task_make_pending(engine, pending);
        pending = next;
    }
    EngineRun *check = engine->to_check_first;
    engine->to_check_first = engine->to_check_last = NULL;
    while (check != NULL) {
        EngineRun *next = check->next_to_check;
        check->is_to_check = false;
        if (check != run)
            run_mark_to_check(engine, check);
        check = next;
    }
}

void run_free(Engine *engine, EngineRun *run)
{
    past_unlink(run);
    run_drop_from_lists(engine, run);
    run_leave_queue(engine, run);
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        task_detach(engine, &run->tasks[i]);
    for (guint i = 0; i < run->extras->len; i++)
        task_detach(engine, run->extras->pdata[i]);
    run->queue->n_running -= run_takes_place(run);
    GPtrArray *of_dag = run->entry->runs;
    g_ptr_array_remove_index_fast(of_dag, run->entry_index);
    if (run->entry_index < of_dag->len)
        ((EngineRun *)of_dag->pdata[run->entry_index])->entry_index = run->entry_index;
    g_hash_table_remove(engine->runs, &run->row->id);
    g_hash_table_unref(run->buckets);
    gate_done(&run->gate);
    g_ptr_array_unref(run->extras);
    if (run->strings != NULL)
        g_string_chunk_free(run->strings);
    g_free(run->tasks);
    g_free(run->past_states);
    dag_unref(run->dag);
    dag_run_free(run->row);
    g_free(run);
}

bool engine_forget_run(Engine *engine, int64_t dag_run_id)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL || run->n_live > 0)
        return false;
    g_assert(!engine_has_output(engine)); /* it may point into this run */
    const RunQueue *queue = run->queue;
    bool gives_place = run_takes_place(run);
    run_free(engine, run);
    EngineRun *next = gives_place ? run_queue_next(queue) : NULL;
    if (next != NULL)
        run_mark_to_check(engine, next);
    return true;
}

static void run_hold(Engine *engine, EngineRun *run)
{
    run_leave_queue(engine, run);
    run_mark_to_check(engine, run); /* another one may have its place */
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        heap_remove(&engine->timers, &run->tasks[i].timer);
        task_make_unready(engine, &run->tasks[i]);
    }
}

static void run_let_go(Engine *engine, EngineRun *run)
{
    run_take_up(engine, run);
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        EngineTask *task = &run->tasks[i];
        if (task->ti.state == TASK_STATE_SCHEDULED && !task->is_live)
            task_make_ready(engine, task);
        if (task->ti.state == TASK_STATE_NONE)
            task_make_pending(engine, task);
        if (task->ti.state == TASK_STATE_UP_FOR_RETRY)
            engine_set_timer(engine, &task->timer, task->ti.retry_at_us);
    }
}

bool engine_set_run_flags(Engine *engine, int64_t dag_run_id, EngineRunFlags flags, int64_t now_us)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL)
        return false;
    bool was_held = run_is_held(run);
    int running = run->row->state == RUN_STATE_RUNNING;
    gate_release_all(engine, &run->entry->pause_gate);
    if (was_held && !(flags & ENGINE_RUN_HELD)) {
        run->flags = flags;
        run->queue->n_running += running;
        run_let_go(engine, run);
    } else if (!was_held && (flags & ENGINE_RUN_HELD)) {
        run_hold(engine, run); /* leaves its queue as what it was */
        run->flags = flags;
        run->queue->n_running -= running;
    } else {
        run_requeue(engine, run, flags, now_us);
    }
    engine_tick(engine, now_us);
    return true;
}
