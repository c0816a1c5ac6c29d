/* SPDX-License-Identifier: MIT */
/**
 * What `weir run` knows of its run: built from the documents of daemon_subscribe() or client_follow(), and
 * nothing else, so that it is the same whoever advances the run. Pure: no clock, no files, no terminal.
 */
#pragma once

#include "scheduler/model/records.h"

#include <jansson.h>

typedef struct {
    char *task_id;
    TaskState state;
    int32_t try_number, max_tries;
    int64_t start_us, end_us;
    char *end_reason; /**< or NULL */
    int exit_code;    /**< EXIT_CODE_NONE */
    int term_signal;  /**< 0 = none */
    int64_t retry_at_us;
    char *log_path; /**< or NULL */
    char *tail;     /**< last lines of the log of a failure, clean, for drawing; or NULL */
    GList recent;   /**< private: link in RunView.recent */
    bool is_recent;
} RunViewTask;

typedef struct {
    char *dag_id, *run_id;
    RunState state;
    int64_t start_us, end_us;
    char *end_reason;  /**< or NULL */
    json_t *run;       /**< the latest document of the run */
    GPtrArray *tasks;  /**< RunViewTask*, in the order of the DAG file */
    GHashTable *by_id; /**< task_id -> RunViewTask */
    guint counts[TASK_STATE_COUNT];
    GQueue recent;  /**< RunViewTask*: last finished first, at most RUN_VIEW_RECENT */
    char *waiting;  /**< why nothing of it moves, or NULL */
    guint id_width; /**< of the widest task id */
    bool has_snapshot;
} RunView;

#define RUN_VIEW_RECENT 256

RunView *run_view_new(void);
void run_view_free(RunView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunView, run_view_free)

/** Called for each task whose state or try changed, with task NULL for the run's own state. */
typedef void (*RunViewChanged)(RunView *view, RunViewTask *task, void *user);
/**
 * Takes in one document. `changed` (may be NULL) hears of what differs from before; of a snapshot that is the
 * first one it hears nothing.
 */
void run_view_apply(RunView *view, const json_t *document, RunViewChanged changed, void *user);

/** Tasks in a finished state. */
guint run_view_n_finished(const RunView *view);
/** Whether durations tick: something runs, or the run itself. */
bool run_view_is_ticking(const RunView *view);
/** Whether nothing of the run moves, nor will by itself (a retry that is due at a known time will). */
bool run_view_is_idle(const RunView *view);
/** The failed task that ended first; NULL if none failed. */
const RunViewTask *run_view_first_failure(const RunView *view);
/** "exit code 1", "signal 9", "timeout", ...; NULL if there is nothing to say. The caller frees. */
char *run_view_reason(const RunViewTask *task);
/** "3 success, 1 failed, 2 waiting": states that occur; the caller frees. */
char *run_view_counts(const RunView *view);

typedef struct {
    int64_t now_us;
    guint width, height; /**< of the terminal; the drawing is less high than that */
    bool utf8, colours;
    bool is_last; /**< the run is over, a summary follows: no header, no failure lines */
} RunViewLook;

/** The view as lines of text, each at most `width` wide, ended by newlines. The caller frees. */
char *run_view_draw(const RunView *view, const RunViewLook *look);
