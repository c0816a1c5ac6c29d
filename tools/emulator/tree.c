/* SPDX-License-Identifier: MIT */
#include "tools/emulator/tree.h"

#include "tools/emulator/person.h"
#include "tools/emulator/place.h"
#include "tools/emulator/post.h"
#include "tools/emulator/sequence.h"
#include "tools/emulator/topic.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>

enum { PIN, GEO, USER, TOPICS };

static const char *const kinds[TOPICS] = {"pin", "geo", "user"};

static gboolean fail(GError **error, const char *doing, const char *path)
{
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "cannot %s %s: %s", doing, path,
                g_strerror(errno));
    return FALSE;
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/** One record of each topic. A Kafka topic is partitioned on its own, so a post's three records scatter. */
static gboolean write_record(const Options *options, Topic *const topics[TOPICS], GString *scratch,
                             guint64 step, guint64 number)
{
    const guint64 seed = options->seed;
    const guint64 ind = sequence_ind(seed, number, sequence_span(options->posts));
    const guint64 person = person_of_post(seed, number);
    Random random = random_stream(seed, RANDOM_PARTITION, step);
    GString *lines[TOPICS];

    for (int i = 0; i < TOPICS; i++) {
        lines[i] = topic_next_record(topics[i], random_below(&random, options->partitions));
        if (lines[i] == NULL)
            return FALSE;
    }
    post_append_record(lines[PIN], scratch, seed, number, ind);
    place_append_record(lines[GEO], seed, number, person, ind);
    person_append_record(lines[USER], seed, person, ind);
    return TRUE;
}

static gboolean write_topics(const Options *options, const char *folder, GError **error)
{
    Topic *topics[TOPICS] = {NULL};
    gboolean good = TRUE;

    for (int i = 0; i < TOPICS && good; i++) {
        g_autofree char *name = g_strdup_printf("%s.%s", options->user_id, kinds[i]);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        topics[i] = topic_create(path, name, options->partitions, options->records_per_file, error);
        good = topics[i] != NULL;
    }
    if (good) {
        g_autoptr(GString) scratch = g_string_sized_new(1024);
        Sequence sequence = sequence_start(options->seed);
        for (guint64 step = 0; step < options->posts; step++) {
            if (!write_record(options, topics, scratch, step, sequence_next(&sequence)))
                break; /* topic_close() has the error */
        }
    }
    for (int i = 0; i < TOPICS; i++) {
        if (topics[i] != NULL && !topic_close(topics[i], good ? error : NULL))
            good = FALSE;
    }
    return good;
}

/** Moves the finished topics into `place`; with --force, those they replace move to `folder`, to be removed.
 */
static gboolean publish(const Options *options, const char *folder, const char *place, GError **error)
{
    for (int i = 0; i < TOPICS; i++) {
        g_autofree char *name = g_strdup_printf("%s.%s", options->user_id, kinds[i]);
        g_autofree char *from = g_build_filename(folder, name, NULL);
        g_autofree char *to = g_build_filename(place, name, NULL);
        g_autofree char *old = g_strdup_printf("%s.old", from);
        if (options->force && g_rename(to, old) != 0 && errno != ENOENT)
            return fail(error, "replace", to);
        if (g_rename(from, to) != 0)
            return fail(error, "create", to);
    }
    return TRUE;
}

static gboolean check_free(const Options *options, const char *place, GError **error)
{
    for (int i = 0; i < TOPICS && !options->force; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s.%s", place, options->user_id, kinds[i]);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST, "%s exists; --force replaces it", path);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean tree_write(const Options *options, GError **error)
{
    g_autofree char *place = g_build_filename(options->out, "topics", NULL);
    g_autofree char *folder = g_build_filename(options->out, ".emulator-XXXXXX", NULL);

    if (!check_free(options, place, error))
        return FALSE;
    if (g_mkdir_with_parents(place, 0777) != 0)
        return fail(error, "create", place);
    if (g_mkdtemp(folder) == NULL)
        return fail(error, "create", folder);
    const gboolean good = write_topics(options, folder, error) && publish(options, folder, place, error);
    remove_tree(folder);
    return good;
}
