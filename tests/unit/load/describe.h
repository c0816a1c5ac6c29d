/* SPDX-License-Identifier: MIT */
/** All of a Dag as text, so that tests can compare models with files. */
#pragma once

#include "scheduler/model/dag.h"

/** One line for each fact; the caller frees. */
char *describe_dag(const Dag *dag);
