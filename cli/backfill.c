/* SPDX-License-Identifier: MIT */
/* weir backfill create|list|pause|unpause|cancel */
#include "cli/backfill_progress.h"
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "cli/write.h"

#include <stdlib.h>
#include <string.h>

static const char *const columns[] = {"id",        "dag_id",          "from_date", "to_date",
                                      "is_paused", "max_active_runs", "progress",  NULL};

/* ---- Create ---- */

static bool need_value(Cli *cli, const char *name, const char *what, GError **error)
{
    if (args_value(cli->args, name) != NULL)
        return true;
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--%s is missing: %s", name, what);
    return false;
}

static bool add_date(Cli *cli, json_t *args, const char *name, const char *key, GError **error)
{
    int64_t us;
    if (!cli_time_option(cli, name, &us, error))
        return false;
    json_object_set_new(args, key, document_time(us));
    return true;
}

static bool add_behavior(Cli *cli, json_t *args, GError **error)
{
    static const char *const names[] = {"none", "failed", "completed", NULL};
    const char *name = args_value(cli->args, "reprocess-behavior");
    if (name == NULL)
        return true;
    if (g_strv_contains(names, name)) {
        json_object_set_new(args, "reprocess_behavior", json_string(name));
        return true;
    }
    const char *near = suggest_nearest(name, names);
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                near != NULL ? "--reprocess-behavior \"%s\" is unknown; did you mean \"%s\"?"
                             : "--reprocess-behavior \"%s\" is none of none, failed and completed",
                name, near);
    return false;
}

static bool add_limit(Cli *cli, json_t *args, GError **error)
{
    int64_t n;
    if (!args_integer(cli->args, "max-active-runs", 1, INT32_MAX, 0, &n, error))
        return false;
    if (n > 0)
        json_object_set_new(args, "max_active_runs", json_integer(n));
    return true;
}

/* What the command line says, for backfills.create; NULL if something is wrong with it. */
static json_t *create_args(Cli *cli, GError **error)
{
    json_auto_t *args = json_object();
    if (!need_value(cli, "dag-id", "which DAG?", error) ||
        !need_value(cli, "from-date", "the first logical date", error) ||
        !need_value(cli, "to-date", "the last logical date", error) ||
        !add_date(cli, args, "from-date", "from_date", error) ||
        !add_date(cli, args, "to-date", "to_date", error) || !add_behavior(cli, args, error) ||
        !add_limit(cli, args, error) || !write_add_conf(cli, args, "dag-run-conf", "dag_run_conf", error))
        return NULL;
    json_object_set_new(args, "dag_id", document_text(args_value(cli->args, "dag-id")));
    write_copy_flags(cli, args, (const char *const[]){"run-backwards", "dry-run", NULL});
    write_set_latest(cli, args);
    return json_incref(args);
}

static const char *plural(json_int_t n)
{
    return n == 1 ? "" : "s";
}

static json_int_t number(const json_t *result, const char *key)
{
    return json_integer_value(json_object_get(result, key));
}

/* "2 dates are left alone: 1 already exists, 1 in flight" */
static void say_skipped(const json_t *skipped)
{
    gsize n_in_flight = 0, n = json_array_size(skipped);
    for (gsize i = 0; i < n; i++) {
        const char *reason =
            json_string_value(json_object_get(json_array_get(skipped, i), "exception_reason"));
        n_in_flight += g_strcmp0(reason, "in flight") == 0;
    }
    if (n > 0)
        g_printerr("%zu date%s left alone: %zu already exist%s, %zu in flight.\n", n,
                   n == 1 ? " is" : "s are", n - n_in_flight, n - n_in_flight == 1 ? "s" : "", n_in_flight);
}

static int print_plan(Cli *cli, json_t *result)
{
    static const char *const shown[] = {"logical_date", "dag_run_id=run_id", "action", NULL};
    const json_t *runs = json_object_get(result, "backfills");
    output_rows(cli->format, shown, runs);
    g_printerr("%zu run%s would be queued; nothing was changed.\n", json_array_size(runs),
               plural((json_int_t)json_array_size(runs)));
    say_skipped(json_object_get(result, "skipped"));
    json_decref(result);
    return EXIT_SUCCESS;
}

static int print_one(Cli *cli, const char *const *shown, json_t *result)
{
    json_auto_t *rows = json_array();
    json_array_append_new(rows, result);
    output_rows(cli->format, shown, rows);
    return EXIT_SUCCESS;
}

