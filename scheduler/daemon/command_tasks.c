/* SPDX-License-Identifier: MIT */
/* Clear and mark: commands about tasks of one run or of several. */
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/documents.h"
#include "scheduler/daemon/run_change.h"
#include "scheduler/daemon/selection.h"

/** One run, and what of it is meant. */
typedef struct {
    DagRun *run;
    Dag *dag; /**< borrowed: the version that `indexes` belong to */
    TaskList *rows;
    GArray *indexes;
    GPtrArray *affected; /**< of `rows` */
    char *params_json;   /**< run_change_params(), or NULL */
} Target;

static void target_free(gpointer data)
{
    Target *target = data;
    dag_run_free(target->run);
    g_clear_pointer(&target->rows, task_list_free);
    g_clear_pointer(&target->indexes, g_array_unref);
    g_clear_pointer(&target->affected, g_ptr_array_unref);
    g_free(target->params_json);
    g_free(target);
}

static Selection selection_of(const Command *command)
{
    return (Selection){
        .regex = command_text(command, "task_regex"),
        .task_ids = command_json(command, "task_ids"),
        .upstream = command_flag(command, "upstream", false),
        .downstream = command_flag(command, "downstream", false),
        .states = selection_states(command_flag(command, "only_failed", false),
                                   command_flag(command, "only_running", false)),
    };
}

/* Takes `run`. NULL with an error. `latest` (or NULL): the version to look at instead of the run's. */
static Target *target_new(Command *command, DagRun *run, const Selection *selection, const DagLatest *latest,
                          GError **error)
{
    Daemon *daemon = command->daemon;
    Target *target = g_new0(Target, 1);
    target->run = run;
    target->dag =
        latest != NULL ? latest->dag : dag_bag_get_version(daemon->bag, daemon, run->dag_version_id, error);
    TaskQuery query = {.dag_run_id = run->id};
    if (target->dag != NULL)
        target->rows = store_list_tasks(store_conn(daemon->store), &query, NULL, error);
    g_autoptr(GArray) meant = target->rows != NULL ? selection_tasks(selection, target->dag, error) : NULL;
    if (meant == NULL) {
        target_free(target);
        return NULL;
    }
    target->indexes = selection_filter(selection, target->dag, meant, target->rows->items,
                                       target->rows->n_items, &target->affected);
    return target;
}

/* The answer: as they are now in the engine, or as their rows have them. */
static json_t *answer_of(Command *command, const GPtrArray *targets)
{
    Daemon *daemon = command->daemon;
    json_t *list = json_array();
    for (guint t = 0; t < targets->len; t++) {
        const Target *target = targets->pdata[t];
        for (guint i = 0; i < target->affected->len; i++) {
            const TaskInstance *row = target->affected->pdata[i];
            const TaskInstance *now = engine_task_by_id(daemon->engine, row->id, NULL);
            json_array_append_new(list,
                                  document_of_task(daemon->settings, target->run, now != NULL ? now : row));
        }
    }
    return json_pack("{s:o}", "task_instances", list);
}

static bool load_all(Command *command, const GPtrArray *targets, GError **error)
{
    for (guint i = 0; i < targets->len; i++) {
        const Target *target = targets->pdata[i];
        if (target->indexes->len > 0 && !run_change_load(command, target->run, error))
            return false;
    }
    return true;
}

static void clear_all(Command *command, const GPtrArray *targets, const DagLatest *latest, const char *event)
{
    bool is_first = true;
    for (guint i = 0; i < targets->len; i++) {
        const Target *target = targets->pdata[i];
        if (target->indexes->len == 0)
            continue;
        if (latest != NULL)
            run_change_version(command, target->run, latest, target->params_json);
        engine_clear_tasks(command->daemon->engine, target->run->id,
                           (const uint32_t *)(void *)target->indexes->data, target->indexes->len,
                           command->now_us);
        json_t *ids = json_array();
        for (guint k = 0; k < target->affected->len; k++)
            json_array_append_new(ids,
                                  json_string(((const TaskInstance *)target->affected->pdata[k])->task_id));
        command_audit(command, event, target->run->dag_id, target->run->run_id, NULL,
                      json_pack("{s:o}", "task_ids", ids));
        if (is_first) /* what holds for one of a thousand runs need not be said a thousand times */
            command_note_waiting(command, target->run->id);
        is_first = false;
    }
}

/* Runs of the DAG in a range of logical dates; without one, all of them. */
static GPtrArray *list_runs(Command *command, GError **error)
{
    const char *dag_id = command_text(command, "dag_id");
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = dag_id;
    query.order = RUN_ORDER_ID;
    if (!command_time(command, "start_date", &query.logical_date.from_us, error) ||
        !command_time(command, "end_date", &query.logical_date.to_us, error))
        return NULL;
    if (query.logical_date.from_us != TIME_NONE && query.logical_date.to_us != TIME_NONE &&
        query.logical_date.to_us < query.logical_date.from_us) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the end date lies before the start date");
        return NULL;
    }
    return store_list_runs(store_conn(command->daemon->store), &query, NULL, error);
}

static GPtrArray *find_runs(Command *command, GError **error)
{
    if (command_text(command, "run_id") == NULL)
        return list_runs(command, error);
    if (command_text(command, "start_date") != NULL || command_text(command, "end_date") != NULL) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "give either run_id, or start_date and end_date");
        return NULL;
    }
    DagRun *run = command_find_run(command, error);
    if (run == NULL)
        return NULL;
    GPtrArray *runs = g_ptr_array_new_with_free_func((GDestroyNotify)dag_run_free);
    g_ptr_array_add(runs, run);
    return runs;
}

