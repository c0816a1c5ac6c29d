/* SPDX-License-Identifier: MIT */
/**
 * Removing the logs of runs that are deleted. Private.
 *
 * Everything goes by descriptors of folders: a link is removed, never followed, so nothing outside of the
 * logs folder can be reached, whatever a task has put there.
 */
#pragma once

#include "scheduler/model/types.h"

/**
 * Removes <logs>/dag_id=.../run_id=... with all that is in it, at most `*budget` entries, which is counted
 * down. True when there is nothing left of it; also when something cannot be removed: then `*ret_failure` (to
 * be g_free()d, or NULL) says what, and it stays. The ids must be valid ones.
 */
bool log_folder_remove_run(const char *logs_folder, const char *dag_id, const char *run_id, int *budget,
                           char **ret_failure);
/** Whether there is anything in that place. */
bool log_folder_has_run(const char *logs_folder, const char *dag_id, const char *run_id);
/** Removes <logs>/dag_id=... if it is empty. */
void log_folder_remove_dag(const char *logs_folder, const char *dag_id);
