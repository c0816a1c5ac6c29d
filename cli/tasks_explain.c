/* SPDX-License-Identifier: MIT */
/* weir tasks explain: why a task is not running, asked of whoever would run it. */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>

/** DAG TASK RUN; also DAG RUN TASK, the order of `tasks mark`, when that names a run and this does not. */
static json_t *name_task(Cli *cli, GError **error)
{
    const char *dag_id = args_word(cli->args, 0), *task_id = args_word(cli->args, 1);
    g_autoptr(DagRun) run = cli_find_run(cli, dag_id, args_word(cli->args, 2), error);
    if (run == NULL) {
        run = cli_find_run(cli, dag_id, task_id, NULL);
        task_id = args_word(cli->args, 2);
        if (run == NULL)
            return NULL;
        g_clear_error(error);
    }
    g_autoptr(TaskList) task = cli_find_task(cli, run, task_id, error);
    if (task == NULL)
        return NULL;
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(run->dag_id));
    json_object_set_new(args, "run_id", json_string(run->run_id));
    json_object_set_new(args, "task_id", json_string(task_id));
    return args;
}

int verb_tasks_explain(Cli *cli, GError **error)
{
    static const char *const columns[] = {"name", "reason", NULL};
    json_t *args = name_task(cli, error);
    if (args == NULL)
        return EXIT_FAILURE;
    json_auto_t *result = send_command(cli, "tasks.explain", args, error);
    if (result == NULL)
        return EXIT_FAILURE;
    const json_t *reasons = json_object_get(result, "dependencies");
    if (json_array_size(reasons) == 0)
        g_printerr("Nothing keeps it from running: it starts at once.\n");
    output_rows(cli->format, columns, reasons);
    return EXIT_SUCCESS;
}
