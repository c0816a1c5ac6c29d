/* SPDX-License-Identifier: MIT */
/**
 * Rows -> the JSON objects that verbs print, with the field names of Airflow's REST API.
 *
 * All return new references. Absent times and texts are null.
 */
#pragma once

#include "scheduler/daemon/documents.h"
#include "scheduler/model/dag.h"
#include "scheduler/store/rows.h"

#include <jansson.h>

json_t *document_time(int64_t us);
/** NULL is null. */
json_t *document_text(const char *text);
/** Also with `run_id`, as Airflow's CLI calls what REST calls `dag_run_id`. */
json_t *row_of_run(const DagRun *run);
json_t *row_of_task(const Settings *settings, const DagRun *run, const TaskInstance *task);
json_t *document_of_pool(const Pool *pool);
/** A command as its DAG file has it: text, or a list of arguments; null for NULL. */
json_t *document_of_command(const CommandLine *command);
/** Sets on_success, on_failure and on_retry. */
void document_set_hooks(json_t *object, const CommandLine *const *hooks);
/** A task as the DAG file says it. */
json_t *document_of_dag_task(const Dag *dag, uint32_t index);
