/* SPDX-License-Identifier: MIT */
/*
 * One turn's changes -> one transaction. Nothing here forgets anything before persist_clear(), so that the
 * same transaction can be tried again when the disk was full.
 */
#include "scheduler/daemon/hooks.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/model/crash_point.h"

static PendingWrite *add(Daemon *daemon, WriteKind kind)
{
    g_array_set_size(daemon->writes, daemon->writes->len + 1); /* zeroed */
    PendingWrite *write = &g_array_index(daemon->writes, PendingWrite, daemon->writes->len - 1);
    write->kind = kind;
    return write;
}

void persist_add_event(Daemon *daemon, EventLog *event)
{
    add(daemon, WRITE_EVENT)->event = event;
}

void persist_add_xcom(Daemon *daemon, XCom *xcom)
{
    add(daemon, WRITE_XCOM)->xcom = xcom;
}

void persist_add_delete_xcoms(Daemon *daemon, int64_t dag_run_id, const char *task_id)
{
    XCom *xcom = g_new0(XCom, 1);
    xcom->dag_run_id = dag_run_id;
    xcom->task_id = g_strdup(task_id);
    add(daemon, WRITE_DELETE_XCOMS)->xcom = xcom;
}

void persist_add_pool(Daemon *daemon, Pool *pool)
{
    add(daemon, WRITE_POOL)->pool = pool;
}

void persist_add_delete_pool(Daemon *daemon, const char *name)
{
    Pool *pool = g_new0(Pool, 1);
    pool->name = g_strdup(name);
    add(daemon, WRITE_DELETE_POOL)->pool = pool;
}

void persist_add_dag_paused(Daemon *daemon, const char *dag_id, bool is_paused)
{
    PendingWrite *write = add(daemon, WRITE_DAG_PAUSED);
    write->dag_id = g_strdup(dag_id);
    write->is_paused = is_paused;
}

void persist_add_delete(Daemon *daemon, WriteKind kind, int64_t id)
{
    add(daemon, kind)->id = id;
}

void persist_add_delete_run_rows(Daemon *daemon, int64_t dag_run_id, const RunRows *n)
{
    PendingWrite *write = add(daemon, WRITE_DELETE_RUN_ROWS);
    write->id = dag_run_id;
    write->run_rows = *n;
}

void persist_add_delete_dag(Daemon *daemon, const char *dag_id)
{
    add(daemon, WRITE_DELETE_DAG)->dag_id = g_strdup(dag_id);
}

void persist_add_backfill(Daemon *daemon, Backfill *backfill, GArray *dates)
{
    PendingWrite *write = add(daemon, WRITE_BACKFILL);
    write->backfill = backfill;
    write->dates = dates;
}

void persist_add_backfill_state(Daemon *daemon, Backfill *backfill)
{
    add(daemon, WRITE_BACKFILL_STATE)->backfill = backfill;
}

void persist_add_hook(Daemon *daemon, Hook *hook)
{
    add(daemon, WRITE_HOOK)->hook = hook;
}

void persist_clear(Daemon *daemon)
{
    for (guint i = 0; i < daemon->writes->len; i++) {
        PendingWrite *write = &g_array_index(daemon->writes, PendingWrite, i);
        g_clear_pointer(&write->event, event_log_free);
        g_clear_pointer(&write->xcom, xcom_free);
        g_clear_pointer(&write->pool, pool_free);
        g_clear_pointer(&write->dag_id, g_free);
        g_clear_pointer(&write->backfill, backfill_free);
        g_clear_pointer(&write->dates, g_array_unref);
        g_clear_pointer(&write->hook, hook_free);
    }
    g_array_set_size(daemon->writes, 0);
}

static bool carry_out_write(Daemon *daemon, const PendingWrite *write, GError **error)
{
    switch (write->kind) {
    case WRITE_EVENT:
        return store_add_event(daemon->store, write->event, NULL, error);
    case WRITE_XCOM:
        return store_put_xcom(daemon->store, write->xcom, error);
    case WRITE_DELETE_XCOMS:
        return store_delete_xcoms(daemon->store, write->xcom->dag_run_id, write->xcom->task_id, error);
    case WRITE_POOL:
        return store_put_pool(daemon->store, write->pool, error);
    case WRITE_DELETE_POOL:
        return store_delete_pool(daemon->store, write->pool->name, error);
    case WRITE_DAG_PAUSED:
        return store_set_dag_paused(daemon->store, write->dag_id, write->is_paused, error);
    case WRITE_DELETE_RUN:
        return store_delete_run(daemon->store, write->id, error);
    case WRITE_DELETE_RUN_ROWS:
        return store_delete_run_rows(daemon->store, write->id, &write->run_rows, error);
    case WRITE_DELETE_DAG:
        return store_delete_dag(daemon->store, write->dag_id, error);
    case WRITE_DELETE_DAG_VERSION:
        return store_delete_dag_version(daemon->store, write->id, error);
    case WRITE_DELETE_EVENT:
        return store_delete_event(daemon->store, write->id, error);
    case WRITE_DELETE_BACKFILL:
        return store_delete_backfill(daemon->store, write->id, error);
    case WRITE_BACKFILL:
        return store_insert_backfill(daemon->store, write->backfill, error) &&
               store_insert_backfill_dates(daemon->store, write->backfill->id,
                                           (const BackfillDate *)(void *)write->dates->data,
                                           write->dates->len, error);
    case WRITE_BACKFILL_STATE:
        return store_update_backfill(daemon->store, write->backfill, error);
    case WRITE_HOOK:
        return store_update_hook(daemon->store, write->hook, error);
    }
    g_assert_not_reached();
}

