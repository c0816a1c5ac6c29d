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

GPtrArray *store_list_unfinished_runs(StoreConn *conn, GError **error)
{
    Query query =
        query_begin(conn, "SELECT " RUN_COLUMNS
                          " FROM dag_run INDEXED BY dag_run_unfinished WHERE state IN ('queued', 'running') "
                          "ORDER BY id");
    return take_all(&query, error);
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
