/* SPDX-License-Identifier: MIT */
/** Names of time zones: which may be handed to GLib, and what to say about the others. Private to zone.c. */
#pragma once

#include "scheduler/model/types.h"

/**
 * Whether the name looks like an IANA name. GLib takes files below the zone folder, absolute paths, offsets
 * and POSIX rules alike, and complains on stderr about files that hold no zone; only plain names pass here.
 */
bool zone_name_is_safe(const char *name);

/** Sets WEIR_ERROR_INVALID for a name that is not safe or not known. */
void zone_name_set_error(const char *name, GError **error);
