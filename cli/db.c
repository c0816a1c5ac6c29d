/* SPDX-License-Identifier: MIT */
/* weir db check|migrate|backup: the database as a file. What it holds is cleaned in db_clean.c. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/store/lock.h"
#include "scheduler/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *database_path(const Cli *cli)
{
    return g_build_filename(cli->settings->home, "weir.db", NULL);
}

/* ---- check ---- */

int verb_db_check(Cli *cli, GError **error)
{
    static const char *const columns[] = {"problem", NULL};
    StoreConn *reader = cli_need_reader(cli, error);
    g_autoptr(GPtrArray) problems = NULL;
    if (reader == NULL || !store_check(reader, false, &problems, error))
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    for (guint i = 0; i < problems->len; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "problem", document_text(problems->pdata[i]));
        json_array_append_new(rows, row);
    }
    bool is_for_people = cli->format == OUTPUT_TABLE || cli->format == OUTPUT_PLAIN;
    if (problems->len == 0 && is_for_people) {
        g_autofree char *path = database_path(cli);
        printf("%s is sound.\n", path);
    } else {
        output_rows(cli->format, columns, rows);
    }
    return problems->len == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- migrate ---- */

static json_t *migration_object(const char *path, const StoreOpenReport *report)
{
    json_t *object = json_object();
    json_object_set_new(object, "database", document_text(path));
    json_object_set_new(object, "version_before",
                        report->version_before > 0 ? json_integer(report->version_before) : json_null());
    json_object_set_new(object, "version_after", json_integer(report->version_after));
    json_object_set_new(object, "copy", document_text(report->copy_path));
    return object;
}

static void say_migration(Cli *cli, const char *path, const StoreOpenReport *report)
{
    g_autofree char *text =
        report->created ? g_strdup_printf("Made %s, schema version %d.", path, report->version_after)
        : report->copy_path != NULL
            ? g_strdup_printf("Upgraded %s from schema version %d to %d; as it was before: %s", path,
                              report->version_before, report->version_after, report->copy_path)
            : g_strdup_printf("%s is at schema version %d: nothing to do.", path, report->version_after);
    json_auto_t *object = migration_object(path, report);
    output_word(cli->format, text, object);
}

/** Somebody has it open for writing, and so has upgraded it; unless that is an older weir. */
static bool migrated_by_holder(Cli *cli, StoreOpenReport *report, GError **error)
{
    if (cli_need_reader(cli, error) == NULL)
        return false;
    report->version_before = report->version_after = store_schema_version();
    return true;
}

int verb_db_migrate(Cli *cli, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    g_autoptr(Home) home = settings != NULL ? home_open(settings->home, HOME_CREATE, error) : NULL;
    if (home == NULL)
        return EXIT_FAILURE;
    g_autoptr(GError) busy = NULL;
    g_autoptr(StoreLock) lock = store_lock_try(home->lock_path, "db migrate", &busy);
    g_auto(StoreOpenReport) report = {0};
    g_autoptr(Store) store = lock != NULL ? store_open(home->db_path, &report, error) : NULL;
    bool is_done = store != NULL;
    if (lock == NULL && g_error_matches(busy, WEIR_ERROR, WEIR_ERROR_BUSY))
        is_done = migrated_by_holder(cli, &report, error);
    else if (lock == NULL)
        g_propagate_error(error, g_steal_pointer(&busy));
    if (!is_done)
        return EXIT_FAILURE;
    say_migration(cli, home->db_path, &report);
    return EXIT_SUCCESS;
}

/* ---- backup ---- */

/** A copy that cannot be read is worse than none: one would rely on it. */
static bool check_copy(const char *path, GError **error)
{
    g_autoptr(StoreConn) copy = store_reader_open(path, error);
    g_autoptr(GPtrArray) problems = NULL;
    if (copy == NULL || !store_check(copy, false, &problems, error))
        return false;
    if (problems->len == 0)
        return true;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT, "the copy was made, but is not sound: %s",
                (const char *)problems->pdata[0]);
    return false;
}

int verb_db_backup(Cli *cli, GError **error)
{
    const char *path = args_word(cli->args, 0);
    StoreConn *reader = cli_need_reader(cli, error);
    if (reader == NULL || !store_copy_to(reader, path, error) || !check_copy(path, error))
        return EXIT_FAILURE;
    struct stat st;
    int64_t n_bytes = stat(path, &st) == 0 ? st.st_size : 0;
    json_auto_t *object = json_object();
    json_object_set_new(object, "backup", document_text(path));
    json_object_set_new(object, "bytes", json_integer(n_bytes));
    g_autofree char *size = g_format_size((guint64)n_bytes);
    g_autofree char *text = g_strdup_printf("Copied the database to %s: %s, checked.", path, size);
    output_word(cli->format, text, object);
    return EXIT_SUCCESS;
}
