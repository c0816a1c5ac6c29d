/* SPDX-License-Identifier: MIT */
#include "scheduler/store/reader.h"

#include "scheduler/store/migrate.h"
#include "scheduler/store/query.h"

StoreConn *store_reader_open(const char *path, GError **error)
{
    return conn_open_reader(path, store_schema_version(), error);
}

void store_reader_close(StoreConn *conn)
{
    conn_close(conn);
}

int32_t store_schema_version(void)
{
    return store_migrations.n_items;
}

bool store_read_begin(StoreConn *conn, GError **error)
{
    Query query = query_begin(conn, "BEGIN");
    return query_run(&query, error);
}

void store_read_end(StoreConn *conn)
{
    if (!sqlite3_get_autocommit(conn->db))
        conn_exec(conn, "ROLLBACK", NULL);
}
