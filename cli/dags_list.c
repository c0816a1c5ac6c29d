/* SPDX-License-Identifier: MIT */
/* weir dags list, weir dags list-import-errors: the DAG folder as it is now, and what the store knows of it.
 */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/store/lock.h"

#include <stdlib.h>
#include <string.h>

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

/** `dag` is what `file` says, or what it said before it was broken. */
static json_t *dag_object(Cli *cli, const DagFile *file, const Dag *dag, GError **error)
{
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
    json_object_set_new(object, "has_import_errors", json_boolean(file->dag == NULL));
    json_object_set_new(object, "timetable_summary", document_text(is_manual ? NULL : summary));
    json_object_set_new(object, "max_active_runs", json_integer(dag->max_active_runs));
    json_object_set_new(object, "max_active_tasks", json_integer(dag->max_active_tasks));
    json_object_set_new(object, "fileloc", document_text(file->path));
    json_object_set_new(object, "relative_fileloc", document_text(file->relative));
    if (!add_last_run(object, reader, dag->dag_id, error))
        g_clear_pointer(&object, json_decref);
    return object;
}

/** Adds what the file of `row` said before it was broken; nothing if no version of it can be had. */
static bool add_last_good(Cli *cli, json_t *rows, const DagFile *file, const DagRow *row, GError **error)
{
    g_autoptr(DagVersion) version =
        store_get_dag_version(cli_reader(cli, NULL), row->latest_version_id, NULL);
    g_autoptr(LoadResult) good = version != NULL ? cli_load_version(cli, version) : NULL;
    if (good == NULL || good->dag == NULL)
        return true;
    json_t *object = dag_object(cli, file, good->dag, error);
    return object != NULL && json_array_append_new(rows, object) == 0;
}

/** Adds the DAGs of broken files (path -> DagFile): their last good versions go on. */
static bool add_broken(Cli *cli, json_t *rows, GHashTable *broken, GError **error)
{
    StoreConn *reader = cli_reader(cli, NULL);
    if (g_hash_table_size(broken) == 0 || reader == NULL)
        return true;
    g_autoptr(GPtrArray) stored = store_list_dags(reader, &(DagQuery)DAG_QUERY_ALL, NULL, error);
    for (guint i = 0; stored != NULL && i < stored->len; i++) {
        const DagRow *row = g_ptr_array_index(stored, i);
        const DagFile *file = row->fileloc != NULL ? g_hash_table_lookup(broken, row->fileloc) : NULL;
        const DagFile *owner = dag_folder_find(cli_folder(cli, NULL), row->dag_id);
        bool is_elsewhere = owner != NULL && owner->dag != NULL; /* it has moved to a file that is good */
        if (file != NULL && !is_elsewhere && !add_last_good(cli, rows, file, row, error))
            return false;
    }
    return stored != NULL;
}

static void say_broken(guint n_broken, guint n_shown)
{
    if (n_broken == 0)
        return;
    g_printerr("%u file%s could not be loaded; see `weir dags list-import-errors`\n", n_broken,
               n_broken == 1 ? "" : "s");
    if (n_shown > 0)
        g_printerr("%u DAG%s as before: the last good version goes on\n", n_shown,
                   n_shown == 1 ? " is" : "s are");
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
    g_autoptr(GHashTable) broken = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = g_ptr_array_index(files, i);
        if (file->dag == NULL) {
            g_hash_table_insert(broken, file->path, (gpointer)file);
            continue;
        }
        json_t *object = dag_object(cli, file, file->dag, error);
        if (object == NULL)
            return EXIT_FAILURE;
        json_array_append_new(rows, object);
    }
    size_t n_good = json_array_size(rows);
    if (!add_broken(cli, rows, broken, error))
        return EXIT_FAILURE;
    static const char *const columns[] = {
        "dag_id", "owners", "is_paused", "timetable_summary=schedule", "last_run_state", "fileloc", NULL};
    output_rows(cli->format, columns, rows);
    if (json_array_size(rows) == 0 && files->len == 0)
        g_printerr("There are no DAG files in %s\n", cli->settings->dags_folder);
    say_broken(g_hash_table_size(broken), (guint)(json_array_size(rows) - n_good));
    return EXIT_SUCCESS;
}

/** A row for each error, without the file's name in front, which has a column of its own. */
static json_t *rows_of_errors(const json_t *files)
{
    json_t *rows = json_array();
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *filename = json_string_value(json_object_get(file, "filename"));
        g_auto(GStrv) lines = g_strsplit(json_string_value(json_object_get(file, "stack_trace")), "\n", -1);
        g_autofree char *prefix = g_strconcat(filename, ":", NULL);
        for (char **line = lines; *line != NULL; line++) {
            const char *text = g_str_has_prefix(*line, prefix) ? *line + strlen(prefix) : *line;
            while (*text == ' ')
                text++;
            json_t *row = json_object();
            json_object_set_new(row, "filename", document_text(filename));
            json_object_set_new(row, "error", document_text(text));
            json_array_append_new(rows, row);
        }
    }
    return rows;
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
    static const char *const columns[] = {"filename", "error", NULL};
    bool for_people = cli->format == OUTPUT_TABLE || cli->format == OUTPUT_PLAIN;
    json_auto_t *shown = for_people ? rows_of_errors(rows) : json_incref(rows);
    output_rows(cli->format, columns, shown);
    return json_array_size(rows) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
