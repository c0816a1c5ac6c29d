/* SPDX-License-Identifier: MIT */
/* weir tasks test: one task's command in the foreground, as an attempt would run it, without a run. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "executors/local/environment.h"
#include "scheduler/daemon/attempt.h"
#include "scheduler/daemon/log_folder.h"
#include "scheduler/daemon/run_id.h"
#include "scheduler/daemon/selection.h"
#include "scheduler/daemon/xcom.h"
#include "scheduler/time/timetable.h"

#include <glib/gstdio.h>

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The run that it is told of ---- */

/** -p KEY=VALUE over what the run was given. */
static bool add_params(Cli *cli, const Dag *dag, json_t *conf, GError **error)
{
    const GPtrArray *list = args_list(cli->args, "param");
    for (guint i = 0; list != NULL && i < list->len; i++) {
        const char *text = g_ptr_array_index(list, i), *equals = strchr(text, '=');
        g_autofree char *name = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : NULL;
        if (name == NULL || *name == '\0') {
            g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "--param \"%s\" is not of the form KEY=VALUE",
                        text);
            return false;
        }
        const Param *param = param_set_need(dag->params, name, error);
        json_t *value = param != NULL ? param_parse_text(param, equals + 1, error) : NULL;
        if (value == NULL)
            return false;
        json_object_set_new(conf, name, value);
    }
    return true;
}

static bool set_params(Cli *cli, const Dag *dag, DagRun *run, GError **error)
{
    json_auto_t *conf = run->conf_json != NULL ? json_loads(run->conf_json, 0, NULL) : NULL;
    if (conf == NULL)
        conf = json_object();
    if (!add_params(cli, dag, conf, error))
        return false;
    g_autofree char *cwd = g_get_current_dir();
    json_auto_t *params = param_set_resolve(dag->params, conf, dag->folder, cwd, error);
    if (params == NULL)
        return false;
    g_free(run->conf_json);
    g_free(run->params_json);
    run->conf_json = json_dumps(conf, JSON_COMPACT);
    run->params_json = json_dumps(params, JSON_COMPACT);
    return true;
}

static bool set_dates(Cli *cli, const Dag *dag, DagRun *run, GError **error)
{
    const char *date = args_word(cli->args, 2);
    run->logical_date_us = g_get_real_time();
    if (date != NULL && !cli_parse_time(cli, date, &run->logical_date_us, error))
        return false;
    DagRunTimes times;
    if (!timetable_manual_times(&dag->schedule, run->logical_date_us, &times, error))
        return false;
    run->data_interval_start_us = times.data_interval_start_us;
    run->data_interval_end_us = times.data_interval_end_us;
    return true;
}

/** The run that LOGICAL_DATE names, or one that is nowhere stored. */
static DagRun *make_run(Cli *cli, const Dag *dag, GError **error)
{
    const char *word = args_word(cli->args, 2);
    DagRun *known = word != NULL ? cli_find_run(cli, dag->dag_id, word, NULL) : NULL;
    g_autoptr(DagRun) run = known != NULL ? known : g_new0(DagRun, 1);
    if (known == NULL) {
        run->dag_id = g_strdup(dag->dag_id);
        run->type = RUN_TYPE_MANUAL;
        if (!set_dates(cli, dag, run, error))
            return NULL;
        run->run_id = run_id_make(RUN_TYPE_MANUAL, run->logical_date_us, true);
        run->run_after_us = run->start_date_us = g_get_real_time();
    }
    return set_params(cli, dag, run, error) ? g_steal_pointer(&run) : NULL;
}

/* ---- The command ---- */

/** What the parent ignores, the command must not. */
static void restore_signals(gpointer user)
{
    (void)user;
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
}

