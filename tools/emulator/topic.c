/* SPDX-License-Identifier: MIT */
#include "tools/emulator/topic.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BUFFER_SIZE (1 << 20)

typedef struct {
    GString *buffer;
    char *path; /**< of the open file */
    int fd;     /**< -1 before the first record */
    guint64 offset;
} Partition;

struct Topic {
    char *folder;
    char *name;
    guint64 records_per_file;
    Partition *partitions;
    guint partition_count;
    GError *error; /**< the first one */
};

static void set_error(Topic *topic, const char *doing, const char *path)
{
    if (topic->error == NULL)
        topic->error = g_error_new(G_FILE_ERROR, g_file_error_from_errno(errno), "cannot %s %s: %s", doing,
                                   path, g_strerror(errno));
}

Topic *topic_create(const char *folder, const char *name, guint partitions, guint64 records_per_file,
                    GError **error)
{
    Topic *topic = g_new0(Topic, 1);
    topic->folder = g_strdup(folder);
    topic->name = g_strdup(name);
    topic->records_per_file = records_per_file;
    topic->partitions = g_new0(Partition, partitions);
    topic->partition_count = partitions;
    for (guint i = 0; i < partitions; i++) {
        g_autofree char *path = g_strdup_printf("%s/partition=%u", folder, i);
        topic->partitions[i].fd = -1;
        topic->partitions[i].buffer = g_string_sized_new(BUFFER_SIZE + 65536);
        if (topic->error == NULL && g_mkdir_with_parents(path, 0777) != 0)
            set_error(topic, "create", path);
    }
    if (topic->error != NULL) {
        topic_close(topic, error);
        return NULL;
    }
    return topic;
}

static void flush_partition(Topic *topic, Partition *partition)
{
    const char *from = partition->buffer->str;
    gsize left = partition->buffer->len;

    while (left > 0 && topic->error == NULL) {
        const ssize_t written = write(partition->fd, from, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            set_error(topic, "write", partition->path);
            break;
        }
        from += written;
        left -= (gsize)written;
    }
    g_string_truncate(partition->buffer, 0);
}

static void close_file(Topic *topic, Partition *partition)
{
    if (partition->fd < 0)
        return;
    flush_partition(topic, partition);
    if (close(partition->fd) != 0)
        set_error(topic, "write", partition->path);
    partition->fd = -1;
    g_clear_pointer(&partition->path, g_free);
}

static void open_file(Topic *topic, Partition *partition, guint number)
{
    partition->path = g_strdup_printf("%s/partition=%u/%s+%u+%010" G_GUINT64_FORMAT ".json", topic->folder,
                                      number, topic->name, number, partition->offset);
    partition->fd = g_open(partition->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (partition->fd < 0)
        set_error(topic, "create", partition->path);
}

GString *topic_next_record(Topic *topic, guint number)
{
    Partition *partition = &topic->partitions[number];

    if (partition->offset % topic->records_per_file == 0) {
        close_file(topic, partition);
        open_file(topic, partition, number);
    } else if (partition->buffer->len >= BUFFER_SIZE) {
        flush_partition(topic, partition);
    }
    partition->offset++;
    return topic->error == NULL ? partition->buffer : NULL;
}

gboolean topic_close(Topic *topic, GError **error)
{
    for (guint i = 0; i < topic->partition_count; i++) {
        Partition *partition = &topic->partitions[i];
        close_file(topic, partition);
        g_free(partition->path);
        g_string_free(partition->buffer, TRUE);
    }
    const gboolean good = topic->error == NULL;
    if (!good)
        g_propagate_error(error, topic->error);
    g_free(topic->partitions);
    g_free(topic->folder);
    g_free(topic->name);
    g_free(topic);
    return good;
}
