/* SPDX-License-Identifier: MIT */
/** What verbs that write share: arguments of commands from options, and clearing with a question. */
#pragma once

#include "cli/cli.h"

/** `{"dag_id", "run_id"}` of a run named by run id or logical date; NULL if there is none. */
json_t *write_run_args(Cli *cli, const char *dag_id, const char *run, GError **error);

/** What -r, -l, -c and -p say of a new run, for dags.trigger. NULL if one of them is wrong. */
json_t *write_new_run(Cli *cli, GError **error);

/** The JSON object that an option has, if it was given, as `key`. False if it is none. */
bool write_add_conf(Cli *cli, json_t *args, const char *option, const char *key, GError **error);

/** Sets `only_failed` = true for a given --only-failed, and so on. */
void write_copy_flags(Cli *cli, json_t *args, const char *const *names);

/** --state must be given and be one of these. */
bool write_check_state(Cli *cli, const char *const *states, GError **error);

/** --[no-]run-on-latest-version as `run_on_latest_version`; yes unless said otherwise. */
void write_set_latest(Cli *cli, json_t *args);

/** Prints the task instances of a result. Takes over `result`; NULL is a failure. */
int write_print_tasks(Cli *cli, json_t *result);

/**
 * Clears: with --dry-run only shows what, on a terminal shows it and asks first unless -y. Takes over `args`.
 */
int write_clear(Cli *cli, const char *command, json_t *args, GError **error);
