/* SPDX-License-Identifier: MIT */
/** What the files of the DAG bag share. Private to dag_bag*.c. */
#pragma once

#include "scheduler/daemon/dag_bag.h"
#include "scheduler/load/folder.h"

struct DagBag {
    DagFolder *folder;
    char *default_timezone;
    bool knows_owners;    /**< `folder` was told which file has which dag_id */
    GHashTable *versions; /**< int64_t version id -> Dag: all ever handed out */
    GHashTable *stored;   /**< dag_id -> StoredDag: what the dag table says */
    bool has_read_stored; /**< `stored` has all DAGs, not only those that were asked for */
    char *errors_stored;  /**< all import errors as last stored; NULL = not known */
    guint n_changes;      /**< that looks have found so far */
    char *scan_failure;   /**< why the folder could not be read at last; NULL = it could */
};

typedef struct {
    char *content_hash; /**< of the latest version; NULL = not known: it will be stored again */
    int64_t version_id; /**< the latest good version */
    char *fileloc;
    bool is_stale, has_import_errors;
    int64_t scheduled_version_id; /**< which version the schedules know; 0 = none */
} StoredDag;

/** Looks at the folder. */
bool dag_bag_scan(DagBag *bag, Daemon *daemon, GError **error);
/** What is stored already, if it is this very content at this very place, and nothing is wrong with it. */
const StoredDag *dag_bag_find_stored(const DagBag *bag, const LoadResult *result);
/** Version and row of a DAG as just loaded, into the open transaction. */
bool dag_bag_store_rows(DagBag *bag, Daemon *daemon, const LoadResult *result, int64_t *ret_version_id,
                        GError **error);
/** Ends the transaction: commits, or forgets what it was to have stored. */
bool dag_bag_commit_rows(DagBag *bag, Daemon *daemon, bool is_written, GError **error);
/** The version's Dag from now on; returns the one that is kept. */
Dag *dag_bag_keep_version(DagBag *bag, int64_t version_id, Dag *dag);
