/* SPDX-License-Identifier: MIT */
/** Following an attempt's log as it grows, and its task as its state changes. Nothing is polled. */
#pragma once

#include "cli/cli.h"

/** Copies the file from `*offset` on to stdout, safe for a terminal if it is one. False if there is none. */
bool log_print(const char *path, int64_t *offset);

/**
 * Prints the log of a try (0: the current one, and the next ones too) until it has ended, and how it ended on
 * stderr. True when it could be done.
 */
bool log_follow(Cli *cli, const DagRun *run, const char *task_id, int32_t try_number, GError **error);
