/* SPDX-License-Identifier: MIT */
/** What JSON from outside may look like before it is kept. */
#pragma once

#include "scheduler/model/types.h"

/**
 * Objects and arrays that are kept nest at most this deep. jansson reads 2048 levels, SQLite's json_valid()
 * fewer: what lies in between would be refused by the store, in the middle of a turn.
 */
#define JSON_TEXT_NESTING_MAX 100

/** Whether a JSON text (it must be one) nests at most that deep. */
bool json_text_nesting_is_fine(const char *text);
