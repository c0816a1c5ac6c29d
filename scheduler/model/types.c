/* SPDX-License-Identifier: MIT */
#include "scheduler/model/types.h"

#include <string.h>

#define ID_MAX_BYTES 200

G_DEFINE_QUARK(weir - error - quark, weir_error)

static bool id_matches(const char *id, const char *punctuation)
{
    if (id == NULL || !g_ascii_isalnum(id[0]) || strstr(id, "..") != NULL)
        return false;
    size_t n = 0;
    for (; id[n] != '\0'; n++) {
        if (n >= ID_MAX_BYTES || (!g_ascii_isalnum(id[n]) && strchr(punctuation, id[n]) == NULL))
            return false;
    }
    return true;
}

bool id_is_valid(const char *id)
{
    return id_matches(id, "._-");
}

bool run_id_is_valid(const char *run_id)
{
    return id_matches(run_id, "_.~:+-");
}

#define SUGGEST_MAX_BYTES 64

/** Optimal string alignment distance (Levenshtein plus swaps of neighbours, the commonest typing error). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la > SUGGEST_MAX_BYTES || lb > SUGGEST_MAX_BYTES)
        return SIZE_MAX;
    size_t rows[3][SUGGEST_MAX_BYTES + 1];
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            bool same = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]);
            size_t best = before[j - 1] + (same ? 0 : 1);
            best = MIN(best, before[j] + 1);
            best = MIN(best, now[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, two_before[j - 2] + 1);
            now[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *suggest_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* farther than this is another word, not a typo */
    for (; *candidates != NULL; candidates++) {
        size_t distance = edit_distance(word, *candidates);
        if (distance < best_distance) {
            best = *candidates;
            best_distance = distance;
        }
    }
    return best;
}
