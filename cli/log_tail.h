/* SPDX-License-Identifier: MIT */
/** The end of a log file. */
#pragma once

#include "scheduler/model/types.h"

/** The last `n_lines` lines, safe to print, without colours; NULL if there are none. The caller frees. */
char *log_tail(const char *path, guint n_lines);
