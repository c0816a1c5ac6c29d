/* SPDX-License-Identifier: MIT */
/** Sizes as people write them, and as people read them. int64_t bytes, never negative. */
#pragma once

#include "scheduler/model/types.h"

/**
 * Reads `4096` (bytes), `100M`, `1.5G`, `64KiB`, `2 TB`: K, M, G, T and P are powers of 1024, whatever
 * follows them, in any case. On failure: false, WEIR_ERROR_INVALID, and *ret_bytes is left alone.
 */
bool byte_size_parse(const char *text, int64_t *ret_bytes, GError **error);

/** Three digits, rounded down: "0 B", "812 B", "42.3M", "100M", "1.50G". The caller frees it. */
char *byte_size_format(int64_t bytes);
