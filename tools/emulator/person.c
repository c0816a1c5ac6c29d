/* SPDX-License-Identifier: MIT */
#include "tools/emulator/person.h"

#include "tools/emulator/text.h"

#include <math.h>

#define RETURNING 7
#define POSTS     131

#define FIRST_JOIN INT64_C(1445385600) /* 2015-10-21 */
#define JOIN_SPAN  (730 * 86400)

/** Of 131 users: how many are in their youth; the first group is 20 years old and the largest by far. */
static const uint32_t ages[][3] = {
    /* from, to, weight */
    {20, 20, 34}, {21, 21, 13}, {22, 22, 8}, {23, 24, 10}, {25, 25, 7},
    {26, 31, 21}, {32, 32, 9},  {33, 35, 6}, {36, 50, 23}, {51, 59, 10},
};

uint64_t person_of_post(uint64_t seed, uint64_t number)
{
    Random random = random_stream(seed, RANDOM_VISIT, number);
    if (number > 0 && random_chance(&random, RETURNING, POSTS))
        return random_next(&random) % number;
    return number;
}

static uint32_t random_age(Random *random)
{
    uint32_t weights[G_N_ELEMENTS(ages)];
    for (size_t i = 0; i < G_N_ELEMENTS(ages); i++)
        weights[i] = ages[i][2];
    const uint32_t *group = ages[random_weighted(random, weights, G_N_ELEMENTS(ages))];
    return random_between(random, group[0], group[1]);
}

void person_append_record(GString *out, uint64_t seed, uint64_t person, uint64_t ind)
{
    Random random = random_stream(seed, RANDOM_PERSON, person);

    g_string_append_c(out, '{');
    text_append_key(out, "age");
    g_string_append_printf(out, "%u", random_age(&random));
    text_append_key(out, "date_joined");
    text_append_time(out, FIRST_JOIN + (int64_t)(JOIN_SPAN * pow(random_unit(&random), 2.3)));
    text_append_key(out, "first_name");
    text_append_json(out, text_first_name(&random));
    text_append_key(out, "ind");
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, ind);
    text_append_key(out, "last_name");
    text_append_json(out, text_last_name(&random));
    g_string_append_len(out, "}\n", 2);
}
