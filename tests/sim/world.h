/* SPDX-License-Identifier: MIT */
/**
 * The simulated world around one engine: a virtual clock, a store that keeps committed rows, executors that
 * outlive the daemon, and a user. Everything random comes from one seed.
 */
#pragma once

#include "scheduler/engine/engine.h"

#include <inttypes.h>

typedef struct World World;
typedef struct SimRun SimRun;
typedef struct Calendar Calendar;

/** An attempt as the executors know it; they survive crashes of the daemon. */
typedef struct {
    AttemptId id;
    int64_t dag_run_id;
    const char *pool;
    int pool_slots;
    int64_t start_us, end_us; /**< when it starts and ends by itself */
    bool started_reported, finished, cancelled;
    bool is_stray; /**< the daemon's rows moved on without it */
    AttemptOutcome outcome;
} SimAttempt;

/** A task instance's committed row and what the oracle remembers of it. */
typedef struct {
    TaskInstance row;
    int32_t last_started_try; /**< highest try that an executor ever started */
    int64_t not_before_us;    /**< a retry may not be queued before */
    bool by_hand;             /**< a user may have moved it outside of the rules since it was last null */
    bool touched;             /**< a user command may change its finished state in this turn */
} SimTask;

struct SimRun {
    DagRun *row;       /**< as committed */
    Dag *dag;          /**< as committed; kept by World.dags */
    GHashTable *tasks; /**< TaskInstance.id -> SimTask */
    bool by_hand;      /**< marked or canceled: its leaves do not decide */
    bool touched;
    bool is_queued_again; /**< a user has put it back to queued in this turn */
    bool changed;         /**< in World.changed */
    bool started;         /**< it left queued in this turn */
};

struct World {
    uint64_t seed;
    GRand *rng;
    int64_t begin_us, now_us;
    int64_t latest_us; /**< the greatest `now` so far */
    uint64_t steps, turns, crashes, starts;
    bool verbose, quiet; /**< quiet: no more faults and commands, everything must end */
    unsigned faults;     /**< which kinds this seed has on */
    bool clock_was_set;  /**< times of rows may lie ahead, also after all faults have stopped */

    Engine *engine;
    GPtrArray *dags;    /**< Dag, all versions ever made */
    GPtrArray *latest;  /**< Dag per dag index: the latest version, borrowed */
    GHashTable *paused; /**< dag_id set */
    GArray *backfills;  /**< EngineBackfill: SIM_BACKFILLS of each dag, ids rising */
    GHashTable *pools;  /**< name -> slots */
    int parallelism;
    bool are_starts_held; /**< the daemon has seen that there is no room */
    bool is_refused;    /**< an executor had no room to begin an attempt; the daemon has yet to hold starts */
    Calendar *calendar; /**< runs that start by themselves; NULL: there are none */
    GHashTable *runs;   /**< DagRun.id -> SimRun: the store */
    GHashTable *open;   /**< those of them that are not finished */
    GHashTable *dates;  /**< "dag_id logical_date_us" -> SimRun */
    GPtrArray *changed; /**< SimRun whose rows changed since the auditor looked */
    GHashTable *history;      /**< "ti/try" set */
    GHashTable *attempts;     /**< "ti/try" -> SimAttempt: the executors */
    GHashTable *ever_started; /**< "ti/try" set */
    GHashTable *noticed;      /**< "ti/try" set: attempts that a hook has been told of */
    int64_t next_run_id, next_ti_id, next_version_id;
    GString *trace; /**< last lines, printed on failure */
    uint64_t trace_hash;
};

enum {
    FAULT_CRASH = 1 << 0,      /**< the daemon dies between any two steps of a turn */
    FAULT_EXECUTOR = 1 << 1,   /**< runners die: attempts are lost, started or not */
    FAULT_DUPLICATES = 1 << 2, /**< reports and starts arrive twice, or late */
    FAULT_COMMANDS = 1 << 3,   /**< clear, mark, cancel */
    FAULT_LIMITS = 1 << 4,     /**< pools, pause change under way */
    FAULT_VERSIONS = 1 << 5,   /**< runs move to other versions of their DAG */
    FAULT_CLOCK = 1 << 6,      /**< the clock steps back and forth */
    FAULT_DISK = 1 << 7,       /**< no room: starts are held for a while, or found to be impossible */
};

