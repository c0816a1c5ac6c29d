/* SPDX-License-Identifier: MIT */
#include "scheduler/store/writer.h"

/* The condition on the state is word for word that of the index task_instance_active, which makes it usable.
 * A task that is being restarted still has its process, so it counts as running. */
#define POOL_SELECT                                                                                          \
    "SELECT p.name, p.slots, p.description, p.include_deferred, "                                            \
    "coalesce(sum(t.pool_slots) FILTER (WHERE t.state IN ('running', 'restarting')), 0), "                   \
    "coalesce(sum(t.pool_slots) FILTER (WHERE t.state = 'queued'), 0), "                                     \
    "coalesce(sum(t.pool_slots) FILTER (WHERE t.state = 'scheduled'), 0), "                                  \
    "coalesce(sum(t.pool_slots) FILTER (WHERE t.state = 'deferred'), 0) "                                    \
    "FROM pool p LEFT JOIN task_instance t ON t.pool = p.name "                                              \
    "AND (t.state = 'scheduled' OR t.state = 'queued' OR t.state = 'running' OR t.state = 'deferred' "       \
    "OR t.state = 'restarting') "

bool store_put_pool(Store *store, const Pool *pool, GError **error)
{
    Query query = query_begin(
        store->conn, "INSERT INTO pool (name, slots, description, include_deferred) VALUES (?, ?, ?, ?) "
                     "ON CONFLICT (name) DO UPDATE SET slots = excluded.slots, "
                     "description = excluded.description, include_deferred = excluded.include_deferred");
    query_bind_text(&query, pool->name);
    query_bind_int(&query, pool->slots);
    query_bind_text(&query, pool->description);
    query_bind_int(&query, pool->include_deferred);
    return query_run(&query, error);
}

bool store_delete_pool(Store *store, const char *name, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM pool WHERE name = ?");
    query_bind_text(&query, name);
    return query_run_found(&query, "pool", name, error);
}

static Pool *take_pool(Query *query)
{
    Pool *pool = g_new0(Pool, 1);
    pool->name = query_dup_text(query);
    pool->slots = (int32_t)query_int(query);
    pool->description = query_dup_text(query);
    pool->include_deferred = query_int(query) != 0;
    pool->running_slots = query_int(query);
    pool->queued_slots = query_int(query);
    pool->scheduled_slots = query_int(query);
    pool->deferred_slots = query_int(query);
    pool->occupied_slots =
        pool->running_slots + pool->queued_slots + (pool->include_deferred ? pool->deferred_slots : 0);
    pool->open_slots = pool->slots < 0 ? INT64_MAX : pool->slots - pool->occupied_slots;
    return pool;
}

Pool *store_get_pool(StoreConn *conn, const char *name, GError **error)
{
    Query query = query_begin(conn, POOL_SELECT "WHERE p.name = ? GROUP BY p.name");
    query_bind_text(&query, name);
    g_autoptr(Pool) pool = query_next(&query) ? take_pool(&query) : NULL;
    if (!query_end(&query, error))
        return NULL;
    if (pool == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no pool %s", name);
    return g_steal_pointer(&pool);
}

GPtrArray *store_list_pools(StoreConn *conn, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)pool_free);
    Query query = query_begin(conn, POOL_SELECT "GROUP BY p.name ORDER BY p.name");
    while (query_next(&query))
        g_ptr_array_add(rows, take_pool(&query));
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}
