/* SPDX-License-Identifier: MIT */
/* weir dags trigger|pause|unpause|cancel|mark|clear */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "cli/write.h"

#include <stdlib.h>
#include <string.h>

static const char *const run_columns[] = {"dag_id",       "dag_run_id", "state", "run_type",
                                          "logical_date", "run_after",  "conf",  NULL};

/** Prints the one object of a result. */
static int print_object(Cli *cli, const char *const *columns, json_t *result)
{
    if (result == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    json_array_append_new(rows, result);
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}

int verb_dags_trigger(Cli *cli, GError **error)
{
    json_t *args = write_new_run(cli, error);
    if (args == NULL)
        return EXIT_FAILURE;
    const char *note = args_value(cli->args, "note");
    json_object_set_new(args, "dag_id", json_string(args_word(cli->args, 0)));
    if (note != NULL)
        json_object_set_new(args, "note", document_text(note));
    return print_object(cli, run_columns, send_command(cli, "dags.trigger", args, error));
}

static int set_paused(Cli *cli, const char *command, GError **error)
{
    static const char *const columns[] = {"dag_id", "is_paused", NULL};
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(args_word(cli->args, 0)));
    return print_object(cli, columns, send_command(cli, command, args, error));
}

int verb_dags_pause(Cli *cli, GError **error)
{
    return set_paused(cli, "dags.pause", error);
}

int verb_dags_unpause(Cli *cli, GError **error)
{
    return set_paused(cli, "dags.unpause", error);
}

int verb_dags_cancel(Cli *cli, GError **error)
{
    json_t *args = write_run_args(cli, args_word(cli->args, 0), args_word(cli->args, 1), error);
    if (args == NULL)
        return EXIT_FAILURE;
    return print_object(cli, run_columns, send_command(cli, "dags.cancel", args, error));
}

int verb_dags_mark(Cli *cli, GError **error)
{
    static const char *const states[] = {"success", "failed", NULL};
    if (!write_check_state(cli, states, error))
        return EXIT_FAILURE;
    json_t *args = write_run_args(cli, args_word(cli->args, 0), args_word(cli->args, 1), error);
    if (args == NULL)
        return EXIT_FAILURE;
    write_copy_flags(cli, args, (const char *const[]){"dry-run", NULL});
    json_object_set_new(args, "state", json_string(args_value(cli->args, "state")));
    json_t *result = send_command(cli, "dags.mark", args, error);
    if (result != NULL && args_flag(cli->args, "dry-run"))
        g_printerr("It would be marked %s; nothing was changed.\n", args_value(cli->args, "state"));
    return print_object(cli, run_columns, result);
}

int verb_dags_clear(Cli *cli, GError **error)
{
    const char *run = args_value(cli->args, "run-id");
    if (run == NULL) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--run-id is missing: which run?");
        return EXIT_FAILURE;
    }
    json_t *args = write_run_args(cli, args_word(cli->args, 0), run, error);
    if (args == NULL)
        return EXIT_FAILURE;
    write_copy_flags(cli, args, (const char *const[]){"only-failed", "only-running", NULL});
    return write_clear(cli, "dags.clear", args, error);
}
