/* SPDX-License-Identifier: MIT */
/**
 * Rows that are not among the records of the engine: what writers hand in and readers get back.
 *
 * Field names follow Airflow's REST JSON. A row that came from a reader owns all its strings and is freed by
 * its free function; a row handed to a writer may borrow them. Absent times are TIME_NONE.
 */
#pragma once

#include "scheduler/model/backfill.h"
#include "scheduler/model/hook.h"
#include "scheduler/model/records.h"
#include "scheduler/model/retention.h"

/** One DAG as its latest file says. */
typedef struct {
    const char *dag_id;
    bool is_paused;
    bool is_stale; /**< its file is gone */
    bool has_import_errors;
    const char *fileloc; /**< absolute path, or NULL when it came as text */
    const char *folder;
    const char *description; /**< or NULL */
    const char *owner;
    const char *timetable_summary;     /**< or NULL: manual */
    const char *timetable_description; /**< or NULL */
    const char *timezone;              /**< IANA name */
    const char *tags_json;             /**< array of strings; NULL is [] */
    int32_t max_active_runs, max_active_tasks;
    int64_t latest_version_id; /**< 0 = none yet */
    int64_t first_seen_us;     /**< kept from the first write */
    int64_t last_parsed_us;
} DagRow;

void dag_row_free(DagRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DagRow, dag_row_free)

/** What scheduling needs of a DAG: its row, and its last scheduled run. */
typedef struct {
    const char *dag_id;
    const char *fileloc; /**< or NULL */
    bool is_paused, is_stale, has_import_errors;
    int64_t first_seen_us;
    int64_t latest_version_id; /**< 0 = none yet */
    bool has_last_run;         /**< only then the dates below are set */
    int64_t last_logical_date_us, last_data_interval_start_us, last_data_interval_end_us, last_run_after_us;
} DagSchedule;

void dag_schedule_free(DagSchedule *schedule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DagSchedule, dag_schedule_free)

/** A DAG file as it was: runs are pinned to one. */
typedef struct {
    int64_t id;
    const char *dag_id;
    int32_t version_number;   /**< 1, 2, ... per DAG */
    const char *content_hash; /**< SHA-256 of folder and source, hex; computed by the store */
    const char *fileloc;      /**< where it was when first seen, or NULL */
    const char *folder;
    const char *source; /**< the YAML text */
    int64_t created_us;
} DagVersion;

void dag_version_free(DagVersion *version);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DagVersion, dag_version_free)

/** What hangs on a run, in the order in which it is deleted in parts. */
typedef struct {
    int64_t n_hooks, n_xcoms, n_tasks;
} RunRows;

/** Task instances in one block: `items` and their strings live as long as the list. */
typedef struct {
    TaskInstance *items;
    size_t n_items;
    GStringChunk *strings; /**< private */
} TaskList;

void task_list_free(TaskList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TaskList, task_list_free)

typedef struct {
    int64_t dag_run_id;
    const char *task_id;
    const char *key;
    const char *value_json;
    int64_t timestamp_us;
} XCom;

void xcom_free(XCom *xcom);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XCom, xcom_free)

typedef struct {
    const char *name;
    int32_t slots;           /**< -1 = no limit */
    const char *description; /**< or NULL */
    bool include_deferred;   /**< deferred tasks hold their slots */
    /* Filled by readers: sums of pool_slots. */
    int64_t occupied_slots; /**< queued and running, and deferred if include_deferred */
    int64_t running_slots, queued_slots, scheduled_slots, deferred_slots;
    int64_t open_slots; /**< INT64_MAX when there is no limit; negative when the pool was made smaller */
} Pool;

void pool_free(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)

/** A request to run past dates. */
typedef struct {
    int64_t id;
    const char *dag_id;
    int64_t from_date_us, to_date_us; /**< of logical dates, both inclusive */
    ReprocessBehavior reprocess_behavior;
    bool run_backwards;
    int32_t max_active_runs;
    bool is_paused;
    const char *conf_json;       /**< an object, or NULL: none was given */
    const char *triggering_user; /**< or NULL */
    int64_t created_at_us, updated_at_us;
    int64_t completed_at_us; /**< TIME_NONE while a run of it is queued or running */
} Backfill;

Backfill *backfill_copy(const Backfill *backfill);
void backfill_free(Backfill *backfill);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Backfill, backfill_free)

/** One date of a backfill: its run, or why it has none. */
typedef struct {
    int64_t logical_date_us;
    int64_t dag_run_id; /**< 0 = none */
    BackfillException exception;
} BackfillDate;

/** How far a backfill is. A run that another backfill did again counts as done. */
typedef struct {
    int64_t n_runs;    /**< all, finished or not */
    int64_t n_skipped; /**< dates that were left alone */
    int64_t n_queued, n_running, n_failed;
    int64_t mean_duration_us; /**< of finished runs; TIME_NONE: none has finished by itself */
    int64_t n_canceled;       /**< failed because somebody ended them; not in n_failed */
} BackfillProgress;

/** One hook that is to be run, or was: what it tells of, and how far it is. */
typedef struct {
    int64_t id; /**< given by the store */
    int64_t dag_run_id;
    const char *dag_id, *run_id; /**< filled by readers */
    const char *task_id;         /**< NULL: of the run */
    HookEvent event;
    int32_t try_number; /**< of the attempt it tells of; 0 = of the run */
    int32_t max_tries;
    TaskState told_state; /**< success, failed or up_for_retry */
    EndReason told_reason;
    int32_t told_exit_code;   /**< EXIT_CODE_NONE if there is none */
    int32_t told_term_signal; /**< 0 = none */
    HookState state;
    int32_t attempt;      /**< of the hook itself: 0 before the first */
    EndReason end_reason; /**< of its latest attempt that has ended, and ... */
    int32_t exit_code, term_signal;
    int64_t created_at_us;
    int64_t next_attempt_us; /**< in queued: not before */
    int64_t start_date_us;   /**< of the latest attempt */
    int64_t end_date_us;     /**< in success and failed */
} Hook;

void hook_free(Hook *hook);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hook, hook_free)

/** One row of the audit log: who did what, when, to what. */
typedef struct {
    int64_t event_log_id; /**< given by the store */
    int64_t when_us;
    const char *event;      /**< "trigger_dag_run", "clear", ... */
    const char *owner;      /**< who; NULL = weir itself */
    const char *dag_id;     /**< or NULL */
    const char *run_id;     /**< or NULL */
    const char *task_id;    /**< or NULL */
    int32_t try_number;     /**< 0 = none */
    const char *extra_json; /**< or NULL */
} EventLog;

void event_log_free(EventLog *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EventLog, event_log_free)

/** What is wrong with one DAG file; one row a file. */
typedef struct {
    int64_t import_error_id; /**< given by the store */
    const char *filename;
    int64_t timestamp_us;
    const char *stack_trace; /**< Airflow's word: all errors of the file, one a line */
} ImportError;

void import_error_free(ImportError *import_error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportError, import_error_free)
