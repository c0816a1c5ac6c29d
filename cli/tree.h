/* SPDX-License-Identifier: MIT */
/**
 * A DAG as a tree of text: `weir dags show`.
 *
 * Each task is drawn once, in full, under the first upstream it is met from; later mentions are its name with
 * an arrow up, all of one task's mentions in one line. A task that is alone below another follows it on the
 * same level, and what would lie too deep is drawn further below as a tree of its own, so that the drawing
 * has at most three lines a task and bounded width, whatever the graph.
 */
#pragma once

#include "scheduler/model/dag.h"

/** With `utf8` lines are box drawing characters, else ASCII. Colours if `colours`. The caller frees. */
char *tree_draw(const Dag *dag, bool utf8, bool colours);
