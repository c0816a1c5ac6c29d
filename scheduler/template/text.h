/* SPDX-License-Identifier: MIT */
/** What filters and methods do to strings, each linear and bounded by TEMPLATE_OUTPUT_MAX. Private to this
 * folder. */
#pragma once

#include "scheduler/template/value.h"

typedef enum {
    TPL_TRIM_START = 1,
    TPL_TRIM_END = 2,
    TPL_TRIM_BOTH = 3,
} TplTrim;

/** Each puts a string into `ret_value`, or returns false with `error` set. */
bool tpl_text_replace(const char *text, const char *old, const char *new, TplValue *ret_value,
                      GError **error);
/** Without the `characters` (NULL: white space) at its ends. */
bool tpl_text_trim(const char *text, const char *characters, TplTrim ends, TplValue *ret_value,
                   GError **error);
/** A list of strings; `separator` NULL: at white space. */
bool tpl_text_split(const char *text, const char *separator, TplValue *ret_value, GError **error);
/** `text` is taken; an error when it is longer than allowed. */
bool tpl_text_finish(GString *text, TplValue *ret_value, GError **error);
