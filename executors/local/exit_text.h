/* SPDX-License-Identifier: MIT */
/** How an end is told to people. */
#pragma once

#include "executors/local/slot_file.h"

/**
 * "Task exited with return code 3", "Task was killed by signal 9 (SIGKILL)", "Task timed out after 10m ...";
 * "" for a plain success. g_free() it. `survivors`: processes of it that could not be ended.
 */
char *exit_text_format(const SlotExit *exit, int64_t timeout_us, unsigned survivors);

/** "1h30m", "10m", "2.5s". g_free() it. */
char *duration_text_format(int64_t duration_us);
