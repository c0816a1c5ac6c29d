/* SPDX-License-Identifier: MIT */
/**
 * What an attempt leaves behind for others: the last line of its output, and the lines of $WEIR_OUTPUT.
 *
 * Reads files that tasks have written, so it trusts nothing: sizes are bounded, links and devices are not
 * followed, text that is not UTF-8 is made so.
 */
#pragma once

#include "scheduler/model/types.h"

#include <jansson.h>

#define XCOM_VALUE_MAX  (64 * 1024)
#define XCOM_OUTPUT_MAX (1024 * 1024)

/**
 * The last line of bytes begin..end of the log, without white space at its end; of a line longer than
 * XCOM_VALUE_MAX its last part. "" when there is none. The caller frees.
 */
char *xcom_read_last_line(const char *log_path, int64_t begin, int64_t end);

typedef void (*XComPair)(const char *key, json_t *value, void *user);
typedef void (*XComWarning)(const char *text, void *user);

/**
 * Calls `pair` for each line `KEY=VALUE` of the file, in order, and `warning` for each line that is none.
 * Values are JSON where they parse as such, else strings. What is there and no plain file is a warning, too.
 * False when there is nothing.
 */
bool xcom_read_output(const char *path, XComPair pair, XComWarning warning, void *user);