static json_t *clear(Command *command, const char *event, GError **error)
{
    Daemon *daemon = command->daemon;
    DagLatest latest = {0};
    bool on_latest = command_flag(command, "run_on_latest_version", true);
    Selection selection = selection_of(command);
    g_autoptr(GPtrArray) runs = find_runs(command, error);
    if (runs == NULL)
        return NULL;
    const char *dag_id = command_text(command, "dag_id");
    if ((on_latest || runs->len == 0) && !dag_bag_get_good(daemon->bag, daemon, dag_id, &latest, error))
        return NULL;
    g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(target_free);
    for (guint i = 0; i < runs->len; i++) {
        DagRun *run = dag_run_copy(runs->pdata[i]);
        Target *target = target_new(command, run, &selection, on_latest ? &latest : NULL, error);
        if (target == NULL)
            return NULL;
        g_ptr_array_add(targets, target);
        if (on_latest && target->indexes->len > 0 &&
            !run_change_params(target->run, &latest, &target->params_json, error))
            return NULL;
    }
    if (command_flag(command, "dry_run", false))
        return answer_of(command, targets);
    if (!load_all(command, targets, error))
        return NULL;
    clear_all(command, targets, on_latest ? &latest : NULL, event);
    return answer_of(command, targets);
}

static json_t *dags_clear(Command *command, GError **error)
{
    return clear(command, "clear_dag_run", error);
}

static json_t *tasks_clear(Command *command, GError **error)
{
    return clear(command, "post_clear_task_instances", error);
}

/* ---- Mark ---- */

/* airflow-compatible: only those that are in another state; none is an error. */
static bool drop_unchanged(Target *target, TaskState state, GError **error)
{
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GPtrArray) affected = g_ptr_array_new();
    for (guint i = 0; i < target->affected->len; i++) {
        const TaskInstance *row = target->affected->pdata[i];
        if (row->state == state)
            continue;
        g_array_append_val(indexes, g_array_index(target->indexes, uint32_t, i));
        g_ptr_array_add(affected, (gpointer)row);
    }
    if (indexes->len == 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "nothing to mark: already in state %s",
                    task_state_to_string(state));
        return false;
    }
    g_array_unref(target->indexes);
    target->indexes = g_steal_pointer(&indexes);
    g_ptr_array_unref(target->affected);
    target->affected = g_steal_pointer(&affected);
    return true;
}

static void audit_marks(Command *command, const Target *target, TaskState state)
{
    for (guint i = 0; i < target->affected->len; i++) {
        const TaskInstance *row = target->affected->pdata[i];
        command_audit(command, "patch_task_instance", target->run->dag_id, target->run->run_id, row->task_id,
                      json_pack("{s:s}", "new_state", task_state_to_string(state)));
    }
}

static json_t *tasks_mark(Command *command, GError **error)
{
    TaskState state = task_state_from_string(command_text(command, "state"));
    if (state != TASK_STATE_SUCCESS && state != TASK_STATE_FAILED && state != TASK_STATE_SKIPPED) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "'%s' is not one of ['success', 'failed', 'skipped']", command_text(command, "state"));
        return NULL;
    }
    Selection selection = selection_of(command);
    selection.states = (1u << TASK_STATE_COUNT) - 1;
    DagRun *run = command_find_run(command, error);
    Target *target = run != NULL ? target_new(command, run, &selection, NULL, error) : NULL;
    if (target == NULL)
        return NULL;
    g_autoptr(GPtrArray) targets = g_ptr_array_new_with_free_func(target_free);
    g_ptr_array_add(targets, target);
    if (!drop_unchanged(target, state, error))
        return NULL;
    if (command_flag(command, "dry_run", false))
        return answer_of(command, targets);
    if (!load_all(command, targets, error))
        return NULL;
    engine_mark_tasks(command->daemon->engine, target->run->id,
                      (const uint32_t *)(void *)target->indexes->data, target->indexes->len, state,
                      command->now_us);
    audit_marks(command, target, state);
    command_note_waiting(command, target->run->id);
    return answer_of(command, targets);
}

static const ArgSpec dags_clear_args[] = {{"dag_id", ARG_ID, true},
                                          {"run_id", ARG_RUN_ID, true},
                                          {"only_failed", ARG_FLAG},
                                          {"only_running", ARG_FLAG},
                                          {"dry_run", ARG_FLAG},
                                          {"run_on_latest_version", ARG_FLAG},
                                          {NULL}};
static const ArgSpec tasks_clear_args[] = {{"dag_id", ARG_ID, true},
                                           {"run_id", ARG_RUN_ID},
                                           {"task_regex", ARG_TEXT},
                                           {"task_ids", ARG_TEXTS},
                                           {"upstream", ARG_FLAG},
                                           {"downstream", ARG_FLAG},
                                           {"only_failed", ARG_FLAG},
                                           {"only_running", ARG_FLAG},
                                           {"start_date", ARG_TIME},
                                           {"end_date", ARG_TIME},
                                           {"dry_run", ARG_FLAG},
                                           {"run_on_latest_version", ARG_FLAG},
                                           {NULL}};
static const ArgSpec tasks_mark_args[] = {{"dag_id", ARG_ID, true},      {"run_id", ARG_RUN_ID, true},
                                          {"task_ids", ARG_TEXTS, true}, {"state", ARG_TEXT, true},
                                          {"upstream", ARG_FLAG},        {"downstream", ARG_FLAG},
                                          {"dry_run", ARG_FLAG},         {NULL}};

const CommandSpec commands_tasks[] = {
    {"dags.clear", dags_clear, dags_clear_args},
    {"tasks.clear", tasks_clear, tasks_clear_args},
    {"tasks.mark", tasks_mark, tasks_mark_args},
    {NULL},
};
