/* SPDX-License-Identifier: MIT */
/**
 * What a workflow is: a DAG and its tasks, as one version of one file says.
 *
 * Steps: dag_new(), fill in fields, dag_add_task()/dag_add_dependency(), dag_seal(). A sealed Dag is
 * immutable and shared by reference; runs are pinned to it. All strings inside belong to the Dag
 * (dag_intern()). Template texts are kept as written; they are rendered per attempt.
 */
#pragma once

#include "scheduler/model/graph.h"
#include "scheduler/model/hook.h"
#include "scheduler/model/param.h"
#include "scheduler/model/retention.h"
#include "scheduler/model/schedule.h"
#include "scheduler/model/trigger_rule.h"

#define DAG_MAX_TASKS                100000
#define DAG_DEFAULT_MAX_ACTIVE_RUNS  16
#define DAG_DEFAULT_MAX_ACTIVE_TASKS 16
#define DEFAULT_POOL                 "default_pool"

typedef enum {
    TASK_BODY_EMPTY, /**< succeeds at once, without a process */
    TASK_BODY_COMMAND,
    TASK_BODY_DATABRICKS,
    TASK_BODY_HTTP,
    TASK_BODY_SENSOR,
} TaskBody;

/** Shown as `operator` in Airflow's JSON: "EmptyOperator", "BashOperator", ... */
const char *task_body_operator(TaskBody body);

typedef struct {
    const char *name, *value; /**< value is a template */
} EnvVar;

/** Where in the DAG file something stands, 1-based; 0 = unknown. */
typedef struct {
    uint32_t line, column;
} SourcePosition;

/** A command, in one of its two forms; its texts are templates. */
typedef struct {
    const char **argv; /**< list form, NULL-terminated; NULL in string form */
    const char *shell; /**< string form, run by `/bin/sh -c`; NULL in list form */
} CommandLine;

typedef struct {
    const char *task_id;
    TaskBody body;
    CommandLine command;                        /**< of TASK_BODY_COMMAND */
    const CommandLine *hooks[HOOK_EVENT_COUNT]; /**< each NULL: none */
    const EnvVar *env;                          /**< the task's own, over the DAG's */
    uint32_t n_env;
    const char *cwd; /**< template; NULL = the DAG file's folder */
    const char *owner;
    const char *doc_md; /**< or NULL */

    int32_t retries;
    int64_t retry_delay_us;
    double retry_backoff; /**< multiplier m of airflow-compatible exponential backoff; 0 or 1 = constant */
    int64_t max_retry_delay_us;   /**< 0 = none; used with backoff only */
    int64_t execution_timeout_us; /**< 0 = none */

    TriggerRule trigger_rule;
    const char *pool;
    int32_t pool_slots;
    int32_t priority_weight; /**< as written */
    WeightRule weight_rule;
    int32_t effective_weight; /**< by weight_rule; set by dag_seal() */
    bool depends_on_past;
    bool wait_for_downstream; /**< implies depends_on_past */
    bool do_xcom_push;
    int32_t max_active_tis_per_dag; /**< 0 = no limit */
    const int32_t *skip_exit_codes; /**< default {99} */
    uint32_t n_skip_exit_codes;
    SourcePosition position;
} Task;

typedef struct {
    const char *dag_id;
    const char *description, *doc_md; /**< or NULL */
    const char *owner;
    const char **tags;   /**< NULL-terminated, never NULL after dag_seal() */
    const char *fileloc; /**< absolute path of the file, or NULL when it came as text */
    const char *folder;  /**< absolute: cwd of its tasks, base of its relative paths */
    ScheduleSpec schedule;
    int32_t max_active_runs, max_active_tasks;
    int64_t dagrun_timeout_us; /**< 0 = none */
    Retention retention;
    const EnvVar *env;
    uint32_t n_env;
    ParamSet *params;                           /**< owned; never NULL after dag_seal() */
    const CommandLine *hooks[HOOK_EVENT_COUNT]; /**< of its runs; HOOK_ON_RETRY is in its tasks already */

    Task *tasks;
    uint32_t n_tasks;
    bool any_depends_on_past;
    /* Private from here on. */
    Graph *graph;
    uint32_t *order;
    GHashTable *index_by_id;
    GArray *building_tasks, *building_edges;
    GStringChunk *strings;
    GPtrArray *owned;
    gatomicrefcount refs;
} Dag;

/** A new DAG with Airflow 3's defaults, unsealed, one reference. */
Dag *dag_new(const char *dag_id);
Dag *dag_ref(Dag *dag);
void dag_unref(Dag *dag);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dag, dag_unref)

/** A copy of `text` that lives as long as the DAG; equal texts share one. NULL gives NULL. */
const char *dag_intern(Dag *dag, const char *text);
/** Memory that lives as long as the DAG, zeroed. */
void *dag_alloc(Dag *dag, size_t n_bytes);

/**
 * Adds a task with Airflow 3's defaults and returns it; NULL if the id is taken. The pointer is valid until
 * the next dag_add_task(). Only before dag_seal().
 */
Task *dag_add_task(Dag *dag, const char *task_id);
/** The index of a task, before and after sealing; -1 if there is none. */
int32_t dag_task_index(const Dag *dag, const char *task_id);
/** A task by index, while building. */
Task *dag_building_task(Dag *dag, uint32_t index);
/** `task` waits for `upstream`; repeated pairs count once. Only before dag_seal(). */
void dag_add_dependency(Dag *dag, uint32_t task, uint32_t upstream);

/**
 * Makes the DAG immutable: builds the graph and the effective weights. Fails on a cycle, which `ret_cycle`
 * (may be NULL) gets as a GArray of uint32_t task indexes.
 */
bool dag_seal(Dag *dag, GArray **ret_cycle, GError **error);

GraphSpan dag_upstream(const Dag *dag, uint32_t task);
GraphSpan dag_downstream(const Dag *dag, uint32_t task);
/** Task indexes in topological order; n_tasks of them. */
const uint32_t *dag_order(const Dag *dag);
