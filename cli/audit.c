/* SPDX-License-Identifier: MIT */
/* weir audit list: what was done by hand, when and by whom. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>

/** Who wants more says how many. */
#define LIMIT_DEFAULT 100

static bool read_options(Cli *cli, EventQuery *query, GError **error)
{
    query->dag_id = args_value(cli->args, "dag-id");
    query->run_id = args_value(cli->args, "run-id");
    query->event = args_value(cli->args, "event");
    query->owner = args_value(cli->args, "owner");
    return args_integer(cli->args, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &query->page.limit, error) &&
           cli_time_option(cli, "start-date", &query->when.from_us, error) &&
           cli_time_option(cli, "end-date", &query->when.to_us, error);
}

int verb_audit_list(Cli *cli, GError **error)
{
    static const char *const columns[] = {"when",   "owner",   "event", "dag_id",
                                          "run_id", "task_id", "extra", NULL};
    EventQuery query = EVENT_QUERY_ALL;
    g_autoptr(GError) local = NULL;
    if (!read_options(cli, &query, error))
        return EXIT_FAILURE;
    StoreConn *reader = cli_reader(cli, &local);
    g_autoptr(GPtrArray) events =
        reader != NULL ? store_list_events(reader, &query, NULL, &local) : g_ptr_array_new();
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return EXIT_FAILURE;
    }
    if (events->len == 0 && query.dag_id != NULL && !cli_check_dag(cli, query.dag_id, error))
        return EXIT_FAILURE; /* a DAG that is gone may have a past, a wrong name has none */
    json_auto_t *rows = json_array();
    for (guint i = 0; i < events->len; i++)
        json_array_append_new(rows, document_of_event(g_ptr_array_index(events, i)));
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}
