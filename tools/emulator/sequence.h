/* SPDX-License-Identifier: MIT */
/**
 * Which post each record is of: new ones in order, and now and then an earlier one again.
 *
 * In the real data 6 of 137 records repeat an earlier one, and the repeats come in bursts: the same post two,
 * three or four times.
 */
#pragma once

#include "tools/emulator/random.h"

typedef struct {
    Random random;
    uint64_t seed;
    uint64_t fresh;    /**< posts seen so far; the next new one has this number */
    uint64_t repeated; /**< the post that was repeated last */
} Sequence;

Sequence sequence_start(uint64_t seed);
/** The number of the post that the next record is of. */
uint64_t sequence_next(Sequence *sequence);
/** The `index` / `ind` of post `number`: unlike for any two numbers below 2^30, scattered over `span` values.
 */
uint64_t sequence_ind(uint64_t seed, uint64_t number, uint64_t span);
/** How far to scatter the inds of `posts` records: a power of two, at least 2^14. */
uint64_t sequence_span(uint64_t posts);
