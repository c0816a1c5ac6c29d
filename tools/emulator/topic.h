/* SPDX-License-Identifier: MIT */
/**
 * One topic on disk, as the S3 sink connector leaves it:
 * `<folder>/partition=<P>/<topic>+<P>+<offset of its first record, ten digits>.json`, a new file every so
 * many records.
 *
 * Records are appended to the buffer of a partition and written a megabyte at a time. After the first error
 * the topic writes nothing more and `topic_close()` reports it.
 */
#pragma once

#include <glib.h>

typedef struct Topic Topic;

/** Creates `folder` and its partitions. `name` is the topic's, e.g. `0ab336d6fcf7.pin`. */
Topic *topic_create(const char *folder, const char *name, guint partitions, guint64 records_per_file,
                    GError **error);
/** The buffer to append the next record of partition `number` to, a whole line; NULL once there was an error.
 */
GString *topic_next_record(Topic *topic, guint number);
/** Writes what is left and frees the topic. False with `error` if anything could not be written. */
gboolean topic_close(Topic *topic, GError **error);
