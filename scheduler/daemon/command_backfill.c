/* SPDX-License-Identifier: MIT */
/* backfills.create, .pause, .unpause, .cancel. */
#include "scheduler/daemon/backfill.h"
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/documents.h"
#include "scheduler/daemon/json_text.h"

#define DEFAULT_MAX_ACTIVE_RUNS 10

/* ---- What is asked for ---- */

static bool read_limits(Command *command, BackfillRequest *request, GError **error)
{
    const char *reprocess = command_text(command, "reprocess_behavior");
    request->reprocess = reprocess == NULL ? REPROCESS_NONE : reprocess_behavior_from_string(reprocess);
    if (request->reprocess == REPROCESS_INVALID) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "reprocess_behavior '%s' is not one of ['none', 'failed', 'completed']", reprocess);
        return false;
    }
    const json_t *max = command_json(command, "max_active_runs");
    json_int_t n = max == NULL ? DEFAULT_MAX_ACTIVE_RUNS : json_integer_value(max);
    if (n < 1 || n > INT32_MAX) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "max_active_runs must be a number from 1 on");
        return false;
    }
    request->max_active_runs = (int32_t)n;
    return true;
}

static bool read_conf(Command *command, BackfillRequest *request, GError **error)
{
    request->conf = command_json(command, "dag_run_conf");
    if (request->conf == NULL)
        return true;
    char *text = json_dumps(request->conf, JSON_COMPACT);
    bool is_fine = json_text_nesting_is_fine(text);
    free(text);
    if (!is_fine)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "dag_run_conf nests deeper than %d levels",
                    JSON_TEXT_NESTING_MAX);
    return is_fine;
}

static bool read_request(Command *command, BackfillRequest *request, GError **error)
{
    Daemon *daemon = command->daemon;
    request->run_backwards = command_flag(command, "run_backwards", false);
    request->run_on_latest_version = command_flag(command, "run_on_latest_version", true);
    request->user = command->caller != NULL ? command->caller->user : NULL;
    return read_limits(command, request, error) && read_conf(command, request, error) &&
           command_time(command, "from_date", &request->from_us, error) &&
           command_time(command, "to_date", &request->to_us, error) &&
           dag_bag_get(daemon->bag, daemon, command_text(command, "dag_id"), &request->latest, error);
}

/* ---- Answers ---- */

/* Those that are to run, in order, as REST's dry run has them; then how many are left alone and why. */
static json_t *plan_document(const GArray *plan)
{
    json_t *runs = json_array(), *skipped = json_array();
    for (guint i = 0; i < plan->len; i++) {
        const BackfillTick *tick = &g_array_index(plan, BackfillTick, i);
        json_t *item = json_object();
        json_object_set_new(item, "logical_date", document_of_instant(tick->logical_date_us));
        if (tick->run != NULL) {
            json_object_set_new(item, "dag_run_id", json_string(tick->run->run_id));
            json_object_set_new(item, "action", json_string(tick->is_new ? "create" : "clear"));
        } else {
            json_object_set_new(item, "exception_reason",
                                json_string(backfill_exception_to_string(tick->exception)));
        }
        json_array_append_new(tick->run != NULL ? runs : skipped, item);
    }
    return json_pack("{s:o, s:o, s:i}", "backfills", runs, "skipped", skipped, "total_entries",
                     (int)json_array_size(runs));
}

static void note_waiting(Command *command, const char *dag_id)
{
    const Daemon *daemon = command->daemon;
    if (daemon->mode == DAEMON_OFFLINE)
        command_add_note(command, "no scheduler is running: it takes effect when one starts");
    else if (daemon->mode == DAEMON_RUN)
        command_add_note(command, "this process advances other runs only: start a scheduler");
    g_autoptr(DagRow) dag = store_get_dag(store_conn(daemon->store), dag_id, NULL);
    if (dag != NULL && dag->is_paused)
        command_add_note(command, "the DAG is paused: its runs wait until it is unpaused");
}

/* ---- Create ---- */

static json_t *create(Command *command, const BackfillRequest *request, GArray *plan, GError **error)
{
    Daemon *daemon = command->daemon;
    int64_t id = store_next_backfill_id(daemon->store);
    if (!backfill_prepare(daemon, request, plan, id, error))
        return NULL;
    g_autoptr(Backfill) backfill = backfill_apply(daemon, request, plan, id, command->now_us);
    guint n_new = 0, n_again = 0;
    for (guint i = 0; i < plan->len; i++) {
        const BackfillTick *tick = &g_array_index(plan, BackfillTick, i);
        n_new += tick->run != NULL && tick->is_new;
        n_again += tick->run != NULL && !tick->is_new;
    }
    json_t *result = document_of_backfill(backfill);
    command_audit(command, "create_backfill", backfill->dag_id, NULL, NULL, json_deep_copy(result));
    json_object_set_new(result, "created", json_integer(n_new));
    json_object_set_new(result, "cleared", json_integer(n_again));
    json_object_set_new(result, "skipped", json_integer(plan->len - n_new - n_again));
    note_waiting(command, backfill->dag_id);
    return result;
}

