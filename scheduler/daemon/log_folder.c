/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/log_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** weir makes two levels; what tasks make below is theirs, and has an end. */
#define DEPTH_MAX 32

typedef struct {
    int *budget;
    char **failure; /**< the first */
} Removal;

static int open_folder(int parent_fd, const char *name)
{
    return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void note_failure(const Removal *removal, const char *name)
{
    if (*removal->failure == NULL)
        *removal->failure = g_strdup_printf("%s: %s", name, g_strerror(errno));
}

static bool empty_folder(const Removal *removal, int fd, int depth);

/** One entry, with what is below it. False when the budget is used up. */
static bool remove_entry(const Removal *removal, int parent_fd, const char *name, int depth)
{
    if (*removal->budget <= 0)
        return false;
    if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT) {
        (*removal->budget)--;
        return true;
    }
    int fd = errno == EISDIR && depth < DEPTH_MAX ? open_folder(parent_fd, name) : -1;
    if (fd < 0) {
        note_failure(removal, name);
        return true;
    }
    if (!empty_folder(removal, fd, depth + 1))
        return false;
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        note_failure(removal, name);
    (*removal->budget)--;
    return true;
}

/** Takes `fd`. False when the budget is used up. */
static bool empty_folder(const Removal *removal, int fd, int depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        note_failure(removal, "a folder");
        close(fd);
        return true;
    }
    bool is_done = true;
    const struct dirent *entry;
    while (is_done && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_done = remove_entry(removal, dirfd(folder), entry->d_name, depth);
    }
    closedir(folder);
    return is_done;
}

/** The folder of a DAG's logs, or -1. */
static int open_dag_folder(const char *logs_folder, const char *dag_id)
{
    int logs_fd = open(logs_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (logs_fd < 0)
        return -1;
    g_autofree char *name = g_strconcat("dag_id=", dag_id, NULL);
    int fd = open_folder(logs_fd, name);
    close(logs_fd);
    return fd;
}

bool log_folder_remove_run(const char *logs_folder, const char *dag_id, const char *run_id, int *budget,
                           char **ret_failure)
{
    *ret_failure = NULL;
    int fd = open_dag_folder(logs_folder, dag_id);
    if (fd < 0)
        return true; /* it never wrote a log */
    Removal removal = {.budget = budget, .failure = ret_failure};
    g_autofree char *name = g_strconcat("run_id=", run_id, NULL);
    bool is_done = remove_entry(&removal, fd, name, 0);
    close(fd);
    return is_done;
}

bool log_folder_has_run(const char *logs_folder, const char *dag_id, const char *run_id)
{
    g_autofree char *path = g_strdup_printf("%s/dag_id=%s/run_id=%s", logs_folder, dag_id, run_id);
    struct stat info;
    return lstat(path, &info) == 0;
}

void log_folder_remove_dag(const char *logs_folder, const char *dag_id)
{
    int logs_fd = open(logs_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (logs_fd < 0)
        return;
    g_autofree char *name = g_strconcat("dag_id=", dag_id, NULL);
    unlinkat(logs_fd, name, AT_REMOVEDIR);
    close(logs_fd);
}
