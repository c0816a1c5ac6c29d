/* SPDX-License-Identifier: MIT */
/* dags.trigger: a new run, by hand. */
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/documents.h"
#include "scheduler/daemon/json_text.h"
#include "scheduler/daemon/run_id.h"
#include "scheduler/model/crash_point.h"
#include "scheduler/time/timetable.h"

#include <string.h>

/* ---- Which DAG ---- */

static bool get_source(Command *command, const json_t *source, DagLatest *ret, GError **error)
{
    const char *text = json_string_value(json_object_get(source, "text"));
    const char *folder = json_string_value(json_object_get(source, "folder"));
    const char *path = json_string_value(json_object_get(source, "path"));
    if (text == NULL || folder == NULL || !g_path_is_absolute(folder)) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "\"source\" must be an object with \"text\" and \"folder\", an absolute path");
        return false;
    }
    return dag_bag_put_text(command->daemon->bag, command->daemon, text, path, folder, ret, error);
}

static bool get_dag(Command *command, DagLatest *ret, GError **error)
{
    const char *dag_id = command_text(command, "dag_id");
    const json_t *source = command_json(command, "source");
    if ((dag_id == NULL) == (source == NULL)) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "dags.trigger needs either \"dag_id\" or \"source\"");
        return false;
    }
    if (source != NULL)
        return get_source(command, source, ret, error);
    return dag_bag_get(command->daemon->bag, command->daemon, dag_id, ret, error);
}

/* ---- With which params ---- */

static bool parse_param(const Dag *dag, const char *name, const json_t *text, json_t *conf, GError **error)
{
    const Param *param = param_set_need(dag->params, name, error);
    if (param == NULL)
        return false;
    if (!json_is_string(text)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "\"params\" must be an object of texts; %s is none", name);
        return false;
    }
    json_t *value = param_parse_text(param, json_string_value(text), error);
    if (value == NULL)
        return false;
    json_object_set_new(conf, name, value);
    return true;
}

/* What was given: `conf`, and over it `params`, as typed. New reference. */
static json_t *make_conf(Command *command, const Dag *dag, GError **error)
{
    const json_t *given = command_json(command, "conf");
    json_t *conf = given != NULL ? json_deep_copy(given) : json_object();
    json_t *params = json_object_get(command->args, "params");
    const char *name;
    json_t *text;
    json_object_foreach(params, name, text)
    {
        if (!parse_param(dag, name, text, conf, error)) {
            json_decref(conf);
            return NULL;
        }
    }
    return conf;
}

/* ---- When, and under which name ---- */

static bool check_date_is_free(Command *command, const DagRun *run, bool *ret_is_free, GError **error)
{
    g_autoptr(DagRun) other = NULL;
    if (!store_find_run_by_date(store_conn(command->daemon->store), run->dag_id, run->logical_date_us, &other,
                                error))
        return false;
    *ret_is_free = other == NULL;
    if (other != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                    "DAG \"%s\" already has a run with that logical date: %s", run->dag_id, other->run_id);
    return true;
}

static bool check_id_is_free(Command *command, const char *dag_id, const char *run_id, bool *ret_is_free,
                             GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(DagRun) other = store_get_run(store_conn(command->daemon->store), dag_id, run_id, &failure);
    *ret_is_free = other == NULL;
    if (other != NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "DAG \"%s\" already has a run \"%s\" (%s)",
                    dag_id, run_id, run_state_to_string(other->state));
        return true;
    }
    if (g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* Sets logical date and run id. Those that were not given move on until they are free: two runs a
 * microsecond. */
static bool choose_identity(Command *command, DagRun *run, GError **error)
{
    const char *run_id = command_text(command, "run_id");
    bool is_dated = json_object_get(command->args, "logical_date") != NULL, is_null = false;
    if (run_id != NULL && !run_id_check_manual(run_id, error))
        return false;
    if (!command_time(command, "logical_date", &run->logical_date_us, error))
        return false;
    is_null = is_dated && run->logical_date_us == TIME_NONE;
    for (int64_t instant_us = command->now_us;; instant_us++) {
        g_autoptr(GError) taken = NULL;
        bool date_is_free = true, id_is_free = true;
        if (!is_dated)
            run->logical_date_us = instant_us;
        g_free(run->run_id);
        run->run_id = run_id != NULL ? g_strdup(run_id) : run_id_make(RUN_TYPE_MANUAL, instant_us, !is_null);
        bool could_look =
            (is_null || check_date_is_free(command, run, &date_is_free, &taken)) &&
            (!date_is_free || check_id_is_free(command, run->dag_id, run->run_id, &id_is_free, &taken));
        if (could_look && date_is_free && id_is_free)
            return true;
        bool may_move_on = could_look && (date_is_free ? run_id == NULL : !is_dated);
        if (!may_move_on) {
            g_propagate_error(error, g_steal_pointer(&taken));
            return false;
        }
    }
}

static bool set_interval(DagRun *run, const Dag *dag, GError **error)
{
    DagRunTimes times = {.data_interval_start_us = TIME_NONE, .data_interval_end_us = TIME_NONE};
    if (run->logical_date_us != TIME_NONE &&
        !timetable_manual_times(&dag->schedule, run->logical_date_us, &times, error))
        return false;
    run->data_interval_start_us = times.data_interval_start_us;
    run->data_interval_end_us = times.data_interval_end_us;
    return true;
}

/* ---- May it run ---- */

/*
 * `weir run` advances its own runs only. When others, which nobody advances, take up all of max_active_runs,
 * its run would wait for ever.
 */
static bool check_room(Command *command, const Dag *dag, GError **error)
{
    Daemon *daemon = command->daemon;
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = dag->dag_id;
    query.states = 1u << RUN_STATE_RUNNING;
    g_autoptr(GPtrArray) runs = store_list_runs(store_conn(daemon->store), &query, NULL, error);
    if (runs == NULL)
        return false;
    gint n_standing = 0;
    const DagRun *one = NULL;
    for (guint i = 0; i < runs->len; i++) {
        const DagRun *run = runs->pdata[i];
        if (run->backfill_id != 0) /* has a place of its backfill's */
            continue;
        bool is_standing = runs_find(daemon, run->id) == NULL ||
                           (engine_run_flags(daemon->engine, run->id) & ENGINE_RUN_HELD) != 0;
        n_standing += is_standing;
        if (is_standing)
            one = run;
    }
    if (n_standing == 0 || n_standing < dag->max_active_runs)
        return true;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                "DAG \"%s\" is at its max_active_runs (%d): run \"%s\" is unfinished; continue it with "
                "`weir run %s --run-id %s`, or end it with `weir dags cancel %s %s`",
                dag->dag_id, dag->max_active_runs, one->run_id, dag->dag_id, one->run_id, dag->dag_id,
                one->run_id);
    return false;
}

