/* SPDX-License-Identifier: MIT */
/**
 * A small world around one engine, for tests that read like the rules they check.
 *
 *     Fixture *fx = fx_new(32);
 *     Dag *dag = fx_dag(fx, "d", "load -> a, b; a, b -> query [all_done]");
 *     int64_t run = fx_trigger(fx, dag);
 *     fx_exit(fx, run, "load", 0);
 *     fx_expect(fx, run, "load=success a=queued b=queued query=none", "running");
 *
 * The text: statements with `;` between them; each is tasks with `,` between them, then perhaps `->` and the
 * tasks downstream of all of these, and so on. `[...]` after a task says what it is: a trigger rule, or
 * `empty`, `hooks` (all three), `retries=N`, `delay=SECONDS`, `backoff=M`, `max_delay=SECONDS`, `pool=P`,
 * `slots=N`, `weight=N`, `absolute`, `upstream`, `downstream`, `past`, `wait`, `tis=N`, `skip=CODE`. A
 * statement `@ KEY=N ...` is about the DAG: `max_runs`, `max_tasks`, `timeout`, `hooks`.
 *
 * Each step ends with fx_turn(), which plays the daemon: it checks what the engine puts out, "commits" it to
 * rows of its own, and takes note of the effects. From these rows fx_crash() starts a new engine.
 */
#pragma once

#include "scheduler/engine/engine.h"

#include <inttypes.h>
#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#define FX_EPOCH_US (INT64_C(1767225600) * USEC_PER_SEC) /* 2026-01-01 00:00:00 UTC */

/** An attempt that an executor has. */
typedef struct {
    AttemptId id;
    int64_t dag_run_id;
    const char *dag_id, *task_id, *pool; /* interned */
    int slots;
    bool started, canceled;
} FxAttempt;

typedef struct {
    DagRun *row;
    Dag *dag;
    EngineRunFlags flags;
    int64_t past_id;
    GHashTable *tasks; /**< TaskInstance.id -> TaskInstance, task_id and pool interned */
} FxRun;

typedef struct {
    Engine *engine;
    int parallelism;
    int64_t now_us;
    int64_t next_run_id, next_ti_id, next_version_id;
    GPtrArray *dags;     /**< owned */
    GHashTable *pools;   /**< name -> slots */
    GHashTable *paused;  /**< dag_id set */
    GArray *backfills;   /**< EngineBackfill */
    GHashTable *runs;    /**< DagRun.id -> FxRun: what was committed */
    GHashTable *live;    /**< TaskInstance.id -> FxAttempt */
    GHashTable *history; /**< "ti/try" -> TaskInstance */
    GHashTable *started; /**< "ti/try" set: every attempt ever started */
    GString *log; /**< since fx_log(): "on_retry a 1", "start a 1", "run started", "run finished", ... */
    guint n_rows; /**< rows written in the last turn */
    bool are_starts_held;
    bool check_order; /**< compare each start with a selection from scratch */
} Fixture;

Fixture *fx_new(int parallelism);
void fx_free(Fixture *fx);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fx_free)

/** A sealed DAG, owned by the fixture; its settings are told to the engine. */
Dag *fx_dag(Fixture *fx, const char *dag_id, const char *text);

typedef struct {
    int64_t logical_date_us; /**< 0 = the fixture's next; TIME_NONE = null */
    int64_t run_after_us;    /**< 0 = now */
    int64_t backfill_id;     /**< 0 = none */
    EngineRunFlags flags;
    const EnginePast *past;
} FxTrigger;

int64_t fx_trigger(Fixture *fx, Dag *dag);
int64_t fx_trigger_with(Fixture *fx, Dag *dag, FxTrigger how);

/** The attempt's start is reported. */
void fx_started(Fixture *fx, int64_t run, const char *task);
/** The attempt ends with an exit code; returns whether it was live. */
bool fx_exit(Fixture *fx, int64_t run, const char *task, int code);
bool fx_finish(Fixture *fx, int64_t run, const char *task, EndReason reason, int code, int signal_number);
/** All live attempts end with `code`, over and over, until nothing is live or `limit` attempts have ended. */
guint fx_exit_all(Fixture *fx, int code, guint limit);
/** Advances the clock, firing each timer on the way at its own time. */
void fx_advance(Fixture *fx, int64_t seconds);

/** Tasks by name, space-separated; "*" = all. */
guint fx_clear(Fixture *fx, int64_t run, const char *tasks);
guint fx_mark(Fixture *fx, int64_t run, const char *tasks, TaskState state);
void fx_mark_run(Fixture *fx, int64_t run, RunState state);
void fx_set_pool(Fixture *fx, const char *name, int slots);
void fx_pause(Fixture *fx, const Dag *dag, bool paused);
void fx_hold_starts(Fixture *fx, bool are_held);
/** Creates or changes a backfill. */
void fx_backfill(Fixture *fx, EngineBackfill backfill);
void fx_set_flags(Fixture *fx, int64_t run, EngineRunFlags flags);
void fx_set_version(Fixture *fx, int64_t run, Dag *dag);
/** Drops a run from the engine, or loads it from what was committed. */
bool fx_forget(Fixture *fx, int64_t run);
void fx_load(Fixture *fx, int64_t run);
/** The engine dies; a new one is loaded from what was committed and told what the executors know. */
void fx_crash(Fixture *fx);
/** As fx_crash(), and what the engine had not yet put out through fx_turn() is lost. */
void fx_reload(Fixture *fx);
/** Past of a run of `dag` whose previous run is `previous`, from the committed rows. `states` has room. */
EnginePast fx_past(Fixture *fx, const Dag *dag, int64_t previous, int8_t *states);

/** Checks and commits what the engine has put out. */
void fx_turn(Fixture *fx);

/** "ti/try"; the caller frees. */
char *fx_key(AttemptId id);
AttemptId fx_attempt(const Fixture *fx, int64_t run, const char *task);
const TaskInstance *fx_task(const Fixture *fx, int64_t run, const char *task);
const DagRun *fx_run(const Fixture *fx, int64_t run);
/** The archived attempt, or NULL. */
const TaskInstance *fx_history(const Fixture *fx, int64_t run, const char *task, int try_number);

#define fx_expect(fx, run, tasks, run_state) fx_expect_at(fx, run, tasks, run_state, __FILE__, __LINE__)
/** `tasks`: "a=success b=none ..."; `run_state` may be NULL. */
void fx_expect_at(Fixture *fx, int64_t run, const char *tasks, const char *run_state, const char *file,
                  int line);
#define fx_expect_log(fx, text) fx_expect_log_at(fx, text, __FILE__, __LINE__)
/** The effects since the last call, with `; ` between them. */
void fx_expect_log_at(Fixture *fx, const char *text, const char *file, int line);
