/* SPDX-License-Identifier: MIT */
/**
 * Durations as people write them, and as people read them. int64_t microseconds, never negative when parsed.
 */
#pragma once

#include "scheduler/model/types.h"

/**
 * Reads `90` (seconds), `30s`, `5m`, `2h`, `1d`, `1w`, `250ms`, combinations from the largest unit down
 * (`1h30m`, `1h 30m`), decimals (`0.5s`), or ISO 8601 (`PT5M`, `P1DT2H`, `P2W`; no years or months, whose
 * length varies). On failure: false, WEIR_ERROR_INVALID, and *ret_us is left alone.
 */
bool duration_parse(const char *text, int64_t *ret_us, GError **error);

/** At most two units, rounded down: "53ms", "1.2s", "5m 03s", "1h 02m", "3d 04h". The caller frees it. */
char *duration_format(int64_t us);
