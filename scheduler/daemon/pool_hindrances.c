/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/pool_hindrances.h"

/** Why the task never gets its slots; NULL when it does, if not now. */
static char *hindrance(const Engine *engine, const Task *task)
{
    int slots;
    if (!engine_get_pool(engine, task->pool, &slots))
        return g_strdup_printf("there is no pool \"%s\": its tasks wait for `weir pools set %s SLOTS`",
                               task->pool, task->pool);
    if (slots == -1 || slots >= task->pool_slots)
        return NULL;
    return g_strdup_printf(
        "task \"%s\" needs %d slots of pool \"%s\", which has %d: it waits until there are more",
        task->task_id, task->pool_slots, task->pool, slots);
}

void pool_hindrances(const Engine *engine, int64_t dag_run_id, void (*say)(const char *text, void *user),
                     void *user)
{
    const Dag *dag = engine_run_dag(engine, dag_run_id);
    g_autoptr(GHashTable) said = g_hash_table_new(g_str_hash, g_str_equal);
    for (uint32_t i = 0; dag != NULL && i < dag->n_tasks; i++) {
        const Task *task = &dag->tasks[i];
        const TaskInstance *instance = engine_task(engine, dag_run_id, i);
        if (task->body == TASK_BODY_EMPTY || instance == NULL || task_state_is_finished(instance->state) ||
            g_hash_table_contains(said, task->pool))
            continue;
        g_autofree char *text = hindrance(engine, task);
        if (text == NULL)
            continue;
        say(text, user);
        g_hash_table_add(said, (gpointer)task->pool);
    }
}
