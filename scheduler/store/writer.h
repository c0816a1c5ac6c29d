/* SPDX-License-Identifier: MIT */
/**
 * What a Store is made of. Private to the store.
 */
#pragma once

#include "scheduler/store/query.h"
#include "scheduler/store/store.h"

struct Store {
    StoreConn *conn;
    char *db_id;
    int64_t next_run_id, next_task_id, next_backfill_id;
    int64_t page_size;
    int wal_frames;    /**< in the log after the last commit */
    int moved_frames;  /**< of them moved into the database */
    bool log_is_grown; /**< its file has its full size: store_commit() */
};
