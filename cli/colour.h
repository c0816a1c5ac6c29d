/* SPDX-License-Identifier: MIT */
/** Colours: on terminals only, and not when NO_COLOR is set. The same state has the same colour everywhere.
 */
#pragma once

#include "scheduler/model/types.h"

#define COLOUR_RESET "\033[0m"
#define COLOUR_BOLD  "\033[1m"
#define COLOUR_DIM   "\033[2m"
#define COLOUR_RED   "\033[31m"

bool colour_on_stdout(void);
bool colour_on_stderr(void);

/** The sequence for a task's or run's state; NULL for states without colour. */
const char *colour_of_state(const char *state);
/** One character that stands for a state in lists: "✔", "✘", "▶", ... or ASCII. NULL is no state. */
const char *symbol_of_state(const char *state, bool utf8);