int verb_backfill_create(Cli *cli, GError **error)
{
    static const char *const shown[] = {
        "id",      "dag_id",  "from_date", "to_date",         "reprocess_behavior",
        "created", "cleared", "skipped",   "max_active_runs", NULL};
    json_t *args = create_args(cli, error);
    if (args == NULL)
        return EXIT_FAILURE;
    json_t *result = send_command(cli, "backfills.create", args, error);
    if (result == NULL)
        return EXIT_FAILURE;
    if (args_flag(cli->args, "dry-run"))
        return print_plan(cli, result);
    json_int_t n_new = number(result, "created"), n_again = number(result, "cleared"),
               n_skipped = number(result, "skipped"), max = number(result, "max_active_runs");
    g_printerr("Backfill %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT
               " new run%s queued, %" JSON_INTEGER_FORMAT " to be done again, %" JSON_INTEGER_FORMAT
               " date%s left alone; at most %" JSON_INTEGER_FORMAT " run%s at once.\n",
               number(result, "id"), n_new, plural(n_new), n_again, n_skipped, plural(n_skipped), max,
               plural(max));
    return print_one(cli, shown, result);
}

/* ---- List ---- */

static json_t *row_of_backfill(const Backfill *backfill, const BackfillProgress *progress)
{
    json_t *row = document_of_backfill(backfill);
    g_autofree char *text = backfill_progress_text(backfill, progress);
    int64_t left_us = backfill_time_left(backfill, progress);
    json_object_set_new(row, "runs", json_integer(progress->n_runs));
    json_object_set_new(row, "done", json_integer(backfill_n_done(progress)));
    json_object_set_new(row, "failed", json_integer(progress->n_failed));
    json_object_set_new(row, "canceled", json_integer(progress->n_canceled));
    json_object_set_new(row, "running", json_integer(progress->n_running));
    json_object_set_new(row, "queued", json_integer(progress->n_queued));
    json_object_set_new(row, "skipped", json_integer(progress->n_skipped));
    json_object_set_new(row, "seconds_left",
                        left_us != TIME_NONE ? json_integer(left_us / USEC_PER_SEC) : json_null());
    json_object_set_new(row, "progress", json_string(text));
    return row;
}

static json_t *read_rows(Cli *cli, StoreConn *reader, GError **error)
{
    BackfillQuery query = {.dag_id = args_value(cli->args, "dag-id"), .descending = true};
    if (!args_integer(cli->args, "limit", 1, INT64_MAX, 0, &query.page.limit, error))
        return NULL;
    json_auto_t *rows = json_array();
    if (reader == NULL)
        return json_incref(rows);
    g_autoptr(GPtrArray) backfills = store_list_backfills(reader, &query, NULL, error);
    if (backfills == NULL)
        return NULL;
    for (guint i = 0; i < backfills->len; i++) {
        const Backfill *backfill = g_ptr_array_index(backfills, i);
        BackfillProgress progress;
        if (!store_read_backfill_progress(reader, backfill->id, &progress, error))
            return NULL;
        json_array_append_new(rows, row_of_backfill(backfill, &progress));
    }
    return json_incref(rows);
}

int verb_backfill_list(Cli *cli, GError **error)
{
    const char *dag_id = args_value(cli->args, "dag-id");
    g_autoptr(GError) local = NULL;
    if (dag_id != NULL && !cli_check_dag(cli, dag_id, error))
        return EXIT_FAILURE;
    StoreConn *reader = cli_reader(cli, &local);
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    json_auto_t *rows = read_rows(cli, reader, error);
    if (rows == NULL)
        return EXIT_FAILURE;
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}

/* ---- Pause, unpause, cancel ---- */

static int change(Cli *cli, const char *command, const char *const *shown, GError **error)
{
    int64_t id;
    if (!parse_integer(args_word(cli->args, 0), 1, INT64_MAX, &id)) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "ID \"%s\" is not the number of a backfill; `weir backfill list` has them",
                    args_word(cli->args, 0));
        return EXIT_FAILURE;
    }
    json_t *args = json_object();
    json_object_set_new(args, "backfill_id", json_integer(id));
    json_t *result = send_command(cli, command, args, error);
    return result != NULL ? print_one(cli, shown, result) : EXIT_FAILURE;
}

int verb_backfill_pause(Cli *cli, GError **error)
{
    static const char *const shown[] = {"id", "dag_id", "is_paused", NULL};
    return change(cli, "backfills.pause", shown, error);
}

int verb_backfill_unpause(Cli *cli, GError **error)
{
    static const char *const shown[] = {"id", "dag_id", "is_paused", NULL};
    return change(cli, "backfills.unpause", shown, error);
}

int verb_backfill_cancel(Cli *cli, GError **error)
{
    static const char *const shown[] = {"id", "dag_id", "canceled", "completed_at", NULL};
    return change(cli, "backfills.cancel", shown, error);
}
