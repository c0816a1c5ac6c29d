/* SPDX-License-Identifier: MIT */
/* weir schedule next: no home, no settings; the expression and the clock are all it needs. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/time/cron.h"
#include "scheduler/time/instant.h"

#include <stdio.h>
#include <stdlib.h>

/** One time a line, and nothing else, for scripts. With -v also the clock of the zone: it is what the
 * expression is about. */
static void print_time(const Cli *cli, int64_t us, const Zone *zone, json_t *rows)
{
    OutputFormat format = cli->format;
    g_autofree char *text = instant_format(us, INSTANT_SECONDS_Z);
    if (format == OUTPUT_TABLE && cli->verbose) {
        g_autofree char *local = instant_format_in_zone(us, zone);
        printf("%s  %s\n", text, local);
        return;
    }
    if (format == OUTPUT_TABLE || format == OUTPUT_PLAIN) {
        printf("%s\n", text);
        return;
    }
    json_t *row = json_object();
    json_object_set_new(row, "run_after", document_text(text));
    json_array_append_new(rows, row);
}

int verb_schedule_next(Cli *cli, GError **error)
{
    int64_t count, at_us = g_get_real_time();
    if (!args_integer(cli->args, "count", 1, 1000000, 1, &count, error))
        return EXIT_FAILURE;
    g_autoptr(Zone) zone = zone_open(args_value(cli->args, "timezone"), error);
    g_autoptr(Cron) cron = zone != NULL ? cron_new(args_word(cli->args, 0), error) : NULL;
    if (cron == NULL)
        return EXIT_FAILURE;
    const char *from = args_value(cli->args, "from");
    if (from != NULL && !instant_parse(from, zone, &at_us, error)) {
        g_prefix_error(error, "--from: ");
        return EXIT_FAILURE;
    }
    json_auto_t *rows = json_array();
    for (; count > 0; count--) {
        at_us = cron_next(cron, zone, at_us);
        if (at_us == TIME_NONE) /* none before the year 10000 */
            break;
        print_time(cli, at_us, zone, rows);
    }
    if (cli->format == OUTPUT_JSON || cli->format == OUTPUT_YAML)
        output_rows(cli->format, NULL, rows);
    return EXIT_SUCCESS;
}
