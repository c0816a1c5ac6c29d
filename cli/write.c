/* SPDX-License-Identifier: MIT */
#include "cli/write.h"

#include "cli/command.h"
#include "cli/documents.h"
#include "scheduler/time/instant.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const task_columns[] = {"dag_id", "dag_run_id=run_id", "task_id",
                                           "state",  "try_number",        NULL};

json_t *write_run_args(Cli *cli, const char *dag_id, const char *run, GError **error)
{
    g_autoptr(DagRun) found = cli_find_run(cli, dag_id, run, error);
    if (found == NULL)
        return NULL;
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(found->dag_id));
    json_object_set_new(args, "run_id", json_string(found->run_id));
    return args;
}

bool write_add_conf(Cli *cli, json_t *args, const char *option, const char *key, GError **error)
{
    const char *text = args_value(cli->args, option);
    json_error_t problem;
    if (text == NULL)
        return true;
    json_t *conf = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (json_is_object(conf)) {
        json_object_set_new(args, key, conf);
        return true;
    }
    json_decref(conf);
    if (conf != NULL)
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--%s must be a JSON object: {\"key\": value}",
                    option);
    else
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--%s is not JSON: %s (column %d)", option,
                    problem.text, problem.column);
    return false;
}

/** -p KEY=VALUE, as texts: the params' types say what they mean. */
static bool add_params(Cli *cli, json_t *args, GError **error)
{
    const GPtrArray *list = args_list(cli->args, "param");
    json_auto_t *params = json_object();
    for (guint i = 0; list != NULL && i < list->len; i++) {
        const char *text = g_ptr_array_index(list, i), *equals = strchr(text, '=');
        g_autofree char *key = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : NULL;
        if (key == NULL || *key == '\0') {
            g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--param \"%s\" is not of the form KEY=VALUE",
                        text);
            return false;
        }
        if (json_object_set_new(params, key, json_string(equals + 1)) != 0) {
            g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--param: the text is not UTF-8");
            return false;
        }
    }
    if (list == NULL)
        return true;
    g_autofree char *cwd = g_get_current_dir(); /* relative paths are the caller's */
    json_object_set(args, "params", params);
    json_object_set_new(args, "caller_cwd", document_text(cwd));
    return true;
}

json_t *write_new_run(Cli *cli, GError **error)
{
    json_auto_t *args = json_object();
    const char *run_id = args_value(cli->args, "run-id");
    int64_t date_us;
    if (run_id != NULL && !run_id_is_valid(run_id)) {
        g_set_error(
            error, CLI_ERROR, CLI_ERROR_USAGE,
            "--run-id \"%s\" is not a run id: letters, digits and _.~:+- only, beginning with a letter or "
            "digit, at most 200",
            run_id);
        return NULL;
    }
    if (!cli_time_option(cli, "logical-date", &date_us, error) ||
        !write_add_conf(cli, args, "conf", "conf", error) || !add_params(cli, args, error))
        return NULL;
    if (run_id != NULL)
        json_object_set_new(args, "run_id", json_string(run_id));
    if (date_us != TIME_NONE)
        json_object_set_new(args, "logical_date", document_time(date_us));
    return json_incref(args);
}

void write_copy_flags(Cli *cli, json_t *args, const char *const *names)
{
    for (; *names != NULL; names++) {
        g_autofree char *key = g_strdelimit(g_strdup(*names), "-", '_');
        if (args_flag(cli->args, *names))
            json_object_set_new(args, key, json_true());
    }
}

bool write_check_state(Cli *cli, const char *const *states, GError **error)
{
    const char *state = args_value(cli->args, "state");
    g_autofree char *all = g_strjoinv(", ", (char **)states);
    if (state == NULL)
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--state is missing: one of %s", all);
    else if (g_strv_contains(states, state))
        return true;
    else if (suggest_nearest(state, states) != NULL)
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--state \"%s\" is none of %s; did you mean \"%s\"?",
                    state, all, suggest_nearest(state, states));
    else
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--state \"%s\" is none of %s", state, all);
    return false;
}

void write_set_latest(Cli *cli, json_t *args)
{
    bool latest = args_switch(cli->args, "run-on-latest-version") != 0;
    json_object_set_new(args, "run_on_latest_version", json_boolean(latest));
}

static const json_t *affected(const json_t *result)
{
    const json_t *tasks = json_object_get(result, "task_instances");
    return tasks != NULL ? tasks : result;
}

int write_print_tasks(Cli *cli, json_t *result)
{
    if (result == NULL)
        return EXIT_FAILURE;
    output_rows(cli->format, task_columns, affected(result));
    json_decref(result);
    return EXIT_SUCCESS;
}

/** Shows what a clear would do and asks. 1 = go on, 0 = no, -1 = error. */
static int ask(Cli *cli, const char *command, const json_t *args, GError **error)
{
    json_t *dry = json_deep_copy(args);
    json_object_set_new(dry, "dry_run", json_true());
    json_auto_t *result = send_command(cli, command, dry, error);
    if (result == NULL)
        return -1;
    const json_t *tasks = affected(result);
    if (json_array_size(tasks) == 0)
        return 1; /* nothing to ask about; the command says what there is to say */
    g_autofree char *table = output_format_rows(OUTPUT_TABLE, task_columns, tasks, false);
    size_t n = json_array_size(tasks);
    g_autofree char *these = n == 1 ? g_strdup("this task") : g_strdup_printf("these %zu tasks", n);
    bool latest = json_is_true(json_object_get(args, "run_on_latest_version"));
    g_autofree char *question =
        g_strdup_printf("%sClear %s%s?", table, these, latest ? ", to run on the DAG's latest version" : "");
    return cli_confirm(cli, question);
}

int write_clear(Cli *cli, const char *command, json_t *args, GError **error)
{
    json_auto_t *owned = args;
    bool dry = args_flag(cli->args, "dry-run");
    bool asks = !dry && !args_flag(cli->args, "yes") && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    write_set_latest(cli, owned);
    if (dry)
        json_object_set_new(owned, "dry_run", json_true());
    int go_on = asks ? ask(cli, command, owned, error) : 1;
    if (go_on <= 0) {
        if (go_on == 0)
            g_printerr("Nothing was cleared.\n");
        return EXIT_FAILURE;
    }
    json_t *result = send_command(cli, command, json_incref(owned), error);
    if (result == NULL)
        return EXIT_FAILURE;
    size_t n = json_array_size(affected(result));
    if (!dry)
        g_printerr("Cleared %zu task%s%s.\n", n, n == 1 ? "" : "s",
                   n > 0 && json_is_true(json_object_get(owned, "run_on_latest_version"))
                       ? ", to run on the DAG's latest version"
                       : "");
    return write_print_tasks(cli, result);
}
