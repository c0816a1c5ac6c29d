/* SPDX-License-Identifier: MIT */
/** One attempt, of a task or of a hook, ready to be handed to an executor. */
#pragma once

#include "scheduler/daemon/run_context.h"

typedef struct {
    GPtrArray *argv;        /**< char*, NULL-terminated */
    GPtrArray *environment; /**< char* "K=V", NULL-terminated */
    char *cwd;
    char *log_path;
    char *header; /**< the log's first line */
} Attempt;

/** With empty lists, for who fills it in. */
void attempt_init(Attempt *attempt);
/**
 * `run` is the context's, and `task` one of `dag`, its version. Fills in `ret`, to be cleared also after a
 * failure. The error says which of the task's texts is wrong.
 */
bool attempt_prepare(RunContext *context, const DagRun *run, const Dag *dag, const Task *task,
                     const TaskInstance *ti, int64_t now_us, Attempt *ret, GError **error);
void attempt_clear(Attempt *attempt);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Attempt, attempt_clear)
