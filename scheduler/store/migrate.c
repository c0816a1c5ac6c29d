/* SPDX-License-Identifier: MIT */
#include "scheduler/store/migrate.h"

#include "scheduler/model/crash_point.h"
#include "scheduler/store/query.h"

/** weir.db.bak-v3, or weir.db.bak-v3.2 if that is taken: an older copy is never overwritten. */
static char *free_copy_path(const char *path, int32_t version)
{
    char *copy = g_strdup_printf("%s.bak-v%d", path, version);
    for (int i = 2; g_file_test(copy, G_FILE_TEST_EXISTS); i++) {
        g_free(copy);
        copy = g_strdup_printf("%s.bak-v%d.%d", path, version, i);
    }
    return copy;
}

static bool foreign_keys_hold(StoreConn *conn, GError **error)
{
    Query query = query_begin_once(conn, "PRAGMA foreign_key_check");
    g_autofree char *table = query_next(&query) ? query_dup_text(&query) : NULL;
    if (!query_end(&query, error))
        return false;
    if (table != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "rows of table %s refer to rows that are not there", table);
    return table == NULL;
}

static bool apply_one(StoreConn *conn, const Migration *migration, GError **error)
{
    int32_t version = 0;
    bool ok = conn_exec(conn, migration->sql, error) && foreign_keys_hold(conn, error) &&
              conn_read_version(conn, &version, error);
    if (ok && version != migration->version) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "it sets user_version %d", version);
        ok = false;
    }
    if (!ok)
        g_prefix_error(error, "migration %s failed and was undone: ", migration->name);
    return ok;
}

/** `n` of them in one transaction. */
static bool apply(StoreConn *conn, const Migration *migrations, int32_t n, GError **error)
{
    /* Off, so that a table can be rebuilt; inside a transaction the pragma does nothing. */
    if (!conn_exec(conn, "PRAGMA foreign_keys = OFF", error) || !conn_exec(conn, "BEGIN IMMEDIATE", error))
        return false;
    bool ok = true;
    for (int32_t i = 0; ok && i < n; i++)
        ok = apply_one(conn, &migrations[i], error);
    ok = ok && conn_exec(conn, "COMMIT", error);
    if (!ok && !sqlite3_get_autocommit(conn->db))
        conn_exec(conn, "ROLLBACK", NULL);
    return conn_exec(conn, "PRAGMA foreign_keys = ON", ok ? error : NULL) && ok;
}

bool migrate_run(StoreConn *conn, const MigrationList *list, StoreOpenReport *report, GError **error)
{
    int32_t version = 0;
    if (!conn_read_version(conn, &version, error))
        return false;
    report->created = version == 0;
    report->version_before = version;
    report->version_after = version;
    if (version == list->n_items)
        return true;
    if (version > 0) {
        report->copy_path = free_copy_path(conn->path, version);
        if (!store_copy_to(conn, report->copy_path, error)) {
            g_prefix_error(error, "not upgraded, because no copy could be made first: ");
            g_clear_pointer(&report->copy_path, g_free);
            return false;
        }
        CRASH_POINT("store.copied");
    }
    /* A new one is made whole: who looks meanwhile finds none, and not one of a weir that never was. */
    int32_t n_at_once = version == 0 ? list->n_items : 1;
    for (int32_t i = version; i < list->n_items; i += n_at_once) {
        if (!apply(conn, &list->items[i], n_at_once, error))
            return false;
        report->version_after = list->items[i + n_at_once - 1].version;
        CRASH_POINT("store.migrated");
    }
    return true;
}
