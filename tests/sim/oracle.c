/* SPDX-License-Identifier: MIT */
/*
 * The auditor: what must hold of committed rows and started attempts, written from the rules' texts and not
 * from the engine's code.
 */
#include "tests/sim/world.h"

#include <string.h>

static const SimTask *task_named(const SimRun *run, const char *task_id)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimTask *task = value;
        if (strcmp(task->row.task_id, task_id) == 0)
            return task;
    }
    return NULL;
}

typedef struct {
    guint n, success, skipped, failed, upstream_failed, finished;
} Upstream;

static Upstream upstream_of(World *world, const SimRun *run, uint32_t index)
{
    Upstream up = {0};
    GraphSpan span = dag_upstream(run->dag, index);
    for (uint32_t i = 0; i < span.n; i++) {
        const SimTask *other = task_named(run, run->dag->tasks[span.items[i]].task_id);
        if (other == NULL)
            world_fail(world, "run %" PRId64 " has no row for an upstream task", run->row->id);
        up.n++;
        up.success += other->row.state == TASK_STATE_SUCCESS;
        up.skipped += other->row.state == TASK_STATE_SKIPPED;
        up.failed += other->row.state == TASK_STATE_FAILED;
        up.upstream_failed += other->row.state == TASK_STATE_UPSTREAM_FAILED;
        up.finished += task_state_is_finished(other->row.state);
    }
    return up;
}

/** The column "runs when" of the rules. */
static bool may_run(TriggerRule rule, const Upstream *up)
{
    guint bad = up->failed + up->upstream_failed;
    bool all = up->finished == up->n;
    if (up->n == 0)
        return true;
    switch (rule) {
    case TRIGGER_RULE_ALL_SUCCESS:
        return up->success == up->n;
    case TRIGGER_RULE_ALL_FAILED:
        return bad == up->n;
    case TRIGGER_RULE_ALL_DONE:
        return all;
    case TRIGGER_RULE_ALL_SKIPPED:
        return up->skipped == up->n;
    case TRIGGER_RULE_ALL_DONE_MIN_ONE_SUCCESS:
        return all && up->skipped == 0 && up->success > 0;
    case TRIGGER_RULE_ONE_FAILED:
        return bad > 0;
    case TRIGGER_RULE_ONE_SUCCESS:
        return up->success > 0;
    case TRIGGER_RULE_ONE_DONE:
        return up->success + up->failed > 0;
    case TRIGGER_RULE_NONE_FAILED:
        return all && bad == 0;
    case TRIGGER_RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        return all && bad == 0 && up->success > 0;
    case TRIGGER_RULE_NONE_SKIPPED:
        return all && up->skipped == 0;
    case TRIGGER_RULE_ALWAYS:
        return true;
    default:
        return false;
    }
}

void oracle_check_start(World *world, SimRun *run, SimTask *task)
{
    int32_t index = dag_task_index(run->dag, task->row.task_id);
    if (index < 0)
        world_fail(world, "started %s, which is not in its DAG", task->row.task_id);
    const Task *definition = &run->dag->tasks[index];
    if (definition->body == TASK_BODY_EMPTY && !task->by_hand)
        world_fail(world, "started the empty task %s", task->row.task_id);

    /* Tries are 1, 2, 3, ... without gaps, each started at most once. */
    if (task->row.try_number != task->last_started_try + 1)
        world_fail(world, "task %" PRId64 " started try %d after try %d", task->row.id, task->row.try_number,
                   task->last_started_try);
    task->last_started_try = task->row.try_number;
    if (!world->clock_was_set && world->now_us < task->not_before_us && !task->by_hand)
        world_fail(world, "task %" PRId64 " retried before its delay", task->row.id);

    /* Only when its rule holds by finished upstream states of the same run. */
    Upstream up = upstream_of(world, run, (uint32_t)index);
    if (!task->by_hand && !may_run(definition->trigger_rule, &up))
        world_fail(world,
                   "run %" PRId64 " %s started against its rule %s (%u of %u success, %u skipped, %u failed)",
                   run->row->id, task->row.task_id, trigger_rule_to_string(definition->trigger_rule),
                   up.success, up.n, up.skipped, up.failed);
    if (run_state_is_finished(run->row->state))
        world_fail(world, "run %" PRId64 " is finished, yet %s starts", run->row->id, task->row.task_id);
}

