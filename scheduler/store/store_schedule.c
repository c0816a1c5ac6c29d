/* SPDX-License-Identifier: MIT */
#include "scheduler/store/query.h"
#include "scheduler/store/reader.h"

void dag_schedule_free(DagSchedule *schedule)
{
    if (schedule == NULL)
        return;
    g_free((char *)schedule->dag_id);
    g_free((char *)schedule->fileloc);
    g_free(schedule);
}

static DagSchedule *take_schedule(Query *query)
{
    DagSchedule *row = g_new0(DagSchedule, 1);
    row->dag_id = query_dup_text(query);
    row->fileloc = query_dup_text(query);
    row->is_paused = query_int(query) != 0;
    row->is_stale = query_int(query) != 0;
    row->has_import_errors = query_int(query) != 0;
    row->first_seen_us = query_int(query);
    row->latest_version_id = query_int(query);
    row->has_last_run = query_int(query) != 0;
    row->last_logical_date_us = query_time(query);
    row->last_data_interval_start_us = query_time(query);
    row->last_data_interval_end_us = query_time(query);
    row->last_run_after_us = query_time(query);
    return row;
}

/*
 * The inner condition `run_type <> 'manual'` follows from the next one; it lets the index dag_run_automatic
 * be used, from its end back. A run that a backfill has taken over keeps the id that the schedule gave it.
 */
#define SCHEDULE_QUERY                                                                                       \
    "SELECT d.dag_id, d.fileloc, d.is_paused, d.is_stale, d.has_import_errors, d.first_seen_us, "            \
    "d.latest_version_id, r.id IS NOT NULL, r.logical_date_us, "                                             \
    "coalesce(r.data_interval_start_us, r.logical_date_us), "                                                \
    "coalesce(r.data_interval_end_us, r.logical_date_us), r.run_after_us "                                   \
    "FROM dag d LEFT JOIN dag_run r ON r.id = (SELECT id FROM dag_run l WHERE l.run_type <> 'manual' "       \
    "AND l.dag_id = d.dag_id AND l.logical_date_us IS NOT NULL "                                             \
    "AND (l.run_type = 'scheduled' OR substr(l.run_id, 1, 11) = 'scheduled__') "                             \
    "ORDER BY l.logical_date_us DESC LIMIT 1)"

GPtrArray *store_list_dag_schedules(StoreConn *conn, const char *dag_id, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)dag_schedule_free);
    Query query = query_begin(conn, dag_id != NULL ? SCHEDULE_QUERY " WHERE d.dag_id = ?"
                                                   : SCHEDULE_QUERY " ORDER BY d.dag_id");
    if (dag_id != NULL)
        query_bind_text(&query, dag_id);
    while (query_next(&query))
        g_ptr_array_add(rows, take_schedule(&query));
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}
