/* SPDX-License-Identifier: MIT */
/*
 * The auditor of hooks: from the rows before a commit and those it brings, which ends must have a notice;
 * then the engine's notices are compared with that.
 */
#include "tests/sim/world.h"

#include <string.h>

/** "on_failure 7/2" of an attempt, "on_success run 3" of a run. */
static void expect(GHashTable *expected, const CommandLine *const *hooks, HookEvent event, char *of)
{
    if (hooks[event] != NULL)
        g_hash_table_add(expected, g_strconcat(hook_event_to_string(event), " ", of, NULL));
    g_free(of);
}

static bool is_by_hand(EndReason reason)
{
    return reason == END_MARKED || reason == END_CANCELED;
}

/** The hooks of a task of a run as it is now; NULL if its DAG does not have it any more. */
static const Task *definition_of(World *world, const TaskInstance *ti)
{
    const Dag *dag = engine_run_dag(world->engine, ti->dag_run_id);
    int32_t index = dag_task_index(dag, ti->task_id);
    return index < 0 ? NULL : &dag->tasks[index];
}

/** The committed row, before this commit; NULL when there is none. */
static const TaskInstance *row_before(World *world, const TaskInstance *ti)
{
    const SimRun *run = world_run_of(world, ti->dag_run_id);
    const SimTask *task = run == NULL ? NULL : g_hash_table_lookup(run->tasks, &ti->id);
    return task == NULL ? NULL : &task->row;
}

static bool was_attempted(const TaskInstance *before, const TaskInstance *now)
{
    return before != NULL && before->try_number == now->try_number &&
           (before->state == TASK_STATE_QUEUED || before->state == TASK_STATE_RUNNING);
}

static void expect_of_task(World *world, GHashTable *expected, const TaskInstance *now)
{
    const Task *task = definition_of(world, now);
    const TaskInstance *before = row_before(world, now);
    if (task == NULL || is_by_hand(now->end_reason))
        return;
    bool is_new_success =
        before == NULL || before->state != now->state || before->try_number != now->try_number;
    bool by_itself = task->body == TASK_BODY_EMPTY ? is_new_success : was_attempted(before, now);
    if (now->state == TASK_STATE_SUCCESS && by_itself)
        expect(expected, task->hooks, HOOK_ON_SUCCESS, attempt_key((AttemptId){now->id, now->try_number}));
    if (now->state == TASK_STATE_FAILED && was_attempted(before, now))
        expect(expected, task->hooks, HOOK_ON_FAILURE, attempt_key((AttemptId){now->id, now->try_number}));
}

/** An attempt that was under way and is in the history now has failed, and is tried again. */
static void expect_of_archived(World *world, GHashTable *expected, const TaskInstance *now)
{
    const Task *task = definition_of(world, now);
    if (task != NULL && now->state == TASK_STATE_FAILED && was_attempted(row_before(world, now), now))
        expect(expected, task->hooks, HOOK_ON_RETRY, attempt_key((AttemptId){now->id, now->try_number}));
}

/** A finished run that a command has opened again may end in the same commit. */
static void expect_of_run(World *world, GHashTable *expected, const DagRun *now)
{
    const SimRun *before = world_run_of(world, now->id);
    bool has_ended = run_state_is_finished(now->state) &&
                     (before == NULL || !run_state_is_finished(before->row->state) ||
                      before->row->clear_number != now->clear_number || before->is_queued_again);
    if (has_ended && !is_by_hand(now->end_reason))
        expect(expected, engine_run_dag(world->engine, now->id)->hooks,
               now->state == RUN_STATE_SUCCESS ? HOOK_ON_SUCCESS : HOOK_ON_FAILURE,
               g_strdup_printf("run %" PRId64, now->id));
}

static GHashTable *expected_of(World *world, const EngineOutput *output)
{
    GHashTable *expected = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < output->created_runs->len; i++) {
        int64_t id = g_array_index(output->created_runs, int64_t, i);
        expect_of_run(world, expected, engine_run(world->engine, id));
        for (uint32_t k = 0; k < engine_run_dag(world->engine, id)->n_tasks; k++)
            expect_of_task(world, expected, engine_task(world->engine, id, k));
    }
    for (guint i = 0; i < output->archived->len; i++)
        expect_of_archived(world, expected, &g_array_index(output->archived, TaskInstance, i));
    for (guint i = 0; i < output->tasks->len; i++)
        expect_of_task(world, expected, output->tasks->pdata[i]);
    for (guint i = 0; i < output->added_tasks->len; i++)
        expect_of_task(world, expected, output->added_tasks->pdata[i]);
    for (guint i = 0; i < output->runs->len; i++)
        expect_of_run(world, expected, output->runs->pdata[i]);
    return expected;
}

static char *name_of(const EngineNotice *notice)
{
    const char *event = hook_event_to_string(notice->event);
    if (notice->attempt.task_id == NULL)
        return g_strdup_printf("%s run %" PRId64, event, notice->dag_run_id);
    g_autofree char *key = attempt_key((AttemptId){notice->attempt.id, notice->attempt.try_number});
    return g_strconcat(event, " ", key, NULL);
}

void notices_check_commit(World *world, const EngineOutput *output)
{
    g_autoptr(GHashTable) expected = expected_of(world, output);
    for (guint i = 0; i < output->notices->len; i++) {
        const EngineNotice *notice = &g_array_index(output->notices, EngineNotice, i);
        g_autofree char *name = name_of(notice);
        world_trace(world, "notice %s", name);
        if (!g_hash_table_remove(expected, name))
            world_fail(world, "notice %s of nothing that ended by itself, or a second one", name);
        g_autofree char *key = attempt_key((AttemptId){notice->attempt.id, notice->attempt.try_number});
        if (notice->attempt.task_id != NULL && !g_hash_table_add(world->noticed, g_steal_pointer(&key)))
            world_fail(world, "attempt of %s has ended twice", name);
    }
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, expected);
    if (g_hash_table_iter_next(&iter, &name, NULL))
        world_fail(world, "no notice %s", (const char *)name);
}
