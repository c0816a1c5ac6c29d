/* SPDX-License-Identifier: MIT */
/**
 * What the files of this folder share: the Daemon itself and the steps of a turn. Private.
 *
 * Who writes what: reports and commands wait in `reports` and `commands`; a turn moves them into the engine
 * and into `writes`; persist.c brings engine output and `writes` into one transaction; after its commit
 * effects.c, `acknowledgements`, `answers` and watch.c let the world know. While a commit is pending
 * (`is_blocked`) nothing new is taken in.
 */
#pragma once

#include "executors/executor.h"
#include "scheduler/daemon/daemon.h"
#include "scheduler/engine/engine.h"
#include "scheduler/load/load.h"
#include "scheduler/store/home.h"
#include "scheduler/store/lock.h"
#include "scheduler/store/store.h"

#include <uv.h>

typedef struct Backlog Backlog;
typedef struct DagBag DagBag;
typedef struct FolderWatch FolderWatch;
typedef struct Hooks Hooks;
typedef struct Schedules Schedules;
typedef struct Server Server;
typedef struct StartsHold StartsHold;
typedef struct WallTimer WallTimer;
typedef struct Watch Watch;
typedef struct Janitor Janitor;
typedef struct RunContext RunContext;

/* ---- What waits for a turn ---------------------------------------------------------------------------- */

typedef enum {
    REPORT_STARTED,
    REPORT_FINISHED,
    REPORT_NOT_STARTED,
    REPORT_NO_ROOM, /**< not started: there was no room on a disk to begin it */
} ReportKind;

/** What an executor, or we in its place, has to say about an attempt. */
typedef struct {
    ReportKind kind;
    AttemptId attempt;
    uint32_t token; /**< see attempt_token(); 0 when it is surely about the attempt that has the number now */
    int64_t at_us;
    int64_t pid;
    AttemptOutcome outcome; /**< FINISHED */
    bool has_ended_itself;  /**< FINISHED: by exit, signal or timeout: what it wrote to WEIR_OUTPUT counts */
    bool wants_acknowledgement;
    int64_t log_begin, log_end;
    char *message; /**< or NULL; owned */
} Report;

/** A command from a connection: carried out in a turn of its own. */
typedef struct {
    json_t *document; /**< owned */
    char *user, *via;
    /** Takes the answer over. Called once: after the commit, or with NULL when the command is dropped. */
    void (*answer)(json_t *answer, void *user);
    void *answer_user;
} PendingCommand;

void pending_command_free(PendingCommand *command);

/* ---- What a turn writes besides the engine's output ------------------------------------------------------
 */

typedef enum {
    WRITE_EVENT,
    WRITE_XCOM,
    WRITE_DELETE_XCOMS,
    WRITE_POOL,
    WRITE_DELETE_POOL,
    WRITE_DAG_PAUSED,
    WRITE_DELETE_RUN,
    WRITE_DELETE_RUN_ROWS,
    WRITE_DELETE_DAG,
    WRITE_DELETE_DAG_VERSION,
    WRITE_DELETE_EVENT,
    WRITE_DELETE_BACKFILL,
    WRITE_BACKFILL,
    WRITE_BACKFILL_STATE,
    WRITE_HOOK,
} WriteKind;

typedef struct {
    WriteKind kind;
    EventLog *event;  /**< EVENT; owned */
    XCom *xcom;       /**< XCOM; DELETE_XCOMS (dag_run_id, task_id); owned */
    Pool *pool;       /**< POOL; DELETE_POOL (name); owned */
    char *dag_id;     /**< DAG_PAUSED, DELETE_DAG; owned */
    int64_t id;       /**< DELETE_RUN, DELETE_RUN_ROWS, DELETE_DAG_VERSION, DELETE_EVENT */
    RunRows run_rows; /**< DELETE_RUN_ROWS: how many */
    bool is_paused;
    Backfill *backfill; /**< BACKFILL, BACKFILL_STATE; owned */
    GArray *dates;      /**< BACKFILL: BackfillDate; owned */
    Hook *hook;         /**< HOOK: how far it is; owned */
} PendingWrite;

/* ---- The daemon ------------------------------------------------------------------------------------------
 */

/** A run in the engine, as the daemon sees it. */
typedef struct {
    int64_t id;
    char *dag_id;
    char *run_id;
    RunContext *context; /**< what its attempts share; made with the first one */
} RunEntry;

struct Daemon {
    const Settings *settings;
    DaemonMode mode;
    char *verb;
    void (*log)(DaemonLogLevel level, const char *line, void *user);
    void *log_user;
    int64_t started_at_us;
    int task_umask;

