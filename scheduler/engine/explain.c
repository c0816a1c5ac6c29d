/* SPDX-License-Identifier: MIT */
/*
 * Why a task is not running. Everything is asked of the predicates that decide (task_obstacles(),
 * task_verdict(), past_...(), gate_is_open(), ...), so that what is said cannot differ from what is done;
 * here they are all asked, where the deciding code stops at the first.
 */
#include "scheduler/engine/internal.h"

void engine_condition_free(gpointer condition)
{
    EngineCondition *c = condition;
    g_array_unref(c->ids);
    g_free(c);
}

static EngineCondition *add(GPtrArray *list, EngineConditionKind kind)
{
    EngineCondition *condition = g_new0(EngineCondition, 1);
    condition->kind = kind;
    condition->at_us = TIME_NONE;
    condition->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_ptr_array_add(list, condition);
    return condition;
}

/* ---- Those in the way ---- */

/** Adds the live tasks of a run that `is_meant` (NULL = all of them). */
static void add_live(const EngineRun *run, bool (*is_meant)(const EngineTask *, const void *),
                     const void *what, GArray *ids)
{
    for (uint32_t i = 0; run->n_live > 0 && i < run->dag->n_tasks + run->extras->len; i++) {
        const EngineTask *task =
            i < run->dag->n_tasks ? &run->tasks[i] : run->extras->pdata[i - run->dag->n_tasks];
        if (task->is_live && (is_meant == NULL || is_meant(task, what)))
            g_array_append_val(ids, task->ti.id);
    }
}

static bool is_in_pool(const EngineTask *task, const void *pool)
{
    return task->held.pool == pool;
}

static bool is_under_limit(const EngineTask *task, const void *limit)
{
    return task->held.limit == limit;
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void add_live_of_all(const Engine *engine, bool (*is_meant)(const EngineTask *, const void *),
                            const void *what, GArray *ids)
{
    GHashTableIter iter;
    gpointer run;
    g_hash_table_iter_init(&iter, engine->runs);
    while (g_hash_table_iter_next(&iter, NULL, &run))
        add_live(run, is_meant, what, ids);
    g_array_sort(ids, compare_ids); /* a hash table has no order to speak of */
}

/** Runs that take up the room of `run` under max_active_runs. */
static void add_running(const EngineRun *run, GArray *ids)
{
    for (guint i = 0; i < run->entry->runs->len; i++) {
        const EngineRun *other = run->entry->runs->pdata[i];
        if (other->queue == run->queue && run_takes_place(other))
            g_array_append_val(ids, other->row->id);
    }
    g_array_sort(ids, compare_ids);
}

/* ---- The run ---- */

static void explain_run(const EngineRun *run, Obstacles obstacles, int64_t now_us, GPtrArray *list)
{
    if (obstacles & OBSTACLE_RUN_ENDING)
        add(list, ENGINE_CONDITION_RUN_ENDING);
    if (obstacles & OBSTACLE_RUN_HELD) {
        add(list, ENGINE_CONDITION_RUN_HELD);
        return; /* what else would keep it waiting is for whoever advances it to say */
    }
    if (run->row->state != RUN_STATE_QUEUED)
        return;
    if (run->row->run_after_us > now_us)
        add(list, ENGINE_CONDITION_RUN_AFTER)->at_us = run->row->run_after_us;
    if (run->queue->paused && !(run->flags & ENGINE_RUN_IGNORES_PAUSE))
        add(list, ENGINE_CONDITION_BACKFILL_PAUSED);
    if (!run_queue_has_room(run->queue)) {
        EngineCondition *condition = add(list, ENGINE_CONDITION_MAX_ACTIVE_RUNS);
        condition->limit = run->queue->max_active_runs;
        condition->used = run->queue->n_running;
        add_running(run, condition->ids);
    }
}

/* ---- null -> scheduled ---- */

static bool is_on_its_way(const EngineTask *task)
{
    return task_state_is_executing(task->ti.state) || task->ti.state == TASK_STATE_UP_FOR_RETRY ||
           task->ti.state == TASK_STATE_SCHEDULED;
}

/** Direct upstream tasks that have not finished; those on their way first. */
static void add_unfinished_upstream(const EngineTask *task, GArray *ids)
{
    GraphSpan up = dag_upstream(task->run->dag, task->index);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < up.n; i++) {
            const EngineTask *other = &task->run->tasks[up.items[i]];
            if (!task_state_is_finished(other->ti.state) && is_on_its_way(other) == (pass == 0))
                g_array_append_val(ids, other->ti.id);
        }
    }
}

static void explain_rule(const EngineTask *task, GPtrArray *list)
{
    TriggerVerdict verdict = task_verdict(task);
    if (verdict == VERDICT_RUN)
        return;
    EngineCondition *condition = add(list, ENGINE_CONDITION_TRIGGER_RULE);
    condition->verdict = verdict;
    condition->limit = task->upstream.total;
    add_unfinished_upstream(task, condition->ids);
    condition->used = condition->limit - condition->ids->len;
}

static void add_past(const EngineTask *task, EngineConditionKind kind, uint32_t index, GPtrArray *list)
{
    EngineCondition *condition = add(list, kind);
    condition->name = task->run->dag->tasks[index].task_id;
    condition->past = past_state(task->run, index);
    g_array_append_val(condition->ids, task->run->past_id);
}

