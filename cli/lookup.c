/* SPDX-License-Identifier: MIT */
/* Names on the command line -> things; the second half of cli.h. */
#include "cli/cli.h"
#include "scheduler/time/instant.h"

#include <string.h>

/** More runs than that are not named in a message. */
#define RUNS_NAMED 3

static void set_not_found(GError **error, const char *near, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void set_not_found(GError **error, const char *near, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (near != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "%s; did you mean \"%s\"?", text, near);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "%s", text);
}

/** All dag_ids of folder and store; what cannot be read is left out. */
static GPtrArray *known_dag_ids(Cli *cli)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    const DagFolder *folder = cli_folder(cli, NULL);
    const GPtrArray *files = folder != NULL ? dag_folder_files(folder) : NULL;
    for (guint i = 0; files != NULL && i < files->len; i++) {
        const DagFile *file = g_ptr_array_index(files, i);
        if (file->dag_id != NULL)
            g_ptr_array_add(ids, g_strdup(file->dag_id));
    }
    StoreConn *reader = cli_reader(cli, NULL);
    g_auto(GStrv) stored = reader != NULL ? store_list_dag_ids(reader, NULL) : NULL;
    for (char **id = stored; id != NULL && *id != NULL; id++)
        g_ptr_array_add(ids, g_strdup(*id));
    g_ptr_array_add(ids, NULL);
    return ids;
}

void cli_set_unknown_dag(Cli *cli, const char *dag_id, GError **error)
{
    g_autoptr(GPtrArray) ids = known_dag_ids(cli);
    const char *near = suggest_nearest(dag_id, (const char *const *)ids->pdata);
    if (near != NULL || cli->settings == NULL)
        set_not_found(error, near, "DAG \"%s\" was not found", dag_id);
    else /* perhaps it is the folder that is not the one meant */
        set_not_found(error, NULL, "DAG \"%s\" was not found in %s", dag_id, cli->settings->dags_folder);
}

/** The latest version in the store, of a DAG that came as text; NULL if there is none. */
static const Dag *find_stored(Cli *cli, const char *dag_id)
{
    StoreConn *reader = cli_reader(cli, NULL);
    g_autoptr(DagRow) row = reader != NULL ? store_get_dag(reader, dag_id, NULL) : NULL;
    g_autoptr(DagVersion) version =
        row != NULL ? store_get_dag_version(reader, row->latest_version_id, NULL) : NULL;
    if (version == NULL)
        return NULL;
    g_clear_pointer(&cli->stored, load_result_free);
    cli->stored = cli_load_version(cli, version);
    return cli->stored->dag;
}

LoadResult *cli_load_version(const Cli *cli, const DagVersion *version)
{
    LoadOrigin origin = {.path = version->fileloc,
                         .folder = version->folder,
                         .default_dag_id = version->dag_id,
                         .default_timezone = cli->settings->default_timezone};
    return load_dag_text(version->source, strlen(version->source), &origin);
}

const Dag *cli_find_dag(Cli *cli, const char *dag_id, GError **error)
{
    const DagFolder *folder = cli_folder(cli, error);
    if (folder == NULL)
        return NULL;
    const DagFile *file = dag_folder_find(folder, dag_id);
    if (file == NULL) {
        const Dag *dag = find_stored(cli, dag_id);
        if (dag == NULL)
            cli_set_unknown_dag(cli, dag_id, error);
        return dag;
    }
    if (file->dag == NULL) {
        g_autofree char *text = dag_file_error_text(file);
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the file of DAG \"%s\" has errors\n%s", dag_id,
                    text != NULL ? g_strchomp(text) : file->path);
    }
    return file->dag;
}

const Dag *cli_find_fired_dag(Cli *cli, const char *dag_id, GError **error)
{
    const DagFolder *folder = cli_folder(cli, NULL);
    const DagFile *file = folder != NULL ? dag_folder_find(folder, dag_id) : NULL;
    const Dag *good = file != NULL && file->dag == NULL ? find_stored(cli, dag_id) : NULL;
    return good != NULL ? good : cli_find_dag(cli, dag_id, error);
}

bool cli_check_dag(Cli *cli, const char *dag_id, GError **error)
{
    g_autoptr(GError) local = NULL;
    StoreConn *reader = cli_reader(cli, &local);
    g_autoptr(DagRow) row = reader != NULL ? store_get_dag(reader, dag_id, NULL) : NULL;
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (row != NULL)
        return true;
    const DagFolder *folder = cli_folder(cli, error);
    if (folder == NULL)
        return false;
    if (dag_folder_find(folder, dag_id) != NULL)
        return true;
    cli_set_unknown_dag(cli, dag_id, error);
    return false;
}

static const char *nearest_run(GPtrArray *runs, const char *word)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = 0; i < runs->len; i++)
        g_ptr_array_add(ids, ((DagRun *)g_ptr_array_index(runs, i))->run_id);
    g_ptr_array_add(ids, NULL);
    return suggest_nearest(word, (const char *const *)ids->pdata);
}

