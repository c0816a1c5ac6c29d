/* SPDX-License-Identifier: MIT */
#include "executors/local/runner_dir.h"

#include "executors/local/folder_sync.h"
#include "executors/local/slot_file.h"
#include "executors/local/unix_socket.h"
#include "scheduler/model/crash_point.h"

#include <glib/gstdio.h>
#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(GError **error, const char *what, const char *path)
{
    bool is_full = errno == ENOSPC || errno == EDQUOT;
    g_set_error(error, WEIR_ERROR, is_full ? WEIR_ERROR_FULL : WEIR_ERROR_IO, "can not %s %s: %s", what, path,
                g_strerror(errno));
    return false;
}

bool instance_id_is_valid(const char *instance)
{
    size_t length = instance != NULL ? strlen(instance) : 0;
    if (length == 0 || length >= sizeof((RunnerMeta *)NULL)->instance)
        return false;
    for (const char *p = instance; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && *p != '_' && *p != '-')
            return false;
    return true;
}

ExeIdentity exe_identity_read(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return (ExeIdentity){0};
    return (ExeIdentity){.device = st.st_dev,
                         .inode = st.st_ino,
                         .modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
}

bool exe_identity_equal(const ExeIdentity *a, const ExeIdentity *b)
{
    return a->device == b->device && a->inode == b->inode && a->modified_ns == b->modified_ns;
}

char *runners_dir_open(const char *home, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(home, NULL);
    g_autofree char *dir = g_build_filename(absolute, "runners", NULL);
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        fail(error, "make the folder", dir);
        return NULL;
    }
    return g_steal_pointer(&dir);
}

static bool meta_write(const char *dir, const RunnerMeta *meta, GError **error)
{
    g_autofree char *path = g_build_filename(dir, RUNNER_META_FILE, NULL);
    struct stat st = {0};
    if (stat(dir, &st) < 0)
        return fail(error, "look at", dir);
    json_t *json = json_pack("{s:i, s:s, s:{s:I, s:I}, s:{s:I, s:I, s:I}}", "version", 1, "instance",
                             meta->instance, "folder", "device", (json_int_t)st.st_dev, "inode",
                             (json_int_t)st.st_ino, "exe", "device", (json_int_t)meta->exe.device, "inode",
                             (json_int_t)meta->exe.inode, "modified_ns", (json_int_t)meta->exe.modified_ns);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        errno = ENOSPC; /* should only a part of it fit */
    bool ok = fd >= 0 && json != NULL && json_dumpfd(json, fd, JSON_COMPACT) == 0;
    if (!ok)
        fail(error, "write", path);
    if (fd >= 0)
        close(fd);
    json_decref(json);
    return ok;
}

bool runner_meta_read(const char *dir, RunnerMeta *out)
{
    g_autofree char *path = g_build_filename(dir, RUNNER_META_FILE, NULL);
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const char *instance = NULL;
    json_int_t device, inode, modified_ns, dir_device, dir_inode;
    bool ok = json != NULL &&
              json_unpack(json, "{s:s, s:{s:I, s:I}, s:{s:I, s:I, s:I}}", "instance", &instance, "folder",
                          "device", &dir_device, "inode", &dir_inode, "exe", "device", &device, "inode",
                          &inode, "modified_ns", &modified_ns) == 0 &&
              instance_id_is_valid(instance);
    if (ok) {
        *out = (RunnerMeta){.exe = {(uint64_t)device, (uint64_t)inode, modified_ns},
                            .device = (uint64_t)dir_device,
                            .inode = (uint64_t)dir_inode};
        g_strlcpy(out->instance, instance, sizeof out->instance);
    }
    json_decref(json);
    return ok;
}

bool runner_dir_is_original(const char *dir)
{
    RunnerMeta meta;
    struct stat st;
    return runner_meta_read(dir, &meta) && stat(dir, &st) == 0 && meta.device == st.st_dev &&
           meta.inode == st.st_ino;
}

static int open_in(const char *dir, const char *name, int flags)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    return open(path, flags | O_CLOEXEC, 0600);
}

