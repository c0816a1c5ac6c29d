/* SPDX-License-Identifier: MIT */
/**
 * The state machine of all active runs: (state, event, now) -> changes + effects.
 *
 * Pure: no I/O, no clock, no threads, no randomness. The caller says what happened and when; the engine
 * changes its records in memory and collects what must be written and what must then be done. The caller's
 * turn is
 *
 *     engine_...(events of this turn, now_us)
 *     out = engine_output(engine);  write out->created_runs, ->runs, ->tasks, ->archived, ->notices;  COMMIT
 *     carry out out->effects;  engine_output_clear(engine)
 *
 * in that order: effects only after the commit. Each effect can be derived again from the committed rows, so
 * a caller that dies anywhere loses nothing: it loads the unfinished runs, tells the engine what the
 * executors know, and ticks.
 *
 * All pointers the engine hands out are valid until the next call that takes a non-const Engine.
 * A call with a run or attempt that the engine does not know is ignored or answered with false, as said
 * there.
 */
#pragma once

#include "scheduler/model/dag.h"
#include "scheduler/model/records.h"

typedef struct Engine Engine;

/* ---- Life cycle and settings ------------------------------------------------------------------------- */

/** `parallelism`: attempts that may be with executors at once, over all DAGs. */
Engine *engine_new(int parallelism);
void engine_free(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_free)

/** Creates or changes a pool. `slots` -1 = unlimited. A task whose pool does not exist waits for it. */
void engine_set_pool(Engine *engine, const char *name, int slots);
/** Forgets a pool; its queued and running tasks go on. */
void engine_remove_pool(Engine *engine, const char *name);
/** False if there is no such pool; `ret_slots` as in engine_set_pool(). */
bool engine_get_pool(const Engine *engine, const char *name, int *ret_slots);
/**
 * While starts are held nothing new goes to executors: what is ready stays scheduled, and everything else
 * goes on. Letting go hands out the free slots.
 */
void engine_set_starts_held(Engine *engine, bool are_held, int64_t now_us);
/** What holds for all runs of a DAG; to be called before its first run, and again when it changes. */
void engine_set_dag(Engine *engine, const char *dag_id, bool paused, int max_active_runs);

/** What holds for all runs of a backfill, which do not count for the max_active_runs of their DAG. */
typedef struct {
    int64_t id;        /**< DagRun.backfill_id, > 0 */
    bool is_paused;    /**< its queued runs do not start; those that run go on */
    bool is_backwards; /**< the latest logical date first; stays as it was said first */
    int max_active_runs;
} EngineBackfill;

/** To be called before its first run, and again when it changes. The next engine_tick() acts on it. */
void engine_set_backfill(Engine *engine, const EngineBackfill *backfill);

/* ---- Runs -------------------------------------------------------------------------------------------- */

/** How the same tasks fared in the previous run; needed for DAGs with any_depends_on_past only. */
typedef struct {
    int64_t dag_run_id; /**< DagRun.id of the previous run; 0 = none: depends_on_past holds for all tasks */
    /**
     * Per task index of this run's Dag: its TaskState in the previous run; PAST_FIRST when it has no row
     * there and none in any earlier run (may run), PAST_MISSING when it has none there but ran before
     * (waits). Used while the previous run itself is not in the engine. NULL = all PAST_FIRST.
     */
    const int8_t *states;
} EnginePast;
#define PAST_FIRST   ((int8_t)-1)
#define PAST_MISSING ((int8_t)-2)

typedef enum {
    ENGINE_RUN_NORMAL = 0,
    /** Only results of live attempts are taken in; nothing is scheduled, no timer runs. */
    ENGINE_RUN_HELD = 1 << 0,
    /** Goes on although its DAG is paused. */
    ENGINE_RUN_IGNORES_PAUSE = 1 << 1,
} EngineRunFlags;

/**
 * A new run, in state queued (started at once when max_active_runs allows). `run` is copied, `dag`
 * referenced. Its task instances get the row ids first_ti_id, first_ti_id + 1, ... in the order of
 * dag->tasks. `past` may be NULL.
 */