static json_t *backfills_create(Command *command, GError **error)
{
    BackfillRequest request = {0};
    if (!read_request(command, &request, error) ||
        !backfill_check(command->daemon, &request, command->now_us, error))
        return NULL;
    g_autoptr(GArray) plan = backfill_plan(command->daemon, &request, command->now_us, error);
    if (plan == NULL)
        return NULL;
    return command_flag(command, "dry_run", false) ? plan_document(plan)
                                                   : create(command, &request, plan, error);
}

/* ---- Pause, cancel ---- */

static Backfill *find_unfinished(Command *command, GError **error)
{
    int64_t id = json_integer_value(command_json(command, "backfill_id"));
    Backfill *backfill = store_get_backfill(store_conn(command->daemon->store), id, error);
    if (backfill == NULL || backfill->completed_at_us == TIME_NONE)
        return backfill;
    g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "Backfill is already completed.");
    backfill_free(backfill);
    return NULL;
}

/* Takes `backfill`, as it is to be from now on. */
static json_t *change(Command *command, Backfill *backfill, const char *event)
{
    backfill->updated_at_us = command->now_us;
    backfill_tell_engine(command->daemon, backfill);
    engine_tick(command->daemon->engine, command->now_us);
    json_t *result = document_of_backfill(backfill);
    command_audit(command, event, backfill->dag_id, NULL, NULL,
                  json_pack("{s:I}", "backfill_id", (json_int_t)backfill->id));
    persist_add_backfill_state(command->daemon, backfill);
    return result;
}

static json_t *set_paused(Command *command, bool is_paused, GError **error)
{
    Backfill *backfill = find_unfinished(command, error);
    if (backfill == NULL)
        return NULL;
    backfill->is_paused = is_paused;
    if (!is_paused)
        note_waiting(command, backfill->dag_id);
    return change(command, backfill, is_paused ? "pause_backfill" : "unpause_backfill");
}

static json_t *backfills_pause(Command *command, GError **error)
{
    return set_paused(command, true, error);
}

static json_t *backfills_unpause(Command *command, GError **error)
{
    return set_paused(command, false, error);
}

/* airflow-compatible: what is queued fails, what runs goes on, and the backfill is over. */
static json_t *backfills_cancel(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    g_autoptr(Backfill) backfill = find_unfinished(command, error);
    if (backfill == NULL)
        return NULL;
    RunQuery query = RUN_QUERY_ALL;
    query.backfill_id = backfill->id;
    query.states = 1u << RUN_STATE_QUEUED;
    g_autoptr(GPtrArray) queued = store_list_runs(store_conn(daemon->store), &query, NULL, error);
    if (queued == NULL)
        return NULL;
    bool are_loaded = true;
    for (guint i = 0; are_loaded && i < queued->len; i++) {
        const DagRun *run = queued->pdata[i];
        are_loaded = runs_load(daemon, run, backfill_run_flags(daemon), error);
        g_array_append_val(daemon->visited, run->id);
    }
    engine_tick(daemon->engine, command->now_us); /* nothing settles between a load and the next tick */
    if (!are_loaded)
        return NULL;
    for (guint i = 0; i < queued->len; i++)
        engine_mark_run(daemon->engine, ((const DagRun *)queued->pdata[i])->id, RUN_STATE_FAILED,
                        END_CANCELED, command->now_us);
    backfill->is_paused = true;
    backfill->completed_at_us = command->now_us;
    json_t *result = change(command, g_steal_pointer(&backfill), "cancel_backfill");
    json_object_set_new(result, "canceled", json_integer(queued->len));
    return result;
}

static const ArgSpec create_args[] = {
    {"dag_id", ARG_ID, true},
    {"from_date", ARG_TIME, true},
    {"to_date", ARG_TIME, true},
    {"reprocess_behavior", ARG_TEXT},
    {"run_backwards", ARG_FLAG},
    {"max_active_runs", ARG_INTEGER},
    {"dag_run_conf", ARG_OBJECT},
    {"dry_run", ARG_FLAG},
    {"run_on_latest_version", ARG_FLAG},
    {NULL},
};
static const ArgSpec id_args[] = {{"backfill_id", ARG_INTEGER, true}, {NULL}};

const CommandSpec commands_backfill[] = {
    {"backfills.create", backfills_create, create_args},
    {"backfills.pause", backfills_pause, id_args},
    {"backfills.unpause", backfills_unpause, id_args},
    {"backfills.cancel", backfills_cancel, id_args},
    {NULL},
};