#define SIM_BACKFILLS 2
/** The settings of a backfill by its id. */
EngineBackfill *world_backfill(World *world, int64_t id);

/** An empty world: no DAG yet, and no engine. */
World *world_new(uint64_t seed, bool verbose);
void world_free(World *world);

/**
 * Runs the seed to its end: fills the world, a phase with faults, a quiet phase, then everything must be
 * finished. Each program has its own: history.c, years.c.
 */
void world_run(World *world);

/* generate.c */
Dag *generate_dag(GRand *rng, const char *dag_id, const Dag *previous);
/** A small one, that runs by itself. */
Dag *generate_scheduled_dag(GRand *rng, const char *dag_id, const ScheduleSpec *spec);
extern const char *const sim_pools[];
extern const int sim_pool_slots[];

/* commands.c */
void world_command(World *world);
void world_trigger(World *world);
/** No faults any more, all limits as they were: everything that can run must come to its end. */
void world_calm_down(World *world);

/* oracle.c: checks that share no code with the engine */
void oracle_check_start(World *world, SimRun *run, SimTask *task);
void oracle_check_commit(World *world);
void oracle_check_end(World *world);
/** What does not run has a reason for it, and what runs is with an executor. */
void oracle_check_progress(World *world);
/** Whether a run of that DAG waits, rightly and for ever, for a task of an earlier one that did not end well.
 */
bool oracle_waits_for_past(World *world, const char *dag_id);
void oracle_check_row_change(World *world, SimRun *run, SimTask *task, const TaskInstance *now);
void oracle_check_run_change(World *world, SimRun *run, const DagRun *now);

/* notices.c */
/** Exactly one notice for each attempt and run that ends by itself and has a hook. Before the rows change. */
void notices_check_commit(World *world, const EngineOutput *output);

/* store.c */
/** Writes the engine's output as one transaction would, with the auditor looking on. */
void world_commit(World *world, const EngineOutput *output);
/** The run of that DAG and logical date, or NULL. */
SimRun *world_run_at(const World *world, const char *dag_id, int64_t logical_date_us);
/** Deletes a finished run, which the engine must not have. */
void world_delete_run(World *world, SimRun *run);
/** Notes that a command may change what is finished. */
void world_touch(World *world, SimRun *run);
/** How the run before that of `row` fared; `states` has a place for each task of `dag`. */
EnginePast world_past(World *world, const DagRun *row, const Dag *dag, int8_t *states);

/* executors.c */
void executors_start(World *world, AttemptId id, int64_t dag_run_id);
void executors_cancel(World *world, AttemptId id);
/** The next thing an executor will say, in order of time, then of identity. NULL if there is none. */
SimAttempt *executors_next_report(World *world, int64_t *ret_at_us);
/** A runner dies: everything it had is lost, whether it had been started or not. */
void executors_kill(World *world);

/* daemon.c */
/** An engine that knows the settings and no run. */
Engine *world_engine_new(World *world);
/** There is no room on the disk, or there is again. Takes turns. */
void world_hold_starts(World *world, bool are_held);
/** The daemon dies and is started again: nothing but rows and executors is left. */
void world_crash(World *world);
/** A turn of the daemon: commit the engine's output, then carry out its effects; may crash on the way. */
void world_turn(World *world);
/** An executor reports: the attempt has started, or has ended. */
void world_deliver(World *world, SimAttempt *attempt);
/** Loads a finished run back into the engine, as a command on it would. */
void world_load_run(World *world, SimRun *run);

/* world.c, for the others */
char *attempt_key(AttemptId id);
bool chance(World *world, int one_in);
int64_t between(World *world, int64_t low, int64_t high);
void world_trace(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
void world_fail(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3) G_GNUC_NORETURN;
/** The seed, the last events and how to replay them, to stderr. */
void world_print_failure(const World *world);
SimRun *world_run_of(World *world, int64_t dag_run_id);
