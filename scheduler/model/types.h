/* SPDX-License-Identifier: MIT */
/**
 * The few words every layer shares: instants, durations and identifiers.
 *
 * An instant is `int64_t` microseconds since the Unix epoch, UTC; its names end in `_us`. A duration is
 * `int64_t` microseconds too. "Absent" is TIME_NONE, never 0 (0 is 1970).
 */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

#define TIME_NONE     INT64_MIN
#define USEC_PER_MSEC INT64_C(1000)
#define USEC_PER_SEC  INT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)

/** Errors that any layer may report; the message is written for the user (what, where, what to do). */
#define WEIR_ERROR (weir_error_quark())
GQuark weir_error_quark(void);

typedef enum {
    WEIR_ERROR_INVALID,   /**< the request or file is wrong; the same call fails again */
    WEIR_ERROR_NOT_FOUND, /**< names something that does not exist */
    WEIR_ERROR_CONFLICT,  /**< exists already, or the state does not allow it */
    WEIR_ERROR_IO,        /**< the machine said no (disk, permission, socket) */
    WEIR_ERROR_BUSY,      /**< another process holds it */
    WEIR_ERROR_CORRUPT,   /**< stored data is not what we wrote */
    WEIR_ERROR_FULL,      /**< no room on a disk: the same call may succeed later */
} WeirError;

/**
 * A DAG or task id: `[A-Za-z0-9][A-Za-z0-9._-]{0,199}` without "..". Ids become parts of paths, so this is
 * checked at every entrance.
 */
bool id_is_valid(const char *id);

/** A run id: `[A-Za-z0-9][A-Za-z0-9_.~:+-]{0,199}` without "..". */
bool run_id_is_valid(const char *run_id);

/**
 * The candidate nearest to `word` by edit distance, for "did you mean"; NULL when none is near.
 * `candidates` is NULL-terminated; the result points into it.
 */
const char *suggest_nearest(const char *word, const char *const *candidates);
