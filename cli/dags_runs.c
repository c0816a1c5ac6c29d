/* SPDX-License-Identifier: MIT */
/* weir dags list-runs, weir dags state */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>

static bool state_option(Cli *cli, unsigned *ret_states, GError **error)
{
    static const char *const names[] = {"queued", "running", "success", "failed", NULL};
    const char *name = args_value(cli->args, "state");
    *ret_states = 0;
    if (name == NULL)
        return true;
    RunState state = run_state_from_string(name);
    if (state != RUN_STATE_INVALID) {
        *ret_states = 1u << state;
        return true;
    }
    const char *near = suggest_nearest(name, names);
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                near != NULL ? "--state \"%s\" is no state of a run; did you mean \"%s\"?"
                             : "--state \"%s\" is none of queued, running, success and failed",
                name, near);
    return false;
}

int verb_dags_list_runs(Cli *cli, GError **error)
{
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = args_word(cli->args, 0);
    query.descending = true;
    if (!state_option(cli, &query.states, error) ||
        !args_integer(cli->args, "limit", 1, INT64_MAX, 0, &query.page.limit, error) ||
        !cli_time_option(cli, "start-date", &query.run_after.from_us, error) ||
        !cli_time_option(cli, "end-date", &query.run_after.to_us, error) ||
        !cli_check_dag(cli, query.dag_id, error))
        return EXIT_FAILURE;
    StoreConn *reader = cli_reader(cli, NULL);
    g_autoptr(GPtrArray) runs =
        reader != NULL ? store_list_runs(reader, &query, NULL, error) : g_ptr_array_new();
    if (runs == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    for (guint i = 0; i < runs->len; i++)
        json_array_append_new(rows, row_of_run(g_ptr_array_index(runs, i)));
    static const char *const columns[] = {"dag_id",       "run_id",     "state",    "run_after",
                                          "logical_date", "start_date", "end_date", NULL};
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}

int verb_dags_state(Cli *cli, GError **error)
{
    g_autoptr(DagRun) run = cli_find_run(cli, args_word(cli->args, 0), args_word(cli->args, 1), error);
    if (run == NULL)
        return EXIT_FAILURE;
    json_auto_t *object = row_of_run(run);
    output_word(cli->format, run_state_to_string(run->state), object);
    return EXIT_SUCCESS;
}
