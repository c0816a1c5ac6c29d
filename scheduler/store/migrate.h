/* SPDX-License-Identifier: MIT */
/**
 * From any older schema to ours, one file of migrations/ after the other. Private to the store.
 */
#pragma once

#include "scheduler/store/conn.h"
#include "scheduler/store/store.h"

typedef struct {
    int32_t version;
    const char *name;
    const char *sql; /**< ends with PRAGMA user_version = version */
} Migration;

typedef struct {
    const Migration *items; /**< versions 1, 2, ... */
    int32_t n_items;
} MigrationList;

/** Those of migrations/, embedded. */
extern const MigrationList store_migrations;

/** Makes a new database, in one transaction; brings an older one up to date, version by version, and copies
 * it first. Fills `report`. */
bool migrate_run(StoreConn *conn, const MigrationList *list, StoreOpenReport *report, GError **error);

/** store_open() with other migrations than the embedded ones, for tests. */
Store *store_open_with(const char *path, const MigrationList *list, StoreOpenReport *ret_report,
                       GError **error);
