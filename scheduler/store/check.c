/* SPDX-License-Identifier: MIT */
#include "scheduler/store/query.h"

static bool check_pages(StoreConn *conn, bool thorough, GPtrArray *problems, GError **error)
{
    Query query = query_begin_once(conn, thorough ? "PRAGMA integrity_check" : "PRAGMA quick_check");
    while (query_next(&query)) {
        char *line = query_dup_text(&query);
        if (g_strcmp0(line, "ok") == 0)
            g_free(line);
        else
            g_ptr_array_add(problems, line);
    }
    return query_end(&query, error);
}

static bool check_foreign_keys(StoreConn *conn, GPtrArray *problems, GError **error)
{
    Query query = query_begin_once(conn, "PRAGMA foreign_key_check");
    while (query_next(&query)) {
        const char *table = query_text(&query);
        int64_t row = query_int(&query);
        const char *parent = query_text(&query);
        g_ptr_array_add(problems,
                        g_strdup_printf("row %" G_GINT64_FORMAT " of %s refers to a row of %s that is not "
                                        "there",
                                        row, table, parent));
    }
    return query_end(&query, error);
}

bool store_check(StoreConn *conn, bool thorough, GPtrArray **ret_problems, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    GError *failure = NULL;
    bool ok = check_pages(conn, thorough, problems, &failure) &&
              check_foreign_keys(conn, problems, &failure) && check_rows(conn, problems, &failure);
    /* Damage that stops the check is a finding too. */
    if (!ok && g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_CORRUPT)) {
        g_ptr_array_add(problems, g_strdup(failure->message));
        g_clear_error(&failure);
        ok = true;
    }
    if (ok)
        *ret_problems = g_steal_pointer(&problems);
    else
        g_propagate_error(error, failure);
    return ok;
}
