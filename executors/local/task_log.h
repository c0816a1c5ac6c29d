/* SPDX-License-Identifier: MIT */
/**
 * The log of an attempt: a plain file the task itself appends to, in which weir writes a line here and there.
 */
#pragma once

#include <stdint.h>

/** Opens for appending, with 0600; missing folders are made with 0700. The fd, or a negative errno. */
int task_log_open(const char *path);

/** How long the file is; 0 when that can not be said. */
int64_t task_log_size(const char *path);

/**
 * Appends "[weir] <text>\n", on a line of its own. A log that can not be written never harms the task:
 * nothing is reported.
 */
void task_log_append(const char *path, const char *text);
