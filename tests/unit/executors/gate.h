/* SPDX-License-Identifier: MIT */
/**
 * Tasks that say that they run, and then wait until the test lets them go on: so it is known what lives while
 * something dies.
 */
#pragma once

#include "harness.h"

typedef struct {
    int say; /* harness_read_pid() from it: the pid of each task that runs */
    int gate;
    char *say_path, *gate_path;
    char *script; /* of the tasks */
} Gate;

/** The script does `rest` once it is let go. gate_close() it. */
Gate gate_open(Harness *h, const char *rest);
/** Lets one task go on, whichever comes first. */
void gate_release(const Gate *g);
void gate_close(Gate *g);
