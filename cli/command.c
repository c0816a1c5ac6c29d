/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include "cli/text.h"
#include "scheduler/daemon/client.h"
#include "scheduler/daemon/daemon.h"
#include "scheduler/store/lock.h"

#include <string.h>
#include <unistd.h>

json_t *command_new(const char *name, json_t *args)
{
    json_t *command = json_object();
    json_object_set_new(command, "command", json_string(name));
    json_object_set_new(command, "args", args);
    return command;
}

const char *command_user(void)
{
    static char *name; /* of this process, for as long as it lives */
    if (name == NULL)
        name = caller_name(getuid());
    return name;
}

void command_log(int level, const char *line)
{
    if (level == DAEMON_LOG_INFO)
        return;
    g_autofree char *clean = text_escape(line, -1, TEXT_ESCAPE_ALL);
    g_printerr("weir: %s\n", clean);
}

static void log_line(DaemonLogLevel level, const char *line, void *user)
{
    (void)user;
    command_log(level, line);
}

static WeirError code_from_string(const char *code)
{
    static const struct {
        const char *name;
        WeirError code;
    } codes[] = {{"invalid", WEIR_ERROR_INVALID},
                 {"not_found", WEIR_ERROR_NOT_FOUND},
                 {"conflict", WEIR_ERROR_CONFLICT},
                 {"busy", WEIR_ERROR_BUSY}};
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_strcmp0(codes[i].name, code) == 0)
            return codes[i].code;
    return WEIR_ERROR_IO;
}

json_t *command_result(json_t *answer, GError **error)
{
    json_auto_t *owned = answer;
    if (owned == NULL)
        return NULL;
    const char *note = json_string_value(json_object_get(owned, "note"));
    if (json_is_true(json_object_get(owned, "ok"))) {
        json_t *result = json_object_get(owned, "result");
        if (note != NULL)
            g_printerr("%s\n", note);
        return result != NULL ? json_incref(result) : json_null();
    }
    const json_t *failure = json_object_get(owned, "error");
    const char *message = json_string_value(json_object_get(failure, "message"));
    g_set_error(error, WEIR_ERROR, code_from_string(json_string_value(json_object_get(failure, "code"))),
                "%s", message != NULL ? message : "the answer makes no sense");
    return NULL;
}

/** Takes the lock and runs the command here. NULL with WEIR_ERROR_BUSY if somebody was faster. */
static json_t *execute_here(Cli *cli, json_t *command, GError **error)
{
    DaemonOptions options = {
        .settings = cli->settings, .mode = DAEMON_OFFLINE, .verb = "command", .log = log_line};
    g_autoptr(Daemon) daemon = daemon_open(&options, error);
    if (daemon == NULL)
        return NULL;
    Caller caller = {.user = command_user(), .via = "cli"};
    return daemon_execute(daemon, command, &caller);
}

/** A runner's folder goes with the runner. */
static bool any_runner(const Settings *settings)
{
    g_autofree char *path = g_build_filename(settings->home, "runners", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        if (g_file_test(entry, G_FILE_TEST_IS_DIR))
            return true;
    }
    return false;
}

void command_take_in(Cli *cli)
{
    if (!any_runner(cli->settings))
        return;
    DaemonOptions options = {.settings = cli->settings, .mode = DAEMON_OFFLINE, .verb = "command"};
    daemon_close(daemon_open(&options, NULL));
}

bool command_upgrade(Cli *cli)
{
    DaemonOptions options = {
        .settings = cli->settings, .mode = DAEMON_OFFLINE, .verb = "command", .log = log_line};
    g_autoptr(Daemon) daemon = daemon_open(&options, NULL);
    return daemon != NULL;
}

json_t *command_call(const Settings *settings, json_t *command, GError **error)
{
    GError *local = NULL;
    gint64 began_us = g_get_monotonic_time();
    json_t *answer = client_call(settings->home, command, COMMAND_TIMEOUT_US, &local);
    if (local == NULL)
        return answer;
    g_autoptr(Home) home = home_open(settings->home, HOME_READ, NULL);
    g_autoptr(LockHolder) holder = home != NULL ? store_lock_holder(home->lock_path, NULL) : NULL;
    bool out_of_time = g_get_monotonic_time() - began_us >= COMMAND_TIMEOUT_US;
    if (out_of_time && holder != NULL)
        g_prefix_error(&local, "`weir %s` (pid %" G_GINT64_FORMAT ") holds %s: ", holder->verb, holder->pid,
                       settings->home);
    g_propagate_error(error, local);
    return NULL;
}

json_t *send_command(Cli *cli, const char *name, json_t *args, GError **error)
{
    json_auto_t *command = command_new(name, args);
    if (cli_settings(cli, error) == NULL)
        return NULL;
    gint64 deadline_us = g_get_monotonic_time() + COMMAND_TIMEOUT_US;
    for (;;) {
        g_autoptr(GError) nobody = NULL, busy = NULL;
        json_t *answer = command_call(cli->settings, command, &nobody);
        if (answer == NULL && !g_error_matches(nobody, WEIR_ERROR, WEIR_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&nobody));
            return NULL;
        }
        if (answer == NULL)
            answer = execute_here(cli, command, &busy);
        if (answer != NULL)
            return command_result(answer, error);
        /* The lock was taken after nobody listened: by a daemon that will listen in a moment, or by a command
         * that will be done in one. */
        if (!g_error_matches(busy, WEIR_ERROR, WEIR_ERROR_BUSY) || g_get_monotonic_time() > deadline_us) {
            g_propagate_error(error, g_steal_pointer(&busy));
            return NULL;
        }
        g_usleep(20 * 1000);
    }
}
