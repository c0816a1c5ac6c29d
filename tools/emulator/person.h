/* SPDX-License-Identifier: MIT */
/** The user who made a post. Of 131 posts in the real data, 7 are by somebody who made an earlier one. */
#pragma once

#include "tools/emulator/random.h"

#include <glib.h>

/** The number of the person who made post `number`. */
uint64_t person_of_post(uint64_t seed, uint64_t number);
/** Appends the user record of a post as one line of JSON. */
void person_append_record(GString *out, uint64_t seed, uint64_t person, uint64_t ind);
