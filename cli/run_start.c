/* SPDX-License-Identifier: MIT */
#include "cli/run_start.h"

#include "cli/command.h"
#include "cli/documents.h"
#include "cli/text.h"
#include "cli/write.h"
#include "scheduler/daemon/run_id.h"
#include "scheduler/store/error.h"

#include <stdlib.h>
#include <string.h>

void run_start_clear(RunStart *start)
{
    g_clear_pointer(&start->dag_id, g_free);
    g_clear_pointer(&start->run_id, g_free);
    g_clear_pointer(&start->command, json_decref);
}

static bool names_file(const char *subject)
{
    return strchr(subject, '/') != NULL || g_str_has_suffix(subject, ".yaml") ||
           g_str_has_suffix(subject, ".yml");
}

static bool say_errors(const LoadErrorList *errors, GError **error)
{
    g_autofree char *lines = load_error_list_format(errors, "error");
    g_autofree char *clean = text_escape(g_strchomp(lines), -1, TEXT_KEEP_NEWLINES);
    g_printerr("%s\n", clean);
    g_set_error(error, CLI_ERROR, CLI_ERROR_SAID, "the file has errors");
    return false;
}

/** Whether the file is one of the DAG folder, which then knows it by its dag_id. */
static bool is_in_folder(Cli *cli, const char *path)
{
    g_autofree char *root = realpath(cli->settings->dags_folder, NULL);
    if (root == NULL || !g_str_has_prefix(path, root) || path[strlen(root)] != '/')
        return false;
    const DagFolder *folder = cli_folder(cli, NULL);
    const DagFile *file = folder != NULL ? dag_folder_find_path(folder, path) : NULL;
    return file != NULL && file->dag != NULL;
}

/** Adds `dag_id`, or for a file of elsewhere `source`, to `args`. */
static bool add_subject(Cli *cli, RunStart *start, json_t *args, GError **error)
{
    const char *subject = args_word(cli->args, 0);
    if (!names_file(subject)) {
        start->dag_id = g_strdup(subject);
        json_object_set_new(args, "dag_id", document_text(subject));
        return true;
    }
    g_autofree char *path = realpath(subject, NULL);
    g_autoptr(LoadResult) result = load_dag_file(subject, cli->settings->default_timezone);
    if (path == NULL || result->dag == NULL)
        return say_errors(result->errors, error);
    start->dag_id = g_strdup(result->dag->dag_id);
    if (is_in_folder(cli, path)) {
        json_object_set_new(args, "dag_id", document_text(start->dag_id));
        return true;
    }
    g_autofree char *folder = g_path_get_dirname(path);
    json_t *source = json_object();
    json_object_set_new(source, "text", json_stringn(result->text, result->n_text));
    json_object_set_new(source, "path", document_text(path));
    json_object_set_new(source, "folder", document_text(folder));
    json_object_set_new(args, "source", source);
    return true;
}

/** The run that --run-id names, if there is one already. */
static bool find_existing(Cli *cli, const RunStart *start, DagRun **ret, GError **error)
{
    const char *run_id = args_value(cli->args, "run-id");
    g_autoptr(GError) local = NULL;
    *ret = NULL;
    StoreConn *reader = run_id != NULL ? cli_reader(cli, &local) : NULL;
    if (g_error_matches(local, STORE_ERROR, STORE_ERROR_OLDER) && command_upgrade(cli)) {
        g_clear_error(&local); /* this verb writes, and what writes brings the database up to date */
        reader = cli_reader(cli, &local);
    }
    if (reader != NULL)
        *ret = store_get_run(reader, start->dag_id, run_id, &local);
    if (*ret != NULL || local == NULL || g_error_matches(local, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static json_t *resume_args(const RunStart *start, bool latest)
{
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(start->dag_id));
    json_object_set_new(args, "run_id", json_string(start->run_id));
    json_object_set_new(args, "run_on_latest_version", json_boolean(latest));
    return args;
}

json_t *run_start_takeover(const RunStart *start)
{
    return command_new("dags.resume", resume_args(start, false));
}

bool run_start_name(RunStart *start)
{
    if (!start->is_new || start->run_id != NULL)
        return false;
    json_t *args = json_object_get(start->command, "args");
    int64_t now_us = g_get_real_time();
    start->run_id = run_id_make(RUN_TYPE_MANUAL, now_us, true);
    json_object_set_new(args, "run_id", json_string(start->run_id));
    start->is_dated = json_object_get(args, "logical_date") == NULL;
    if (start->is_dated)
        json_object_set_new(args, "logical_date", document_time(now_us));
    return true;
}

void run_start_unname(RunStart *start)
{
    json_t *args = json_object_get(start->command, "args");
    g_clear_pointer(&start->run_id, g_free);
    json_object_del(args, "run_id");
    if (start->is_dated)
        json_object_del(args, "logical_date");
}

static void continue_run(Cli *cli, RunStart *start, const DagRun *run)
{
    start->run_id = g_strdup(run->run_id);
    start->old_version_id = run->dag_version_id;
    if (args_list(cli->args, "param") != NULL || args_value(cli->args, "conf") != NULL)
        g_printerr("Run %s exists: its params stay as they were.\n", run->run_id);
    if (run_state_is_finished(run->state))
        return;
    bool latest = args_switch(cli->args, "run-on-latest-version") != 0;
    start->command = command_new("dags.resume", resume_args(start, latest));
}

bool run_start_prepare(Cli *cli, RunStart *ret, GError **error)
{
    g_auto(RunStart) start = {0};
    if (cli_settings(cli, error) == NULL)
        return false;
    json_auto_t *args = write_new_run(cli, error);
    if (args == NULL || !add_subject(cli, &start, args, error))
        return false;
    DagRun *existing;
    if (!find_existing(cli, &start, &existing, error))
        return false;
    if (existing != NULL) {
        continue_run(cli, &start, existing);
        dag_run_free(existing);
    } else {
        json_object_set_new(args, "own", json_true());
        start.command = command_new("dags.trigger", json_incref(args));
        start.run_id = g_strdup(args_value(cli->args, "run-id"));
        start.is_new = true;
    }
    *ret = start;
    start = (RunStart){0};
    return true;
}
