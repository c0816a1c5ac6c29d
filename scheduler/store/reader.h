/* SPDX-License-Identifier: MIT */
/**
 * Reads: rows out of the database, copied and let go of at once, so that no reader holds up a checkpoint.
 *
 * A StoreConn is either a read-only connection of its own (store_reader_open(): CLI, web threads) or the
 * writer's (store_conn()). One connection belongs to one thread at a time. Each function is one short read
 * transaction, unless the caller puts several between store_read_begin() and store_read_end().
 *
 * Getters of one row by its key return NULL with WEIR_ERROR_NOT_FOUND when there is none. Lists are
 * GPtrArrays that free their rows; `ret_total`, where there is one, may be NULL and gets the number of rows
 * without the limit.
 */
#pragma once

#include "scheduler/store/rows.h"

typedef struct StoreConn StoreConn;

/**
 * Opens read-only. WEIR_ERROR_NOT_FOUND: there is no store at `path` yet; STORE_ERROR_NEWER,
 * STORE_ERROR_OLDER: this binary is not for it.
 */
StoreConn *store_reader_open(const char *path, GError **error);
void store_reader_close(StoreConn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreConn, store_reader_close)

/** One snapshot over several reads; keep it short. Not on the writer's connection. */
bool store_read_begin(StoreConn *conn, GError **error);
void store_read_end(StoreConn *conn);

/** What this binary reads and writes. */
int32_t store_schema_version(void);

/** A page of a list. */
typedef struct {
    int64_t limit; /**< 0 = all */
    int64_t offset;
} Page;

/** From and to, both inclusive; TIME_NONE is open. */
typedef struct {
    int64_t from_us, to_us;
} TimeRange;
#define TIME_RANGE_ANY                                                                                       \
    {                                                                                                        \
        TIME_NONE, TIME_NONE                                                                                 \
    }

/* ---- DAGs ---- */

typedef struct {
    int is_paused;           /**< 0, 1, or -1 for any */
    bool include_stale;      /**< those whose file is gone too */
    const char *name_part;   /**< a part of the dag_id, in any case; NULL = any */
    const char *const *tags; /**< all of them; NULL = any */
    const char *owner;       /**< NULL = any */
    bool descending;         /**< by dag_id */
    Page page;
} DagQuery;
#define DAG_QUERY_ALL                                                                                        \
    {                                                                                                        \
        .is_paused = -1                                                                                      \
    }

DagRow *store_get_dag(StoreConn *conn, const char *dag_id, GError **error);
/** Of DagRow. */
GPtrArray *store_list_dags(StoreConn *conn, const DagQuery *wanted, int64_t *ret_total, GError **error);
/** NULL-terminated, for suggestions; g_strfreev. */
char **store_list_dag_ids(StoreConn *conn, GError **error);

/**
 * Of DagSchedule, by dag_id, for all DAGs in one query, or for one. The last run is the one with the greatest
 * logical date among those that the schedule has made, also when a backfill has taken it over since.
 */
GPtrArray *store_list_dag_schedules(StoreConn *conn, const char *dag_id, GError **error);

/** What the DAG's file says of it: RETENTION_DEFAULT for what it does not say. */
bool store_get_dag_retention(StoreConn *conn, const char *dag_id, Retention *ret, GError **error);
/** Whether any DAG's file has something deleted. */
bool store_has_dag_retention(StoreConn *conn, bool *ret, GError **error);

DagVersion *store_get_dag_version(StoreConn *conn, int64_t version_id, GError **error);
/** Of DagVersion, newest first, without source. */
GPtrArray *store_list_dag_versions(StoreConn *conn, const char *dag_id, Page page, int64_t *ret_total,
                                   GError **error);

/**
 * Versions that nothing needs: older than `before_us`, without runs, and not their DAG's latest. `dag_id`
 * may be NULL for any. Gives at most `limit` ids (int64_t), of the oldest.
 */
GArray *store_list_idle_versions(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                                 GError **error);

/** Of ImportError, by file name. */
GPtrArray *store_list_import_errors(StoreConn *conn, Page page, int64_t *ret_total, GError **error);

/* ---- runs ---- */

typedef enum {
    RUN_ORDER_RUN_AFTER,
    RUN_ORDER_ID, /**< order of creation */
    RUN_ORDER_LOGICAL_DATE,
    RUN_ORDER_START_DATE,
    RUN_ORDER_END_DATE,
    RUN_ORDER_RUN_ID,
    RUN_ORDER_STATE,
    RUN_ORDER_COUNT,
} RunOrder;

