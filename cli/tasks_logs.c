/* SPDX-License-Identifier: MIT */
/* weir tasks logs */
#include "cli/cli.h"
#include "cli/log_follow.h"
#include "cli/verbs.h"
#include "scheduler/time/duration.h"

#include <stdlib.h>

/** How long the logs of a run were kept, if that is over; else 0. */
static int64_t find_over_retention(Cli *cli, const DagRun *run)
{
    Retention own = RETENTION_UNSAID;
    StoreConn *reader = cli_reader(cli, NULL);
    if (reader != NULL)
        store_get_dag_retention(reader, run->dag_id, &own, NULL);
    int64_t kept_us = retention_or(own, cli->settings->retention).logs_us;
    bool is_over =
        run_state_is_finished(run->state) && run->end_date_us < retention_before(g_get_real_time(), kept_us);
    return is_over ? kept_us : 0;
}

static void set_log_gone(const TaskInstance *task, int32_t try_number, int64_t kept_us, GError **error)
{
    g_autofree char *kept = duration_format(kept_us);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                "task \"%s\" has no log of try %d any more: logs are kept for %s after the end of a run "
                "(log_retention)",
                task->task_id, try_number, kept);
}

/** There is no such log: says why. */
static void set_no_log(Cli *cli, const DagRun *run, const TaskInstance *task, int32_t try_number,
                       GError **error)
{
    g_autofree char *path = cli_log_path(cli, run, task->task_id, try_number);
    int64_t kept_us = find_over_retention(cli, run);
    const char *state = task_state_to_string(task->state);
    if (task->try_number == 0)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "task \"%s\" has no log: it was not tried (state %s)", task->task_id,
                    state != NULL ? state : "none");
    else if (try_number > task->try_number)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "task \"%s\" has had %d %s only", task->task_id,
                    task->try_number, task->try_number == 1 ? "try" : "tries");
    else if (kept_us > 0)
        set_log_gone(task, try_number, kept_us, error);
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
    set_no_log(cli, run, &task->items[0], wanted, error);
    return EXIT_FAILURE;
}
