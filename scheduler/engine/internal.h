/* SPDX-License-Identifier: MIT */
/**
 * What the engine's files share. Nobody outside of this folder includes it.
 *
 * How work flows inside one call: a state changes (task_set_state) -> the tasks that may be affected become
 * pending -> engine_settle() evaluates pending tasks until none is left, looks at the runs whose end may have
 * come, starts queued runs, and at last hands out free slots. Work lists instead of recursion: a chain of
 * 100,000 empty tasks is a loop.
 */
#pragma once

#include "scheduler/engine/engine.h"
#include "scheduler/engine/heap.h"

typedef struct EngineRun EngineRun;
typedef struct EngineTask EngineTask;
typedef struct Bucket Bucket;

/** Something due at a time: a retry, a run's timeout, a run whose run_after lies ahead. */
typedef struct {
    int64_t at_us;
    uint64_t sequence; /**< ties are FIFO */
    uint32_t position; /**< in Engine.timers */
    EngineTask *task;  /**< the task to look at, or NULL */
    EngineRun *run;    /**< the run to look at, if there is no task */
} Timer;

/** A limit that scheduled tasks wait at. Whether it is open is asked, not stored. */
typedef struct {
    Heap waiting; /**< Bucket, most urgent first */
} Gate;

/**
 * One gate per `size`, where tasks are stopped at different points: in a pool by the slots they want (a small
 * one may pass where a large one waits), in a task limit by what their version of the DAG says it is.
 */
typedef struct {
    int size;
    Gate gate;
} SizedGate;

typedef struct {
    char *name;
    bool exists;
    int slots; /**< -1 = unlimited */
    int used;
    GPtrArray *gates; /**< SizedGate */
} Pool;

/** max_active_tis_per_dag of one task over all runs of its DAG. */
typedef struct {
    char *task_id;
    int used;
    GPtrArray *gates; /**< SizedGate */
} TaskLimit;

/** Runs under one max_active_runs: those of a DAG that are in no backfill, or those of one backfill. */
typedef struct {
    int64_t backfill_id; /**< 0 = a DAG's own */
    bool paused;         /**< the backfill is */
    bool is_backwards;
    int max_active_runs;
    int n_running; /**< running runs that are not held */
    /** EngineRun in queued, not held, run_after reached: [0] wait while paused, [1] go on all the same. */
    Heap queued[2];
} RunQueue;

typedef struct {
    char *dag_id;
    bool paused;
    RunQueue own;            /**< its runs that are in no backfill */
    GHashTable *task_limits; /**< task_id -> TaskLimit */
    GPtrArray *runs;         /**< all its runs in the engine, borrowed */
    guint n_past_absent;     /**< of them, those whose previous run is not in the engine */
    Gate pause_gate;
} DagEntry;

/**
 * Scheduled tasks of one run that need exactly the same: one pool, one number of slots, one task limit. A
 * blocked bucket waits at one gate as a whole, so that a free slot costs O(log n) whatever waits.
 */
struct Bucket {
    EngineRun *run;
    Pool *pool;
    int slots;
    TaskLimit *limit;  /**< or NULL */
    int max_used;      /**< of the limit; 0 without one */
    Heap tasks;        /**< EngineTask, most urgent first; never empty while the bucket is in a heap */
    uint32_t position; /**< in Engine.active or in a gate's heap */
    Gate *at;          /**< the gate it waits at; NULL = in Engine.active or empty */
    Gate
        *came_from; /**< the gate that let it go last, which may let another go once this one is dealt with */
};

struct EngineTask {
    TaskInstance ti;
    EngineRun *run;
    UpstreamCounts upstream;
    Bucket *bucket; /**< while scheduled */
    EngineTask *next_pending;
    Timer timer;             /**< retry */
    uint32_t ready_position; /**< in bucket->tasks */
    uint32_t index;          /**< of the Dag; UINT32_MAX for a task that the Dag does not have */
    struct {
        Pool *pool;
        TaskLimit *limit;
        int slots;
    } held; /**< what it took when it went live; given back as it was, whatever its definition says by then */
    bool is_pending;
    bool is_live;     /**< an executor has, or may have, its attempt; it holds its slots */
    int32_t live_try; /**< of that attempt: its try number, but for a stray of later tries */
    bool is_dirty;    /**< in the output */
};

