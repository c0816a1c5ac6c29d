/* SPDX-License-Identifier: MIT */
/**
 * What the parts of `weir run` share: which run, its view, who advances it. Private to run*.c.
 */
#pragma once

#include "cli/run_display.h"
#include "cli/run_start.h"
#include "scheduler/daemon/daemon.h"

#include <uv.h>

typedef struct {
    Cli *cli;
    RunStart start;
    RunView *view;
    RunDisplay *display;
    bool is_started;      /**< the run exists, as far as we were told */
    bool is_named;        /**< by run_start_name(), without anybody's wish */
    bool is_done;         /**< the run is finished, and the view knows it */
    bool was_interrupted; /**< Ctrl-C: the run was asked to end */
    int left_by;          /**< the signal that made us leave at once; 0 */
    /* Of run_why.c, monotonic; 0 = not: */
    gint64 idle_since_us;
    gint64 why_at_us; /**< when it was last asked why nothing moves */
    /* Of run_here.c: */
    Daemon *daemon;     /**< NULL while another process advances the run */
    int64_t dag_run_id; /**< whose hooks are waited for, ... */
    bool is_waiting;    /**< ... which has been said */
    uv_timer_t timer;
    uv_poll_t poll;
    bool has_handles;
} RunSession;

/** How an attempt to have the run advanced went; with an error set unless it is END or AGAIN. */
typedef enum {
    RUN_ADVANCE_END,     /**< the run is done, or we are to leave */
    RUN_ADVANCE_BUSY,    /**< another process holds the lock */
    RUN_ADVANCE_NOBODY,  /**< nobody listens */
    RUN_ADVANCE_UNKNOWN, /**< the command was sent, and no answer came */
    RUN_ADVANCE_AGAIN,   /**< who advanced it is gone */
    RUN_ADVANCE_FAILED,
} RunAdvance;

/** Takes the lock and advances the run in a loop of our own. END, BUSY or FAILED. */
RunAdvance run_advance_here(RunSession *session, GError **error);
/** Of a finished run: has the hooks run that are left of it, unless another process does. False with an
 * error. */
bool run_finish_hooks_here(RunSession *session, const DagRun *run, GError **error);
/** Has the holder of the lock advance it, and follows. All but BUSY. */
RunAdvance run_advance_there(RunSession *session, GError **error);

/* ---- run_session.c: what both have in common ---- */

/** Sends a command to who advances the run, be it ourselves; as command_call(). */
json_t *run_session_call(RunSession *session, json_t *command, GError **error);
/** The run's name, from the result of dags.trigger or dags.resume. */
void run_session_take_answer(RunSession *session, const json_t *result);
/** From now on it is this run, whoever advances it. */
void run_session_take_over_next(RunSession *session);
void run_session_take_document(RunSession *session, const json_t *document);
/** The run's row as it is now; NULL if it is not known, or not there. */
DagRun *run_session_read(RunSession *session);
/** Shows a finished run as the store has it. */
bool run_session_show_stored(RunSession *session, const DagRun *run, GError **error);
/** A continued run may have moved to another version of its DAG: people should know what they run. */
void run_session_say_version(RunSession *session);
/**
 * Draws what is due. When nothing of the run has moved for some seconds, asks whoever advances it why, and
 * shows that (run_why.c). Returns when it wants to be called again (monotonic time); -1 = after the next
 * change.
 */
gint64 run_session_tick(RunSession *session);
/** Does what signals ask for. True if we are to leave at once. */
bool run_session_heed_signals(RunSession *session);
