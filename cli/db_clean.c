/* SPDX-License-Identifier: MIT */
/* weir db clean, weir dags delete: deleting runs, a slice a command, so that whoever runs the loop never
 * stalls. */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    json_t *dags; /**< dag_id -> row */
    int64_t n_runs, n_tasks, n_versions, n_backfills, n_events;
} Totals;

static void totals_clear(Totals *totals)
{
    json_decref(totals->dags);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Totals, totals_clear)

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void add_number(json_t *row, const char *name, int64_t n)
{
    json_object_set_new(row, name, json_integer(number(row, name) + n));
}

static void add_slice(Totals *totals, const json_t *result)
{
    size_t i;
    json_t *dag;
    json_array_foreach(json_object_get(result, "dags"), i, dag)
    {
        const char *dag_id = json_string_value(json_object_get(dag, "dag_id"));
        json_t *row = json_object_get(totals->dags, dag_id);
        if (row == NULL) {
            row = json_object();
            json_object_set_new(row, "dag_id", json_string(dag_id));
            json_object_set_new(totals->dags, dag_id, row);
        }
        add_number(row, "dag_runs", number(dag, "dag_runs"));
        add_number(row, "task_instances", number(dag, "task_instances"));
        totals->n_runs += number(dag, "dag_runs");
        totals->n_tasks += number(dag, "task_instances");
    }
    totals->n_versions += number(result, "dag_versions");
    totals->n_backfills += number(result, "backfills");
    totals->n_events += number(result, "event_logs");
}

/** All slices, one after the other. */
static bool clean(Cli *cli, const json_t *args, bool is_dry, Totals *totals, GError **error)
{
    json_auto_t *after = NULL;
    totals->dags = json_object();
    do {
        json_t *slice = json_deep_copy(args);
        if (after != NULL)
            json_object_set(slice, "after", after);
        json_object_set_new(slice, "dry_run", json_boolean(is_dry));
        json_auto_t *result = send_command(cli, "db.clean", slice, error);
        if (result == NULL)
            return false;
        add_slice(totals, result);
        json_decref(after);
        after = json_incref(json_object_get(result, "after"));
    } while (json_is_integer(after));
    return true;
}

static void append_count(GString *out, const char *before, int64_t n, const char *what)
{
    g_string_append_printf(out, "%s%" G_GINT64_FORMAT " %s%s", before, n, what, n == 1 ? "" : "s");
}

static char *describe(const Totals *totals)
{
    GString *out = g_string_new(NULL);
    append_count(out, "", totals->n_runs, "run");
    append_count(out, " with ", totals->n_tasks, "task instance");
    g_string_append(out, " and their logs");
    append_count(out, ", ", totals->n_versions, "old DAG version");
    append_count(out, ", ", totals->n_backfills, "old backfill");
    append_count(out, ", ", totals->n_events, "audit log event");
    return g_string_free(out, FALSE);
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "dag_id")),
                  json_string_value(json_object_get(*(json_t *const *)b, "dag_id")));
}

static void print(Cli *cli, const Totals *totals)
{
    static const char *const columns[] = {"dag_id", "dag_runs", "task_instances", NULL};
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    const char *dag_id;
    json_t *row;
    json_object_foreach(totals->dags, dag_id, row) g_ptr_array_add(sorted, row);
    g_ptr_array_sort(sorted, compare_rows);
    json_auto_t *rows = json_array();
    for (guint i = 0; i < sorted->len; i++)
        json_array_append(rows, sorted->pdata[i]);
    output_rows(cli->format, columns, rows);
}

static json_t *clean_args(Cli *cli, GError **error)
{
    int64_t before_us, batch_size;
    const char *dag_ids = args_value(cli->args, "dag-ids");
    if (args_value(cli->args, "clean-before-timestamp") == NULL) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "--clean-before-timestamp is missing: what ended before it is deleted");
        return NULL;
    }
    if (!cli_time_option(cli, "clean-before-timestamp", &before_us, error) ||
        !args_integer(cli->args, "batch-size", 1, 1000, 0, &batch_size, error))
        return NULL;
    json_t *args = json_object();
    json_object_set_new(args, "before", document_time(before_us));
    if (batch_size > 0)
        json_object_set_new(args, "batch_size", json_integer(batch_size));
    if (dag_ids != NULL) {
        json_t *list = json_array();
        g_auto(GStrv) words = g_strsplit(dag_ids, ",", -1);
        for (char **word = words; *word != NULL; word++) {
            if (*g_strstrip(*word) != '\0')
                json_array_append_new(list, document_text(*word));
        }
        json_object_set_new(args, "dag_ids", list);
    }
    return args;
}

int verb_db_clean(Cli *cli, GError **error)
{
    json_auto_t *args = clean_args(cli, error);
    if (args == NULL || cli_need_reader(cli, error) == NULL)
        return EXIT_FAILURE;
    bool is_dry = args_flag(cli->args, "dry-run");
    g_auto(Totals) preview = {0}, totals = {0};
    if (!is_dry && cli_may_ask(cli)) {
        if (!clean(cli, args, true, &preview, error))
            return EXIT_FAILURE;
        g_autofree char *what = describe(&preview);
        g_autofree char *question = g_strdup_printf("Delete %s?", what);
        if (!cli_confirm(cli, question)) {
            g_printerr("Nothing was deleted.\n");
            return EXIT_FAILURE;
        }
    }
    if (!clean(cli, args, is_dry, &totals, error))
        return EXIT_FAILURE;
    g_autofree char *what = describe(&totals);
    g_printerr("%s %s.\n", is_dry ? "Would delete" : "Deleted", what);
    print(cli, &totals);
    return EXIT_SUCCESS;
}

/* ---- dags delete ---- */

int verb_dags_delete(Cli *cli, GError **error)
{
    static const char *const columns[] = {"dag_id", "dag_runs", "task_instances", NULL};
    const char *dag_id = args_word(cli->args, 0);
    if (!cli_check_dag(cli, dag_id, error))
        return EXIT_FAILURE;
    g_autofree char *question = g_strdup_printf("Delete DAG %s with all its runs and logs?", dag_id);
    if (!cli_confirm(cli, question)) {
        g_printerr("Nothing was deleted.\n");
        return EXIT_FAILURE;
    }
    json_auto_t *row = json_object();
    json_object_set_new(row, "dag_id", json_string(dag_id));
    add_number(row, "dag_runs", 0);
    add_number(row, "task_instances", 0);
    for (bool has_more = true; has_more;) {
        json_t *args = json_object();
        json_object_set_new(args, "dag_id", json_string(dag_id));
        json_auto_t *result = send_command(cli, "dags.delete", args, error);
        if (result == NULL)
            return EXIT_FAILURE;
        add_number(row, "dag_runs", number(result, "dag_runs"));
        add_number(row, "task_instances", number(result, "task_instances"));
        has_more = json_is_true(json_object_get(result, "has_more"));
    }
    json_auto_t *rows = json_array();
    json_array_append(rows, row);
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}
