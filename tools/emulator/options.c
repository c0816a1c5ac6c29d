/* SPDX-License-Identifier: MIT */
#include "tools/emulator/options.h"

#include <string.h>

#define DEFAULT_USER_ID  "0ab336d6fcf7"
#define MAX_POSTS        (G_GUINT64_CONSTANT(1) << 30)
#define MAX_PARTITIONS   100
#define USER_ID_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static gboolean read_number(const char *option, const char *text, guint64 min, guint64 max, guint64 *value,
                            GError **error)
{
    g_autoptr(GError) reason = NULL;
    if (text == NULL || g_ascii_string_to_unsigned(text, 10, min, max, value, &reason))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s wants a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", not '%s'",
                option, min, max, text);
    return FALSE;
}

static gboolean check_user_id(const char *user_id, GError **error)
{
    /* It becomes part of folder and file names. */
    if (g_ascii_isalnum(user_id[0]) && strlen(user_id) <= 100 &&
        user_id[strspn(user_id, USER_ID_ALPHABET)] == '\0')
        return TRUE;
    g_set_error(
        error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--user-id wants at most 100 letters, digits, '.', '_' or '-', beginning with a letter or digit, "
        "not '%s'",
        user_id);
    return FALSE;
}

gboolean options_parse(Options *options, int argc, char **argv, GError **error)
{
    g_autofree char *posts = NULL, *seed = NULL, *partitions = NULL, *per_file = NULL;
    guint64 partition_count = 3;
    const GOptionEntry entries[] = {
        {"posts", 'n', 0, G_OPTION_ARG_STRING, &posts, "records of each topic (default 1000)", "N"},
        {"seed", 's', 0, G_OPTION_ARG_STRING, &seed, "same seed, same bytes (default 1)", "S"},
        {"user-id", 'u', 0, G_OPTION_ARG_STRING, &options->user_id,
         "what the topics' names begin with (default " DEFAULT_USER_ID ")", "U"},
        {"out", 'o', 0, G_OPTION_ARG_FILENAME, &options->out, "folder to write topics/ into; needed", "DIR"},
        {"partitions", 0, 0, G_OPTION_ARG_STRING, &partitions, "partitions of each topic (default 3)", "N"},
        {"records-per-file", 0, 0, G_OPTION_ARG_STRING, &per_file,
         "records until the next file (default 100000)", "N"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &options->force, "replace topics that exist", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "print the version", NULL},
        {NULL},
    };

    *options = (Options){.posts = 1000, .seed = 1, .records_per_file = 100000};
    g_autoptr(GOptionContext) context = g_option_context_new("- Pinterest posts for the pinterest_batch DAG");
    g_option_context_set_description(
        context,
        "Example:\n  pinterest-emulator --posts 1000 --out dags/pinterest/sample\n\n"
        "Writes DIR/topics/U.pin, U.geo and U.user: partition=P/*.json, one JSON record a line, with\n"
        "dirty values and duplicates as often as in the real data. Exit codes: 0 written, 1 failed,\n"
        "2 wrong usage.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error))
        return FALSE;
    if (options->version)
        return TRUE;
    if (argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unexpected argument '%s'", argv[1]);
        return FALSE;
    }
    if (options->user_id == NULL)
        options->user_id = g_strdup(DEFAULT_USER_ID);
    if (options->out == NULL || options->out[0] == '\0') {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--out DIR is missing");
        return FALSE;
    }
    if (!read_number("--posts", posts, 0, MAX_POSTS, &options->posts, error) ||
        !read_number("--seed", seed, 0, G_MAXUINT64, &options->seed, error) ||
        !read_number("--partitions", partitions, 1, MAX_PARTITIONS, &partition_count, error) ||
        !read_number("--records-per-file", per_file, 1, G_MAXUINT64, &options->records_per_file, error))
        return FALSE;
    options->partitions = (guint)partition_count;
    return check_user_id(options->user_id, error);
}

void options_clear(Options *options)
{
    g_free(options->user_id);
    g_free(options->out);
}