typedef struct {
    const char *dag_id;  /**< NULL = of all DAGs */
    unsigned states;     /**< bits 1 << RunState; 0 = any */
    unsigned types;      /**< bits 1 << RunType; 0 = any */
    int64_t backfill_id; /**< 0 = any */
    TimeRange run_after, logical_date, start_date, end_date;
    RunOrder order;
    bool descending;
    Page page;
} RunQuery;
#define RUN_QUERY_ALL                                                                                        \
    {                                                                                                        \
        .run_after = TIME_RANGE_ANY, .logical_date = TIME_RANGE_ANY, .start_date = TIME_RANGE_ANY,           \
        .end_date = TIME_RANGE_ANY                                                                           \
    }

DagRun *store_get_run(StoreConn *conn, const char *dag_id, const char *run_id, GError **error);
DagRun *store_get_run_by_id(StoreConn *conn, int64_t dag_run_id, GError **error);
/** Of DagRun. */
GPtrArray *store_list_runs(StoreConn *conn, const RunQuery *wanted, int64_t *ret_total, GError **error);
/** Of DagRun: all that are running, by id. What recovery begins with. */
GPtrArray *store_list_running_runs(StoreConn *conn, GError **error);
/**
 * Of DagRun: the first queued ones that a DAG has outside of backfills, or, with `dag_id` NULL, that a
 * backfill has, in the order in which they are to start.
 */
GPtrArray *store_list_queued_runs(StoreConn *conn, const char *dag_id, int64_t backfill_id, bool is_backwards,
                                  int64_t limit, GError **error);
/** Those whose store_list_queued_runs() is not empty (a DAG perhaps for its backfills only). g_strfreev() it.
 */
char **store_list_dags_with_queued_runs(StoreConn *conn, GError **error);
/** int64_t ids. */
GArray *store_list_backfills_with_queued_runs(StoreConn *conn, GError **error);

/** Of DagRun: the next `limit` runs by id, whatever they are; for going through all of them in slices. */
GPtrArray *store_list_runs_after(StoreConn *conn, int64_t after_id, int64_t limit, GError **error);

/** How many runs of a DAG are queued and running. */
bool store_count_active_runs(StoreConn *conn, const char *dag_id, int64_t *ret_queued, int64_t *ret_running,
                             GError **error);

/** The run with this logical date; `*ret` is NULL when there is none. */
bool store_find_run_by_date(StoreConn *conn, const char *dag_id, int64_t logical_date_us, DagRun **ret,
                            GError **error);
/** The newest by run_after; `*ret` is NULL when there is none. */
bool store_find_latest_run(StoreConn *conn, const char *dag_id, DagRun **ret, GError **error);
/** The one of type scheduled with the greatest logical date; `*ret` is NULL when there is none. */
bool store_find_latest_scheduled_run(StoreConn *conn, const char *dag_id, DagRun **ret, GError **error);
/**
 * The run before `logical_date_us` as depends_on_past sees it: with the greatest smaller logical date, of any
 * type if `any_type` (catchup off), else not manual. `*ret` is NULL when there is none.
 */
bool store_find_previous_run(StoreConn *conn, const char *dag_id, int64_t logical_date_us, bool any_type,
                             DagRun **ret, GError **error);

/**
 * Whether any run with a smaller logical date has a task instance of this task. Looks from the newest run
 * back, so it is quick unless there is none.
 */
bool store_task_ran_before(StoreConn *conn, const char *dag_id, const char *task_id, int64_t logical_date_us,
                           bool *ret, GError **error);

/* ---- task instances ---- */

typedef enum {
    TASK_ORDER_INDEX, /**< as the DAG file has them */
    TASK_ORDER_START_DATE,
    TASK_ORDER_END_DATE,
    TASK_ORDER_TASK_ID,
    TASK_ORDER_STATE,
    TASK_ORDER_COUNT,
} TaskOrder;

typedef struct {
    int64_t dag_run_id;
    unsigned states; /**< bits 1 << TaskState, TASK_STATE_NONE too; 0 = any */
    TaskOrder order;
    bool descending;
    Page page;
} TaskQuery;

TaskList *store_list_tasks(StoreConn *conn, const TaskQuery *wanted, int64_t *ret_total, GError **error);
/** Of all runs: those in queued, running and restarting, in the order of id. O(tasks that are scheduled or
 * later). */
TaskList *store_list_executing_tasks(StoreConn *conn, GError **error);
/** A list of one. */
TaskList *store_get_task(StoreConn *conn, int64_t dag_run_id, const char *task_id, GError **error);
TaskList *store_get_task_by_id(StoreConn *conn, int64_t ti_id, GError **error);
/** All attempts by try number: the archived ones, then the current one unless it is archived or try 0. */
TaskList *store_list_tries(StoreConn *conn, int64_t ti_id, GError **error);
/** Task instances of a run per state. */
bool store_count_task_states(StoreConn *conn, int64_t dag_run_id, int64_t ret_counts[TASK_STATE_COUNT],
                             GError **error);

