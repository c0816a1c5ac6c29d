/* SPDX-License-Identifier: MIT */
/* weir dags list, weir dags list-import-errors: the DAG folder as it is now, and what the store knows of it.
 */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/store/lock.h"

#include <stdlib.h>

/** REST's tags: objects with a name. */
static json_t *tag_objects(const Dag *dag)
{
    json_t *list = json_array();
    for (const char **tag = dag->tags; *tag != NULL; tag++) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(*tag));
        json_object_set_new(object, "dag_id", json_string(dag->dag_id));
        json_object_set_new(object, "dag_display_name", json_string(dag->dag_id));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *owner_list(const Dag *dag)
{
    json_t *list = json_array();
    json_array_append_new(list, document_text(dag->owner));
    return list;
}

/** What the last run was; all null if there was none. */
static bool add_last_run(json_t *object, StoreConn *reader, const char *dag_id, GError **error)
{
    DagRun *found = NULL;
    if (reader != NULL && !store_find_latest_run(reader, dag_id, &found, error))
        return false;
    g_autoptr(DagRun) run = found;
    json_object_set_new(object, "last_run_id", document_text(run != NULL ? run->run_id : NULL));
    json_object_set_new(object, "last_run_state",
                        document_text(run != NULL ? run_state_to_string(run->state) : NULL));
    json_object_set_new(object, "last_run_start_date",
                        document_time(run != NULL ? run->start_date_us : TIME_NONE));
    return true;
}

static json_t *dag_object(Cli *cli, const DagFile *file, GError **error)
{
    const Dag *dag = file->dag;
    StoreConn *reader = cli_reader(cli, NULL);
    g_autoptr(DagRow) row = reader != NULL ? store_get_dag(reader, dag->dag_id, NULL) : NULL;
    bool is_paused = row != NULL ? row->is_paused : cli->settings->dags_are_paused_at_creation;
    g_autofree char *summary = schedule_spec_summary(&dag->schedule);
    bool is_manual = dag->schedule.kind == SCHEDULE_NONE;
    json_t *object = json_object();
    json_object_set_new(object, "dag_id", json_string(dag->dag_id));
    json_object_set_new(object, "dag_display_name", json_string(dag->dag_id));
    json_object_set_new(object, "description", document_text(dag->description));
    json_object_set_new(object, "owners", owner_list(dag));
    json_object_set_new(object, "tags", tag_objects(dag));
    json_object_set_new(object, "is_paused", json_boolean(is_paused));
    json_object_set_new(object, "is_stale", json_false());
    json_object_set_new(object, "has_import_errors", json_false());
    json_object_set_new(object, "timetable_summary", document_text(is_manual ? NULL : summary));
    json_object_set_new(object, "max_active_runs", json_integer(dag->max_active_runs));
    json_object_set_new(object, "max_active_tasks", json_integer(dag->max_active_tasks));
    json_object_set_new(object, "fileloc", document_text(file->path));
    json_object_set_new(object, "relative_fileloc", document_text(file->relative));
    if (!add_last_run(object, reader, dag->dag_id, error))
        g_clear_pointer(&object, json_decref);
    return object;
}

int verb_dags_list(Cli *cli, GError **error)
{
    const DagFolder *folder = cli_folder(cli, error);
    g_autoptr(GError) local = NULL;
    if (folder == NULL)
        return EXIT_FAILURE;
    cli_reader(cli, &local);
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    const GPtrArray *files = dag_folder_files(folder);
    json_auto_t *rows = json_array();
    guint n_broken = 0;
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = g_ptr_array_index(files, i);
        if (file->dag == NULL) {
            n_broken++;
            continue;
        }
        json_t *object = dag_object(cli, file, error);
        if (object == NULL)
            return EXIT_FAILURE;
        json_array_append_new(rows, object);
    }
    static const char *const columns[] = {
        "dag_id", "owners", "is_paused", "timetable_summary=schedule", "last_run_state", "fileloc", NULL};
    output_rows(cli->format, columns, rows);
    if (n_broken > 0)
        g_printerr("%u file%s could not be loaded; see `weir dags list-import-errors`\n", n_broken,
                   n_broken == 1 ? "" : "s");
    return EXIT_SUCCESS;
}

static void add_import_error(json_t *rows, const char *filename, const char *dag_id, const char *text,
                             int64_t timestamp_us)
{
    g_autofree char *lines = g_strdup(text);
    json_t *row = json_object();
    json_object_set_new(row, "filename", document_text(filename));
    json_object_set_new(row, "dag_id", document_text(dag_id));
    json_object_set_new(row, "timestamp", document_time(timestamp_us));
    json_object_set_new(row, "stack_trace", document_text(g_strchomp(lines))); /* Airflow's word */
    json_array_append_new(rows, row);
}

/** Whether a service watches the folder, so that the store says what it found. */
static bool is_maintained(const Settings *settings)
{
    g_autofree char *path = g_build_filename(settings->home, "weir.lock", NULL);
    g_autoptr(LockHolder) holder = store_lock_holder(path, NULL);
    return holder != NULL &&
           (g_str_equal(holder->verb, "scheduler") || g_str_equal(holder->verb, "standalone"));
}

static bool add_stored_errors(Cli *cli, json_t *rows, GError **error)
{
    StoreConn *reader = cli_reader(cli, error);
    g_autoptr(GPtrArray) stored =
        reader != NULL ? store_list_import_errors(reader, (Page){0}, NULL, error) : NULL;
    for (guint i = 0; stored != NULL && i < stored->len; i++) {
        const ImportError *one = stored->pdata[i];
        add_import_error(rows, one->filename, NULL, one->stack_trace, one->timestamp_us);
    }
    return stored != NULL;
}

static bool add_errors_of_folder(Cli *cli, json_t *rows, GError **error)
{
    const DagFolder *folder = cli_folder(cli, error);
    if (folder == NULL)
        return false;
    const GPtrArray *files = dag_folder_files(folder);
    int64_t now_us = g_get_real_time();
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = g_ptr_array_index(files, i);
        g_autofree char *text = dag_file_error_text(file);
        if (text != NULL)
            add_import_error(rows, file->path, file->dag_id, text, now_us);
    }
    return true;
}

int verb_dags_list_import_errors(Cli *cli, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    json_auto_t *rows = json_array();
    if (settings == NULL || !(is_maintained(settings) ? add_stored_errors(cli, rows, error)
                                                      : add_errors_of_folder(cli, rows, error)))
        return EXIT_FAILURE;
    static const char *const columns[] = {"filename", "stack_trace=error", NULL};
    output_rows(cli->format, columns, rows);
    return json_array_size(rows) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