    Home *home;
    StoreLock *lock;
    Store *store;
    Engine *engine;
    Executor *executor; /**< NULL in OFFLINE */
    bool is_recovering; /**< daemon_open() waits for the executor */
    bool is_resynced;   /**< the executor has told what it knew */
    DagBag *bag;
    Schedules *schedules;      /**< SERVICE; else NULL */
    FolderWatch *folder_watch; /**< SERVICE; else NULL */
    Server *server;
    Watch *watch;
    Janitor *janitor; /**< or NULL */
    Hooks *hooks;
    StartsHold *starts_hold;
    Backlog *backlog;
    GHashTable *runs; /**< int64_t DagRun.id -> RunEntry: what is in the engine */

    GArray *reports;           /**< Report */
    bool is_report_urgent;     /**< one of them says more than that a task has started */
    GQueue commands;           /**< PendingCommand* */
    bool is_tick_due;          /**< something may be due: ticks of schedules, timers of the engine */
    bool is_folder_due;        /**< SERVICE: the DAG folder is to be looked at */
    guint n_unstarted;         /**< of the live attempts, while they are ended: those that nobody has */
    bool is_ending_tasks;      /**< nothing is started any more; the loop ends with the last attempt */
    GArray *writes;            /**< PendingWrite */
    GArray *acknowledgements;  /**< AttemptId: after the commit */
    GArray *visited;           /**< int64_t: runs that this turn may have finished with */
    PendingCommand *answering; /**< whose answer waits for the commit, with ... */
    json_t *answer;
    GPtrArray *outputs_read; /**< char*: WEIR_OUTPUT files to remove after the commit */
    GArray *unstarted;       /**< AttemptId: queued in a held run, and with no executor */
    bool has_kept_records;   /**< an outcome could not be brought in; the executor keeps it */
    bool in_turn;
    bool is_blocked; /**< a commit waits for room on the disk */
    GError *fatal;   /**< why the daemon gave up; or NULL */

    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_check_t check;
    WallTimer *timer;
    uv_timer_t retry_timer;
    uv_timer_t idle_timer;
    uv_timer_t resync_timer;
    uv_timer_t started_timer;
    bool is_resync_late;
    int64_t timer_us; /**< what `timer` is armed for; TIME_NONE = not */
    bool is_loop_open;
    bool are_handles_open;
};

void daemon_log(Daemon *daemon, DaemonLogLevel level, const char *format, ...) G_GNUC_PRINTF(3, 4);
/** Ends the loop with this error; takes `error`. The first one counts. */
void daemon_fail(Daemon *daemon, GError *error);

/* ---- turn.c ---- */

/** Takes in all that waits, turn by turn. Does nothing inside a turn, while blocked, and after a failure. */
void turn_run_all(Daemon *daemon);
/** One turn for this command. New reference, never NULL. */
json_t *turn_run_command(Daemon *daemon, const json_t *document, const Caller *caller);
/** The second half of a turn: commit, then what follows from it. False if it could not be committed (yet). */
bool turn_commit(Daemon *daemon, int64_t now_us);

/* ---- daemon.c ---- */

/** Lets reports wait a little for company; see turn.c. */
void turn_arm_started_timer(Daemon *daemon);
/** Holds all runs and ends their attempts; returns how many there are. */
guint turn_end_tasks(Daemon *daemon);
/** Looks at the DAG folder, and makes everything agree with it. */
void turn_run_folder(Daemon *daemon);
/** Arms the timer for what engine and schedules wait for. */
void turn_arm_timer(Daemon *daemon);
/** Another commit in a second. */
void turn_arm_retry_timer(Daemon *daemon);
/** A checkpoint once nothing has been committed for a while. */
void turn_arm_idle_timer(Daemon *daemon);

/* ---- persist.c ---- */

/** Whether this turn has anything to write. */
bool persist_is_needed(Daemon *daemon);
/** Everything into one transaction, committed. On failure all is rolled back and nothing is forgotten. */
bool persist_commit(Daemon *daemon, GError **error);
void persist_clear(Daemon *daemon);
/** Each takes what it is given. */
void persist_add_event(Daemon *daemon, EventLog *event);
void persist_add_xcom(Daemon *daemon, XCom *xcom);
void persist_add_delete_xcoms(Daemon *daemon, int64_t dag_run_id, const char *task_id);
void persist_add_pool(Daemon *daemon, Pool *pool);
void persist_add_delete_pool(Daemon *daemon, const char *name);
void persist_add_dag_paused(Daemon *daemon, const char *dag_id, bool is_paused);
/** `kind`: DELETE_RUN, DELETE_DAG_VERSION or DELETE_EVENT. */
void persist_add_delete(Daemon *daemon, WriteKind kind, int64_t id);
void persist_add_delete_run_rows(Daemon *daemon, int64_t dag_run_id, const RunRows *n);
void persist_add_delete_dag(Daemon *daemon, const char *dag_id);
void persist_add_backfill(Daemon *daemon, Backfill *backfill, GArray *dates);
void persist_add_backfill_state(Daemon *daemon, Backfill *backfill);
void persist_add_hook(Daemon *daemon, Hook *hook);