static bool insert_created_run(Daemon *daemon, int64_t dag_run_id, GError **error)
{
    const DagRun *run = engine_run(daemon->engine, dag_run_id);
    if (!store_insert_run(daemon->store, run, error))
        return false;
    uint32_t n_tasks = engine_run_dag(daemon->engine, dag_run_id)->n_tasks;
    g_autofree TaskInstance *rows = g_new(TaskInstance, MAX(n_tasks, 1));
    for (uint32_t i = 0; i < n_tasks; i++)
        rows[i] = *engine_task(daemon->engine, dag_run_id, i);
    return store_insert_tasks(daemon->store, rows, n_tasks, error);
}

static bool write_output(Daemon *daemon, const EngineOutput *output, GError **error)
{
    for (guint i = 0; i < output->created_runs->len; i++) {
        if (!insert_created_run(daemon, g_array_index(output->created_runs, int64_t, i), error))
            return false;
    }
    for (guint i = 0; i < output->archived->len; i++) {
        if (!store_archive_attempt(daemon->store, &g_array_index(output->archived, TaskInstance, i), error))
            return false;
    }
    for (guint i = 0; i < output->runs->len; i++) {
        if (!store_update_run(daemon->store, output->runs->pdata[i], error))
            return false;
    }
    for (guint i = 0; i < output->tasks->len; i++) {
        if (!store_update_task(daemon->store, output->tasks->pdata[i], error))
            return false;
    }
    for (guint i = 0; i < output->added_tasks->len; i++) {
        if (!store_insert_tasks(daemon->store, output->added_tasks->pdata[i], 1, error))
            return false;
    }
    return true;
}

/* airflow-compatible: the XComs of a task go when its next attempt starts. A first try has none. */
static bool delete_xcoms_of_retries(Daemon *daemon, const EngineOutput *output, GError **error)
{
    for (guint i = 0; i < output->effects->len; i++) {
        const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, i);
        if (effect->kind != EFFECT_START || effect->attempt.try_number <= 1)
            continue;
        const TaskInstance *ti = engine_task_by_id(daemon->engine, effect->attempt.ti_id, NULL);
        if (ti != NULL && !store_delete_xcoms(daemon->store, ti->dag_run_id, ti->task_id, error))
            return false;
    }
    return true;
}

/* A backfill is complete with the last of its runs. */
static bool complete_backfills(Daemon *daemon, const EngineOutput *output, GError **error)
{
    g_autoptr(GHashTable) seen = NULL; /* int64_t id; rarely more than one */
    for (guint i = 0; i < output->effects->len; i++) {
        const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, i);
        if (effect->kind != EFFECT_RUN_FINISHED)
            continue;
        const DagRun *run = engine_run(daemon->engine, effect->dag_run_id);
        if (run == NULL || run->backfill_id == 0 || !run_state_is_finished(run->state))
            continue;
        if (seen == NULL)
            seen = g_hash_table_new(g_int64_hash, g_int64_equal);
        if (g_hash_table_add(seen, (gpointer)&run->backfill_id) &&
            !store_complete_backfill(daemon->store, run->backfill_id, run->end_date_us, error))
            return false;
    }
    return true;
}

bool persist_is_needed(Daemon *daemon)
{
    if (daemon->writes->len > 0)
        return true;
    if (!engine_has_output(daemon->engine))
        return false;
    const EngineOutput *output = engine_output(daemon->engine);
    return output->created_runs->len + output->runs->len + output->tasks->len + output->added_tasks->len +
               output->archived->len >
           0;
}

bool persist_commit(Daemon *daemon, GError **error)
{
    CRASH_POINT("daemon.before_commit");
    if (!store_begin(daemon->store, error))
        return false;
    const EngineOutput *output = engine_output(daemon->engine);
    bool written = write_output(daemon, output, error);
    for (guint i = 0; written && i < daemon->writes->len; i++)
        written = carry_out_write(daemon, &g_array_index(daemon->writes, PendingWrite, i), error);
    written = written && delete_xcoms_of_retries(daemon, output, error) &&
              hooks_insert(daemon, output, error) && complete_backfills(daemon, output, error) &&
              store_commit(daemon->store, error);
    if (!written)
        store_rollback(daemon->store);
    else
        CRASH_POINT("daemon.committed");
    return written;
}
