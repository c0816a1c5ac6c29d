/* SPDX-License-Identifier: MIT */
/**
 * The environment of tasks: what they inherit from weir, what they are told, and the cookie they carry.
 */
#pragma once

#include "executors/executor.h"

/**
 * The variable by which everything an attempt has started is recognised: WEIR_ATTEMPT=<scope>:<ti>:<try>,
 * where the scope is cookie_scope_format()'s.
 */
#define ATTEMPT_COOKIE_NAME "WEIR_ATTEMPT"

/** The variable that names the file for an attempt's XComs. */
#define OUTPUT_NAME "WEIR_OUTPUT"

/**
 * A copy of `environment` without what is not for tasks: WEIR_CONN_*, WEIR_VAR_*, AIRFLOW_CONN_*,
 * AIRFLOW_VAR_*, WEIR__*, AIRFLOW__*, WEIR_CRASH_*, the cookie of an outer attempt, NOTIFY_SOCKET, LISTEN_*,
 * WATCHDOG_*. g_strfreev() it.
 */
char **environment_filter(const char *const *environment);

/**
 * "<instance>.<device>.<inode of the folder of all runners>": a copy of a home has the same database, and
 * must not take the original's processes for its own. g_free() it.
 */
char *cookie_scope_format(const char *instance, const char *runners_dir);

/** "WEIR_ATTEMPT=..."; g_free() it. */
char *attempt_cookie_format(const char *scope, AttemptId key);

/**
 * `base`, overridden by `extra`, then by `cookie`. The array is to be g_free()d, its strings belong to the
 * arguments. NULL arguments are empty.
 */
const char **environment_compose(const char *const *base, const char *const *extra, const char *cookie);

/** The value of `name` in "K=V" strings, or NULL. */
const char *environment_get(const char *const *environment, const char *name);
