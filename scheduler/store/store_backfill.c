/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

#define COLUMNS                                                                                              \
    "id, dag_id, from_date_us, to_date_us, reprocess_behavior, run_backwards, max_active_runs, is_paused, "  \
    "conf, triggering_user_name, created_at_us, updated_at_us, completed_at_us"

/* ---- Writes ---- */

int64_t store_next_backfill_id(Store *store)
{
    return store->next_backfill_id++;
}

bool store_insert_backfill(Store *store, const Backfill *backfill, GError **error)
{
    Query query = query_begin(store->conn, "INSERT INTO backfill (" COLUMNS
                                           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, backfill->id);
    query_bind_text(&query, backfill->dag_id);
    query_bind_int(&query, backfill->from_date_us);
    query_bind_int(&query, backfill->to_date_us);
    query_bind_text(&query, reprocess_behavior_to_string(backfill->reprocess_behavior));
    query_bind_int(&query, backfill->run_backwards);
    query_bind_int(&query, backfill->max_active_runs);
    query_bind_int(&query, backfill->is_paused);
    query_bind_text(&query, backfill->conf_json);
    query_bind_text(&query, backfill->triggering_user);
    query_bind_int(&query, backfill->created_at_us);
    query_bind_int(&query, backfill->updated_at_us);
    query_bind_time(&query, backfill->completed_at_us);
    return query_run(&query, error);
}

bool store_insert_backfill_dates(Store *store, int64_t backfill_id, const BackfillDate *items, size_t n,
                                 GError **error)
{
    Query query = query_begin(store->conn, "INSERT INTO backfill_dag_run (backfill_id, sort_ordinal, "
                                           "logical_date_us, dag_run_id, exception_reason) "
                                           "VALUES (?, ?, ?, ?, ?)");
    for (size_t i = 0; i < n; i++) {
        query_bind_int(&query, backfill_id);
        query_bind_int(&query, (int64_t)i + 1);
        query_bind_int(&query, items[i].logical_date_us);
        query_bind_int_or_null(&query, items[i].dag_run_id, 0);
        query_bind_text(&query, backfill_exception_to_string(items[i].exception));
        if (!query_run_again(&query, error))
            return false;
    }
    return query_end(&query, error);
}

bool store_update_backfill(Store *store, const Backfill *backfill, GError **error)
{
    Query query = query_begin(store->conn, "UPDATE backfill SET is_paused = ?, updated_at_us = ?, "
                                           "completed_at_us = ? WHERE id = ?");
    query_bind_int(&query, backfill->is_paused);
    query_bind_int(&query, backfill->updated_at_us);
    query_bind_time(&query, backfill->completed_at_us);
    query_bind_int(&query, backfill->id);
    return query_run_found(&query, "backfill", "with that id", error);
}

bool store_complete_backfill(Store *store, int64_t backfill_id, int64_t now_us, GError **error)
{
    Query query =
        query_begin(store->conn, "UPDATE backfill SET completed_at_us = ?1, updated_at_us = ?1 WHERE id = ?2 "
                                 "AND completed_at_us IS NULL AND NOT EXISTS (SELECT 1 FROM dag_run "
                                 "WHERE backfill_id = ?2 AND (state = 'queued' OR state = 'running'))");
    query_bind_int(&query, now_us);
    query_bind_int(&query, backfill_id);
    return query_run(&query, error);
}

bool store_delete_backfill(Store *store, int64_t backfill_id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM backfill WHERE id = ?");
    query_bind_int(&query, backfill_id);
    return query_run(&query, error);
}

/* ---- Reads ---- */

static Backfill *take_backfill(Query *query)
{
    Backfill *backfill = g_new0(Backfill, 1);
    backfill->id = query_int(query);
    backfill->dag_id = query_dup_text(query);
    backfill->from_date_us = query_int(query);
    backfill->to_date_us = query_int(query);
    backfill->reprocess_behavior = reprocess_behavior_from_string(query_text(query));
    backfill->run_backwards = query_int(query) != 0;
    backfill->max_active_runs = (int32_t)query_int(query);
    backfill->is_paused = query_int(query) != 0;
    backfill->conf_json = query_dup_text(query);
    backfill->triggering_user = query_dup_text(query);
    backfill->created_at_us = query_int(query);
    backfill->updated_at_us = query_int(query);
    backfill->completed_at_us = query_time(query);
    return backfill;
}

Backfill *store_get_backfill(StoreConn *conn, int64_t id, GError **error)
{
    Query query = query_begin(conn, "SELECT " COLUMNS " FROM backfill WHERE id = ?");
    query_bind_int(&query, id);
    g_autoptr(Backfill) backfill = query_next(&query) ? take_backfill(&query) : NULL;
    if (!query_end(&query, error))
        return NULL;
    if (backfill == NULL) /* airflow-compatible text */
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "Could not find backfill with id %" G_GINT64_FORMAT, id);
    return g_steal_pointer(&backfill);
}

