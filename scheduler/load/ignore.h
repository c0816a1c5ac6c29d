/* SPDX-License-Identifier: MIT */
/**
 * Private to the loader: `.airflowignore` files, which mean what `.gitignore` files mean (Airflow's glob
 * syntax).
 *
 * A line is a pattern; blank lines and those that begin with "#" are not. `!` takes files back, a "/" at the
 * end means folders only, a "/" elsewhere ties the pattern to the file's own folder, `**` stands for any
 * folders. The last pattern that matches decides. What is inside an ignored folder cannot be taken back.
 */
#pragma once

#include <glib.h>

#include <stdbool.h>

typedef struct IgnoreRules IgnoreRules;

typedef enum { IGNORE_NOT_SAID, IGNORE_YES, IGNORE_NO } IgnoreVerdict;

/** Never NULL; lines that cannot match anything are passed over. */
IgnoreRules *ignore_rules_parse(const char *text);
void ignore_rules_free(IgnoreRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IgnoreRules, ignore_rules_free)

/** What the rules say about a path relative to the folder of their file. */
IgnoreVerdict ignore_rules_match(const IgnoreRules *rules, const char *path, bool is_folder);
