/* SPDX-License-Identifier: MIT */
/**
 * Carrying out a command (docs/commands.md), whoever holds the home.
 */
#pragma once

#include "cli/cli.h"

/** How long a command waits for who holds the lock to answer. */
#define COMMAND_TIMEOUT_US (10 * USEC_PER_SEC)

/** `{"command": name, "args": args}`; takes over `args`. */
json_t *command_new(const char *name, json_t *args);

/**
 * The result (new reference) of an answer, or NULL with its error; a note goes to stderr. Takes over
 * `answer`, which may be NULL if `error` is set already.
 */
json_t *command_result(json_t *answer, GError **error);

/**
 * client_call() with that patience; who holds the home and does not answer is named. WEIR_ERROR_NOT_FOUND:
 * nobody listens.
 */
json_t *command_call(const Settings *settings, json_t *command, GError **error);

/**
 * Sends a command to whoever holds the lock; with nobody, takes the lock and carries it out here, which
 * starts nothing and says so. New reference to the result. Takes over `args`.
 */
json_t *send_command(Cli *cli, const char *name, json_t *args, GError **error);

/**
 * With nobody holding the lock: takes in what runners still hold, so that they can go. For whoever is about
 * to leave without having opened a daemon. Nothing is said if it cannot be done now: the next command does
 * it.
 */
void command_take_in(Cli *cli);

/** Brings an older database up to date, with nobody holding the lock. False if that cannot be done now. */
bool command_upgrade(Cli *cli);

/** Who gives commands from this process. Points to static memory. */
const char *command_user(void);
/** Log lines of a daemon in this process: warnings and errors to stderr. For DaemonOptions. */
void command_log(int level, const char *line);
