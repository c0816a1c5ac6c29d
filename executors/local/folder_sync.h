/* SPDX-License-Identifier: MIT */
#pragma once

/** fsync of a folder and of those above it, `levels` in all: names in them survive a power loss. 0 or -errno.
 */
int folder_sync(const char *folder, int levels);