bool store_find_unfinished_backfill(StoreConn *conn, const char *dag_id, Backfill **ret, GError **error)
{
    Query query = query_begin(conn, "SELECT " COLUMNS " FROM backfill INDEXED BY backfill_unfinished "
                                    "WHERE dag_id = ? AND completed_at_us IS NULL");
    query_bind_text(&query, dag_id);
    g_autoptr(Backfill) backfill = query_next(&query) ? take_backfill(&query) : NULL;
    if (!query_end(&query, error))
        return false;
    *ret = g_steal_pointer(&backfill);
    return true;
}

GPtrArray *store_list_backfills(StoreConn *conn, const BackfillQuery *wanted, int64_t *ret_total,
                                GError **error)
{
    g_auto(Filter) filter = filter_begin();
    filter_text(&filter, "dag_id = ?", wanted->dag_id);
    if (!filter_count(&filter, conn, "FROM backfill", ret_total, error))
        return NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)backfill_free);
    Query query = filter_query(&filter, conn, "SELECT " COLUMNS " FROM backfill",
                               wanted->descending ? " ORDER BY id DESC" : " ORDER BY id", wanted->page);
    while (query_next(&query))
        g_ptr_array_add(rows, take_backfill(&query));
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}

static bool count_runs(StoreConn *conn, int64_t id, BackfillProgress *ret, GError **error)
{
    Query query = query_begin(
        conn, "SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running'), "
              "count(*) FILTER (WHERE state = 'failed' AND end_reason IS NOT 'canceled'), "
              "count(*) FILTER (WHERE state = 'failed' AND end_reason = 'canceled') "
              "FROM dag_run INDEXED BY dag_run_of_backfill WHERE backfill_id = ?");
    query_bind_int(&query, id);
    if (query_next(&query)) {
        ret->n_queued = query_int(&query);
        ret->n_running = query_int(&query);
        ret->n_failed = query_int(&query);
        ret->n_canceled = query_int(&query);
    }
    return query_end(&query, error);
}

static bool count_dates(StoreConn *conn, int64_t id, BackfillProgress *ret, GError **error)
{
    Query query = query_begin(conn, "SELECT count(*) FILTER (WHERE exception_reason IS NULL), "
                                    "count(exception_reason) FROM backfill_dag_run WHERE backfill_id = ?");
    query_bind_int(&query, id);
    if (query_next(&query)) {
        ret->n_runs = query_int(&query);
        ret->n_skipped = query_int(&query);
    }
    return query_end(&query, error);
}

/* Of runs that ended by themselves. The latest hundred would need a sort of all; any thousand will do. */
static bool average_duration(StoreConn *conn, int64_t id, BackfillProgress *ret, GError **error)
{
    Query query = query_begin(
        conn, "SELECT CAST(avg(duration) AS INTEGER) FROM (SELECT end_date_us - start_date_us AS duration "
              "FROM dag_run INDEXED BY dag_run_of_backfill WHERE backfill_id = ? "
              "AND (state = 'success' OR state = 'failed') AND coalesce(end_reason, '') NOT IN "
              "('canceled', 'marked') LIMIT 1000)");
    query_bind_int(&query, id);
    ret->mean_duration_us = query_next(&query) ? query_time(&query) : TIME_NONE;
    return query_end(&query, error);
}

bool store_read_backfill_progress(StoreConn *conn, int64_t backfill_id, BackfillProgress *ret, GError **error)
{
    *ret = (BackfillProgress){.mean_duration_us = TIME_NONE};
    return count_runs(conn, backfill_id, ret, error) && count_dates(conn, backfill_id, ret, error) &&
           average_duration(conn, backfill_id, ret, error);
}

bool store_is_first_of_backfill(StoreConn *conn, int64_t backfill_id, int64_t dag_run_id, bool *ret,
                                GError **error)
{
    Query query = query_begin(conn, "SELECT dag_run_id FROM backfill_dag_run WHERE backfill_id = ? "
                                    "AND sort_ordinal = 1");
    query_bind_int(&query, backfill_id);
    *ret = query_next(&query) && query_int_or(&query, 0) == dag_run_id;
    return query_end(&query, error);
}

GArray *store_list_idle_backfills(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                                  GError **error)
{
    Query query = query_begin(
        conn, "SELECT b.id FROM backfill b WHERE b.completed_at_us < ?1 AND (?2 IS NULL OR b.dag_id = ?2) "
              "AND NOT EXISTS (SELECT 1 FROM dag_run r WHERE r.backfill_id = b.id) ORDER BY b.id LIMIT ?3");
    query_bind_int(&query, before_us);
    query_bind_text(&query, dag_id);
    query_bind_int(&query, limit);
    return query_take_ids(&query, error);
}
