/* SPDX-License-Identifier: MIT */
/* Commands about one run as a whole: resume, cancel, mark. */
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/documents.h"
#include "scheduler/daemon/run_change.h"

bool run_change_params(const DagRun *run, const DagLatest *latest, char **ret_json, GError **error)
{
    *ret_json = NULL;
    if (run->dag_version_id == latest->version_id)
        return true;
    g_autoptr(GError) misfit = NULL;
    json_t *conf = run->conf_json != NULL ? json_loads(run->conf_json, 0, NULL) : NULL;
    json_t *before = run->params_json != NULL ? json_loads(run->params_json, 0, NULL) : NULL;
    json_t *params = param_set_move(latest->dag->params, conf, before, latest->dag->folder, &misfit);
    json_decref(conf);
    json_decref(before);
    if (params == NULL) {
        g_set_error(
            error, WEIR_ERROR, WEIR_ERROR_INVALID,
            "run \"%s\" does not fit the DAG as it is now: %s (--no-run-on-latest-version leaves it on "
            "the version it is on)",
            run->run_id, misfit->message);
        return false;
    }
    *ret_json = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    return true;
}

bool run_change_version(Command *command, const DagRun *run, const DagLatest *latest, const char *params_json)
{
    Daemon *daemon = command->daemon;
    if (run->dag_version_id == latest->version_id)
        return false;
    engine_set_run_params(daemon->engine, run->id, params_json);
    int64_t first_ti_id = store_reserve_task_ids(daemon->store, MAX(latest->dag->n_tasks, 1));
    return engine_set_run_version(daemon->engine, run->id, latest->dag, latest->version_id, first_ti_id,
                                  command->now_us);
}

bool run_change_load(Command *command, const DagRun *run, GError **error)
{
    Daemon *daemon = command->daemon;
    if (!runs_load(daemon, run, runs_stored_flags(daemon), error))
        return false;
    g_array_append_val(daemon->visited, run->id);
    /* Nothing settles between a load and the next tick; what this command changes is to settle with it. */
    engine_tick(daemon->engine, command->now_us);
    return true;
}

static DagRun *find_unfinished(Command *command, GError **error)
{
    DagRun *run = command_find_run(command, error);
    if (run == NULL || !run_state_is_finished(run->state))
        return run;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "run \"%s\" of DAG \"%s\" is already finished (%s)",
                run->run_id, run->dag_id, run_state_to_string(run->state));
    dag_run_free(run);
    return NULL;
}

static json_t *run_result(Command *command, const DagRun *before)
{
    const DagRun *now = engine_run(command->daemon->engine, before->id);
    return document_of_run(now != NULL ? now : before);
}

/** A run that was ended by hand takes its state with its last process. */
static void note_ending(Command *command, const DagRun *before)
{
    const DagRun *run = engine_run(command->daemon->engine, before->id);
    if (run == NULL || run_state_is_finished(run->state) || run->forced_state == RUN_STATE_INVALID)
        return;
    g_autofree char *note = g_strdup_printf("its processes are being ended, then it is %s",
                                            run_state_to_string(run->forced_state));
    command_add_note(command, note);
}

static json_t *dags_resume(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    g_autoptr(DagRun) run = find_unfinished(command, error);
    if (run == NULL)
        return NULL;
    DagLatest latest = {0};
    bool on_latest = command_flag(command, "run_on_latest_version", true);
    g_autofree char *params_json = NULL;
    if (on_latest && (!dag_bag_get_good(daemon->bag, daemon, run->dag_id, &latest, error) ||
                      !run_change_params(run, &latest, &params_json, error)))
        return NULL;
    if (!run_change_load(command, run, error))
        return NULL;
    if (on_latest)
        run_change_version(command, run, &latest, params_json);
    engine_set_run_flags(daemon->engine, run->id, runs_wanted_flags(daemon, true), command->now_us);
    reports_repeat_not_started(daemon, command->now_us);
    command_audit(command, "resume_dag_run", run->dag_id, run->run_id, NULL, NULL);
    command_note_waiting(command, run->id);
    command_note_pools(command, run->id);
    return run_result(command, run);
}

static json_t *dags_cancel(Command *command, GError **error)
{
    g_autoptr(DagRun) run = find_unfinished(command, error);
    if (run == NULL || !run_change_load(command, run, error))
        return NULL;
    engine_mark_run(command->daemon->engine, run->id, RUN_STATE_FAILED, END_CANCELED, command->now_us);
    command_audit(command, "cancel_dag_run", run->dag_id, run->run_id, NULL, NULL);
    command_note_waiting(command, run->id);
    note_ending(command, run);
    return run_result(command, run);
}

static json_t *dags_mark(Command *command, GError **error)
{
    RunState state = run_state_from_string(command_text(command, "state"));
    if (state != RUN_STATE_SUCCESS && state != RUN_STATE_FAILED && state != RUN_STATE_QUEUED) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "'%s' is not one of ['success', 'failed', 'queued']", command_text(command, "state"));
        return NULL;
    }
    g_autoptr(DagRun) run = command_find_run(command, error);
    if (run == NULL)
        return NULL;
    if (command_flag(command, "dry_run", false))
        return document_of_run(run);
    if (!run_change_load(command, run, error))
        return NULL;
    engine_mark_run(command->daemon->engine, run->id, state, END_MARKED, command->now_us);
    command_audit(command, "patch_dag_run", run->dag_id, run->run_id, NULL,
                  json_pack("{s:s}", "state", run_state_to_string(state)));
    command_note_waiting(command, run->id);
    note_ending(command, run);
    return run_result(command, run);
}

static const ArgSpec resume_args[] = {
    {"dag_id", ARG_ID, true}, {"run_id", ARG_RUN_ID, true}, {"run_on_latest_version", ARG_FLAG}, {NULL}};
static const ArgSpec cancel_args[] = {{"dag_id", ARG_ID, true}, {"run_id", ARG_RUN_ID, true}, {NULL}};
static const ArgSpec mark_args[] = {{"dag_id", ARG_ID, true},
                                    {"run_id", ARG_RUN_ID, true},
                                    {"state", ARG_TEXT, true},
                                    {"dry_run", ARG_FLAG},
                                    {NULL}};

const CommandSpec commands_runs[] = {
    {"dags.resume", dags_resume, resume_args},
    {"dags.cancel", dags_cancel, cancel_args},
    {"dags.mark", dags_mark, mark_args},
    {NULL},
};
