/* SPDX-License-Identifier: MIT */
/**
 * The one loop behind `weir run`, `weir scheduler` and `weir standalone`, and behind commands given while
 * none of them runs.
 *
 * Whoever has a Daemon open holds `$WEIR_HOME/weir.lock` and with it the only writing connection. Everything
 * happens in turns: take in events and commands -> engine -> one transaction -> COMMIT -> effects, answers,
 * watchers. Nothing is answered or started before the commit that says so.
 *
 * Not thread-safe; all calls and callbacks on one thread. Callbacks may call back into the daemon, except
 * daemon_close().
 */
#pragma once

#include "scheduler/load/settings.h"
#include "scheduler/model/records.h"

#include <jansson.h>

typedef struct Daemon Daemon;
struct uv_loop_s;

typedef enum {
    /** Advances the runs it is given, and no other; ignores pause. `weir run`. */
    DAEMON_RUN,
    /** Advances all runs of DAGs that are not paused. `weir scheduler`, `weir standalone`. */
    DAEMON_SERVICE,
    /** Takes in what runners hold, runs commands, starts nothing. CLI verbs while nobody holds the lock. */
    DAEMON_OFFLINE,
} DaemonMode;

typedef enum { DAEMON_LOG_INFO, DAEMON_LOG_WARNING, DAEMON_LOG_ERROR } DaemonLogLevel;

typedef struct {
    const Settings *settings; /**< borrowed; must outlive the daemon */
    DaemonMode mode;
    const char *verb; /**< "run", "scheduler", ...: shown to who finds the lock held */
    void (*log)(DaemonLogLevel level, const char *line,
                void *user); /**< plain lines without newline; or NULL */
    void *user;
    /** The room on the disk of a path, see disk_room.h; NULL = statvfs(). For tests. */
    bool (*look_at_disk)(const char *path, int64_t *ret_bytes, int64_t *ret_files, void *user);
    struct StoreLock *lock; /**< the home's lock, if it is taken already: taken over; else NULL */
} DaemonOptions;

/**
 * Takes the lock (WEIR_ERROR_BUSY names the holder), opens and migrates the store, loads what is unfinished,
 * takes in what the runners hold and commits it. In modes other than OFFLINE it also serves weir.sock.
 */
Daemon *daemon_open(const DaemonOptions *options, GError **error);
/** Commits what is pending, releases everything. Tasks go on in the runner. NULL is fine. */
void daemon_close(Daemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Daemon, daemon_close)

/** Who gives a command; goes into the audit log. */
typedef struct {
    const char *user; /**< login name */
    const char *via;  /**< "cli", "rest_api", ...: triggered_by */
} Caller;

/** The login name of that user, or his number if he has none. The caller frees. */
char *caller_name(uid_t uid);

/**
 * Runs one command document (docs/commands.md) in a turn of its own and returns its answer after the commit:
 * `{"ok": true, "result": ...}` or `{"ok": false, "error": {"code": ..., "message": ...}}`. New reference,
 * never NULL.
 */
json_t *daemon_execute(Daemon *daemon, json_t *command, const Caller *caller);

/**
 * What happens to a run, as documents: first `{"event": "snapshot", "run": {...}, "tasks": [...]}`, then
 * `{"event": "task", "task": {...}}` and `{"event": "run", "run": {...}}` after each commit that changed
 * them; the last one is the run in a finished state. `document` is borrowed. Called from daemon_loop() only,
 * except for the snapshot. Returns an id for daemon_unsubscribe(), 0 if there is no such run.
 */
typedef void (*DaemonWatcher)(const json_t *document, void *user);
guint daemon_subscribe(Daemon *daemon, int64_t dag_run_id, DaemonWatcher watcher, void *user);
void daemon_unsubscribe(Daemon *daemon, guint id);

/** How many hooks of a run are still to be run, retries included, as far as is committed. */
guint daemon_count_hooks(Daemon *daemon, int64_t dag_run_id);
/** Has `ended` called from daemon_loop() whenever hooks have ended, of whatever run; NULL = no more. */
void daemon_watch_hooks(Daemon *daemon, void (*ended)(void *user), void *user);

/** The loop's libuv loop, for timers and signals of the caller's own. */
struct uv_loop_s *daemon_uv_loop(Daemon *daemon);
/** Runs until daemon_stop(). False with an error if it had to give up (corrupt store, I/O error). */
bool daemon_loop(Daemon *daemon, GError **error);
void daemon_stop(Daemon *daemon);
/**
 * Starts nothing any more, ends all tasks as a cancel does, and stops the loop once they are gone and it is
 * stored how they ended; what their retries say is done after the next start. Returns how many there are:
 * with none the loop may be stopped at once.
 */
guint daemon_end_tasks(Daemon *daemon);

/** The DAG folder as a service has seen it last. */
typedef struct {
    guint n_dags;
    guint n_broken; /**< files that cannot be used */
} DaemonDags;
DaemonDags daemon_dags(Daemon *daemon);
