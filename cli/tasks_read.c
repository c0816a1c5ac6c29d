/* SPDX-License-Identifier: MIT */
/* weir tasks list|state|states-for-dag-run */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>

/** Ids alone, one a line, unless a format is asked for: what `for t in $(weir tasks list DAG)` wants. */
int verb_tasks_list(Cli *cli, GError **error)
{
    const Dag *dag = cli_find_dag(cli, args_word(cli->args, 0), error);
    if (dag == NULL)
        return EXIT_FAILURE;
    if (args_value(cli->args, "output") == NULL) {
        for (uint32_t i = 0; i < dag->n_tasks; i++)
            printf("%s\n", dag->tasks[i].task_id);
        return EXIT_SUCCESS;
    }
    json_auto_t *rows = json_array();
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        json_array_append_new(rows, document_of_dag_task(dag, i));
    static const char *const columns[] = {"task_id", "operator_name=operator", "trigger_rule",
                                          "pool",    "upstream_task_ids",      NULL};
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}

int verb_tasks_state(Cli *cli, GError **error)
{
    g_autoptr(DagRun) run = NULL;
    g_autoptr(TaskList) task = cli_find_named_task(cli, &run, error);
    if (task == NULL)
        return EXIT_FAILURE;
    const char *state = task_state_to_string(task->items[0].state);
    json_auto_t *object = row_of_task(cli->settings, run, &task->items[0]);
    output_word(cli->format, state != NULL ? state : "None", object); /* as Airflow prints no state */
    return EXIT_SUCCESS;
}

int verb_tasks_states_for_dag_run(Cli *cli, GError **error)
{
    g_autoptr(DagRun) run = cli_find_run(cli, args_word(cli->args, 0), args_word(cli->args, 1), error);
    if (run == NULL)
        return EXIT_FAILURE;
    TaskQuery query = {.dag_run_id = run->id};
    g_autoptr(TaskList) tasks = store_list_tasks(cli_reader(cli, NULL), &query, NULL, error);
    if (tasks == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    for (size_t i = 0; i < tasks->n_items; i++)
        json_array_append_new(rows, row_of_task(cli->settings, run, &tasks->items[i]));
    static const char *const columns[] = {"dag_id",     "run_id",     "task_id",  "state",
                                          "try_number", "start_date", "end_date", NULL};
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}
