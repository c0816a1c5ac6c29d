/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "scheduler/daemon/dag_owners.h"
#include "scheduler/time/instant.h"

#include <stdio.h>
#include <unistd.h>

void cli_clear(Cli *cli)
{
    g_clear_pointer(&cli->stored, load_result_free);
    g_clear_pointer(&cli->folder, dag_folder_free);
    g_clear_pointer(&cli->reader, store_reader_close);
    g_clear_pointer(&cli->settings, settings_free);
}

const Settings *cli_settings(Cli *cli, GError **error)
{
    if (cli->settings == NULL)
        cli->settings = settings_load(error);
    return cli->settings;
}

StoreConn *cli_reader(Cli *cli, GError **error)
{
    if (cli->reader != NULL || cli->no_store)
        return cli->reader;
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return NULL;
    g_autoptr(GError) local = NULL;
    g_autoptr(Home) home = home_open(settings->home, HOME_READ, &local);
    if (home != NULL)
        cli->reader = store_reader_open(home->db_path, &local);
    if (cli->reader == NULL && g_error_matches(local, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
        cli->no_store = true;
    else if (cli->reader == NULL)
        g_propagate_error(error, g_steal_pointer(&local));
    return cli->reader;
}

StoreConn *cli_need_reader(Cli *cli, GError **error)
{
    GError *failure = NULL;
    StoreConn *reader = cli_reader(cli, &failure);
    if (reader != NULL)
        return reader;
    if (failure != NULL)
        g_propagate_error(error, failure);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "there is no database in %s yet: the first run, or `weir db migrate`, makes it",
                    cli->settings->home);
    return NULL;
}

const DagFolder *cli_folder(Cli *cli, GError **error)
{
    if (cli->folder != NULL)
        return cli->folder;
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return NULL;
    g_autoptr(DagFolder) folder = dag_folder_new(settings->dags_folder, settings->default_timezone);
    g_autoptr(FolderChanges) changes = NULL;
    StoreConn *reader = cli_reader(cli, NULL); /* files can be listed without */
    if (reader != NULL)
        dag_owners_read(reader, folder, NULL);
    if (g_file_test(settings->dags_folder, G_FILE_TEST_EXISTS)) { /* without one there are no DAGs */
        changes = dag_folder_scan(folder, error);
        if (changes == NULL)
            return NULL;
    }
    cli->folder = g_steal_pointer(&folder);
    return cli->folder;
}

bool cli_parse_time(Cli *cli, const char *text, int64_t *ret_us, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    g_autoptr(Zone) zone = settings != NULL ? zone_open(settings->default_timezone, error) : NULL;
    return zone != NULL && instant_parse(text, zone, ret_us, error);
}

bool cli_time_option(Cli *cli, const char *name, int64_t *ret_us, GError **error)
{
    const char *text = args_value(cli->args, name);
    *ret_us = TIME_NONE;
    if (text == NULL || cli_parse_time(cli, text, ret_us, error))
        return true;
    g_prefix_error(error, "--%s: ", name);
    return false;
}

char *cli_log_path(const Cli *cli, const DagRun *run, const char *task_id, int32_t try_number)
{
    return g_strdup_printf("%s/dag_id=%s/run_id=%s/task_id=%s/attempt=%d.log", cli->settings->logs_folder,
                           run->dag_id, run->run_id, task_id, try_number);
}

bool cli_may_ask(Cli *cli)
{
    return !args_flag(cli->args, "yes") && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool cli_confirm(Cli *cli, const char *question)
{
    if (!cli_may_ask(cli))
        return true;
    g_printerr("%s [y/N] ", question);
    char line[16] = "";
    return fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}
