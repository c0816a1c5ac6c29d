/* SPDX-License-Identifier: MIT */
/*
 * pinterest-emulator: writes Pinterest posts as the S3 sink connector would, for the pinterest_batch DAG.
 *
 *   options   the command line
 *   tree      the three topics, all or nothing
 *   topic     partitions and files of one topic
 *   sequence  which post comes next: new ones and repeats
 *   post, place, person   the records: pin, geo and user
 *   text      invented English, JSON strings and times
 *   random    numbers as a function of seed, subject and number
 */
#include "tools/emulator/options.h"
#include "tools/emulator/tree.h"
#include "weir_version.h"

#include <locale.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int run(const Options *options)
{
    g_autoptr(GError) error = NULL;
    if (!tree_write(options, &error)) {
        fprintf(stderr, "pinterest-emulator: %s\n", error->message);
        return EXIT_FAILED;
    }
    printf("%" G_GUINT64_FORMAT " posts in %s/topics/%s.{pin,geo,user}\n", options->posts, options->out,
           options->user_id);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Options options = {0};
    int status = EXIT_DONE;

    setlocale(LC_ALL, "");
    if (!options_parse(&options, argc, argv, &error)) {
        fprintf(stderr, "pinterest-emulator: %s\nTry 'pinterest-emulator --help'.\n", error->message);
        status = EXIT_USAGE;
    } else if (options.version) {
        puts("pinterest-emulator " WEIR_VERSION);
    } else {
        status = run(&options);
    }
    options_clear(&options);
    return status;
}
