/* SPDX-License-Identifier: MIT */
/**
 * Invented English: titles, descriptions, tags and poster names, of the lengths people write on Pinterest.
 *
 * Everything is made from the word lists in text.c. Some of it has what real text has and careless programs
 * fall over: quotes, commas, backslashes, emoji, non-ASCII letters, blanks at an end.
 */
#pragma once

#include "tools/emulator/random.h"

#include <glib.h>

/** All three append to `out`, unescaped. */
void text_append_title(GString *out, Random *random);
void text_append_description(GString *out, Random *random);
void text_append_tags(GString *out, Random *random);
void text_append_poster(GString *out, Random *random);

/** Appends `text` as a JSON string with its quotes. Bytes from 0x80 on are taken to be UTF-8 and kept. */
void text_append_json(GString *out, const char *text);
/** Appends ` "name": `, after a comma if `out` does not end with an opening brace. */
void text_append_key(GString *out, const char *name);
/** Appends `YYYY-MM-DDTHH:MM:SS` in quotes: `seconds` since the epoch, UTC. */
void text_append_time(GString *out, int64_t seconds);

const char *text_first_name(Random *random);
const char *text_last_name(Random *random);
