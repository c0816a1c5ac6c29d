/* SPDX-License-Identifier: MIT */
/**
 * Commands: JSON documents that change something, as docs/commands.md has them. Private.
 *
 * A handler first checks everything, then applies: to the engine, and with persist_add_...() to what the turn
 * writes. When it fails it has changed nothing. It sees committed rows, which the engine is not ahead of.
 */
#pragma once

#include "scheduler/daemon/internal.h"

typedef struct {
    Daemon *daemon;
    const char *name;
    const json_t *args; /**< object, checked against the handler's ArgSpecs */
    const Caller *caller;
    int64_t now_us;
    char *note; /**< owned; what the caller should know although it went well, or NULL */
} Command;

/** The result (a new reference), or NULL with an error. */
typedef json_t *(*CommandHandler)(Command *command, GError **error);

typedef enum {
    ARG_TEXT,
    ARG_ID, /**< a DAG or task id */
    ARG_RUN_ID,
    ARG_FLAG,
    ARG_INTEGER,
    ARG_TIME,  /**< an ISO 8601 text */
    ARG_TEXTS, /**< array of strings */
    ARG_OBJECT,
    ARG_ANY_TIME, /**< as ARG_TIME, or null, which is not the same as absent */
} ArgType;

typedef struct {
    const char *name;
    ArgType type;
    bool is_required;
} ArgSpec;

typedef struct {
    const char *name;
    CommandHandler handler;
    const ArgSpec *args; /**< ends with a NULL name */
} CommandSpec;

/* The tables of the groups; each ends with a NULL name. */
extern const CommandSpec commands_trigger[];
extern const CommandSpec commands_runs[];
extern const CommandSpec commands_tasks[];
extern const CommandSpec commands_admin[];
extern const CommandSpec commands_explain[];
extern const CommandSpec commands_clean[];
extern const CommandSpec commands_backfill[];

/** Runs a command document and gives its answer; `id` comes back. New reference, never NULL. */
json_t *command_run(Daemon *daemon, const json_t *document, const Caller *caller, int64_t now_us);
json_t *command_error_answer(const json_t *document, const char *code, const char *message);
json_t *command_result_answer(const json_t *document, json_t *result);
json_t *command_gerror_answer(const json_t *document, const GError *error);

/* Arguments; absent and null are the same. */
const char *command_text(const Command *command, const char *name);
bool command_flag(const Command *command, const char *name, bool otherwise);
const json_t *command_json(const Command *command, const char *name);
/** A date without offset is on the clock of core.default_timezone. TIME_NONE when absent. */
bool command_time(const Command *command, const char *name, int64_t *ret_us, GError **error);

/** The run that `dag_id` and `run_id` name, from the store. */
DagRun *command_find_run(Command *command, GError **error);
/** Adds a row to the audit log. `extra` (or NULL) is taken. */
void command_audit(Command *command, const char *event, const char *dag_id, const char *run_id,
                   const char *task_id, json_t *extra);
/** Adds a sentence to the note. */
void command_add_note(Command *command, const char *text);
/** Notes that nothing happens now because this process holds the run, or its DAG is paused. */
void command_note_waiting(Command *command, int64_t dag_run_id);
/** Notes, once a pool, that tasks of the run wait for one that is missing or smaller than they need. */
void command_note_pools(Command *command, int64_t dag_run_id);
