/* SPDX-License-Identifier: MIT */
/**
 * A post (pin) with the dirt of the real data: what the scraper wrote where it found nothing, follower counts
 * as the page shows them, and the folder's name inside of a sentence.
 */
#pragma once

#include "tools/emulator/random.h"

#include <glib.h>

/** Appends the pin record of post `number` as one line of JSON; `scratch` is overwritten. */
void post_append_record(GString *out, GString *scratch, uint64_t seed, uint64_t number, uint64_t ind);
