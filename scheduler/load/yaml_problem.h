/* SPDX-License-Identifier: MIT */
/** Private to the loader: libyaml's complaints in words that help. */
#pragma once

#include "scheduler/load/load_error.h"

#include <yaml.h>

/** Adds what made `parser` stop; `text` is what it was reading. */
void yaml_problem_report(const yaml_parser_t *parser, const char *text, size_t n_text, LoadErrorList *errors);