/** What hangs on a run; of each kind at most `limit` are counted. */
bool store_count_run_rows(StoreConn *conn, int64_t dag_run_id, int64_t limit, RunRows *ret, GError **error);

/** The value as JSON text, which the caller frees with g_free; `*ret_value_json` is NULL when there is none.
 */
bool store_find_xcom(StoreConn *conn, int64_t dag_run_id, const char *task_id, const char *key,
                     char **ret_value_json, GError **error);
/** Of XCom, by task_id and key; `task_id` and `key` may be NULL for any. */
GPtrArray *store_list_xcoms(StoreConn *conn, int64_t dag_run_id, const char *task_id, const char *key,
                            Page page, int64_t *ret_total, GError **error);

/* ---- backfills ---- */

typedef struct {
    const char *dag_id; /**< NULL = of all DAGs */
    bool descending;    /**< by id */
    Page page;
} BackfillQuery;

Backfill *store_get_backfill(StoreConn *conn, int64_t id, GError **error);
/** Of Backfill, by id. */
GPtrArray *store_list_backfills(StoreConn *conn, const BackfillQuery *wanted, int64_t *ret_total,
                                GError **error);
/** The one of a DAG that is not completed; `*ret` is NULL when there is none. */
bool store_find_unfinished_backfill(StoreConn *conn, const char *dag_id, Backfill **ret, GError **error);
bool store_read_backfill_progress(StoreConn *conn, int64_t backfill_id, BackfillProgress *ret,
                                  GError **error);
/**
 * Ids (int64_t) of at most `limit` backfills that were completed before that time and of which no run is
 * left, of one DAG unless `dag_id` is NULL.
 */
GArray *store_list_idle_backfills(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                                  GError **error);
/** Whether the run stands at the first date of that backfill. */
bool store_is_first_of_backfill(StoreConn *conn, int64_t backfill_id, int64_t dag_run_id, bool *ret,
                                GError **error);

/* ---- hooks ---- */

typedef struct {
    const char *dag_id; /**< NULL = of all DAGs */
    int64_t dag_run_id; /**< 0 = of all runs */
    HookState state;    /**< HOOK_STATE_INVALID = any */
    bool descending;    /**< by id */
    Page page;
} HookQuery;
#define HOOK_QUERY_ALL                                                                                       \
    {                                                                                                        \
        .state = HOOK_STATE_INVALID                                                                          \
    }

Hook *store_get_hook(StoreConn *conn, int64_t id, GError **error);
/** Of Hook, by id. */
GPtrArray *store_list_hooks(StoreConn *conn, const HookQuery *wanted, int64_t *ret_total, GError **error);
/** Of Hook: at most `limit` queued ones that may start at `now_us`, first come first. */
GPtrArray *store_list_due_hooks(StoreConn *conn, int64_t now_us, int64_t limit, GError **error);
/** When the first queued one that is not due at `after_us` may start; TIME_NONE if there is none. */
bool store_next_hook_time(StoreConn *conn, int64_t after_us, int64_t *ret_us, GError **error);
/** Of Hook, by id: those that are, or may be, with an executor. */
GPtrArray *store_list_running_hooks(StoreConn *conn, GError **error);
/** Hooks of a run that are queued or running. */
bool store_count_unfinished_hooks(StoreConn *conn, int64_t dag_run_id, int64_t *ret, GError **error);

/* ---- pools, audit log ---- */

Pool *store_get_pool(StoreConn *conn, const char *name, GError **error);
/** Of Pool, by name, with slot counts. */
GPtrArray *store_list_pools(StoreConn *conn, GError **error);

typedef struct {
    const char *dag_id, *run_id, *task_id, *event, *owner; /**< NULL = any */
    TimeRange when;
    bool ascending; /**< default: newest first */
    Page page;
} EventQuery;
#define EVENT_QUERY_ALL                                                                                      \
    {                                                                                                        \
        .when = TIME_RANGE_ANY                                                                               \
    }

/** Of EventLog. */
GPtrArray *store_list_events(StoreConn *conn, const EventQuery *wanted, int64_t *ret_total, GError **error);

/** Ids (int64_t) of at most `limit` events from before that time, of one DAG unless `dag_id` is NULL. */
GArray *store_list_old_events(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                              GError **error);

/* ---- upkeep ---- */

/**
 * Copies the whole database, as of now, into a new file at `path` (0600), synced; it must not exist. Writers
 * go on meanwhile, but their log is not emptied before this is done.
 */
bool store_copy_to(StoreConn *conn, const char *path, GError **error);
/**
 * Checks the file: all pages and indexes if `thorough`, else the quick way; then foreign keys; then what must
 * hold between rows (a finished run has no unfinished task, ...). True when it could be done; `ret_problems`
 * gets a line for each finding (empty = sound), of char *.
 */
bool store_check(StoreConn *conn, bool thorough, GPtrArray **ret_problems, GError **error);