char *runner_dir_create(const char *runners_dir, const RunnerMeta *meta, RunnerDirFds *fds, GError **error)
{
    static unsigned counter;
    g_autofree char *dir = g_strdup_printf("%s/r%" G_GINT64_MODIFIER "x-%d-%u", runners_dir,
                                           g_get_real_time(), (int)getpid(), counter++);
    *fds = (RunnerDirFds){-1, -1, -1};
    if (mkdir(dir, 0700) < 0) {
        fail(error, "make the folder", dir);
        return NULL;
    }
    CRASH_POINT("executor.runner_dir_made");
    g_autofree char *socket_path = g_build_filename(dir, RUNNER_SOCKET_FILE, NULL);
    bool ok = true;
    fds->lock_fd = open_in(dir, RUNNER_LOCK_FILE, O_RDWR | O_CREAT | O_EXCL);
    if (fds->lock_fd < 0 || flock(fds->lock_fd, LOCK_EX | LOCK_NB) < 0)
        ok = fail(error, "lock", dir);
    if (ok)
        ok = meta_write(dir, meta, error);
    if (ok && (fds->log_fd = open_in(dir, RUNNER_LOG_FILE, O_WRONLY | O_CREAT | O_APPEND)) < 0)
        ok = fail(error, "make the log in", dir);
    g_autofree char *slots_path = g_build_filename(dir, RUNNER_SLOT_FILE, NULL);
    int r = ok ? slot_file_reserve(slots_path) : 0;
    if (r < 0) {
        errno = -r;
        ok = fail(error, "reserve room in", slots_path);
    }
    if (ok && (fds->listen_fd = unix_socket_listen(socket_path)) < 0) {
        errno = -fds->listen_fd;
        ok = fail(error, "listen at", socket_path);
    }
    if (ok)
        return g_steal_pointer(&dir);
    runner_dir_remove(dir);
    if (fds->lock_fd >= 0)
        close(fds->lock_fd);
    if (fds->log_fd >= 0)
        close(fds->log_fd);
    return NULL;
}

int runner_dir_try_lock(const char *dir)
{
    int fd = open_in(dir, RUNNER_LOCK_FILE, O_RDWR | O_CREAT);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int r = errno == EWOULDBLOCK ? -EBUSY : -errno;
    close(fd);
    return r;
}

bool runner_dir_find_holder(const char *dir, ProcIdentity *out)
{
    g_autofree char *lock = g_build_filename(dir, RUNNER_LOCK_FILE, NULL);
    struct stat want, have;
    DIR *proc = stat(lock, &want) == 0 ? opendir("/proc") : NULL;
    if (proc == NULL)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(proc)) != NULL;) {
        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        pid_t pid = (pid_t)g_ascii_strtoll(entry->d_name, NULL, 10);
        g_autofree char *fd = g_strdup_printf("/proc/%d/fd/%d", (int)pid, RUNNER_LOCK_FD);
        /* The identity is read first: if the pid changes hands in between, the second look tells. */
        found = pid != getpid() && stat(fd, &have) == 0 && have.st_dev == want.st_dev &&
                have.st_ino == want.st_ino && proc_identity_read(pid, out) && stat(fd, &have) == 0 &&
                have.st_dev == want.st_dev && have.st_ino == want.st_ino;
    }
    closedir(proc);
    return found;
}

int runner_dir_sync(const char *dir)
{
    int fd = open_in(dir, RUNNER_META_FILE, O_RDONLY);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r < 0 ? r : folder_sync(dir, 3); /* runners/<id>, runners, the home */
}

void runner_dir_remove(const char *dir)
{
    /* The lock goes last: while it is there, the folder is somebody's. */
    static const char *const names[] = {RUNNER_SOCKET_FILE, RUNNER_SLOT_FILE, RUNNER_META_FILE,
                                        RUNNER_LOG_FILE, RUNNER_LOCK_FILE};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        unlink(path);
        CRASH_POINT("runner_dir.unlinked");
    }
    rmdir(dir);
}

bool runners_boot_read(const char *runners_dir, BootId *out)
{
    g_autofree char *path = g_build_filename(runners_dir, "boot", NULL);
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) && boot_id_parse(text, out);
}

/** The whole of a small file, on disk; 0 or a negative errno. */
static int write_synced(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t length = (ssize_t)strlen(text), written = write(fd, text, (size_t)length);
    int r = written < 0 ? -errno : written < length ? -ENOSPC : fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

bool runners_boot_write(const char *runners_dir, const BootId *boot, GError **error)
{
    g_autofree char *path = g_build_filename(runners_dir, "boot", NULL);
    /* Always the same name, so that what a kill leaves is used up by the next start. */
    g_autofree char *partial = g_strconcat(path, ".partial", NULL);
    char text[33];
    boot_id_format(boot, text);
    int r = write_synced(partial, text);
    CRASH_POINT("executor.boot_partial");
    if (r == 0 && rename(partial, path) < 0)
        r = -errno;
    if (r == 0)
        r = folder_sync(runners_dir, 2);
    errno = -r;
    bool ok = r == 0 || fail(error, "write", path);
    CRASH_POINT("executor.boot_written");
    return ok;
}
