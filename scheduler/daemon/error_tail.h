/* SPDX-License-Identifier: MIT */
/** The end of what an attempt has written, fit for the environment of another process. */
#pragma once

#include "scheduler/model/types.h"

#define ERROR_TAIL_LINES 20
#define ERROR_TAIL_BYTES 4096

/**
 * The last lines of an attempt's log, at most ERROR_TAIL_LINES and ERROR_TAIL_BYTES: valid UTF-8 without NUL,
 * colours and control characters but newline and tab. Lines that weir has written into the log are left out,
 * unless there is nothing else: then the last of them, which says why. "" when there is nothing or no file.
 * The caller frees.
 */
char *error_tail_read(const char *log_path);
/** The same of text in memory; `is_whole`: it begins where a line does. */
char *error_tail_of(const char *bytes, size_t n, bool is_whole);
