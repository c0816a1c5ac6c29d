/* SPDX-License-Identifier: MIT */
/** A context with everything set, and helpers for tables of cases. */
#pragma once

#include "scheduler/template/template.h"

#include <setjmp.h> /* cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

/** What the fixture's secrets are; no message may contain it. */
#define FIXTURE_SECRET "hunter2-never-in-a-message"

/** Filled on the first call, freed by fixture_free(). */
const TemplateContext *fixture_context(void);
void fixture_free(void);

typedef struct {
    const char *text;
    const char *expected; /**< output; or message with LINE:COLUMN in front */
} Case;

/** Each text, rendered in `context`, gives what is expected. */
void assert_renders(const Case *cases, size_t n, const TemplateContext *context);
/** Each text parses, and its rendering fails with the message that is expected. */
void assert_render_fails(const Case *cases, size_t n, const TemplateContext *context);
/** The rendered text, or "ERROR message", or "SYNTAX line:column: message"; owned by the caller. */
char *render_text(const char *text, const TemplateContext *context);
/** What template_check() reports, each on a line as `line:column: message`; owned by the caller. */
char *check_text(const char *text, const TemplateNames *names);

int run_parse_tests(void);
int run_check_tests(void);
int run_variable_tests(void);
int run_function_tests(void);
int run_lookup_tests(void);
int run_limit_tests(void);
