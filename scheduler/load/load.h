/* SPDX-License-Identifier: MIT */
/**
 * One DAG file -> one sealed Dag, or the list of all that is wrong with it.
 *
 * Pure but for load_dag_file(), which reads the file: the same text and origin give the same result. Nothing
 * here logs, recurses beyond LOAD_MAX_DEPTH, or takes more than linear time; hostile files are safe to load.
 */
#pragma once

#include "scheduler/load/load_error.h"
#include "scheduler/model/dag.h"

#define LOAD_MAX_FILE_BYTES   (16u * 1024 * 1024)
#define LOAD_MAX_SCALAR_BYTES (256u * 1024)
#define LOAD_MAX_DEPTH        64
/** Keys, values and containers of one file, aliases counted as what they stand for. */
#define LOAD_MAX_NODES 2000000u

#define LOAD_MAX_ANCHORS 1000u

/** Where a text comes from. All may be NULL or absent. */
typedef struct {
    const char *path;   /**< of the file, as errors shall name it; NULL = came as text */
    const char *folder; /**< base of relative paths; NULL = the folder of `path`, else the working one */
    const char
        *default_dag_id; /**< when the text has no dag_id; NULL = the name of `path` without extension */
    const char *default_timezone; /**< when the text has no timezone; NULL = UTC */
} LoadOrigin;

typedef struct {
    Dag *dag;                       /**< sealed; NULL if there is any error */
    char *dag_id;                   /**< also of a broken file, where it can be told; else NULL */
    SourcePosition dag_id_position; /**< 0 when the id is the default one */
    LoadErrorList *errors;          /**< sorted by position; never NULL */
    LoadErrorList *warnings;        /**< never NULL */
    char *content_hash;             /**< SHA-256 in hex of text and folder: the version of the DAG */
    char *text; /**< the text itself, NUL-terminated, as versions are stored; NULL if unreadable */
    size_t n_text;
} LoadResult;

/** Never NULL; `result->dag != NULL` is success. The text need not be NUL-terminated. */
LoadResult *load_dag_text(const char *text, size_t n_text, const LoadOrigin *origin);
/** Reads `path` first; a file that cannot be read is an error in the result like any other. */
LoadResult *load_dag_file(const char *path, const char *default_timezone);
/** The result for a file that could not be read. */
LoadResult *load_result_unreadable(const LoadOrigin *origin, const GError *why);
void load_result_free(LoadResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadResult, load_result_free)

/** The content hash of a text in a folder; the caller frees. */
char *load_content_hash(const char *text, size_t n_text, const char *folder);
/** Opens and reads a regular file of at most LOAD_MAX_FILE_BYTES; NUL-terminated, the caller frees. */
char *load_read_file(const char *path, size_t *ret_n, GError **error);
