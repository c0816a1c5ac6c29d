/* SPDX-License-Identifier: MIT */
/* weir dags list-hooks */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/daemon/run_context.h"

#include <stdlib.h>

static bool state_option(Cli *cli, HookState *ret, GError **error)
{
    static const char *const names[] = {"queued", "running", "success", "failed", NULL};
    const char *name = args_value(cli->args, "state");
    *ret = hook_state_from_string(name);
    if (name == NULL || *ret != HOOK_STATE_INVALID)
        return true;
    const char *near = suggest_nearest(name, names);
    g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                near != NULL ? "--state \"%s\" is no state of a hook; did you mean \"%s\"?"
                             : "--state \"%s\" is none of queued, running, success and failed",
                name, near);
    return false;
}

static json_t *number_unless(int64_t number, int64_t absent)
{
    return number != absent ? json_integer(number) : json_null();
}

static json_t *row_of_hook(const Settings *settings, const Hook *hook)
{
    json_t *object = json_object();
    g_autofree char *log_path = hook_log_path(settings, hook);
    json_object_set_new(object, "id", json_integer(hook->id));
    json_object_set_new(object, "dag_id", json_string(hook->dag_id));
    json_object_set_new(object, "run_id", json_string(hook->run_id));
    json_object_set_new(object, "task_id", document_text(hook->task_id));
    json_object_set_new(object, "try_number", number_unless(hook->try_number, 0));
    json_object_set_new(object, "hook", json_string(hook_event_to_string(hook->event)));
    json_object_set_new(object, "state", json_string(hook_state_to_string(hook->state)));
    json_object_set_new(object, "attempt", json_integer(hook->attempt));
    json_object_set_new(object, "end_reason", document_text(end_reason_to_string(hook->end_reason)));
    json_object_set_new(object, "exit_code", number_unless(hook->exit_code, EXIT_CODE_NONE));
    json_object_set_new(object, "created_at", document_time(hook->created_at_us));
    json_object_set_new(object, "next_attempt", document_time(hook->next_attempt_us));
    json_object_set_new(object, "start_date", document_time(hook->start_date_us));
    json_object_set_new(object, "end_date", document_time(hook->end_date_us));
    json_object_set_new(object, "log", json_string(log_path));
    return object;
}

int verb_dags_list_hooks(Cli *cli, GError **error)
{
    HookQuery query = HOOK_QUERY_ALL;
    query.dag_id = args_word(cli->args, 0);
    query.descending = true;
    const char *run_word = args_word(cli->args, 1);
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL || !state_option(cli, &query.state, error) ||
        !args_integer(cli->args, "limit", 1, INT64_MAX, 0, &query.page.limit, error) ||
        !cli_check_dag(cli, query.dag_id, error))
        return EXIT_FAILURE;
    g_autoptr(DagRun) run = run_word != NULL ? cli_find_run(cli, query.dag_id, run_word, error) : NULL;
    if (run_word != NULL && run == NULL)
        return EXIT_FAILURE;
    query.dag_run_id = run != NULL ? run->id : 0;
    StoreConn *reader = cli_reader(cli, NULL);
    g_autoptr(GPtrArray) hooks =
        reader != NULL ? store_list_hooks(reader, &query, NULL, error) : g_ptr_array_new();
    if (hooks == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    for (guint i = 0; i < hooks->len; i++)
        json_array_append_new(rows, row_of_hook(settings, hooks->pdata[i]));
    static const char *const columns[] = {"run_id",     "task_id",  "hook", "state", "attempt",
                                          "start_date", "end_date", "log",  NULL};
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}
