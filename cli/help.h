/* SPDX-License-Identifier: MIT */
/** Help and usage, made from the verb table. */
#pragma once

#include "cli/args.h"

/** `weir --help` (group NULL) or `weir dags --help`; the caller frees. */
char *help_overview(const Verb *verbs, const char *group);
/** `weir dags list --help`. */
char *help_verb(const Verb *verb);
/** One line: `usage: weir dags list [OPTIONS]`. */
char *help_usage(const Verb *verb);
