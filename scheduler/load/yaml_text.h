/* SPDX-License-Identifier: MIT */
/**
 * Private to the loader: the text of a YAML file before libyaml sees it.
 */
#pragma once

#include "scheduler/load/load_error.h"

/**
 * Whether the text may be given to libyaml: not too big, UTF-8, no control characters, no pile of directives.
 * If not, one error says where and why. `*text` and `*n_text` are moved past a byte order mark.
 */
bool yaml_text_check(const char **text, size_t *n_text, LoadErrorList *errors);

/** The start of 0-based line `line` of a text and its length without the line break; empty beyond the end. */
const char *yaml_text_line(const char *text, size_t n_text, size_t line, size_t *ret_length);
