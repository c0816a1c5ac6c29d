/* SPDX-License-Identifier: MIT */
#include "scheduler/store/rows.h"

void dag_row_free(DagRow *row)
{
    if (row == NULL)
        return;
    g_free((char *)row->dag_id);
    g_free((char *)row->fileloc);
    g_free((char *)row->folder);
    g_free((char *)row->description);
    g_free((char *)row->owner);
    g_free((char *)row->timetable_summary);
    g_free((char *)row->timetable_description);
    g_free((char *)row->timezone);
    g_free((char *)row->tags_json);
    g_free(row);
}

void dag_version_free(DagVersion *version)
{
    if (version == NULL)
        return;
    g_free((char *)version->dag_id);
    g_free((char *)version->content_hash);
    g_free((char *)version->fileloc);
    g_free((char *)version->folder);
    g_free((char *)version->source);
    g_free(version);
}

void task_list_free(TaskList *list)
{
    if (list == NULL)
        return;
    g_free(list->items);
    g_string_chunk_free(list->strings);
    g_free(list);
}

void xcom_free(XCom *xcom)
{
    if (xcom == NULL)
        return;
    g_free((char *)xcom->task_id);
    g_free((char *)xcom->key);
    g_free((char *)xcom->value_json);
    g_free(xcom);
}

void pool_free(Pool *pool)
{
    if (pool == NULL)
        return;
    g_free((char *)pool->name);
    g_free((char *)pool->description);
    g_free(pool);
}

Backfill *backfill_copy(const Backfill *backfill)
{
    Backfill *copy = g_memdup2(backfill, sizeof *backfill);
    copy->dag_id = g_strdup(backfill->dag_id);
    copy->conf_json = g_strdup(backfill->conf_json);
    copy->triggering_user = g_strdup(backfill->triggering_user);
    return copy;
}

void backfill_free(Backfill *backfill)
{
    if (backfill == NULL)
        return;
    g_free((char *)backfill->dag_id);
    g_free((char *)backfill->conf_json);
    g_free((char *)backfill->triggering_user);
    g_free(backfill);
}

void event_log_free(EventLog *event)
{
    if (event == NULL)
        return;
    g_free((char *)event->event);
    g_free((char *)event->owner);
    g_free((char *)event->dag_id);
    g_free((char *)event->run_id);
    g_free((char *)event->task_id);
    g_free((char *)event->extra_json);
    g_free(event);
}

void hook_free(Hook *hook)
{
    if (hook == NULL)
        return;
    g_free((char *)hook->dag_id);
    g_free((char *)hook->run_id);
    g_free((char *)hook->task_id);
    g_free(hook);
}

void import_error_free(ImportError *import_error)
{
    if (import_error == NULL)
        return;
    g_free((char *)import_error->filename);
    g_free((char *)import_error->stack_trace);
    g_free(import_error);
}