void oracle_check_row_change(World *world, SimRun *run, SimTask *task, const TaskInstance *now)
{
    const TaskInstance *was = &task->row;
    bool moved = was->state != now->state;
    if (moved && task_state_is_finished(was->state) && !task->touched)
        world_fail(world, "run %" PRId64 " %s: finished state %s became %s by itself", run->row->id,
                   now->task_id, task_state_to_string(was->state),
                   task_state_to_string(now->state) ?: "none");
    if (now->try_number < was->try_number - 1)
        world_fail(world, "try number of %" PRId64 " fell from %d to %d", now->id, was->try_number,
                   now->try_number);
    if (moved && now->state == TASK_STATE_UP_FOR_RETRY) {
        task->not_before_us = now->retry_at_us;
        g_autofree char *key = attempt_key((AttemptId){now->id, now->try_number});
        if (!g_hash_table_contains(world->history, key))
            world_fail(world, "attempt %s is retried, but is not in the history", key);
    }
    int32_t index = dag_task_index(run->dag, now->task_id);
    bool empty = index >= 0 && run->dag->tasks[index].body == TASK_BODY_EMPTY;
    if (empty && now->try_number == task->last_started_try + 1)
        task->last_started_try = now->try_number;                      /* a try that needs no executor */
    if (moved && now->state == TASK_STATE_SUCCESS && !task->by_hand) { /* success needs a real exit code 0 */
        if (!empty && (now->exit_code != 0 || now->end_reason != END_NONE))
            world_fail(world, "task %" PRId64 " success without exit code 0", now->id);
    }
    if (now->end_date_us != TIME_NONE && now->start_date_us != TIME_NONE &&
        now->end_date_us < now->start_date_us)
        world_fail(world, "task %" PRId64 " ends (%s, %" PRId64 ") before it starts (%" PRId64 ")", now->id,
                   task_state_to_string(now->state) ?: "none", now->end_date_us, now->start_date_us);
    if (moved)
        world_trace(world, "run %" PRId64 " %s try %d: %s -> %s", run->row->id, now->task_id, now->try_number,
                    task_state_to_string(was->state) ?: "none", task_state_to_string(now->state) ?: "none");
}

void oracle_check_run_change(World *world, SimRun *run, const DagRun *now)
{
    if (run->row->state != now->state)
        world_trace(world, "run %" PRId64 ": %s -> %s", now->id, run_state_to_string(run->row->state),
                    run_state_to_string(now->state));
    if (run->row->state == RUN_STATE_QUEUED && now->state == RUN_STATE_RUNNING && now->backfill_id != 0 &&
        world_backfill(world, now->backfill_id)->is_paused)
        world_fail(world, "run %" PRId64 " started while its backfill was paused", now->id);
    if (run_state_is_finished(run->row->state) && run->row->state != now->state && !run->touched)
        world_fail(world, "run %" PRId64 ": finished, but became %s", now->id,
                   run_state_to_string(now->state));
}

