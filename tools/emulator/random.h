/* SPDX-License-Identifier: MIT */
/**
 * Random numbers that are a function of (seed, subject, number) alone.
 *
 * Record 7 of a run can therefore be made again without making records 0 to 6, which is how the emulator
 * repeats an earlier record without remembering any. The generator is splitmix64: one addition and three
 * multiplications a number, and every start state is a good one. Not for secrets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a stream of numbers is used for; streams of different subjects are independent. */
typedef enum {
    RANDOM_SEQUENCE,
    RANDOM_POST,
    RANDOM_PERSON,
    RANDOM_PLACE,
    RANDOM_VISIT,
    RANDOM_PARTITION,
} RandomSubject;

typedef struct {
    uint64_t state;
} Random;

/** The stream of `number` within `subject`. */
Random random_stream(uint64_t seed, RandomSubject subject, uint64_t number);

uint64_t random_next(Random *random);
/** Uniform in [0, limit); `limit` must not be 0. */
uint32_t random_below(Random *random, uint32_t limit);
/** Uniform in [low, high]. */
uint32_t random_between(Random *random, uint32_t low, uint32_t high);
/** Uniform in [0, 1). */
double random_unit(Random *random);
/** True `part` times out of `whole`. */
bool random_chance(Random *random, uint32_t part, uint32_t whole);
/** An index into `weights`, drawn in proportion to them; they must not all be 0. */
size_t random_weighted(Random *random, const uint32_t *weights, size_t count);
