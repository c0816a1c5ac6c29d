/* SPDX-License-Identifier: MIT */
/** Where and when a post was made: the place is the person's, the time is the post's. */
#pragma once

#include "tools/emulator/random.h"

#include <glib.h>

/** Appends the geo record of post `number` as one line of JSON. */
void place_append_record(GString *out, uint64_t seed, uint64_t number, uint64_t person, uint64_t ind);