struct EngineRun {
    DagRun *row;
    Dag *dag;
    DagEntry *entry;
    RunQueue *queue; /**< whose limit it is under, queued or not */
    EngineRunFlags flags;
    EngineTask *tasks;     /**< dag->n_tasks, by index */
    GPtrArray *extras;     /**< EngineTask of tasks that the Dag does not have (removed), owned */
    GStringChunk *strings; /**< task ids and pools of extras, and of rows whose pool differs from the Dag's */
    uint32_t n_by_state[TASK_STATE_COUNT]; /**< over `tasks` */
    uint32_t n_unfinished;
    uint32_t n_live;         /**< over tasks and extras */
    GHashTable *buckets;     /**< Bucket, keyed by what it needs */
    Gate gate;               /**< max_active_tasks; closed while the run is queued again */
    Timer timer;             /**< queued: run_after; running: dagrun_timeout */
    uint32_t queue_position; /**< in a heap of `queue` */
    guint entry_index;       /**< in entry->runs */
    bool is_new;             /**< its rows have yet to be inserted */
    bool is_dirty;
    bool is_to_check; /**< its end may have come */
    EngineRun *next_to_check;

    int64_t past_id;       /**< DagRun.id of the previous run; 0 = none */
    int8_t *past_states;   /**< see EnginePast; NULL = all first */
    EngineRun *past_run;   /**< the previous run, while it is in the engine */
    GPtrArray *successors; /**< runs whose past_run this is */
};

struct Engine {
    int parallelism;
    guint n_live;
    bool are_starts_held;
    bool is_loading;   /**< since the load of an unfinished run, until the next tick: nothing is settled, not
                          all attempts are known */
    GHashTable *runs;  /**< DagRun.id -> EngineRun */
    GHashTable *tasks; /**< TaskInstance.id -> EngineTask */
    GHashTable *pools; /**< name -> Pool */
    GHashTable *dags;  /**< dag_id -> DagEntry */
    GHashTable *backfills; /**< id -> RunQueue */
    Heap active;           /**< Bucket that may be tried */
    Heap timers;
    uint64_t timer_sequence;
    EngineTask *pending_first, *pending_last;
    EngineRun *to_check_first, *to_check_last;
    EngineOutput output;
    GPtrArray *replaced_dags; /**< Dag versions that rows in the output may still point into */
};

/* runs.c */
EngineRun *engine_find_run(const Engine *engine, int64_t dag_run_id);
EngineTask *engine_find_task(const Engine *engine, int64_t ti_id);
DagEntry *engine_dag_entry(Engine *engine, const char *dag_id);
void run_free(Engine *engine, EngineRun *run);
void run_alloc_tasks(EngineRun *run);
/** Counters that follow from the states of all tasks, computed anew. */
void run_count(EngineRun *run);
/** A task that has not been looked at: null, with what its definition says. */
void task_init_row(EngineTask *task, int64_t ti_id);
/** A task instance of a task that the Dag does not have. */
EngineTask *run_add_extra(EngineRun *run, const TaskInstance *row);
/** Takes up a task as its row says, once the run's counters are right. */
void task_take_up(Engine *engine, EngineTask *task);
/** Takes a task out of every heap and index, so that its memory may move or go. */
void task_detach(Engine *engine, EngineTask *task);
/** Drops what the work lists still hold of a run. */
void run_drop_from_lists(Engine *engine, EngineRun *run);

/* state.c: the only writers of states, and of what follows from them by counting */
void task_set_state(Engine *engine, EngineTask *task, TaskState to);
void task_touch(Engine *engine, EngineTask *task);
void run_touch(Engine *engine, EngineRun *run);
void task_make_pending(Engine *engine, EngineTask *task);
/** No start of the attempt has been reported; what was ended by hand before has a start date all the same. */
bool task_attempt_is_unstarted(const EngineTask *task);
/** `delay_us` later, or as late as can be said. */
int64_t time_after(int64_t at_us, int64_t delay_us);
/** The attempt is with an executor from now on and holds its slots / is gone and gives them back. */
void task_go_live(Engine *engine, EngineTask *task);
void task_end_live(Engine *engine, EngineTask *task);
void engine_effect(Engine *engine, EffectKind kind, EngineRun *run, const EngineTask *task);
/** The dates of an end that no executor reports; those that are known stay. */
void task_end_dates(EngineTask *task, EndReason reason, int64_t now_us);
void task_archive(Engine *engine, const EngineTask *task, TaskState state);
/** The attempt / the run has just ended by itself, in the state it has: a notice if its DAG has a hook for
 * it. */
void task_notice(Engine *engine, const EngineTask *task, HookEvent event);
void run_notice(Engine *engine, const EngineRun *run);
void engine_set_timer(Engine *engine, Timer *timer, int64_t at_us);
bool run_is_held(const EngineRun *run);
const Task *task_definition(const EngineTask *task);

/* by_hand.c */
/** As if the task had not been looked at, with its retries anew; its try number and state stay. */
void task_reset(EngineTask *task);
/** A finished run, or one on its way to a forced end, is to go on. */
void run_reopen(Engine *engine, EngineRun *run, int64_t now_us);

