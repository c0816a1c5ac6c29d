/* SPDX-License-Identifier: MIT */
#include "scheduler/store/writer.h"

/** From state on, in the order of all statements below. */
static void bind_mutable(Query *query, const TaskInstance *ti)
{
    query_bind_text(query, task_state_to_string(ti->state));
    query_bind_text(query, end_reason_to_string(ti->end_reason));
    query_bind_int(query, ti->try_number);
    query_bind_int(query, ti->max_tries);
    query_bind_int_or_null(query, ti->exit_code, EXIT_CODE_NONE);
    query_bind_int_or_null(query, ti->term_signal, 0);
    query_bind_int_or_null(query, ti->pid, 0);
    query_bind_time(query, ti->scheduled_us);
    query_bind_time(query, ti->queued_us);
    query_bind_time(query, ti->start_date_us);
    query_bind_time(query, ti->end_date_us);
    query_bind_text(query, ti->pool);
    query_bind_int(query, ti->pool_slots);
    query_bind_int(query, ti->priority_weight);
    query_bind_text(query, ti->operator_name);
}

bool store_insert_tasks(Store *store, const TaskInstance *items, size_t n, GError **error)
{
    if (n == 0)
        return true;
    Query query = query_begin(
        store->conn, "INSERT INTO task_instance (id, dag_run_id, task_id, state, end_reason, try_number, "
                     "max_tries, exit_code, term_signal, pid, scheduled_us, queued_us, start_date_us, "
                     "end_date_us, pool, pool_slots, priority_weight, operator, retry_at_us) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (size_t i = 0; i < n; i++) {
        query_bind_int(&query, items[i].id);
        query_bind_int(&query, items[i].dag_run_id);
        query_bind_text(&query, items[i].task_id);
        bind_mutable(&query, &items[i]);
        query_bind_time(&query, items[i].retry_at_us);
        if (!query_run_again(&query, error))
            return false;
    }
    return query_end(&query, error);
}

bool store_update_task(Store *store, const TaskInstance *ti, GError **error)
{
    Query query = query_begin(
        store->conn, "UPDATE task_instance SET state = ?, end_reason = ?, try_number = ?, max_tries = ?, "
                     "exit_code = ?, term_signal = ?, pid = ?, scheduled_us = ?, queued_us = ?, "
                     "start_date_us = ?, end_date_us = ?, pool = ?, pool_slots = ?, priority_weight = ?, "
                     "operator = ?, retry_at_us = ? WHERE id = ?");
    bind_mutable(&query, ti);
    query_bind_time(&query, ti->retry_at_us);
    query_bind_int(&query, ti->id);
    return query_run_found(&query, "task instance", ti->task_id, error);
}

bool store_archive_attempt(Store *store, const TaskInstance *ti, GError **error)
{
    /* Not OR IGNORE: that would forgive a broken CHECK too. */
    Query query =
        query_begin(store->conn,
                    "INSERT INTO task_instance_history (ti_id, state, end_reason, try_number, max_tries, "
                    "exit_code, term_signal, pid, scheduled_us, queued_us, start_date_us, end_date_us, pool, "
                    "pool_slots, priority_weight, operator) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT (ti_id, try_number) DO NOTHING");
    query_bind_int(&query, ti->id);
    bind_mutable(&query, ti);
    return query_run(&query, error);
}
