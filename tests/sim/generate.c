/* SPDX-License-Identifier: MIT */
/* Random DAGs: every trigger rule, empty tasks, pools, limits, retries, timeouts, depends_on_past. */
#include "tests/sim/world.h"

const char *const sim_pools[] = {DEFAULT_POOL, "db", "gpu", "tiny", NULL};
const int sim_pool_slots[] = {128, 3, 2, 1};

static int pick(GRand *rng, int n)
{
    return g_rand_int_range(rng, 0, n);
}

static void generate_hooks(GRand *rng, const CommandLine **hooks)
{
    static const CommandLine command = {.shell = "tell"};
    for (int i = 0; i < HOOK_EVENT_COUNT; i++)
        hooks[i] = pick(rng, 3) == 0 ? &command : NULL;
}

static void generate_task(GRand *rng, Dag *dag, uint32_t index)
{
    Task *task = dag_building_task(dag, index);
    task->body = pick(rng, 5) == 0 ? TASK_BODY_EMPTY : TASK_BODY_COMMAND;
    task->trigger_rule =
        pick(rng, 3) == 0 ? (TriggerRule)pick(rng, TRIGGER_RULE_COUNT) : TRIGGER_RULE_ALL_SUCCESS;
    task->retries = pick(rng, 3) == 0 ? pick(rng, 4) : 0;
    task->retry_delay_us = pick(rng, 600) * USEC_PER_SEC;
    task->retry_backoff = pick(rng, 3) == 0 ? 2.0 : 0;
    int pool = pick(rng, 4);
    task->pool = dag_intern(dag, sim_pools[pool]);
    task->pool_slots = 1 + pick(rng, sim_pool_slots[pool] > 3 ? 3 : sim_pool_slots[pool]);
    task->priority_weight = pick(rng, 4) == 0 ? pick(rng, 20) : 1;
    task->weight_rule = (WeightRule)pick(rng, 3);
    task->max_active_tis_per_dag = pick(rng, 6) == 0 ? 1 + pick(rng, 2) : 0;
    task->depends_on_past = pick(rng, 12) == 0;
    task->wait_for_downstream = pick(rng, 24) == 0;
    generate_hooks(rng, task->hooks);
}

static void seal(Dag *dag)
{
    if (!dag_seal(dag, NULL, NULL))
        g_assert_not_reached();
}

Dag *generate_scheduled_dag(GRand *rng, const char *dag_id, const ScheduleSpec *spec)
{
    Dag *dag = dag_new(dag_id);
    bool has_past = pick(rng, 8) == 0;
    schedule_spec_copy(spec, &dag->schedule);
    dag->max_active_runs = spec->kind == SCHEDULE_CONTINUOUS ? 1 : 1 + pick(rng, 4);
    dag->dagrun_timeout_us = pick(rng, 6) == 0 ? (1 + pick(rng, 3600)) * USEC_PER_SEC : 0;
    int n = 1 + pick(rng, 3);
    for (int i = 0; i < n; i++) {
        g_autofree char *task_id = g_strdup_printf("t%d", i);
        dag_add_task(dag, task_id);
        generate_task(rng, dag, (uint32_t)i);
        Task *task = dag_building_task(dag, (uint32_t)i);
        task->depends_on_past = has_past && task->depends_on_past;
        task->wait_for_downstream = has_past && task->wait_for_downstream;
        if (i > 0 && pick(rng, 2) == 0)
            dag_add_dependency(dag, (uint32_t)i, (uint32_t)i - 1);
    }
    seal(dag);
    return dag;
}

Dag *generate_dag(GRand *rng, const char *dag_id, const Dag *previous)
{
    Dag *dag = dag_new(dag_id);
    int n = 1 + pick(rng, pick(rng, 8) == 0 ? 40 : 9);
    if (previous != NULL) /* an edit: some tasks more or fewer */
        n = MAX(1, (int)previous->n_tasks - 2 + pick(rng, 5));
    dag->max_active_runs = 1 + pick(rng, 4);
    dag->max_active_tasks = pick(rng, 3) == 0 ? 1 + pick(rng, 3) : 16;
    dag->dagrun_timeout_us = pick(rng, 5) == 0 ? (1 + pick(rng, 3600)) * USEC_PER_SEC : 0;
    generate_hooks(rng, dag->hooks);
    for (int i = 0; i < n; i++) {
        g_autofree char *task_id = g_strdup_printf("t%d", i);
        dag_add_task(dag, task_id);
        generate_task(rng, dag, (uint32_t)i);
    }
    int edges = n < 2 ? 0 : pick(rng, 2 * n);
    for (int e = 0; e < edges; e++) {
        int to = 1 + pick(rng, n - 1);
        dag_add_dependency(dag, (uint32_t)to, (uint32_t)pick(rng, to));
    }
    seal(dag);
    return dag;
}