/* ---- reports.c ---- */

/** Notes one down; takes its message. */
void reports_add(Daemon *daemon, const Report *report);
/** ExecutorEventFn: only notes it down. */
void reports_on_event(const ExecutorEvent *event, void *user);
void report_clear(Report *report);
/** Notes that an attempt could not even be handed to an executor. */
void reports_add_failure(Daemon *daemon, AttemptId attempt, EndReason reason, int64_t now_us);
void reports_add_not_started(Daemon *daemon, AttemptId attempt, int64_t now_us);
/** After runs were let go: what was said of their attempts while they were held. */
void reports_repeat_not_started(Daemon *daemon, int64_t now_us);
/** Hands one report to the engine, with its XComs. */
void reports_take(Daemon *daemon, const Report *report, int64_t now_us);

/* ---- effects.c ---- */

void effects_carry_out(Daemon *daemon, const EngineEffect *effects, guint n, int64_t now_us);

/** Ends all attempts of a held run; what becomes of their tasks, their retries say. */
void effects_end_run(Daemon *daemon, int64_t dag_run_id);

/* ---- runs.c ---- */

RunEntry *runs_find(Daemon *daemon, int64_t dag_run_id);
/** Notes a run that engine_create_run() has made. */
RunEntry *runs_add(Daemon *daemon, const DagRun *run);
/** A run from the store into the engine, with its version of the DAG; true if it is there already. */
bool runs_load(Daemon *daemon, const DagRun *run, EngineRunFlags flags, GError **error);
/** Where a run stands in the backfill that is being made in this turn. */
typedef struct {
    const DagRun *before; /**< the run of the backfill before it, perhaps not stored yet; or NULL */
    bool is_first;        /**< at the first date: it depends on no past */
} BackfillPlace;
bool runs_load_in_backfill(Daemon *daemon, const DagRun *run, EngineRunFlags flags,
                           const BackfillPlace *place, GError **error);
/** Forgets a run that has no live attempt, and is finished or held. */
void runs_forget_finished(Daemon *daemon, int64_t dag_run_id);
/** What a run of the store has in this mode, unless it was asked for by name. */
EngineRunFlags runs_stored_flags(const Daemon *daemon);
/** What a run has that was asked for here and now; `own`: it goes on even while its DAG is paused. */
EngineRunFlags runs_wanted_flags(const Daemon *daemon, bool own);
/** Tells the engine what holds for all runs of a DAG. */
bool runs_register_dag(Daemon *daemon, const char *dag_id, GError **error);
void run_entry_free(gpointer entry);

/* ---- past.c ---- */

/** How the previous run fared, for depends_on_past; `ret_states` (to be freed) is what past->states points
 * to. */
bool past_find(Daemon *daemon, const DagRun *run, const Dag *dag, EnginePast *past, int8_t **ret_states,
               GError **error);
bool past_find_in_backfill(Daemon *daemon, const DagRun *run, const Dag *dag, const BackfillPlace *place,
                           EnginePast *past, int8_t **ret_states, GError **error);

/* ---- fire.c: the schedules of a service ---- */

/** Begins to watch the DAG folder, and takes in what it has. */
bool fire_open(Daemon *daemon, GError **error);
/** Makes runs of all ticks that are due. */
void fire_due(Daemon *daemon, int64_t now_us);
/** When fire_due() has something to do; TIME_NONE = never. */
int64_t fire_next_due(const Daemon *daemon);
/** Runs have ended: there may be room for others. */
void fire_look_again(Daemon *daemon, const EngineOutput *output, int64_t now_us);
void fire_set_paused(Daemon *daemon, const char *dag_id, bool is_paused, int64_t now_us);
/** The DAG's rows are deleted in this turn: if its file is still there, it is a new DAG. */
void fire_forget_dag(Daemon *daemon, const char *dag_id);
void fire_apply_folder(Daemon *daemon, int64_t now_us);

/* ---- progress.c ---- */

/** A service's log lines of what has been committed. */
void progress_log(Daemon *daemon, const EngineOutput *output);

/* ---- recover.c ---- */

/** Loads what is unfinished, brings executor and rows together, commits what came of it. */
bool recover(Daemon *daemon, GError **error);
