/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"
#include "scheduler/store/writer.h"

#include <string.h>

static char *hash_content(const DagVersion *version)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    /* With the terminating 0 of the folder, so that no text can be moved from one to the other. */
    g_checksum_update(checksum, (const guchar *)version->folder, (gssize)strlen(version->folder) + 1);
    g_checksum_update(checksum, (const guchar *)version->source, -1);
    return g_strdup(g_checksum_get_string(checksum));
}

bool store_put_dag_version(Store *store, const DagVersion *version, int64_t *ret_id, GError **error)
{
    g_autofree char *hash = hash_content(version);
    Query query =
        query_begin(store->conn, "SELECT id FROM dag_version WHERE dag_id = ? AND content_hash = ?");
    query_bind_text(&query, version->dag_id);
    query_bind_text(&query, hash);
    bool known = query_next(&query);
    if (known)
        *ret_id = query_int(&query);
    if (!query_end(&query, error) || known)
        return known;

    query = query_begin(store->conn,
                        "INSERT INTO dag_version (dag_id, version_number, content_hash, fileloc, folder, "
                        "source, created_us) SELECT ?1, 1 + coalesce(max(version_number), 0), ?2, ?3, ?4, "
                        "?5, ?6 FROM dag_version WHERE dag_id = ?1");
    query_bind_text(&query, version->dag_id);
    query_bind_text(&query, hash);
    query_bind_text(&query, version->fileloc);
    query_bind_text(&query, version->folder);
    query_bind_text(&query, version->source);
    query_bind_int(&query, version->created_us);
    if (!query_run(&query, error))
        return false;
    *ret_id = sqlite3_last_insert_rowid(store->conn->db);
    return true;
}

static DagVersion *take_version(Query *query)
{
    DagVersion *version = g_new0(DagVersion, 1);
    version->id = query_int(query);
    version->dag_id = query_dup_text(query);
    version->version_number = (int32_t)query_int(query);
    version->content_hash = query_dup_text(query);
    version->fileloc = query_dup_text(query);
    version->folder = query_dup_text(query);
    version->source = query_dup_text(query);
    version->created_us = query_int(query);
    return version;
}

DagVersion *store_get_dag_version(StoreConn *conn, int64_t version_id, GError **error)
{
    Query query =
        query_begin(conn, "SELECT id, dag_id, version_number, content_hash, fileloc, folder, source, "
                          "created_us FROM dag_version WHERE id = ?");
    query_bind_int(&query, version_id);
    g_autoptr(DagVersion) version = query_next(&query) ? take_version(&query) : NULL;
    if (!query_end(&query, error))
        return NULL;
    if (version == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "no DAG version %" G_GINT64_FORMAT, version_id);
    return g_steal_pointer(&version);
}

GPtrArray *store_list_dag_versions(StoreConn *conn, const char *dag_id, Page page, int64_t *ret_total,
                                   GError **error)
{
    g_auto(Filter) filter = filter_begin();
    filter_text(&filter, "dag_id = ?", dag_id);
    if (!filter_count(&filter, conn, "FROM dag_version", ret_total, error))
        return NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)dag_version_free);
    Query query =
        filter_query(&filter, conn,
                     "SELECT id, dag_id, version_number, content_hash, fileloc, folder, NULL, created_us "
                     "FROM dag_version",
                     " ORDER BY version_number DESC", page);
    while (query_next(&query))
        g_ptr_array_add(rows, take_version(&query));
    return query_end(&query, error) ? g_steal_pointer(&rows) : NULL;
}

GArray *store_list_idle_versions(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                                 GError **error)
{
    Query query = query_begin(
        conn, "SELECT v.id FROM dag_version v WHERE v.created_us < ?1 AND (?2 IS NULL OR v.dag_id = ?2) "
              "AND NOT EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_version_id = v.id) "
              "AND NOT EXISTS (SELECT 1 FROM dag d WHERE d.dag_id = v.dag_id AND d.latest_version_id = v.id) "
              "ORDER BY v.id LIMIT ?3");
    query_bind_int(&query, before_us);
    query_bind_text(&query, dag_id);
    query_bind_int(&query, limit);
    return query_take_ids(&query, error);
}

bool store_delete_dag_version(Store *store, int64_t version_id, GError **error)
{
    Query query = query_begin(store->conn, "DELETE FROM dag_version WHERE id = ?");
    query_bind_int(&query, version_id);
    return query_run(&query, error);
}
