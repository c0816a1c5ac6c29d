/* SPDX-License-Identifier: MIT */
/** What `weir run` is asked to run: which command starts or continues it. */
#pragma once

#include "cli/cli.h"

typedef struct {
    char *dag_id;
    char *run_id;           /**< NULL until a new run has got its name */
    json_t *command;        /**< dags.trigger or dags.resume; NULL: the run is finished already */
    int64_t old_version_id; /**< of a run that is continued; 0 for a new one */
    bool is_new;            /**< `command` is dags.trigger */
    bool is_dated;          /**< run_start_name() has given the logical date, too */
} RunStart;

/**
 * Reads the command line, the file if it names one, and the store if it names a run. A broken file's errors
 * go to stderr as they stand (CLI_ERROR_SAID).
 */
bool run_start_prepare(Cli *cli, RunStart *ret, GError **error);
void run_start_clear(RunStart *start);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunStart, run_start_clear)

/**
 * Gives a new run that has no name one, and a logical date, before it is sent to another process: if that one
 * dies before it answers, the name tells whether it was done. True if it needed one.
 */
bool run_start_name(RunStart *start);
/** Takes that name back. */
void run_start_unname(RunStart *start);

/** A dags.resume that takes over the run as it is, on the version it is on. */
json_t *run_start_takeover(const RunStart *start);