void engine_create_run(Engine *engine, const DagRun *row, Dag *dag, int64_t first_ti_id,
                       const EnginePast *past, EngineRunFlags flags, int64_t now_us);

/**
 * A run from the store, finished ones too (to clear or mark them). `rows`: all its task instances in any
 * order; task ids are matched with `dag`, and those it does not have are kept as they are. Emits no changes
 * by itself: attempts in queued, running and restarting count as live until engine_attempt_finished() or
 * engine_attempt_not_started(). After the load of an unfinished run nothing at all is decided before the next
 * engine_tick(), which the caller owes once it has told what the executors know; a finished run needs none.
 * False if the run is in the engine already.
 */
bool engine_load_run(Engine *engine, const DagRun *run, Dag *dag, const TaskInstance *rows, size_t n_rows,
                     const EnginePast *past, EngineRunFlags flags);

/**
 * Makes a finished run, which is to be cleared next, one of a backfill: its type, backfill_id and
 * triggered_by; `conf_json` and `params_json` too unless they are NULL. False if unknown or not finished.
 */
bool engine_set_run_backfill(Engine *engine, int64_t dag_run_id, int64_t backfill_id, const char *conf_json,
                             const char *params_json);

/** What the templates of a run see from now on, with another version of its DAG. False if unknown. */
bool engine_set_run_params(Engine *engine, int64_t dag_run_id, const char *params_json);

/** Changes a run's flags (a held run is handed over, ...). False if unknown. */
bool engine_set_run_flags(Engine *engine, int64_t dag_run_id, EngineRunFlags flags, int64_t now_us);

/**
 * Moves a run to another version of its DAG: tasks match by id; vanished ones become removed, new ones get
 * row ids from first_ti_id on, and queue a finished run again. Not for a run that was created, or gained
 * tasks in this way, since engine_output_clear(). False if the run is unknown.
 */
bool engine_set_run_version(Engine *engine, int64_t dag_run_id, Dag *dag, int64_t dag_version_id,
                            int64_t first_ti_id, int64_t now_us);

/**
 * Drops a run from memory; its rows stay. Only when its output has been written; false if an attempt is live.
 * The place of a running one is given to another at the next engine_tick().
 */
bool engine_forget_run(Engine *engine, int64_t dag_run_id);

/* ---- What executors report --------------------------------------------------------------------------- */

typedef struct {
    EndReason reason;    /**< END_EXIT_CODE also for exit code 0 */
    int32_t exit_code;   /**< EXIT_CODE_NONE if there is none */
    int32_t term_signal; /**< 0 = none */
    int64_t end_us;      /**< wall clock */
} AttemptOutcome;

/** The attempt's process has started. Late or repeated reports are ignored. */
void engine_attempt_started(Engine *engine, AttemptId attempt, int64_t pid, int64_t start_us, int64_t now_us);

/**
 * The attempt has ended, or its outcome will never be known (END_LOST). What it makes of the task follows
 * from the task's state: success, skipped, up_for_retry, failed; a task cleared meanwhile starts anew; one
 * marked meanwhile keeps its mark. Returns whether the attempt was live; only then it changed anything.
 */
bool engine_attempt_finished(Engine *engine, AttemptId attempt, const AttemptOutcome *outcome,
                             int64_t now_us);

/**
 * No executor has a trace of this live attempt, and it is certain that it was never started: a queued one is
 * started (again an effect), or scheduled again while starts are held; one that was to be canceled is done.
 * Of a held run it stays queued, and is to be asked for again when the run is let go. False if not live.
 */
bool engine_attempt_not_started(Engine *engine, AttemptId attempt, int64_t now_us);

/**
 * An executor still has a process of an attempt whose row says otherwise, or of a later try than the row
 * knows, from before the database was put back: it is live until it is reported gone, and the task starts
 * nothing.
 */
bool engine_attempt_stray(Engine *engine, AttemptId attempt, int64_t now_us);

/* ---- What users ask ---------------------------------------------------------------------------------- */

/**
 * Clears the tasks at `indexes` of a run, as Airflow: the attempt goes to history, the task gets its retries
 * again, a running one is ended and restarts at once, a finished run is queued again. Returns how many were
 * cleared; 0 changes nothing. Unknown run: 0.
 */
