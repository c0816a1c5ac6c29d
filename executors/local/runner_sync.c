/* SPDX-License-Identifier: MIT */
/*
 * Bringing exit records to the disk while nobody is connected who would store them. What an attempt has left
 * goes first: an exit that survives a power loss says that its log, where its return value is, and its
 * $WEIR_OUTPUT are there as well.
 */
#include "executors/local/folder_sync.h"
#include "executors/local/runner_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/** The folders of an attempt's files that may be new: of the task, the run, the DAG, the logs, and the home.
 */
enum { NEW_FOLDERS = 5 };

/** Nothing if it is gone, or no file: a task may have done anything to it. */
static void sync_file(const char *path)
{
    struct stat st;
    int fd = path != NULL ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fsync(fd) < 0)
        fprintf(stderr, "weir runner: can not sync %s: %s\n", path, g_strerror(errno));
    close(fd);
}

static void add_folders(GHashTable *folders, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    for (int level = 0; level < NEW_FOLDERS; level++) {
        char *parent = g_path_get_dirname(folder);
        g_hash_table_add(folders, g_steal_pointer(&folder));
        folder = parent;
    }
}

/** What the attempts left whose exits are new: files, then each folder once. */
static void sync_what_is_left(Runner *runner)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new();
    g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, runner->attempts);
    while (g_hash_table_iter_next(&iter, NULL, &item)) {
        Attempt *attempt = item;
        if (!attempt->recorded || attempt->synced)
            continue;
        g_ptr_array_add(fresh, attempt);
        sync_file(attempt->log_path);
        sync_file(attempt->output_path);
        add_folders(folders, attempt->log_path);
    }
    g_hash_table_iter_init(&iter, folders);
    while (g_hash_table_iter_next(&iter, &item, NULL))
        folder_sync(item, 1);
    for (guint i = 0; i < fresh->len; i++) {
        Attempt *attempt = fresh->pdata[i];
        slot_file_mark_synced(runner->slots, attempt->slot);
        attempt->synced = true;
    }
}

static int sync_slots(Runner *runner)
{
    int r = slot_file_sync(runner->slots);
    if (r < 0 || runner->dir_synced)
        return r;
    r = runner_dir_sync(runner->dir);
    runner->dir_synced = r == 0;
    return r;
}

void runner_sync(Runner *runner)
{
    if (!runner->unsynced || runner->controller != NULL)
        return;
    runner->unsynced = false;
    sync_what_is_left(runner);
    int r = sync_slots(runner);
    if (r < 0)
        fprintf(stderr, "weir runner: can not sync the slots: %s\n", g_strerror(-r));
}
