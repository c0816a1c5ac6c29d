/* SPDX-License-Identifier: MIT */
/** The templates of one attempt, of a task or of a hook, rendered from committed rows. */
#pragma once

#include "scheduler/daemon/lookups.h"
#include "scheduler/daemon/run_context.h"

/** On the stack of who renders; nothing in it is owned. */
typedef struct {
    RunContext *run;
    const Dag *dag;
    TemplateContext template;
    LookupScope scope;
} Renderer;

/** `task` is one of `dag`, the version of the run, and `ti` its attempt; both NULL when it is about the run.
 */
void renderer_init(Renderer *renderer, RunContext *context, const DagRun *run, const Dag *dag,
                   const Task *task, const TaskInstance *ti, int64_t now_us);

/**
 * Appends the arguments to `argv`, of char *, and the command as one line for people, without secrets, to
 * `header`. Errors name the text by `key`, as the DAG file does: command[1].
 */
bool renderer_command(Renderer *renderer, const CommandLine *command, const char *key, GPtrArray *argv,
                      GString *header, GError **error);
/** What `header` has become as the first line of a log, cut if it is long; the caller frees. */
char *renderer_header_line(GString *header, int64_t now_us);
/** Appends "NAME=value" to `environment`, of char *. */
bool renderer_env(Renderer *renderer, const EnvVar *env, uint32_t n, GPtrArray *environment, GError **error);
/** Absolute; relative ones are in the DAG file's folder, which NULL is too. The caller frees. */
char *renderer_cwd(Renderer *renderer, const char *cwd, GError **error);