guint engine_clear_tasks(Engine *engine, int64_t dag_run_id, const uint32_t *indexes, guint n,
                         int64_t now_us);

/**
 * Marks tasks success, failed or skipped; ends their processes; then clears all their transitive downstream
 * tasks in failed or upstream_failed, which queues a finished run again. Returns how many changed state.
 */
guint engine_mark_tasks(Engine *engine, int64_t dag_run_id, const uint32_t *indexes, guint n, TaskState state,
                        int64_t now_us);

/**
 * Ends a run: RUN_STATE_SUCCESS sets all tasks success; RUN_STATE_FAILED sets executing ones failed and other
 * unfinished ones skipped; RUN_STATE_QUEUED changes the run's state only. The run takes the state once none
 * of its attempts is alive. `reason`: END_MARKED, END_CANCELED; a task that is skipped because its run was
 * marked has END_RUN_ENDED. False if unknown.
 */
bool engine_mark_run(Engine *engine, int64_t dag_run_id, RunState state, EndReason reason, int64_t now_us);

/* ---- Time -------------------------------------------------------------------------------------------- */

/** When engine_tick() must be called next (retry, dagrun_timeout); TIME_NONE = no timer. */
int64_t engine_next_timer(const Engine *engine);
/** Fires what is due at `now_us`, and settles what loading left open. */
void engine_tick(Engine *engine, int64_t now_us);

/* ---- Output ------------------------------------------------------------------------------------------ */

typedef enum {
    EFFECT_START,  /**< hand the attempt to its executor; state is queued */
    EFFECT_CANCEL, /**< end the attempt's process; the executor then reports its end, or that it has none */
    EFFECT_RUN_STARTED,  /**< the run left queued */
    EFFECT_RUN_FINISHED, /**< the run is finished and none of its attempts is alive */
} EffectKind;

typedef struct {
    EffectKind kind;
    int64_t dag_run_id;
    AttemptId attempt; /**< of START and CANCEL */
} EngineEffect;

/**
 * Something that has a hook in its DAG has ended by itself: an attempt, or a run. Exactly one for each such
 * end, in the output that has the end; none for what users set by hand, nor for what was skipped or
 * upstream_failed.
 */
typedef struct {
    HookEvent event;
    int64_t dag_run_id;
    TaskInstance
        attempt;        /**< by value, as it ended: success, failed or up_for_retry; task_id NULL: the run */
    RunState run_state; /**< of a run: success or failed, and ... */
    EndReason run_reason; /**< ... why */
} EngineNotice;

/** What changed since engine_output_clear(), each row once, as it is now. */
typedef struct {
    GArray *created_runs;   /**< int64_t DagRun.id: insert the run and all its task instances */
    GPtrArray *runs;        /**< const DagRun *: update; not those of created_runs */
    GPtrArray *tasks;       /**< const TaskInstance *: update; not those of created_runs */
    GPtrArray *added_tasks; /**< const TaskInstance *: insert (a run's version changed) */
    GArray *archived;       /**< TaskInstance by value: an attempt as it ended, to be kept in history */
    GArray *notices;        /**< EngineNotice by value: a hook to be kept, and then to be run */
    GArray *effects;        /**< EngineEffect, in order */
} EngineOutput;

const EngineOutput *engine_output(Engine *engine);
bool engine_has_output(const Engine *engine);
void engine_output_clear(Engine *engine);

/* ---- Looking ----------------------------------------------------------------------------------------- */

