/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/run_row.h"

#define UNFINISHED (1u << RUN_STATE_QUEUED | 1u << RUN_STATE_RUNNING)

static const char *const orders[RUN_ORDER_COUNT][2] = {
    [RUN_ORDER_RUN_AFTER] = {" ORDER BY run_after_us, id", " ORDER BY run_after_us DESC, id DESC"},
    [RUN_ORDER_ID] = {" ORDER BY id", " ORDER BY id DESC"},
    [RUN_ORDER_LOGICAL_DATE] = {" ORDER BY logical_date_us, id", " ORDER BY logical_date_us DESC, id DESC"},
    [RUN_ORDER_START_DATE] = {" ORDER BY start_date_us, id", " ORDER BY start_date_us DESC, id DESC"},
    [RUN_ORDER_END_DATE] = {" ORDER BY end_date_us, id", " ORDER BY end_date_us DESC, id DESC"},
    [RUN_ORDER_RUN_ID] = {" ORDER BY run_id, id", " ORDER BY run_id DESC, id DESC"},
    [RUN_ORDER_STATE] = {" ORDER BY state, id", " ORDER BY state DESC, id DESC"},
};

static const char *state_name(int state)
{
    return run_state_to_string((RunState)state);
}

static const char *type_name(int type)
{
    return run_type_to_string((RunType)type);
}

static GPtrArray *take_all(Query *query, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)dag_run_free);
    while (query_next(query))
        g_ptr_array_add(rows, run_take(query));
    return query_end(query, error) ? g_steal_pointer(&rows) : NULL;
}

GPtrArray *store_list_runs(StoreConn *conn, const RunQuery *wanted, int64_t *ret_total, GError **error)
{
    g_return_val_if_fail(wanted->order >= 0 && wanted->order < RUN_ORDER_COUNT, NULL);
    g_auto(Filter) filter = filter_begin();
    filter_text(&filter, "dag_id = ?", wanted->dag_id);
    filter_names(&filter, "state", wanted->states, RUN_STATE_COUNT, state_name);
    filter_names(&filter, "run_type", wanted->types, RUN_TYPE_COUNT, type_name);
    filter_range(&filter, "run_after_us >= ?", "run_after_us <= ?", wanted->run_after);
    filter_range(&filter, "logical_date_us >= ?", "logical_date_us <= ?", wanted->logical_date);
    filter_range(&filter, "start_date_us >= ?", "start_date_us <= ?", wanted->start_date);
    filter_range(&filter, "end_date_us >= ?", "end_date_us <= ?", wanted->end_date);
    const char *from = "FROM dag_run";
    if (wanted->backfill_id != 0) {
        filter_int(&filter, "backfill_id = ?", wanted->backfill_id);
        from = "FROM dag_run INDEXED BY dag_run_of_backfill";
    } else if (wanted->states != 0 && (wanted->states & ~UNFINISHED) == 0) {
        /* Few among many. The condition says again what the states say, in the words of the index. */
        filter_add(&filter, "state IN ('queued', 'running')");
        from = wanted->dag_id != NULL ? "FROM dag_run INDEXED BY dag_run_of_dag_unfinished"
                                      : "FROM dag_run INDEXED BY dag_run_unfinished";
    }
    if (!filter_count(&filter, conn, from, ret_total, error))
        return NULL;
    g_autofree char *select = g_strconcat("SELECT " RUN_COLUMNS " ", from, NULL);
    Query query =
        filter_query(&filter, conn, select, orders[wanted->order][wanted->descending ? 1 : 0], wanted->page);
    return take_all(&query, error);
}

GPtrArray *store_list_runs_after(StoreConn *conn, int64_t after_id, int64_t limit, GError **error)
{
    Query query = query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run WHERE id > ? ORDER BY id LIMIT ?");
    query_bind_int(&query, after_id);
    query_bind_int(&query, limit);
    return take_all(&query, error);
}

