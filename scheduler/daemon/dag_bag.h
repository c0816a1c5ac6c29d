/* SPDX-License-Identifier: MIT */
/**
 * DAGs by id, as their files say now, and by version, as runs are pinned to them.
 *
 * A DAG that is asked for is looked up in the DAG folder (a look costs one stat per file; only changed files
 * are parsed), then where the store says its file is. Its row and version are stored, in a transaction of
 * their own, before it is handed out: a version without runs harms nobody.
 */
#pragma once

#include "scheduler/daemon/internal.h"

DagBag *dag_bag_new(const char *folder, const char *default_timezone);
void dag_bag_free(DagBag *bag);

typedef struct {
    Dag *dag; /**< borrowed: valid as long as the bag */
    int64_t version_id;
} DagLatest;

/**
 * The DAG as its file says now. WEIR_ERROR_INVALID when the file is broken, with all that is wrong with it;
 * WEIR_ERROR_NOT_FOUND with a near name when there is no such DAG.
 */
bool dag_bag_get(DagBag *bag, Daemon *daemon, const char *dag_id, DagLatest *ret, GError **error);
/** The same, but the last good version when the file is broken or gone. */
bool dag_bag_get_good(DagBag *bag, Daemon *daemon, const char *dag_id, DagLatest *ret, GError **error);
/** A DAG that came as text; `path` names it in errors and may be NULL. */
bool dag_bag_put_text(DagBag *bag, Daemon *daemon, const char *text, const char *path, const char *folder,
                      DagLatest *ret, GError **error);
/** The DAG of a stored version; borrowed: valid as long as the bag. */
Dag *dag_bag_get_version(DagBag *bag, Daemon *daemon, int64_t version_id, GError **error);
/** The DAG as the service knows it: its last good version, without a look at the folder; borrowed. */
Dag *dag_bag_get_current(DagBag *bag, Daemon *daemon, const char *dag_id, int64_t *ret_version_id,
                         GError **error);
/** What the folder had at the last look. */
DaemonDags dag_bag_count(const DagBag *bag);
/** Its rows have been deleted: what the folder still has of it is new at the next look. */
void dag_bag_forget(DagBag *bag, const char *dag_id);

/**
 * Looks at the whole folder and makes rows, import errors, schedules and the engine agree with it, in one
 * transaction of its own. DAGs whose file is gone become stale; those whose file is broken stay as they were.
 * False only if the store failed; then nothing has changed, and it can be tried again.
 */
bool dag_bag_apply_folder(DagBag *bag, Daemon *daemon, int64_t now_us, GError **error);
/** WEIR_ERROR_NOT_FOUND about a dag_id, with a near name. */
void dag_bag_set_not_found(DagBag *bag, Daemon *daemon, const char *dag_id, GError **error);