const DagRun *engine_run(const Engine *engine, int64_t dag_run_id); /* NULL if unknown */
/** The run's DAG; borrowed. NULL if the run is unknown. */
Dag *engine_run_dag(const Engine *engine, int64_t dag_run_id);
EngineRunFlags engine_run_flags(const Engine *engine, int64_t dag_run_id);
/** How many runs of a DAG are queued or running here, backfills not counted: what max_active_runs limits. */
guint engine_count_active_runs(const Engine *engine, const char *dag_id);
/** Number of live attempts of a run: 0 and finished = it may be forgotten. */
guint engine_run_live(const Engine *engine, int64_t dag_run_id);
/** Task instance by index of the run's Dag; NULL if the run is unknown. */
const TaskInstance *engine_task(const Engine *engine, int64_t dag_run_id, uint32_t index);
/** Task instance by row id; `ret_index` (may be NULL) gets its task index. NULL if unknown. */
const TaskInstance *engine_task_by_id(const Engine *engine, int64_t ti_id, uint32_t *ret_index);
/** Whether an executor has, or may have, an attempt of that task. */
bool engine_task_is_live(const Engine *engine, int64_t ti_id);
/** Row ids of all runs in the engine; the caller frees the GArray of int64_t. */
GArray *engine_run_ids(const Engine *engine);
/** Attempts that executors have or should have (queued, running, restarting, or ended by hand but alive). */
guint engine_live_total(const Engine *engine);

/* ---- Why is it not running? -------------------------------------------------------------------------- */

typedef enum {
    ENGINE_CONDITION_FINISHED,  /**< nothing is left to do; ids: upstream tasks that decided it, if any did */
    ENGINE_CONDITION_EXECUTING, /**< it is: queued, running or restarting */
    ENGINE_CONDITION_STILL_ALIVE,     /**< the process of an earlier attempt has yet to end */
    ENGINE_CONDITION_RUN_ENDING,      /**< its run was canceled, marked or timed out, and ends */
    ENGINE_CONDITION_RUN_HELD,        /**< this engine does not advance its run */
    ENGINE_CONDITION_RUN_AFTER,       /**< its run is not due before at_us */
    ENGINE_CONDITION_MAX_ACTIVE_RUNS, /**< its run is queued, `limit` others run; ids: runs */
    ENGINE_CONDITION_BACKFILL_PAUSED,
    ENGINE_CONDITION_PAUSED,       /**< its DAG */
    ENGINE_CONDITION_RETRY,        /**< its next try is due at at_us */
    ENGINE_CONDITION_TRIGGER_RULE, /**< `used` of `limit` upstream tasks have finished; ids: those that have
                                      not */
    ENGINE_CONDITION_DEPENDS_ON_PAST,     /**< ids: the previous run; name: the task; past: its state there */
    ENGINE_CONDITION_WAIT_FOR_DOWNSTREAM, /**< the same for a direct downstream task */
    ENGINE_CONDITION_POOL_MISSING,        /**< name */
    ENGINE_CONDITION_POOL_TOO_SMALL,      /**< name; it wants `wanted` of `limit` slots */
    ENGINE_CONDITION_POOL_FULL,           /**< name; `wanted` wanted, `used` of `limit` held; ids: holders */
    ENGINE_CONDITION_MAX_ACTIVE_TASKS,    /**< ids: the run's tasks that are with executors */
    ENGINE_CONDITION_MAX_ACTIVE_TIS_PER_DAG, /**< ids: the same task in other runs */
    ENGINE_CONDITION_PARALLELISM,
    ENGINE_CONDITION_STARTS_HELD, /**< engine_set_starts_held() */
    ENGINE_CONDITION_COUNT,
} EngineConditionKind;

/** One thing that keeps a task from running. */
typedef struct {
    EngineConditionKind kind;
    TriggerVerdict verdict; /**< TRIGGER_RULE: WAIT, or what it will be set to */
    int64_t limit, used, wanted;
    int64_t at_us;
    int past;         /**< a TaskState, PAST_FIRST or PAST_MISSING */
    const char *name; /**< borrowed, or NULL */
    GArray *ids;      /**< int64_t: row ids of task instances; where said so, of runs */
} EngineCondition;

void engine_condition_free(gpointer condition);

/**
 * All that keeps a task from running, as of now: GPtrArray of EngineCondition, to be freed by the caller
 * before the next call. Empty: nothing, it starts with the next call that settles. NULL: no such run or task.
 * It asks what the engine itself asks, and changes nothing. O(live tasks) where holders of a limit are
 * listed.
 */
GPtrArray *engine_explain(Engine *engine, int64_t dag_run_id, uint32_t index, int64_t now_us);

/** Asserts the invariants of engine/README.md over everything in memory; O(all), for tests. */
void engine_check(const Engine *engine);