static void set_unknown_run(StoreConn *reader, const char *dag_id, const char *run, GError **error)
{
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = dag_id;
    query.order = RUN_ORDER_ID;
    query.descending = true;
    query.page.limit = 1000;
    g_autoptr(GPtrArray) runs = reader != NULL ? store_list_runs(reader, &query, NULL, NULL) : NULL;
    const char *near = runs != NULL ? nearest_run(runs, run) : NULL;
    if (runs == NULL || runs->len == 0)
        set_not_found(error, NULL, "run \"%s\" was not found: DAG \"%s\" has never run", run, dag_id);
    else
        set_not_found(error, near, "run \"%s\" of DAG \"%s\" was not found", run, dag_id);
}

static void set_ambiguous_run(const GPtrArray *runs, const char *dag_id, const char *word, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < MIN(runs->len, RUNS_NAMED); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
                               ((const DagRun *)g_ptr_array_index(runs, i))->run_id);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT,
                "more than one run of DAG \"%s\" has a logical date of %s: name one, such as %s%s", dag_id,
                word, names->str, runs->len > RUNS_NAMED ? ", ..." : "");
}

/**
 * The run of that logical date, which may be less exact than the run's as long as one run only is meant: its
 * day, minute or second. False with an error; no such run is *ret = NULL.
 */
static bool find_run_by_date(Cli *cli, StoreConn *reader, const char *dag_id, const char *word, DagRun **ret,
                             GError **error)
{
    g_autoptr(Zone) zone = zone_open(cli->settings->default_timezone, NULL);
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = dag_id;
    query.order = RUN_ORDER_LOGICAL_DATE;
    query.page.limit = RUNS_NAMED + 1;
    if (!instant_parse_span(word, zone, &query.logical_date.from_us, &query.logical_date.to_us, NULL))
        return true;
    if (!store_find_run_by_date(reader, dag_id, query.logical_date.from_us, ret, error))
        return false;
    if (*ret != NULL)
        return true;
    g_autoptr(GPtrArray) runs = store_list_runs(reader, &query, NULL, error);
    if (runs == NULL)
        return false;
    if (runs->len > 1) {
        set_ambiguous_run(runs, dag_id, word, error);
        return false;
    }
    *ret = runs->len == 1 ? dag_run_copy(runs->pdata[0]) : NULL;
    return true;
}

DagRun *cli_find_run(Cli *cli, const char *dag_id, const char *run, GError **error)
{
    if (!cli_check_dag(cli, dag_id, error))
        return NULL;
    StoreConn *reader = cli_reader(cli, NULL);
    g_autoptr(GError) local = NULL;
    DagRun *found = reader != NULL ? store_get_run(reader, dag_id, run, &local) : NULL;
    if (found == NULL && local != NULL && !g_error_matches(local, WEIR_ERROR, WEIR_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    if (found == NULL && reader != NULL && !find_run_by_date(cli, reader, dag_id, run, &found, error))
        return NULL;
    if (found == NULL)
        set_unknown_run(reader, dag_id, run, error);
    return found;
}

TaskList *cli_find_task(Cli *cli, const DagRun *run, const char *task_id, GError **error)
{
    StoreConn *reader = cli_reader(cli, NULL);
    g_autoptr(GError) local = NULL;
    TaskList *task = store_get_task(reader, run->id, task_id, &local);
    if (task != NULL)
        return task;
    if (!g_error_matches(local, WEIR_ERROR, WEIR_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    g_autoptr(TaskList) all = store_list_tasks(reader, &(TaskQuery){.dag_run_id = run->id}, NULL, NULL);
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (size_t i = 0; all != NULL && i < all->n_items; i++)
        g_ptr_array_add(ids, (gpointer)all->items[i].task_id);
    g_ptr_array_add(ids, NULL);
    set_not_found(error, suggest_nearest(task_id, (const char *const *)ids->pdata),
                  "task \"%s\" was not found in run \"%s\" of DAG \"%s\"", task_id, run->run_id, run->dag_id);
    return NULL;
}

TaskList *cli_find_named_task(Cli *cli, DagRun **ret_run, GError **error)
{
    const char *dag_id = args_word(cli->args, 0), *task_id = args_word(cli->args, 1);
    g_autoptr(GError) local = NULL;
    g_autoptr(DagRun) run = cli_find_run(cli, dag_id, args_word(cli->args, 2), &local);
    if (run == NULL) {
        run = cli_find_run(cli, dag_id, task_id, NULL);
        task_id = args_word(cli->args, 2);
    }
    if (run == NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    TaskList *task = cli_find_task(cli, run, task_id, error);
    if (task != NULL)
        *ret_run = g_steal_pointer(&run);
    return task;
}