/* ---- All of it ---- */

static json_t *create_run(Command *command, DagRun *run, const DagLatest *latest, bool own, GError **error)
{
    Daemon *daemon = command->daemon;
    EnginePast past;
    g_autofree int8_t *states = NULL;
    if (!past_find(daemon, run, latest->dag, &past, &states, error) ||
        !runs_register_dag(daemon, run->dag_id, error))
        return NULL;
    run->id = store_next_run_id(daemon->store);
    int64_t first_ti_id = store_reserve_task_ids(daemon->store, MAX(latest->dag->n_tasks, 1));
    runs_add(daemon, run);
    engine_create_run(daemon->engine, run, latest->dag, first_ti_id, &past, runs_wanted_flags(daemon, own),
                      command->now_us);
    command_audit(command, "trigger_dag_run", run->dag_id, run->run_id, NULL,
                  json_pack("{s:o}", "conf", json_loads(run->conf_json, 0, NULL)));
    command_note_waiting(command, run->id);
    if (daemon->mode == DAEMON_RUN && !own)
        command_add_note(command, "a `weir run` advances it, but only until its own run ends");
    command_note_pools(command, run->id);
    return document_of_run(engine_run(daemon->engine, run->id));
}

/* Fills in conf_json and params_json. */
static bool set_params(Command *command, DagRun *run, const Dag *dag, GError **error)
{
    json_t *conf = make_conf(command, dag, error);
    if (conf == NULL)
        return false;
    json_t *params =
        param_set_resolve(dag->params, conf, dag->folder, command_text(command, "caller_cwd"), error);
    run->conf_json = json_dumps(conf, JSON_COMPACT);
    json_decref(conf);
    if (params == NULL)
        return false;
    run->params_json = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    if (json_text_nesting_is_fine(run->conf_json))
        return true;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "conf nests deeper than %d levels",
                JSON_TEXT_NESTING_MAX);
    return false;
}

static DagRun *run_new(const Command *command, const DagLatest *latest)
{
    const Caller *caller = command->caller;
    DagRun *run = g_new0(DagRun, 1);
    run->dag_id = g_strdup(latest->dag->dag_id);
    run->type = RUN_TYPE_MANUAL;
    run->state = RUN_STATE_QUEUED;
    run->dag_version_id = latest->version_id;
    run->run_after_us = run->queued_at_us = command->now_us;
    run->start_date_us = run->end_date_us = TIME_NONE;
    run->forced_state = RUN_STATE_INVALID;
    run->triggered_by = g_strdup(caller != NULL && caller->via != NULL ? caller->via : "cli");
    run->triggering_user = g_strdup(caller != NULL ? caller->user : NULL);
    run->note = g_strdup(command_text(command, "note"));
    return run;
}

static json_t *dags_trigger(Command *command, GError **error)
{
    DagLatest latest;
    if (!get_dag(command, &latest, error))
        return NULL;
    CRASH_POINT("daemon.version_stored");
    bool own = command_flag(command, "own", false);
    if (own && command->daemon->mode == DAEMON_RUN && !check_room(command, latest.dag, error))
        return NULL;
    g_autoptr(DagRun) run = run_new(command, &latest);
    if (!set_params(command, run, latest.dag, error) || !choose_identity(command, run, error) ||
        !set_interval(run, latest.dag, error))
        return NULL;
    return create_run(command, run, &latest, own, error);
}

static const ArgSpec trigger_args[] = {
    {"dag_id", ARG_ID},       {"source", ARG_OBJECT},
    {"run_id", ARG_TEXT},     {"logical_date", ARG_ANY_TIME},
    {"conf", ARG_OBJECT},     {"params", ARG_OBJECT},
    {"note", ARG_TEXT},       {"own", ARG_FLAG},
    {"caller_cwd", ARG_TEXT}, {NULL},
};

const CommandSpec commands_trigger[] = {
    {"dags.trigger", dags_trigger, trigger_args},
    {NULL},
};
