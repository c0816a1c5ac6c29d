/* SPDX-License-Identifier: MIT */
/* weir dags validate: what is wrong with DAG files, as compilers say it. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "scheduler/time/instant.h"
#include "scheduler/time/timetable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Cli *cli;
    const char *default_timezone;
    json_t *rows;       /**< one a finding; what json and yaml print */
    GHashTable *owners; /**< dag_id -> path of the file that has it */
    guint n_files, n_bad, n_errors, n_warnings;
} Validation;

static bool is_for_people(const Validation *validation)
{
    return validation->cli->format == OUTPUT_TABLE || validation->cli->format == OUTPUT_PLAIN;
}

static void add_finding(Validation *validation, const LoadError *error, const char *severity)
{
    if (is_for_people(validation)) {
        g_autofree char *line = load_error_format(error, severity);
        g_autofree char *clean = text_escape(line, -1, TEXT_ESCAPE_ALL);
        printf("%s\n", clean);
        return;
    }
    json_t *row = json_object();
    json_object_set_new(row, "file", document_text(error->file));
    json_object_set_new(row, "line", error->line > 0 ? json_integer(error->line) : json_null());
    json_object_set_new(row, "column", error->column > 0 ? json_integer(error->column) : json_null());
    json_object_set_new(row, "severity", json_string(severity));
    json_object_set_new(row, "message", document_text(error->message));
    json_object_set_new(row, "suggestion", document_text(error->suggestion));
    json_array_append_new(validation->rows, row);
}

/** "2026-01-01 02:00:00+00:00, ...": the next three; or why there are none. */
static char *next_fires(const Dag *dag)
{
    g_autoptr(Timetable) timetable = timetable_new(&dag->schedule, NULL);
    if (timetable == NULL || !timetable_is_periodic(timetable))
        return g_strdup_printf("schedule %s", timetable != NULL ? timetable_summary(timetable) : "None");
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "schedule %s, next", timetable_summary(timetable));
    int64_t now_us = g_get_real_time();
    DagRunTimes times = {0};
    const TimetableLast *last = NULL;
    guint n = 0;
    for (; n < 3 && timetable_next(timetable, last, TIME_NONE, now_us, &times); n++, last = &times) {
        g_autofree char *text = instant_format(times.run_after_us, INSTANT_SECONDS_Z);
        g_string_append_printf(out, "%s %s", n > 0 ? "," : "", text);
        now_us = MAX(now_us, times.run_after_us);
    }
    if (n == 0)
        g_string_append(out, " never");
    return g_string_free(out, FALSE);
}

static void print_good(const Validation *validation, const char *path, const Dag *dag)
{
    if (!validation->cli->verbose || !is_for_people(validation))
        return;
    g_autofree char *fires = next_fires(dag), *line = NULL, *clean = NULL;
    line = g_strdup_printf("%s: good: DAG \"%s\", %u task%s, %s", path, dag->dag_id, dag->n_tasks,
                           dag->n_tasks == 1 ? "" : "s", fires);
    clean = text_escape(line, -1, TEXT_ESCAPE_ALL);
    printf("%s\n", clean);
}

static void add_result(Validation *validation, const char *path, const LoadResult *result,
                       const LoadError *conflict)
{
    guint n_errors = result->errors->items->len + result->errors->n_dropped + (conflict != NULL);
    for (guint i = 0; i < result->errors->items->len; i++)
        add_finding(validation, g_ptr_array_index(result->errors->items, i), "error");
    if (conflict != NULL)
        add_finding(validation, conflict, "error");
    for (guint i = 0; i < result->warnings->items->len; i++)
        add_finding(validation, g_ptr_array_index(result->warnings->items, i), "warning");
    if (n_errors == 0)
        print_good(validation, path, result->dag);
    validation->n_files++;
    validation->n_bad += n_errors > 0;
    validation->n_errors += n_errors;
    validation->n_warnings += result->warnings->items->len;
}

static void validate_file(Validation *validation, const char *path)
{
    g_autoptr(LoadResult) result = load_dag_file(path, validation->default_timezone);
    const char *dag_id = result->dag != NULL ? result->dag->dag_id : NULL;
    const char *owner = dag_id != NULL ? g_hash_table_lookup(validation->owners, dag_id) : NULL;
    g_autofree char *message = NULL;
    LoadError conflict = {.file = path};
    if (owner != NULL)
        conflict.message = message = g_strdup_printf("dag_id \"%s\" belongs to %s already", dag_id, owner);
    else if (dag_id != NULL)
        g_hash_table_insert(validation->owners, g_strdup(dag_id), g_strdup(path));
    add_result(validation, path, result, owner != NULL ? &conflict : NULL);
}

static bool validate_folder(Validation *validation, const char *path, GError **error)
{
    g_autoptr(DagFolder) folder = dag_folder_new(path, validation->default_timezone);
    g_autoptr(FolderChanges) changes = dag_folder_scan(folder, error);
    if (changes == NULL)
        return false;
    const GPtrArray *files = dag_folder_files(folder);
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = g_ptr_array_index(files, i);
        add_result(validation, file->path, file->result, file->conflict);
    }
    return true;
}

static bool validate_path(Validation *validation, const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return validate_folder(validation, path, error);
    validate_file(validation, path);
    return true;
}

static void print_summary(const Validation *validation)
{
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%u file%s", validation->n_files, validation->n_files == 1 ? "" : "s");
    if (validation->n_errors == 0)
        g_string_append(line, ", no errors");
    else
        g_string_append_printf(line, ", %u error%s in %u of them", validation->n_errors,
                               validation->n_errors == 1 ? "" : "s", validation->n_bad);
    if (validation->n_warnings > 0)
        g_string_append_printf(line, ", %u warning%s", validation->n_warnings,
                               validation->n_warnings == 1 ? "" : "s");
    if (is_for_people(validation))
        printf("%s\n", line->str);
    else
        g_printerr("%s\n", line->str);
    g_string_free(line, TRUE);
}

int verb_dags_validate(Cli *cli, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Validation validation = {
        .cli = cli, .default_timezone = settings->default_timezone, .rows = rows, .owners = owners};
    bool is_default = cli->args->words->len == 0;
    if (is_default && !g_file_test(settings->dags_folder, G_FILE_TEST_EXISTS)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "there is no DAG folder %s yet: make it, or name the files to check",
                    settings->dags_folder);
        return EXIT_FAILURE;
    }
    bool ok = !is_default || validate_path(&validation, settings->dags_folder, error);
    for (guint i = 0; ok && i < cli->args->words->len; i++)
        ok = validate_path(&validation, args_word(cli->args, i), error);
    if (!ok)
        return EXIT_FAILURE;
    if (!is_for_people(&validation))
        output_rows(cli->format, NULL, rows);
    print_summary(&validation);
    return validation.n_errors == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
