/* SPDX-License-Identifier: MIT */
/**
 * The runner: a small separate process, the parent of the tasks, that outlives the daemon.
 *
 * It is started by local_executor.c as `weir __runner DIR` with its lock as fd 3 and its listening socket as
 * fd 4 (runner_dir.h), and ends by itself when it has nothing running, nothing unacknowledged and no
 * controller.
 */
#pragma once

/** The body of `weir __runner DIR`; returns the exit code. */
int runner_main(const char *dir);