static void check_limits(World *world)
{
    GHashTableIter iter;
    gpointer value;
    g_autoptr(GHashTable) per_run = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) per_pool = g_hash_table_new(g_str_hash, g_str_equal);
    int live = 0;
    g_hash_table_iter_init(&iter, world->attempts);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimAttempt *attempt = value;
        if (attempt->finished)
            continue;
        live++;
        SimRun *run = world_run_of(world, attempt->dag_run_id);
        gpointer seen = g_hash_table_lookup(per_run, run);
        g_hash_table_insert(per_run, run, GINT_TO_POINTER(GPOINTER_TO_INT(seen) + 1));
        gpointer used = g_hash_table_lookup(per_pool, attempt->pool);
        g_hash_table_insert(per_pool, (gpointer)attempt->pool,
                            GINT_TO_POINTER(GPOINTER_TO_INT(used) + attempt->pool_slots));
        if (!run->by_hand && GPOINTER_TO_INT(seen) + 1 > run->dag->max_active_tasks)
            world_fail(world, "run %" PRId64 " is over max_active_tasks", run->row->id);
    }
    if (live > world->parallelism)
        world_fail(world, "%d attempts alive, parallelism is %d", live, world->parallelism);
    for (int i = 0; sim_pools[i] != NULL; i++) { /* in seeds where neither pools nor tasks change */
        int used = GPOINTER_TO_INT(g_hash_table_lookup(per_pool, sim_pools[i]));
        if (!(world->faults & (FAULT_LIMITS | FAULT_VERSIONS)) && !world->quiet && used > sim_pool_slots[i])
            world_fail(world, "pool %s: %d of %d slots used", sim_pools[i], used, sim_pool_slots[i]);
    }
}

/** In seeds where limits do not change, no backfill has more runs running than it may. */
static void check_backfills(World *world)
{
    if (world->backfills->len == 0 || (world->faults & FAULT_LIMITS) || world->quiet)
        return;
    g_autoptr(GArray) running = g_array_new(FALSE, TRUE, sizeof(int));
    g_array_set_size(running, world->backfills->len + 1);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const DagRun *row = ((const SimRun *)value)->row;
        if (row->state == RUN_STATE_RUNNING)
            g_array_index(running, int, row->backfill_id)++;
    }
    for (guint id = 1; id <= world->backfills->len; id++) {
        int n = g_array_index(running, int, id), limit = world_backfill(world, id)->max_active_runs;
        if (n > limit)
            world_fail(world, "backfill %u has %d runs running, %d are allowed", id, n, limit);
    }
}

/** No run of a DAG starts over its max_active_runs; those of backfills have limits of their own. */
static void check_room(World *world, const SimRun *run)
{
    const Dag *dag = world->latest->pdata[g_ascii_strtoll(run->row->dag_id + strlen("dag"), NULL, 10)];
    int n = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const DagRun *other = ((const SimRun *)value)->row;
        n += other->state == RUN_STATE_RUNNING && other->backfill_id == 0 &&
             strcmp(other->dag_id, run->row->dag_id) == 0;
    }
    if (n > dag->max_active_runs)
        world_fail(world, "run %" PRId64 " of %s starts as number %d of %d", run->row->id, dag->dag_id, n,
                   dag->max_active_runs);
}

static void check_run(World *world, SimRun *run)
{
    if (run->started && run->row->backfill_id == 0)
        check_room(world, run);
    run->started = false;
    GHashTableIter iter;
    gpointer value;
    run->touched = run->changed = run->is_queued_again = false;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        SimTask *task = value;
        task->touched = false;
        if (run_state_is_finished(run->row->state) && !task_state_is_finished(task->row.state))
            world_fail(world, "run %" PRId64 " is %s, its task %s is not", run->row->id,
                       run_state_to_string(run->row->state), task->row.task_id);
    }
}

/** Called after each commit; what a command may have changed is settled by then. */
void oracle_check_commit(World *world)
{
    GHashTableIter iter;
    gpointer id;
    check_limits(world);
    check_backfills(world);
    for (guint i = 0; i < world->changed->len; i++)
        check_run(world, world->changed->pdata[i]);
    g_ptr_array_set_size(world->changed, 0);
    g_hash_table_iter_init(&iter, world->open);
    while (g_hash_table_iter_next(&iter, &id, NULL)) {
        if (engine_run(world->engine, *(const int64_t *)id) == NULL)
            world_fail(world, "run %" PRId64 " is unfinished and forgotten", *(const int64_t *)id);
    }
}