GPtrArray *store_list_running_runs(StoreConn *conn, GError **error)
{
    Query query =
        query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run INDEXED BY dag_run_of_dag_unfinished "
                          "WHERE state IN ('queued', 'running') AND state = 'running' ORDER BY id");
    return take_all(&query, error);
}

GPtrArray *store_list_queued_runs(StoreConn *conn, const char *dag_id, int64_t backfill_id, bool is_backwards,
                                  int64_t limit, GError **error)
{
    const char *sql =
        "SELECT " RUN_COLUMNS " FROM dag_run INDEXED BY dag_run_of_dag_unfinished WHERE dag_id = ? "
        "AND state IN ('queued', 'running') AND state = 'queued' AND backfill_id IS NULL "
        "ORDER BY run_after_us, id LIMIT ?";
    if (dag_id == NULL && is_backwards)
        sql = "SELECT " RUN_COLUMNS " FROM dag_run INDEXED BY dag_run_of_backfill WHERE backfill_id = ? AND "
              "state = 'queued' ORDER BY logical_date_us DESC, run_after_us, id LIMIT ?";
    else if (dag_id == NULL)
        sql = "SELECT " RUN_COLUMNS " FROM dag_run INDEXED BY dag_run_of_backfill WHERE backfill_id = ? AND "
              "state = 'queued' ORDER BY logical_date_us, run_after_us, id LIMIT ?";
    Query query = query_begin(conn, sql);
    if (dag_id != NULL)
        query_bind_text(&query, dag_id);
    else
        query_bind_int(&query, backfill_id);
    query_bind_int(&query, limit);
    return take_all(&query, error);
}

char **store_list_dags_with_queued_runs(StoreConn *conn, GError **error)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    Query query =
        query_begin(conn, "SELECT dag_id FROM dag WHERE EXISTS (SELECT 1 FROM dag_run INDEXED BY "
                          "dag_run_of_dag_unfinished WHERE dag_run.dag_id = dag.dag_id AND state IN "
                          "('queued', 'running') AND state = 'queued')");
    while (query_next(&query)) {
        g_autofree char *name = query_dup_text(&query);
        g_strv_builder_add(names, name);
    }
    return query_end(&query, error) ? g_strv_builder_end(names) : NULL;
}

GArray *store_list_backfills_with_queued_runs(StoreConn *conn, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    /* From one id to the next along the index, which has all runs of all backfills. */
    Query query = query_begin(
        conn,
        "WITH RECURSIVE seen (id) AS (SELECT min(backfill_id) FROM dag_run WHERE backfill_id IS NOT NULL "
        "UNION ALL SELECT (SELECT min(backfill_id) FROM dag_run WHERE backfill_id > seen.id) FROM seen "
        "WHERE seen.id IS NOT NULL) SELECT id FROM seen WHERE id IS NOT NULL AND EXISTS (SELECT 1 FROM "
        "dag_run INDEXED BY dag_run_of_backfill WHERE backfill_id = seen.id AND state = 'queued')");
    while (query_next(&query)) {
        int64_t id = query_int(&query);
        g_array_append_val(ids, id);
    }
    return query_end(&query, error) ? g_steal_pointer(&ids) : NULL;
}

bool store_count_active_runs(StoreConn *conn, const char *dag_id, int64_t *ret_queued, int64_t *ret_running,
                             GError **error)
{
    Query query = query_begin(
        conn, "SELECT count(*) FILTER (WHERE state = 'queued'), "
              "count(*) FILTER (WHERE state = 'running') FROM dag_run INDEXED BY dag_run_of_dag_unfinished "
              "WHERE dag_id = ? AND state IN ('queued', 'running')");
    query_bind_text(&query, dag_id);
    if (query_next(&query)) {
        *ret_queued = query_int(&query);
        *ret_running = query_int(&query);
    }
    return query_end(&query, error);
}
