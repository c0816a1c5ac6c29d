/* SPDX-License-Identifier: MIT */
/**
 * What a verb has at hand: its command line, the settings, and a reader of the store, each opened when first
 * asked for. A verb that needs none of them touches no disk.
 */
#pragma once

#include "cli/args.h"
#include "cli/output.h"
#include "scheduler/load/folder.h"
#include "scheduler/load/settings.h"
#include "scheduler/store/home.h"
#include "scheduler/store/reader.h"

struct Cli {
    const Args *args;
    OutputFormat format;
    bool verbose;
    /* Private: use the functions. */
    Settings *settings;
    StoreConn *reader;
    bool no_store; /**< looked for and not there */
    DagFolder *folder;
    LoadResult *stored; /**< of cli_find_dag(), for a DAG without a file in the folder */
};

void cli_clear(Cli *cli);

const Settings *cli_settings(Cli *cli, GError **error);
/** A read-only connection. NULL without an error: there is no store yet, so nothing was ever run here. */
StoreConn *cli_reader(Cli *cli, GError **error);
/** The same, but that there is no store yet is an error. */
StoreConn *cli_need_reader(Cli *cli, GError **error);
/** The DAG folder, scanned once. */
const DagFolder *cli_folder(Cli *cli, GError **error);

/** An instant as people type it; naive ones are in core.default_timezone. */
bool cli_parse_time(Cli *cli, const char *text, int64_t *ret_us, GError **error);
/** The value of such an option; TIME_NONE if it was not given. */
bool cli_time_option(Cli *cli, const char *name, int64_t *ret_us, GError **error);

/** Where the log of a try is; the caller frees. */
char *cli_log_path(const Cli *cli, const DagRun *run, const char *task_id, int32_t try_number);

/** On a terminal and without -y. */
bool cli_may_ask(Cli *cli);
/** Whether it is fine to go on: asks on a terminal unless -y, else yes. */
bool cli_confirm(Cli *cli, const char *question);

/* ---- Naming things: an unknown name is an error that suggests the near one ---- */

/** WEIR_ERROR_NOT_FOUND for a dag_id that neither the folder nor the store knows. */
void cli_set_unknown_dag(Cli *cli, const char *dag_id, GError **error);
/**
 * The DAG as its file says now, or, without one in the folder, as it last ran. A broken file's errors are the
 * message. Borrowed until the next call.
 */
const Dag *cli_find_dag(Cli *cli, const char *dag_id, GError **error);
/** The DAG as a scheduler fires it: as cli_find_dag(), but of a broken file its last good version if there is
 * one. */
const Dag *cli_find_fired_dag(Cli *cli, const char *dag_id, GError **error);
/** What a stored version says; never NULL. */
LoadResult *cli_load_version(const Cli *cli, const DagVersion *version);
/** True if folder or store know it. */
bool cli_check_dag(Cli *cli, const char *dag_id, GError **error);
/** A run by its run id or its logical date; a day, minute or second will do if one run only is of it. */
DagRun *cli_find_run(Cli *cli, const char *dag_id, const char *run, GError **error);
/** A task of a run; a list of one. */
TaskList *cli_find_task(Cli *cli, const DagRun *run, const char *task_id, GError **error);
/**
 * The task that the verb's words mean: DAG TASK RUN as with Airflow, or DAG RUN TASK, the order of `tasks
 * mark`, when that names a run and the other does not. The caller frees both.
 */
TaskList *cli_find_named_task(Cli *cli, DagRun **ret_run, GError **error);
