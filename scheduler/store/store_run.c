/* SPDX-License-Identifier: MIT */
#include "scheduler/store/run_row.h"
#include "scheduler/store/writer.h"

static const char *forced_state_name(const DagRun *run)
{
    return run->forced_state == RUN_STATE_INVALID ? NULL : run_state_to_string(run->forced_state);
}

bool store_insert_run(Store *store, const DagRun *run, GError **error)
{
    Query query =
        query_begin(store->conn, "INSERT INTO dag_run (" RUN_COLUMNS ") VALUES "
                                 "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, run->id);
    query_bind_text(&query, run->dag_id);
    query_bind_text(&query, run->run_id);
    query_bind_text(&query, run_type_to_string(run->type));
    query_bind_text(&query, run_state_to_string(run->state));
    query_bind_int(&query, run->dag_version_id);
    query_bind_time(&query, run->logical_date_us);
    query_bind_time(&query, run->data_interval_start_us);
    query_bind_time(&query, run->data_interval_end_us);
    query_bind_int(&query, run->run_after_us);
    query_bind_time(&query, run->queued_at_us);
    query_bind_time(&query, run->start_date_us);
    query_bind_time(&query, run->end_date_us);
    query_bind_text(&query, forced_state_name(run));
    query_bind_text(&query, end_reason_to_string(run->end_reason));
    query_bind_int(&query, run->clear_number);
    query_bind_int_or_null(&query, run->backfill_id, 0);
    query_bind_text(&query, run->conf_json != NULL ? run->conf_json : "{}");
    query_bind_text(&query, run->params_json != NULL ? run->params_json : "{}");
    query_bind_text(&query, run->triggered_by);
    query_bind_text(&query, run->triggering_user);
    query_bind_text(&query, run->note);
    return query_run(&query, error);
}

bool store_update_run(Store *store, const DagRun *run, GError **error)
{
    Query query = query_begin(
        store->conn, "UPDATE dag_run SET run_type = ?, state = ?, dag_version_id = ?, queued_at_us = ?, "
                     "start_date_us = ?, end_date_us = ?, forced_state = ?, end_reason = ?, "
                     "clear_number = ?, backfill_id = ?, conf = ?, params = ?, triggered_by = ?, note = ? "
                     "WHERE id = ?");
    query_bind_text(&query, run_type_to_string(run->type));
    query_bind_text(&query, run_state_to_string(run->state));
    query_bind_int(&query, run->dag_version_id);
    query_bind_time(&query, run->queued_at_us);
    query_bind_time(&query, run->start_date_us);
    query_bind_time(&query, run->end_date_us);
    query_bind_text(&query, forced_state_name(run));
    query_bind_text(&query, end_reason_to_string(run->end_reason));
    query_bind_int(&query, run->clear_number);
    query_bind_int_or_null(&query, run->backfill_id, 0);
    query_bind_text(&query, run->conf_json != NULL ? run->conf_json : "{}");
    query_bind_text(&query, run->params_json != NULL ? run->params_json : "{}");
    query_bind_text(&query, run->triggered_by);
    query_bind_text(&query, run->note);
    query_bind_int(&query, run->id);
    return query_run_found(&query, "DAG run", run->run_id, error);
}

bool store_delete_run(Store *store, int64_t dag_run_id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM dag_run WHERE id = ?"); /* the rest cascades */
    query_bind_int(&query, dag_run_id);
    return query_run_found(&query, "DAG run", "with that id", error);
}

static bool delete_some(Store *store, const char *sql, int64_t dag_run_id, int64_t n, GError **error)
{
    if (n == 0)
        return true;
    Query query = query_begin(store->conn, sql);
    query_bind_int(&query, dag_run_id);
    query_bind_int(&query, n);
    return query_run(&query, error);
}

bool store_delete_run_rows(Store *store, int64_t dag_run_id, const RunRows *n, GError **error)
{
    return delete_some(store,
                       "DELETE FROM hook WHERE id IN (SELECT id FROM hook INDEXED BY hook_of_run "
                       "WHERE dag_run_id = ? ORDER BY id DESC LIMIT ?)",
                       dag_run_id, n->n_hooks, error) &&
           delete_some(store,
                       "DELETE FROM xcom WHERE id IN (SELECT id FROM xcom WHERE dag_run_id = ? "
                       "ORDER BY task_id, key LIMIT ?)",
                       dag_run_id, n->n_xcoms, error) &&
           delete_some(store,
                       "DELETE FROM task_instance WHERE id IN (SELECT id FROM task_instance INDEXED BY "
                       "task_instance_of_run WHERE dag_run_id = ? ORDER BY id DESC LIMIT ?)",
                       dag_run_id, n->n_tasks, error);
}

bool store_count_run_rows(StoreConn *conn, int64_t dag_run_id, int64_t limit, RunRows *ret, GError **error)
{
    Query query = query_begin(
        conn, "SELECT (SELECT count(*) FROM (SELECT 1 FROM hook INDEXED BY hook_of_run WHERE dag_run_id = ?1 "
              "LIMIT ?2)), (SELECT count(*) FROM (SELECT 1 FROM xcom WHERE dag_run_id = ?1 LIMIT ?2)), "
              "(SELECT count(*) FROM (SELECT 1 FROM task_instance INDEXED BY task_instance_of_run WHERE "
              "dag_run_id = ?1 LIMIT ?2))");
    query_bind_int(&query, dag_run_id);
    query_bind_int(&query, limit);
    *ret = (RunRows){0};
    if (query_next(&query)) {
        ret->n_hooks = query_int(&query);
        ret->n_xcoms = query_int(&query);
        ret->n_tasks = query_int(&query);
    }
    return query_end(&query, error);
}

DagRun *run_take(Query *query)
{
    DagRun *run = g_new0(DagRun, 1);
    run->id = query_int(query);
    run->dag_id = query_dup_text(query);
    run->run_id = query_dup_text(query);
    const char *type = query_text(query);
    run->type = run_type_from_string(type);
    if (run->type == RUN_TYPE_INVALID)
        query_refuse(query, type, "type of a run");
    const char *state = query_text(query);
    run->state = run_state_from_string(state);
    if (run->state == RUN_STATE_INVALID)
        query_refuse(query, state, "state of a run");
    run->dag_version_id = query_int(query);
    run->logical_date_us = query_time(query);
    run->data_interval_start_us = query_time(query);
    run->data_interval_end_us = query_time(query);
    run->run_after_us = query_int(query);
    run->queued_at_us = query_time(query);
    run->start_date_us = query_time(query);
    run->end_date_us = query_time(query);
    run->forced_state = run_state_from_string(query_text(query));
    run->end_reason = end_reason_from_string(query_text(query));
    run->clear_number = (int32_t)query_int(query);
    run->backfill_id = query_int(query);
    run->conf_json = query_dup_text(query);
    run->params_json = query_dup_text(query);
    run->triggered_by = query_dup_text(query);
    run->triggering_user = query_dup_text(query);
    run->note = query_dup_text(query);
    return run;
}

/** The first row into `*ret`, or NULL; ends the query. */
static bool find_one(Query *query, DagRun **ret, GError **error)
{
    g_autoptr(DagRun) run = query_next(query) ? run_take(query) : NULL;
    if (!query_end(query, error))
        return false;
    *ret = g_steal_pointer(&run);
    return true;
}

DagRun *store_get_run(StoreConn *conn, const char *dag_id, const char *run_id, GError **error)
{
    Query query = query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ? AND run_id = ?");
    query_bind_text(&query, dag_id);
    query_bind_text(&query, run_id);
    DagRun *run = NULL;
    if (find_one(&query, &run, error) && run == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no DAG run %s of DAG %s", run_id, dag_id);
    return run;
}

DagRun *store_get_run_by_id(StoreConn *conn, int64_t dag_run_id, GError **error)
{
    Query query = query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run WHERE id = ?");
    query_bind_int(&query, dag_run_id);
    DagRun *run = NULL;
    if (find_one(&query, &run, error) && run == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no DAG run with the id %" G_GINT64_FORMAT,
                    dag_run_id);
    return run;
}

bool store_find_run_by_date(StoreConn *conn, const char *dag_id, int64_t logical_date_us, DagRun **ret,
                            GError **error)
{
    Query query =
        query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ? AND logical_date_us = ?");
    query_bind_text(&query, dag_id);
    query_bind_int(&query, logical_date_us);
    return find_one(&query, ret, error);
}

bool store_find_latest_run(StoreConn *conn, const char *dag_id, DagRun **ret, GError **error)
{
    Query query = query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ? "
                                    "ORDER BY run_after_us DESC, id DESC LIMIT 1");
    query_bind_text(&query, dag_id);
    return find_one(&query, ret, error);
}

bool store_find_latest_scheduled_run(StoreConn *conn, const char *dag_id, DagRun **ret, GError **error)
{
    /* The first condition follows from the second; it lets the index dag_run_automatic be used. */
    Query query =
        query_begin(conn, "SELECT " RUN_COLUMNS " FROM dag_run WHERE run_type <> 'manual' "
                          "AND run_type = 'scheduled' AND dag_id = ? AND logical_date_us IS NOT NULL "
                          "ORDER BY logical_date_us DESC LIMIT 1");
    query_bind_text(&query, dag_id);
    return find_one(&query, ret, error);
}

bool store_find_previous_run(StoreConn *conn, const char *dag_id, int64_t logical_date_us, bool any_type,
                             DagRun **ret, GError **error)
{
    Query query =
        query_begin(conn, any_type ? "SELECT " RUN_COLUMNS " FROM dag_run WHERE dag_id = ? "
                                     "AND logical_date_us < ? ORDER BY logical_date_us DESC LIMIT 1"
                                   : "SELECT " RUN_COLUMNS " FROM dag_run WHERE run_type <> 'manual' "
                                     "AND dag_id = ? AND logical_date_us < ? "
                                     "ORDER BY logical_date_us DESC LIMIT 1");
    query_bind_text(&query, dag_id);
    query_bind_int(&query, logical_date_us);
    return find_one(&query, ret, error);
}

bool store_task_ran_before(StoreConn *conn, const char *dag_id, const char *task_id, int64_t logical_date_us,
                           bool *ret, GError **error)
{
    Query query =
        query_begin(conn, "SELECT 1 FROM dag_run r CROSS JOIN task_instance t ON t.dag_run_id = r.id "
                          "AND t.task_id = ?2 WHERE r.dag_id = ?1 AND r.logical_date_us < ?3 "
                          "ORDER BY r.logical_date_us DESC LIMIT 1");
    query_bind_text(&query, dag_id);
    query_bind_text(&query, task_id);
    query_bind_int(&query, logical_date_us);
    *ret = query_next(&query);
    return query_end(&query, error);
}
