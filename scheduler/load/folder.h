/* SPDX-License-Identifier: MIT */
/**
 * The DAG folder: which files are DAGs, which of them changed since the last look, and what they say.
 *
 * Read recursively: `*.yaml` and `*.yml`, without hidden files and folders and without those that
 * `.airflowignore` files exclude. Links are followed; each folder is entered once. A rescan parses only files
 * whose signature (device, inode, size, mtime, ctime) changed. Nothing is watched here: the daemon says when
 * to look.
 */
#pragma once

#include "scheduler/load/folder_walk.h"
#include "scheduler/load/load.h"

typedef struct DagFolder DagFolder;

/** One file of the folder, as of the last scan. */
typedef struct {
    char *path;          /**< absolute */
    char *relative;      /**< to the folder: REST's relative_fileloc */
    char *dag_id;        /**< NULL if it could never be told */
    LoadResult *result;  /**< what the text says; never NULL */
    LoadError *conflict; /**< the dag_id belongs to another file; NULL if not */
    Dag *dag;            /**< borrowed; NULL if the file is broken or in conflict */
    /* Private from here on. */
    FileSignature signature;
    int64_t read_at_ns;
    uint64_t generation; /**< of the scan that last saw it */
    uint64_t claim; /**< since when it has its dag_id: the older claim wins; 0 = from before the first scan */
    bool changed;
} DagFile;

/** What one scan found different from the scan before; borrowed files, valid until the next scan. */
typedef struct {
    GPtrArray *changed; /**< DagFile*: new, edited, or conflict come or gone; sorted by path */
    GPtrArray *removed; /**< DagFile*, owned by this list: gone from the folder */
    guint n_parsed;     /**< how many files were read anew and parsed */
} FolderChanges;

DagFolder *dag_folder_new(const char *path, const char *default_timezone);
void dag_folder_free(DagFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DagFolder, dag_folder_free)

/**
 * Before the first scan: the file at the absolute `path` had that dag_id last, and keeps it while it says so.
 * Of other files with the same dag_id that the first scan finds, the first one by path has it.
 */
void dag_folder_set_owner(DagFolder *folder, const char *dag_id, const char *path);
/** Looks at the folder. NULL only if the folder itself cannot be read; then nothing has changed. */
FolderChanges *dag_folder_scan(DagFolder *folder, GError **error);
void folder_changes_free(FolderChanges *changes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FolderChanges, folder_changes_free)

const char *dag_folder_path(const DagFolder *folder);
/** The folders that were looked into, as paths relative to the folder (char*), "" first; valid until the next
 * scan. */
const GPtrArray *dag_folder_folders(const DagFolder *folder);
/** All files sorted by path (DagFile*); borrowed, valid until the next scan. */
const GPtrArray *dag_folder_files(const DagFolder *folder);
/** The file that owns `dag_id`, broken or not; NULL if there is none. */
const DagFile *dag_folder_find(const DagFolder *folder, const char *dag_id);
/** The file at this absolute or relative path, or NULL. */
const DagFile *dag_folder_find_path(const DagFolder *folder, const char *path);
/** All that is wrong with a file (its errors, or the conflict) as lines, or NULL if nothing is; the caller
 * frees. */
char *dag_file_error_text(const DagFile *file);
