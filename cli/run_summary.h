/* SPDX-License-Identifier: MIT */
/** How a run ended, and what to do about it. */
#pragma once

#include "cli/run_view.h"

/**
 * The last words of `weir run` about a finished run, as text. `subject` is what stands on the command line
 * for the DAG.
 */
char *run_summary_text(const RunView *view, const char *subject);
/** The run's document, with the number of its tasks by state; for -o json. New reference. */
json_t *run_summary_object(const RunView *view);
