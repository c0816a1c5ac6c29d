/* SPDX-License-Identifier: MIT */
/* weir tasks explain: why a task is not running, asked of whoever would run it. */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>

static json_t *name_task(Cli *cli, GError **error)
{
    g_autoptr(DagRun) run = NULL;
    g_autoptr(TaskList) task = cli_find_named_task(cli, &run, error);
    if (task == NULL)
        return NULL;
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(run->dag_id));
    json_object_set_new(args, "run_id", json_string(run->run_id));
    json_object_set_new(args, "task_id", json_string(task->items[0].task_id));
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
