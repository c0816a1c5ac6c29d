/* SPDX-License-Identifier: MIT */
/*
 * Commands that delete: db.clean, db.apply_retention, dags.delete. What may be much work is done a slice a
 * command, and the caller asks again while the answer says that there is more: in between, the loop does all
 * else.
 */
#include "scheduler/daemon/clean.h"
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/log_folder.h"

/* ---- db.clean ---- */

static json_t *document_of_clean(const CleanResult *result)
{
    json_t *dags = json_array();
    GHashTableIter iter;
    gpointer dag_id, value;
    if (result->dags != NULL)
        g_hash_table_iter_init(&iter, result->dags);
    while (result->dags != NULL && g_hash_table_iter_next(&iter, &dag_id, &value)) {
        const CleanCount *count = value;
        if (count->n_runs > 0 || count->n_tasks > 0)
            json_array_append_new(dags, json_pack("{s:s, s:I, s:I}", "dag_id", dag_id, "dag_runs",
                                                  (json_int_t)count->n_runs, "task_instances",
                                                  (json_int_t)count->n_tasks));
    }
    json_t *after = result->has_more ? json_integer(result->after_id) : json_null();
    return json_pack("{s:o, s:I, s:I, s:I, s:o}", "dags", dags, "dag_versions",
                     (json_int_t)result->n_versions, "backfills", (json_int_t)result->n_backfills,
                     "event_logs", (json_int_t)result->n_events, "after", after);
}

static bool check_dag_ids(Command *command, const json_t *dag_ids, GError **error)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)dag_ids, i, item)
    {
        g_autoptr(DagRow) row =
            store_get_dag(store_conn(command->daemon->store), json_string_value(item), NULL);
        if (row != NULL)
            continue;
        dag_bag_set_not_found(command->daemon->bag, command->daemon, json_string_value(item), error);
        return false;
    }
    return true;
}

static bool check_slice(const Command *command, const CleanSlice *slice, GError **error)
{
    if (slice->before_us > command->now_us) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "the time to delete before lies in the future");
        return false;
    }
    if (slice->max_runs < 0 || slice->after_id < 0) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "\"batch_size\" and \"after\" must not be negative");
        return false;
    }
    return true;
}

static json_t *db_clean(Command *command, GError **error)
{
    CleanSlice slice = {
        .dag_ids = command_json(command, "dag_ids"),
        .after_id = json_integer_value(command_json(command, "after")),
        .max_runs = json_integer_value(command_json(command, "batch_size")),
        .is_dry = command_flag(command, "dry_run", false),
    };
    if (!command_time(command, "before", &slice.before_us, error) ||
        !check_dag_ids(command, slice.dag_ids, error) || !check_slice(command, &slice, error))
        return NULL;
    g_auto(CleanResult) result = {0};
    if (!clean_slice(command->daemon, &slice, &result, error))
        return NULL;
    if (!slice.is_dry && command_json(command, "after") == NULL) { /* once, not with each slice */
        json_t *extra = json_pack("{s:s}", "before", command_text(command, "before"));
        if (slice.dag_ids != NULL)
            json_object_set(extra, "dag_ids", (json_t *)slice.dag_ids);
        command_audit(command, "db_clean", NULL, NULL, NULL, extra);
    }
    return document_of_clean(&result);
}

/* ---- db.apply_retention ---- */

/** Whether anything is ever to be deleted by itself. */
static bool is_retention_wanted(Daemon *daemon, bool *ret, GError **error)
{
    *ret = daemon->settings->retention.runs_us > 0 || daemon->settings->retention.logs_us > 0;
    return *ret || store_has_dag_retention(store_conn(daemon->store), ret, error);
}

static json_t *db_apply_retention(Command *command, GError **error)
{
    CleanSlice slice = {.by_retention = true, .after_id = json_integer_value(command_json(command, "after"))};
    bool is_wanted;
    if (!command_time(command, "at", &slice.before_us, error) || !check_slice(command, &slice, error) ||
        !is_retention_wanted(command->daemon, &is_wanted, error))
        return NULL;
    g_auto(CleanResult) result = {0};
    if (is_wanted && !clean_slice(command->daemon, &slice, &result, error))
        return NULL;
    if (is_wanted && command_json(command, "after") == NULL)
        command_audit(command, "db_apply_retention", NULL, NULL, NULL, NULL);
    json_t *document = document_of_clean(&result);
    json_object_set_new(document, "dag_run_logs", json_integer(result.n_logs));
    return document;
}

