/* SPDX-License-Identifier: MIT */
/** One attempt of a hook, ready to be handed to the executor: its command, and all it tells in the
 * environment. */
#pragma once

#include "scheduler/daemon/attempt.h"
#include "scheduler/store/rows.h"

/**
 * The command is that of the version which the run is pinned to now. Everything the hook tells of goes into
 * the environment, and nothing of it into the command but what its templates ask for. Fills in `ret`, to be
 * cleared also after a failure; the error says what is wrong with the hook.
 */
bool hook_prepare(Daemon *daemon, const Hook *hook, int64_t now_us, Attempt *ret, GError **error);

/** Why the attempt or run ended, in words; "" for success. The caller frees. `task` may be NULL. */
char *hook_reason_text(const Hook *hook, const Task *task);