static void explain_past(const EngineTask *task, GPtrArray *list)
{
    if (past_allows(task))
        return;
    if (!past_of_task_allows(task))
        add_past(task, ENGINE_CONDITION_DEPENDS_ON_PAST, task->index, list);
    GraphSpan down = dag_downstream(task->run->dag, task->index);
    for (uint32_t i = 0; i < down.n; i++) {
        if (!past_of_downstream_allows(task, down.items[i]))
            add_past(task, ENGINE_CONDITION_WAIT_FOR_DOWNSTREAM, down.items[i], list);
    }
}

static void explain_unscheduled(const EngineTask *task, Obstacles obstacles, GPtrArray *list)
{
    if (obstacles & OBSTACLE_LIVE)
        add(list, ENGINE_CONDITION_STILL_ALIVE);
    if (obstacles & OBSTACLE_RETRY)
        add(list, ENGINE_CONDITION_RETRY)->at_us = task->ti.retry_at_us;
    explain_rule(task, list);
    explain_past(task, list);
}

/* ---- scheduled -> queued ---- */

static void explain_pool(const Engine *engine, const Bucket *needs, bool is_scheduled, GPtrArray *list)
{
    const Pool *pool = needs->pool;
    EngineConditionKind kind = !pool->exists ? ENGINE_CONDITION_POOL_MISSING
                               : pool->slots != -1 && needs->slots > pool->slots
                                   ? ENGINE_CONDITION_POOL_TOO_SMALL
                                   : ENGINE_CONDITION_POOL_FULL;
    /* That it is full just now concerns only who would take the slots now. */
    if (gate_is_open(needs, GATE_POOL) || (kind == ENGINE_CONDITION_POOL_FULL && !is_scheduled))
        return;
    EngineCondition *condition = add(list, kind);
    condition->name = pool->name;
    condition->limit = pool->slots;
    condition->used = pool->used;
    condition->wanted = needs->slots;
    add_live_of_all(engine, is_in_pool, pool, condition->ids);
}

static void explain_limits(const Engine *engine, const EngineTask *task, const Bucket *needs, GPtrArray *list)
{
    if (!gate_is_open(needs, GATE_MAX_ACTIVE_TASKS)) {
        EngineCondition *condition = add(list, ENGINE_CONDITION_MAX_ACTIVE_TASKS);
        condition->limit = task->run->dag->max_active_tasks;
        condition->used = task->run->n_live;
        add_live(task->run, NULL, NULL, condition->ids);
    }
    if (!gate_is_open(needs, GATE_TASK_LIMIT)) {
        EngineCondition *condition = add(list, ENGINE_CONDITION_MAX_ACTIVE_TIS_PER_DAG);
        condition->limit = needs->max_used;
        condition->used = needs->limit->used;
        add_live_of_all(engine, is_under_limit, needs->limit, condition->ids);
    }
    if (!engine_has_slot(engine)) {
        EngineCondition *condition = add(list, ENGINE_CONDITION_PARALLELISM);
        condition->limit = engine->parallelism;
        condition->used = engine->n_live;
    }
    if (engine->are_starts_held)
        add(list, ENGINE_CONDITION_STARTS_HELD);
}

/* ---- All of it ---- */

/** Why it ended without an attempt: upstream tasks of the kind that its rule did not want. */
static void add_causes(const EngineTask *task, EngineCondition *condition)
{
    if (task->ti.end_reason != END_TRIGGER_RULE)
        return;
    GraphSpan up = dag_upstream(task->run->dag, task->index);
    for (uint32_t i = 0; i < up.n; i++) {
        const EngineTask *other = &task->run->tasks[up.items[i]];
        if (task->ti.state == TASK_STATE_UPSTREAM_FAILED ? task_state_is_failure(other->ti.state)
                                                         : other->ti.state == TASK_STATE_SKIPPED)
            g_array_append_val(condition->ids, other->ti.id);
    }
}

GPtrArray *engine_explain(Engine *engine, int64_t dag_run_id, uint32_t index, int64_t now_us)
{
    EngineRun *run = engine_find_run(engine, dag_run_id);
    if (run == NULL || index >= run->dag->n_tasks)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func(engine_condition_free);
    const EngineTask *task = &run->tasks[index];
    if (task_state_is_finished(task->ti.state)) {
        add_causes(task, add(list, ENGINE_CONDITION_FINISHED));
        return list;
    }
    Obstacles obstacles = task_obstacles(task, now_us);
    if (task_state_is_executing(task->ti.state)) {
        add(list, ENGINE_CONDITION_EXECUTING);
        if (obstacles & OBSTACLE_RUN_HELD)
            add(list, ENGINE_CONDITION_RUN_HELD);
        return list;
    }
    bool is_scheduled = task->ti.state == TASK_STATE_SCHEDULED;
    Bucket needs = task_needs(engine, task);
    explain_run(run, obstacles, now_us, list);
    if (!gate_is_open(&needs, GATE_PAUSE))
        add(list, ENGINE_CONDITION_PAUSED);
    if (!is_scheduled)
        explain_unscheduled(task, obstacles, list);
    explain_pool(engine, &needs, is_scheduled, list);
    if (is_scheduled && (obstacles & OBSTACLE_LIVE))
        add(list, ENGINE_CONDITION_STILL_ALIVE);
    if (is_scheduled)
        explain_limits(engine, task, &needs, list);
    return list;
}
