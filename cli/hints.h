/* SPDX-License-Identifier: MIT */
/** What to say to fingers that still type Airflow 2, or verbs of Airflow that weir has under other names. */
#pragma once

#include "cli/args.h"

/** A sentence for `weir GROUP WORD` (group may be NULL), or NULL. */
const char *hint_for_verb(const char *group, const char *word);
/** A sentence for an unknown option as typed (`--exec-date`, `-e`), or NULL. */
const char *hint_for_option(const Verb *verb, const char *word);
