/* SPDX-License-Identifier: MIT */
#include "tools/emulator/random.h"

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

Random random_stream(uint64_t seed, RandomSubject subject, uint64_t number)
{
    uint64_t state = mix(seed + UINT64_C(0x9e3779b97f4a7c15));
    state = mix(state ^ ((uint64_t)subject + 1) * UINT64_C(0xd6e8feb86659fd93));
    return (Random){mix(state ^ (number + 1) * UINT64_C(0xa0761d6478bd642f))};
}

uint64_t random_next(Random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(random->state);
}

uint32_t random_below(Random *random, uint32_t limit)
{
    /* The bias of multiply-and-shift is at most limit / 2^32: nobody will see it in test data. */
    return (uint32_t)(((random_next(random) >> 32) * limit) >> 32);
}

uint32_t random_between(Random *random, uint32_t low, uint32_t high)
{
    return low + random_below(random, high - low + 1);
}

double random_unit(Random *random)
{
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

bool random_chance(Random *random, uint32_t part, uint32_t whole)
{
    return random_below(random, whole) < part;
}

size_t random_weighted(Random *random, const uint32_t *weights, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    uint32_t ticket = random_below(random, sum);
    for (size_t i = 0; i < count; i++) {
        if (ticket < weights[i])
            return i;
        ticket -= weights[i];
    }
    return count - 1;
}
