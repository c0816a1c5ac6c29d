/* SPDX-License-Identifier: MIT */
/* weir tasks logs */
#include "cli/cli.h"
#include "cli/log_follow.h"
#include "cli/verbs.h"

#include <stdlib.h>

/** There is no such log: says why. */
static void set_no_log(const TaskInstance *task, const char *path, int32_t try_number, GError **error)
{
    const char *state = task_state_to_string(task->state);
    if (task->try_number == 0)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "task \"%s\" has no log: it was not tried (state %s)", task->task_id,
                    state != NULL ? state : "none");
    else if (try_number > task->try_number)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "task \"%s\" has had %d %s only", task->task_id,
                    task->try_number, task->try_number == 1 ? "try" : "tries");
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "task \"%s\" has no log of try %d (no file %s)",
                    task->task_id, try_number, path);
}

int verb_tasks_logs(Cli *cli, GError **error)
{
    int64_t try_number;
    if (!args_integer(cli->args, "try", 1, INT32_MAX, 0, &try_number, error))
        return EXIT_FAILURE;
    g_autoptr(DagRun) run = NULL;
    g_autoptr(TaskList) task = cli_find_named_task(cli, &run, error);
    if (task == NULL)
        return EXIT_FAILURE;
    const char *task_id = task->items[0].task_id;
    if (args_flag(cli->args, "follow"))
        return log_follow(cli, run, task_id, (int32_t)try_number, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    int32_t wanted = try_number > 0 ? (int32_t)try_number : task->items[0].try_number;
    g_autofree char *path = cli_log_path(cli, run, task_id, wanted);
    int64_t offset = 0;
    if (log_print(path, &offset))
        return EXIT_SUCCESS;
    set_no_log(&task->items[0], path, wanted, error);
    return EXIT_FAILURE;
}