/* evaluate.c */
/** Why a task is not even looked at; explain.c has them in words. */
typedef enum {
    OBSTACLE_RUN_STATE = 1 << 0,  /**< its run is not running */
    OBSTACLE_RUN_HELD = 1 << 1,   /**< another process advances the run, or nobody does */
    OBSTACLE_RUN_ENDING = 1 << 2, /**< the run must end */
    OBSTACLE_LIVE = 1 << 3,       /**< an executor still has an attempt of it */
    OBSTACLE_RETRY = 1 << 4,      /**< its retry is not due */
    OBSTACLE_STATE = 1 << 5,      /**< it is neither null nor up_for_retry */
} Obstacle;
typedef unsigned Obstacles;
Obstacles task_obstacles(const EngineTask *task, int64_t now_us);
/** What the task's trigger rule says of its upstream tasks as they are. */
TriggerVerdict task_verdict(const EngineTask *task);
void task_evaluate(Engine *engine, EngineTask *task, int64_t now_us);

/* run_queue.c: which queued run starts next */
void run_queue_init(RunQueue *queue, int64_t backfill_id, int max_active_runs);
void run_queue_done(RunQueue *queue);
void run_queue_free(gpointer queue);
/** The queue that the run's row puts it into. */
RunQueue *run_queue_of(Engine *engine, const EngineRun *run);
/** The most urgent one that may start as far as pause is concerned; NULL if there is none. */
EngineRun *run_queue_next(const RunQueue *queue);
bool run_queue_has_room(const RunQueue *queue);
void run_enqueue(Engine *engine, EngineRun *run, int64_t now_us);
void run_leave_queue(Engine *engine, EngineRun *run);
/** Changes flags that do not hold or let go; the run's place in its queue follows. */
void run_requeue(Engine *engine, EngineRun *run, EngineRunFlags flags, int64_t now_us);
/** In running, and not held: takes one of its queue's places. */
bool run_takes_place(const EngineRun *run);

/* lifecycle.c: queued -> running -> finished */
void run_mark_to_check(Engine *engine, EngineRun *run);
/** dagrun_timeout, counted from the start of a running run. */
void run_set_timeout(Engine *engine, EngineRun *run);
void run_expire(Engine *engine, EngineRun *run, int64_t now_us);
void run_change_state(Engine *engine, EngineRun *run, RunState state, int64_t now_us);
/** Everything that follows from what has just changed. Ends each public call that changes something. */
void engine_settle(Engine *engine, int64_t now_us);

/* dispatch.c: scheduled -> queued */
/** What a scheduled task must pass, in this order. */
typedef enum {
    GATE_RUN_STATE,
    GATE_PAUSE,
    GATE_POOL,
    GATE_MAX_ACTIVE_TASKS,
    GATE_TASK_LIMIT,
    GATE_COUNT,
} GateKind;
/** Only what a task needs is read of `needs`: run, pool, slots, limit, max_used. */
bool gate_is_open(const Bucket *needs, GateKind kind);
Bucket task_needs(Engine *engine, const EngineTask *task);
/** Below parallelism. */
bool engine_has_slot(const Engine *engine);
void task_make_ready(Engine *engine, EngineTask *task);
/** Nothing if it is not in the ready queue. */
void task_make_unready(Engine *engine, EngineTask *task);
void engine_dispatch(Engine *engine, int64_t now_us);
void dispatch_free_slots(Engine *engine, EngineTask *task);
void dispatch_take_slots(Engine *engine, EngineTask *task);
Pool *engine_pool(Engine *engine, const char *name);
void engine_pool_free(gpointer pool);
void pool_changed(Engine *engine, Pool *pool);
void gate_init(Gate *gate);
void gate_done(Gate *gate);
/** Lets the most urgent bucket that waits at the gate try again. */
void gate_release_one(Engine *engine, Gate *gate);
/** Lets all of them try again. */
void gate_release_all(Engine *engine, Gate *gate);
void task_limit_free(gpointer limit);
TaskLimit *task_limit_of(DagEntry *entry, const Task *task);
void bucket_free(gpointer bucket);
guint bucket_hash(gconstpointer bucket);
gboolean bucket_equal(gconstpointer a, gconstpointer b);
int bucket_compare(const void *a, const void *b);
int timer_compare(const void *a, const void *b);

/* past.c: depends_on_past, wait_for_downstream */
bool past_allows(const EngineTask *task);
/** Its two halves: the task's own past, and that of one direct downstream task. */
bool past_of_task_allows(const EngineTask *task);
bool past_of_downstream_allows(const EngineTask *task, uint32_t downstream);
/** The state of the task `index` of `run` in the previous run, or PAST_FIRST, PAST_MISSING. */
int past_state(const EngineRun *run, uint32_t index);
void past_link(Engine *engine, EngineRun *run, const EnginePast *past);
void past_unlink(EngineRun *run);
/** Wakes what waits, in later runs, for this task's good end. */
void past_task_is_good(Engine *engine, const EngineTask *task);