static void check_verdict(World *world, const SimRun *run)
{
    bool failed_leaf = false;
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        const SimTask *task = task_named(run, run->dag->tasks[i].task_id);
        Upstream up = upstream_of(world, run, i);
        bool attempted = task->row.end_reason != END_TRIGGER_RULE;
        bool by_run = task->row.end_reason == END_TIMEOUT || task->row.end_reason == END_RUN_ENDED;
        if (!task->by_hand && !by_run && !attempted && may_run(run->dag->tasks[i].trigger_rule, &up))
            world_fail(world, "run %" PRId64 " %s was kept from running though its rule holds", run->row->id,
                       task->row.task_id);
        failed_leaf =
            failed_leaf || (task_state_is_failure(task->row.state) && dag_downstream(run->dag, i).n == 0);
    }
    bool ended_otherwise = run->row->end_reason == END_TIMEOUT || run->row->end_reason == END_DEADLOCK;
    if (!ended_otherwise && failed_leaf != (run->row->state == RUN_STATE_FAILED))
        world_fail(world, "run %" PRId64 " is %s, against its leaves", run->row->id,
                   run_state_to_string(run->row->state));
}

/** Whether a task waits, rightly and for ever, for a task of an earlier run that did not end well. */
static bool waits_for_past(const SimRun *run)
{
    for (uint32_t i = 0; i < run->dag->n_tasks; i++) {
        const SimTask *task = task_named(run, run->dag->tasks[i].task_id);
        if (run->dag->tasks[i].depends_on_past &&
            (task->row.state == TASK_STATE_NONE || task->row.state == TASK_STATE_UP_FOR_RETRY))
            return true;
    }
    return false;
}

bool oracle_waits_for_past(World *world, const char *dag_id)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, world->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimRun *run = value;
        if (run->row->state == RUN_STATE_RUNNING && strcmp(run->row->dag_id, dag_id) == 0 &&
            waits_for_past(run))
            return true;
    }
    return false;
}

static void check_waiting_task(World *world, const SimRun *run, uint32_t index)
{
    const TaskInstance *ti = engine_task(world->engine, run->row->id, index);
    if (task_state_is_finished(ti->state))
        return;
    g_autofree char *key = attempt_key((AttemptId){ti->id, ti->try_number});
    if (task_state_is_executing(ti->state) && !world->are_starts_held &&
        !g_hash_table_contains(world->attempts, key))
        world_fail(world, "attempt %s is %s, and no executor knows it", key, task_state_to_string(ti->state));
    g_autoptr(GPtrArray) conditions = engine_explain(world->engine, run->row->id, index, world->now_us);
    if (conditions == NULL || conditions->len == 0)
        world_fail(world, "run %" PRId64 " %s does not run, and nothing keeps it from that", run->row->id,
                   ti->task_id);
}

void oracle_check_progress(World *world)
{
    GHashTableIter iter;
    gpointer value;
    int64_t timer_us = engine_next_timer(world->engine);
    if (timer_us != TIME_NONE && timer_us <= world->now_us)
        return; /* it goes on at once */
    g_hash_table_iter_init(&iter, world->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimRun *run = value;
        for (uint32_t i = 0; i < engine_run_dag(world->engine, run->row->id)->n_tasks; i++)
            check_waiting_task(world, run, i);
    }
}

void oracle_check_end(World *world)
{
    GHashTableIter iter;
    gpointer value;
    g_autoptr(GHashTable) stuck = g_hash_table_new(g_str_hash, g_str_equal);
    if (g_hash_table_size(world->attempts) > 0)
        world_fail(world, "%u attempts were never acknowledged", g_hash_table_size(world->attempts));
    g_hash_table_iter_init(&iter, world->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimRun *run = value;
        if (!run_state_is_finished(run->row->state) && run->row->state == RUN_STATE_RUNNING &&
            waits_for_past(run))
            g_hash_table_add(stuck, run->row->dag_id);
    }
    g_hash_table_iter_init(&iter, world->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SimRun *run = value;
        if (run_state_is_finished(run->row->state)) {
            if (!run->by_hand)
                check_verdict(world, run);
        } else if (!g_hash_table_contains(stuck,
                                          run->row->dag_id)) { /* its DAG's slots may be taken by waiters */
            world_fail(world, "run %" PRId64 " never ended: %s", run->row->id,
                       run_state_to_string(run->row->state));
        }
    }
}
