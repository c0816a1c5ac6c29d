/* SPDX-License-Identifier: MIT */
/* weir jobs check: is there a scheduler that answers? For health checks of services and containers. */
#include "cli/command.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Whoever answers on weir.sock holds the lock; only some of them start what is scheduled. */
static bool scheduler_answers(const Settings *settings)
{
    json_auto_t *command = command_new("status", json_object());
    json_auto_t *answer = command_call(settings, command, NULL);
    const json_t *result = json_object_get(answer, "result");
    const char *held = json_string_value(json_object_get(result, "starts_held"));
    if (held != NULL) /* alive, and not to be restarted for it */
        g_printerr("It starts nothing new: %s.\n", held);
    return json_is_true(json_object_get(result, "is_scheduler"));
}

int verb_jobs_check(Cli *cli, GError **error)
{
    const char *type = args_value(cli->args, "job-type");
    if (type != NULL && strcmp(type, "SchedulerJob") != 0) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "--job-type \"%s\": there is one kind of job here, SchedulerJob", type);
        return EXIT_FAILURE;
    }
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return EXIT_FAILURE;
    if (scheduler_answers(settings)) {
        printf("Found one alive job.\n");
        return EXIT_SUCCESS;
    }
    g_printerr("No alive jobs found.\n");
    return EXIT_FAILURE;
}
