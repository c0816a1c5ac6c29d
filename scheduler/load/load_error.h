/* SPDX-License-Identifier: MIT */
/**
 * What is wrong in a DAG file, and where. Errors are collected, not thrown: one load reports all of them.
 *
 * Text form: `FILE:LINE:COLUMN: error: what is wrong; did you mean "x"?`. Lines and columns are 1-based and
 * count characters, as editors do.
 */
#pragma once

#include "scheduler/model/types.h"

/** More errors than this are counted, not kept. */
#define LOAD_MAX_ERRORS 1000

typedef struct {
    const char *file; /**< as the user named it; belongs to the list */
    uint32_t line;    /**< 0 = the file as a whole */
    uint32_t column;  /**< 0 = the line as a whole */
    char *message;    /**< one line, no full stop */
    char *suggestion; /**< a known name that is near, or NULL */
} LoadError;

typedef struct {
    char *file;
    GPtrArray *items; /**< LoadError*, owned */
    GHashTable *seen; /**< LoadError* set: the same error through an alias counts once */
    guint n_dropped;  /**< beyond LOAD_MAX_ERRORS */
} LoadErrorList;

LoadErrorList *load_error_list_new(const char *file);
void load_error_list_free(LoadErrorList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadErrorList, load_error_list_free)

/** Adds one; `suggestion` may be NULL. */
void load_error_add(LoadErrorList *list, uint32_t line, uint32_t column, const char *suggestion,
                    const char *format, ...) G_GNUC_PRINTF(5, 6);
/** By position; at the end says how many were left out, if any. */
void load_error_list_sort(LoadErrorList *list);

/** `FILE:LINE:COLUMN: severity: message; did you mean "x"?` without a newline; the caller frees. */
char *load_error_format(const LoadError *error, const char *severity);
/** The same without the position: `message; did you mean "x"?`. */
char *load_error_text(const LoadError *error);
/** All of them as lines of load_error_format(); the caller frees. */
char *load_error_list_format(const LoadErrorList *list, const char *severity);
