/* SPDX-License-Identifier: MIT */
/** Private to the loader: the keys of one task, and of default_args. */
#pragma once

#include "scheduler/load/loader.h"

/** Reads a task's mapping over what `task` already says. */
void task_read_keys(Loader *loader, const char *task_id, const YamlNode *mapping, Task *task);
/** Reads default_args into `task`, from which all tasks are copied. */
void task_read_defaults(Loader *loader, const YamlNode *mapping, Task *task);
/** Whether `name` is a key of tasks: for hints elsewhere. */
bool task_has_key(const char *name);
