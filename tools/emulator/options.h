/* SPDX-License-Identifier: MIT */
/** The command line of pinterest-emulator. */
#pragma once

#include <glib.h>

typedef struct {
    guint64 posts;
    guint64 seed;
    char *user_id;
    char *out;
    guint partitions;
    guint64 records_per_file;
    gboolean force;
    gboolean version;
} Options;

/**
 * Reads the command line. False with `error` if it is wrong in any way. `--help` prints and exits 0.
 * Clear with options_clear() in both cases.
 */
gboolean options_parse(Options *options, int argc, char **argv, GError **error);
void options_clear(Options *options);
