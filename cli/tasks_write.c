/* SPDX-License-Identifier: MIT */
/* weir tasks clear|mark */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "cli/write.h"

#include <stdlib.h>

/** `start_date` and `end_date`, when given. */
static bool add_dates(Cli *cli, json_t *args, GError **error)
{
    int64_t start_us, end_us;
    if (!cli_time_option(cli, "start-date", &start_us, error) ||
        !cli_time_option(cli, "end-date", &end_us, error))
        return false;
    if (start_us != TIME_NONE)
        json_object_set_new(args, "start_date", document_time(start_us));
    if (end_us != TIME_NONE)
        json_object_set_new(args, "end_date", document_time(end_us));
    return true;
}

int verb_tasks_clear(Cli *cli, GError **error)
{
    const char *dag_id = args_word(cli->args, 0), *run = args_value(cli->args, "run-id");
    const char *regex = args_value(cli->args, "task-regex");
    if (!cli_check_dag(cli, dag_id, error))
        return EXIT_FAILURE;
    json_auto_t *args = run != NULL ? write_run_args(cli, dag_id, run, error) : json_object();
    if (args == NULL || !add_dates(cli, args, error))
        return EXIT_FAILURE;
    json_object_set_new(args, "dag_id", json_string(dag_id));
    if (regex != NULL)
        json_object_set_new(args, "task_regex", document_text(regex));
    write_copy_flags(cli, args,
                     (const char *const[]){"upstream", "downstream", "only-failed", "only-running", NULL});
    return write_clear(cli, "tasks.clear", json_incref(args), error);
}

int verb_tasks_mark(Cli *cli, GError **error)
{
    static const char *const states[] = {"success", "failed", "skipped", NULL};
    if (!write_check_state(cli, states, error))
        return EXIT_FAILURE;
    json_t *args = write_run_args(cli, args_word(cli->args, 0), args_word(cli->args, 1), error);
    if (args == NULL)
        return EXIT_FAILURE;
    json_t *ids = json_array();
    for (guint i = 2; i < cli->args->words->len; i++)
        json_array_append_new(ids, json_string(args_word(cli->args, i)));
    json_object_set_new(args, "task_ids", ids);
    json_object_set_new(args, "state", json_string(args_value(cli->args, "state")));
    write_copy_flags(cli, args, (const char *const[]){"upstream", "downstream", "dry-run", NULL});
    return write_print_tasks(cli, send_command(cli, "tasks.mark", args, error));
}
