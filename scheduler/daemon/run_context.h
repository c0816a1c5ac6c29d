/* SPDX-License-Identifier: MIT */
/**
 * What all attempts of one run share: where their logs are, what their templates and environment see. Made
 * once per run, so that starting a task without templates touches no database.
 */
#pragma once

#include "scheduler/daemon/internal.h"
#include "scheduler/template/template.h"

struct RunContext {
    StoreConn *conn; /**< borrowed; NULL = there is nothing to look up yet */
    int64_t dag_run_id;
    char *dag_id, *run_id;
    char *log_folder;       /**< <logs>/dag_id=.../run_id=... */
    GPtrArray *environment; /**< char*: "K=V" that are the same for all its tasks */
    json_t *params, *conf;  /**< objects */
    bool has_previous;      /**< the prev_* fields of `base` have been looked up */
    TemplateContext base;   /**< all but the task's own */
};

/** The context of a run that is in the engine, made when asked for the first time; borrowed. */
RunContext *run_context_of(Daemon *daemon, int64_t dag_run_id);
/** The same for any run; `conn` is borrowed and may be NULL. To be freed. */
RunContext *run_context_new(const char *home, const char *logs_folder, StoreConn *conn, const DagRun *run);
void run_context_free(RunContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunContext, run_context_free)

/** Where an attempt's log is; the caller frees. */
char *run_context_log_path(const RunContext *context, const char *task_id, int32_t try_number);
/** What it finds in WEIR_OUTPUT; the caller frees. */
char *run_context_output_path(const RunContext *context, const char *task_id, int32_t try_number);

/** The same for a run that need not be in the engine. */
char *attempt_log_path(const Settings *settings, const char *dag_id, const char *run_id, const char *task_id,
                       int32_t try_number);

/** Where all attempts of a hook write, below the logs of its run; no task's log is there. The caller frees.
 */
char *hook_log_path(const Settings *settings, const Hook *hook);

/** Appends `[time] weir: text` to an attempt's log; what cannot be written is dropped. */
void attempt_log_append(const char *log_path, int64_t now_us, const char *text);
/** That line, with its newline; the caller frees. */
char *attempt_log_line(int64_t now_us, const char *text);
