/* SPDX-License-Identifier: MIT */
/** Private to the store: names that survive a power loss. */
#pragma once

#include <stdbool.h>

/**
 * fsync of the folder that `path` is in: a new name is not on the disk before that, whatever is synced below
 * it. False with errno.
 */
bool sync_name(const char *path);
