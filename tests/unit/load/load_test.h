/* SPDX-License-Identifier: MIT */
/** What the tests of the loader share. */
#pragma once

#include "scheduler/load/load.h"

#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

/** Loads a NUL-terminated text as "t.yaml" in the folder /dags. */
static inline LoadResult *load_text(const char *text)
{
    const LoadOrigin origin = {.path = "t.yaml", .folder = "/dags"};
    return load_dag_text(text, strlen(text), &origin);
}

/** Errors, then warnings, as the user sees them; the caller frees. */
static inline char *messages_of(const LoadResult *result)
{
    g_autofree char *errors = load_error_list_format(result->errors, "error");
    g_autofree char *warnings = load_error_list_format(result->warnings, "warning");
    return g_strconcat(errors, warnings, NULL);
}
