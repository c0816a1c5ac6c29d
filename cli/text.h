/* SPDX-License-Identifier: MIT */
/**
 * Text for terminals: how wide it is, how to cut it, and how to keep it from commanding the terminal.
 *
 * Whatever comes from files, logs or the database may hold control characters; everything the CLI prints goes
 * through text_escape() first. Widths are in terminal cells; input may be any bytes.
 */
#pragma once

#include "scheduler/model/types.h"

typedef enum {
    TEXT_ESCAPE_ALL = 0,
    TEXT_KEEP_NEWLINES = 1 << 0, /**< newline and tab stay */
    TEXT_KEEP_COLOURS = 1 << 1,  /**< ESC [ ... m stays */
    TEXT_DROP_COLOURS = 1 << 2,  /**< ESC [ ... m is left out */
} TextEscape;

/**
 * A copy of the first `n` bytes (-1: up to NUL) that is valid UTF-8 and prints as it looks: control
 * characters become `\n`, `\t`, `\x1b`, ...; bytes that are not UTF-8 `\xff`; characters that reorder text
 * `\u202e`.
 */
char *text_escape(const char *text, gssize n, TextEscape mode);

/** Cells that valid UTF-8 without control characters takes: 0 for combining marks, 2 for wide characters. */
guint text_width(const char *text);

/** Appends as much of `text` as fits into `width` cells, with an ellipsis if it was cut. Returns its width.
 */
guint text_append_cut(GString *out, const char *text, guint width);

/** Appends `n` spaces. */
void text_append_spaces(GString *out, guint n);

/** Whether the locale's characters are UTF-8: else drawings are made of ASCII. */
bool text_is_utf8_locale(void);

/** The last `n_lines` lines of a text (without a final newline counting as one); points into it. */
const char *text_last_lines(const char *text, guint n_lines);