/* ---- dags.delete ---- */

/** What is unfinished would be lost, and its processes would go on for nobody. */
static bool check_all_finished(Command *command, const char *dag_id, GError **error)
{
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = dag_id;
    query.states = 1u << RUN_STATE_QUEUED | 1u << RUN_STATE_RUNNING;
    query.page.limit = 1;
    int64_t n_runs = 0;
    g_autoptr(GPtrArray) runs = store_list_runs(store_conn(command->daemon->store), &query, &n_runs, error);
    if (runs == NULL)
        return false;
    if (runs->len == 0)
        return true;
    const DagRun *run = runs->pdata[0];
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                "DAG \"%s\" has %d unfinished run%s, such as \"%s\" (%s): end them first, with "
                "`weir dags cancel %s RUN`",
                dag_id, (int)n_runs, n_runs == 1 ? "" : "s", run->run_id, run_state_to_string(run->state),
                dag_id);
    return false;
}

/** A finished run in memory has a process that nobody wanted any more and that has yet to end. */
static bool check_none_alive(Command *command, const char *dag_id, GError **error)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, command->daemon->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const RunEntry *entry = value;
        if (!g_str_equal(entry->dag_id, dag_id))
            continue;
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                    "a process of run \"%s\" of DAG \"%s\" has yet to end; try again in a moment",
                    entry->run_id, dag_id);
        return false;
    }
    return true;
}

/** One that was run from a file elsewhere is not looked at by itself. */
static bool is_in_folder(const Daemon *daemon, const char *path)
{
    g_autofree char *prefix = g_strconcat(daemon->settings->dags_folder, G_DIR_SEPARATOR_S, NULL);
    return g_str_has_prefix(path, prefix);
}

static void delete_dag(Command *command, const DagRow *row)
{
    Daemon *daemon = command->daemon;
    log_folder_remove_dag(daemon->settings->logs_folder, row->dag_id);
    persist_add_delete_dag(daemon, row->dag_id);
    fire_forget_dag(daemon, row->dag_id);
    command_audit(command, "delete_dag", row->dag_id, NULL, NULL, NULL);
    if (row->fileloc == NULL || !is_in_folder(daemon, row->fileloc) ||
        !g_file_test(row->fileloc, G_FILE_TEST_EXISTS))
        return;
    g_autofree char *note = g_strdup_printf(
        "its file is still there, so the DAG comes back, without its past, when that is next looked at: %s",
        row->fileloc);
    command_add_note(command, note);
}

static json_t *dags_delete(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    const char *dag_id = command_text(command, "dag_id");
    g_autoptr(GError) failure = NULL;
    g_autoptr(DagRow) row = store_get_dag(store_conn(daemon->store), dag_id, &failure);
    if (row == NULL) {
        if (g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "nothing is stored of DAG \"%s\"", dag_id);
        else
            g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    CleanCount count = {0};
    bool is_done;
    if (!check_all_finished(command, dag_id, error) || !check_none_alive(command, dag_id, error) ||
        !clean_dag_slice(daemon, dag_id, &count, &is_done, error))
        return NULL;
    if (is_done)
        delete_dag(command, row);
    return json_pack("{s:s, s:I, s:I, s:b}", "dag_id", dag_id, "dag_runs", (json_int_t)count.n_runs,
                     "task_instances", (json_int_t)count.n_tasks, "has_more", !is_done);
}

static const ArgSpec clean_args[] = {{"before", ARG_TIME, true}, {"dag_ids", ARG_TEXTS},
                                     {"dry_run", ARG_FLAG},      {"batch_size", ARG_INTEGER},
                                     {"after", ARG_INTEGER},     {NULL}};
static const ArgSpec retention_args[] = {{"at", ARG_TIME, true}, {"after", ARG_INTEGER}, {NULL}};
static const ArgSpec delete_args[] = {{"dag_id", ARG_ID, true}, {NULL}};

const CommandSpec commands_clean[] = {
    {"db.clean", db_clean, clean_args},
    {"db.apply_retention", db_apply_retention, retention_args},
    {"dags.delete", dags_delete, delete_args},
    {NULL},
};