/** Its exit status as a shell has it; -1 with an error if it could not be started. */
static int execute(const Attempt *attempt, GError **error)
{
    g_auto(GStrv) current = g_get_environ();
    g_auto(GStrv) inherited = environment_filter((const char *const *)current);
    g_autofree const char **environment = environment_compose(
        (const char *const *)inherited, (const char *const *)attempt->environment->pdata, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is the command's: it says how it ended, and then we do */
    signal(SIGQUIT, SIG_IGN);
    int status;
    bool is_started =
        g_spawn_sync(attempt->cwd, (char **)attempt->argv->pdata, (char **)environment,
                     G_SPAWN_CHILD_INHERITS_STDIN |
                         (strchr(attempt->argv->pdata[0], '/') == NULL ? G_SPAWN_SEARCH_PATH_FROM_ENVP : 0),
                     restore_signals, NULL, NULL, NULL, &status, error);
    if (!is_started)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void say_xcom(const char *key, json_t *value, void *user)
{
    (void)user;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    g_autofree char *clean = text_escape(text, -1, TEXT_ESCAPE_ALL);
    g_autofree char *name = text_escape(key, -1, TEXT_ESCAPE_ALL);
    g_printerr("XCom %s: %s\n", name, clean);
    free(text);
}

static void say_warning(const char *text, void *user)
{
    (void)user;
    g_autofree char *clean = text_escape(text, -1, TEXT_ESCAPE_ALL);
    g_printerr("WEIR_OUTPUT: %s\n", clean);
}

static void say_end(const Task *task, int status)
{
    bool is_skip = false;
    for (uint32_t i = 0; i < task->n_skip_exit_codes; i++)
        is_skip = is_skip || task->skip_exit_codes[i] == status;
    g_printerr("exit status %d: in a run the task would %s\n", status,
               status == 0 ? "succeed"
               : is_skip   ? "be skipped"
                           : "fail");
}

static int test_task(const Task *task, RunContext *context, const Attempt *attempt, GError **error)
{
    g_autofree char *output = run_context_output_path(context, task->task_id, 1);
    g_autofree char *folder = g_path_get_dirname(output);
    g_mkdir_with_parents(folder, 0700);
    const char *text = strstr(attempt->header, "weir: ");
    g_autofree char *clean = text_escape(text != NULL ? text + 6 : attempt->header, -1, TEXT_KEEP_NEWLINES);
    g_printerr("%s", clean);
    int status = execute(attempt, error);
    if (status < 0)
        return EXIT_FAILURE;
    xcom_read_output(output, say_xcom, say_warning, NULL);
    say_end(task, status);
    return status;
}

static int prepare_and_test(Cli *cli, const Dag *dag, const Task *task, const char *scratch, GError **error)
{
    g_autoptr(DagRun) run = make_run(cli, dag, error);
    if (run == NULL)
        return EXIT_FAILURE;
    g_autoptr(RunContext) context = run_context_new(cli->settings->home, scratch, cli_reader(cli, NULL), run);
    TaskInstance ti = {.task_id = task->task_id, .try_number = 1, .max_tries = task->retries};
    g_auto(Attempt) attempt = {0};
    int status = EXIT_FAILURE;
    if (attempt_prepare(context, run, dag, task, &ti, g_get_real_time(), &attempt, error))
        status = test_task(task, context, &attempt, error);
    int budget = INT_MAX;
    g_autofree char *left = NULL;
    log_folder_remove_run(scratch, run->dag_id, run->run_id, &budget, &left);
    log_folder_remove_dag(scratch, run->dag_id);
    return status;
}

int verb_tasks_test(Cli *cli, GError **error)
{
    const Dag *dag = cli_find_dag(cli, args_word(cli->args, 0), error);
    if (dag == NULL)
        return EXIT_FAILURE;
    const char *task_id = args_word(cli->args, 1);
    int32_t index = dag_task_index(dag, task_id);
    if (index < 0) {
        selection_set_unknown_task(dag, task_id, error);
        return EXIT_FAILURE;
    }
    const Task *task = &dag->tasks[index];
    if (task->body == TASK_BODY_EMPTY) {
        g_printerr("%s has no command: in a run it succeeds at once\n", task_id);
        return EXIT_SUCCESS;
    }
    if (task->body != TASK_BODY_COMMAND) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "%s is no command: only commands can be tested",
                    task_id);
        return EXIT_FAILURE;
    }
    g_autofree char *scratch = g_dir_make_tmp("weir-test-XXXXXX", error);
    if (scratch == NULL)
        return EXIT_FAILURE;
    int status = prepare_and_test(cli, dag, task, scratch, error);
    g_rmdir(scratch);
    return status;
}
