/* SPDX-License-Identifier: MIT */
/* weir jobs check: is there a scheduler that answers? For health checks of services and containers. */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

/**
 * The scheduler that answers, with REST's field names and its pid; NULL if there is none. Whoever answers on
 * weir.sock holds the lock; only some of them start what is scheduled.
 */
static json_t *find_scheduler(const Settings *settings)
{
    json_auto_t *command = command_new("status", json_object());
    json_auto_t *answer = command_call(settings, command, NULL);
    json_t *status = json_object_get(answer, "result");
    const char *held = json_string_value(json_object_get(status, "starts_held"));
    if (held != NULL) /* alive, and not to be restarted for it */
        g_printerr("It starts nothing new: %s.\n", held);
    if (!json_is_true(json_object_get(status, "is_scheduler")))
        return NULL;
    json_t *job = json_object();
    json_object_set_new(job, "job_type", json_string("SchedulerJob"));
    json_object_set_new(job, "state", json_string("running"));
    json_object_set_new(job, "hostname", document_text(g_get_host_name()));
    json_object_set(job, "start_date", json_object_get(status, "started_at"));
    json_object_set(job, "pid", json_object_get(status, "pid"));
    return job;
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
    json_auto_t *job = find_scheduler(settings);
    if (job == NULL) {
        g_printerr("No alive jobs found.\n");
        return EXIT_FAILURE;
    }
    output_word(cli->format, "Found one alive job.", job);
    return EXIT_SUCCESS;
}
