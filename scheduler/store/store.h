/* SPDX-License-Identifier: MIT */
/**
 * The writer: the one connection that changes the database and does its checkpoints.
 *
 * Whoever opens it holds the lock (lock.h). Changes of one turn go into one transaction:
 *     store_begin(), any writes, store_commit(); only then the effects.
 * A write that fails leaves the transaction open and as it was before that write. After a failed
 * store_commit() call store_rollback(); if the error was STORE_ERROR_FULL the same writes may be issued again
 * later. Writes outside a transaction commit by themselves.
 *
 * Not for several threads at once. Never carried across fork() without exec.
 */
#pragma once

#include "scheduler/store/error.h"
#include "scheduler/store/reader.h"
#include "scheduler/store/rows.h"

typedef struct Store Store;

typedef struct {
    bool created;
    bool was_empty; /**< a file of no bytes was there: what a kill leaves of a first start, or of a full disk
                     */
    int32_t version_before; /**< 0 when created */
    int32_t version_after;
    char *copy_path; /**< the copy made before an upgrade, or NULL */
} StoreOpenReport;

void store_open_report_clear(StoreOpenReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreOpenReport, store_open_report_clear)

/**
 * Opens or creates the database, upgrades an older one after copying it beside itself (`weir.db.bak-vN`), and
 * refuses a newer one. `ret_report` may be NULL. Opens /dev/null for any of descriptors 0..2 that is closed,
 * lest a stray write to stderr ends in the database.
 */
Store *store_open(const char *path, StoreOpenReport *ret_report, GError **error);
/** Rolls back what is open, tidies, checkpoints, closes. NULL is allowed. */
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/** The writer's own connection, for reads that see the open transaction. */
StoreConn *store_conn(Store *store);
/** A random UUID, made with the database: tells records of another database from ours. */
const char *store_db_id(const Store *store);

bool store_begin(Store *store, GError **error);
bool store_commit(Store *store, GError **error);
/** Always succeeds; without a transaction it does nothing. */
void store_rollback(Store *store);
bool store_in_transaction(const Store *store);

typedef enum {
    CHECKPOINT_PASSIVE,  /**< as far as readers let it; waits for nobody */
    CHECKPOINT_TRUNCATE, /**< waits shortly for readers and empties the log's file */
} CheckpointMode;

/** Moves the write-ahead log into the database. Readers in the way are no error. Not inside a transaction. */
bool store_checkpoint(Store *store, CheckpointMode mode, GError **error);
/** Bytes of the write-ahead log that wait for a checkpoint. Checkpoint when idle or at STORE_WAL_HIGH. */
int64_t store_wal_bytes(const Store *store);
#define STORE_WAL_HIGH INT64_C(4194304)

/* ---- ids: from memory, never given twice, not even after deletes ---- */

int64_t store_next_run_id(Store *store);
int64_t store_next_backfill_id(Store *store);
/** The first of `n` consecutive ids. */
int64_t store_reserve_task_ids(Store *store, uint32_t n);

/* ---- DAGs ---- */

/** Stores a version by its content; the same folder and source give the id they had. */
bool store_put_dag_version(Store *store, const DagVersion *version, int64_t *ret_id, GError **error);
/** Inserts or updates. An existing row keeps its is_paused and first_seen_us. Its version comes first. */
bool store_put_dag(Store *store, const DagRow *dag, GError **error);
bool store_set_dag_paused(Store *store, const char *dag_id, bool is_paused, GError **error);
bool store_set_dag_stale(Store *store, const char *dag_id, bool is_stale, GError **error);
bool store_set_dag_import_errors(Store *store, const char *dag_id, bool has_import_errors, GError **error);
/** Inserts or replaces; the DAG is stored. */
bool store_put_dag_retention(Store *store, const char *dag_id, Retention retention, GError **error);
/** With its runs, task instances, XComs and versions; the audit log stays. */
bool store_delete_dag(Store *store, const char *dag_id, GError **error);
/** One that store_list_idle_versions() gave. */
bool store_delete_dag_version(Store *store, int64_t version_id, GError **error);
/** Makes these the only import errors; a file that had one keeps its id. */
bool store_replace_import_errors(Store *store, const ImportError *items, size_t n, GError **error);

/* ---- runs and task instances ---- */

/** The run's DAG and version must be stored. WEIR_ERROR_CONFLICT: that run id or logical date exists. */
bool store_insert_run(Store *store, const DagRun *run, GError **error);
/** All that may change: everything but id, dag_id, run_id, logical date, interval and who triggered it. */
bool store_update_run(Store *store, const DagRun *run, GError **error);
/** With all that hangs on it; a large run loses most of that by store_delete_run_rows() before. */
bool store_delete_run(Store *store, int64_t dag_run_id, GError **error);
/** So many of the rows that hang on a run: hooks, XComs, and with their tries the task instances that come
 * last. */
bool store_delete_run_rows(Store *store, int64_t dag_run_id, const RunRows *n, GError **error);

bool store_insert_tasks(Store *store, const TaskInstance *items, size_t n, GError **error);
/** All but id, dag_run_id and task_id. */
bool store_update_task(Store *store, const TaskInstance *ti, GError **error);
/** Copies an attempt that is over into the history, once: the first copy of a try number stays. */
bool store_archive_attempt(Store *store, const TaskInstance *ti, GError **error);

/** Inserts or replaces. */
bool store_put_xcom(Store *store, const XCom *xcom, GError **error);
bool store_delete_xcom(Store *store, int64_t dag_run_id, const char *task_id, const char *key,
                       GError **error);
/** All of one task instance: done when an attempt of it starts. */
bool store_delete_xcoms(Store *store, int64_t dag_run_id, const char *task_id, GError **error);

/* ---- backfills ---- */

/** With its id. WEIR_ERROR_CONFLICT: the DAG has an unfinished one. */
bool store_insert_backfill(Store *store, const Backfill *backfill, GError **error);
/** Its dates in the order in which they are to run. */
bool store_insert_backfill_dates(Store *store, int64_t backfill_id, const BackfillDate *items, size_t n,
                                 GError **error);
/** is_paused, updated_at and completed_at. */
bool store_update_backfill(Store *store, const Backfill *backfill, GError **error);
/** Completes it if no run of it is queued or running; else, and when it is completed already, does nothing.
 */
bool store_delete_backfill(Store *store, int64_t backfill_id, GError **error);
bool store_complete_backfill(Store *store, int64_t backfill_id, int64_t now_us, GError **error);

/* ---- hooks ---- */

/** Queued, without attempts: of `hook` only what it tells of, created_at and next_attempt count. */
bool store_insert_hook(Store *store, const Hook *hook, GError **error);
/** How far it is. */
bool store_update_hook(Store *store, const Hook *hook, GError **error);

/* ---- pools, audit log ---- */

/** Inserts or replaces the slots, description and include_deferred. */
bool store_put_pool(Store *store, const Pool *pool, GError **error);
/** WEIR_ERROR_CONFLICT for default_pool. */
bool store_delete_pool(Store *store, const char *name, GError **error);

bool store_delete_event(Store *store, int64_t event_log_id, GError **error);
/** Appends; `ret_id` may be NULL. */
bool store_add_event(Store *store, const EventLog *event, int64_t *ret_id, GError **error);
