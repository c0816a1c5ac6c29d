/* SPDX-License-Identifier: MIT */
/** Guessing whether a SIGKILL came from the kernel because memory ran out. */
#pragma once

#include <stdbool.h>

/** Remembers the present count of out-of-memory kills of our cgroup (or, without one, of the machine). */
void oom_count_begin(void);

/** Whether the count has risen since the last look, or within the last seconds. */
bool oom_count_has_risen(void);
