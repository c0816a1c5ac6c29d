/* SPDX-License-Identifier: MIT */
#include "tools/emulator/sequence.h"

#define REPEATS 6
#define RECORDS 137

Sequence sequence_start(uint64_t seed)
{
    return (Sequence){.random = random_stream(seed, RANDOM_SEQUENCE, 0), .seed = seed};
}

uint64_t sequence_next(Sequence *sequence)
{
    if (sequence->fresh > 0 && random_chance(&sequence->random, REPEATS, RECORDS)) {
        /* Half of the repeats are of the post that was repeated last: bursts of 2, 3, 4... */
        if (random_chance(&sequence->random, 1, 2))
            sequence->repeated = random_next(&sequence->random) % sequence->fresh;
        return sequence->repeated;
    }
    return sequence->fresh++;
}

uint64_t sequence_span(uint64_t posts)
{
    uint64_t span = UINT64_C(1) << 14;
    while (span < 8 * posts)
        span *= 2;
    return span;
}

uint64_t sequence_ind(uint64_t seed, uint64_t number, uint64_t span)
{
    /* An odd factor and an offset permute the numbers modulo a power of two. */
    Random random = random_stream(seed, RANDOM_SEQUENCE, 1);
    const uint64_t factor = random_next(&random) | 1;
    const uint64_t offset = random_next(&random);
    return (number * factor + offset) % span;
}
