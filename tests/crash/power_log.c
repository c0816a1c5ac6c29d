/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into weir by tests/crash/power: writes down, in their order, all that weir and its runners do to
 * the files of one home and all that others could know of it, so that the disk after a power cut at any
 * moment can be made.
 *
 * POWER_LOG_FILE gets the records, POWER_LOG_HOME is the home. A record is a header, a path and data, in one
 * append. What asks for durability (fsync, fdatasync) is written down after it has returned, everything else
 * before it is done: what is not in the log yet cannot have happened. The slot file is memory; its sectors
 * are compared with what was written down before whenever the runner does something that others can notice.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECTOR = 512, SLOTS_MAX = 1 << 18 };

typedef struct {
    char kind[8];
    uint64_t offset;
    uint32_t path_size, data_size;
} Header;

static char home[PATH_MAX], log_path[PATH_MAX];
static size_t home_size; /* 0: this process is not watched */
static char slots_path[PATH_MAX];
static uint8_t slots_seen[SLOTS_MAX], slots_now[SLOTS_MAX];

/** The function that ours stands in front of. */
#define NEXT(name) ((__typeof__(&name))next_function(#name))

static void *next_function(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    const char *file = getenv("POWER_LOG_FILE"), *folder = getenv("POWER_LOG_HOME");
    if (n <= 0 || file == NULL || folder == NULL)
        return;
    exe[n] = '\0';
    if (strcmp(strrchr(exe, '/'), "/weir") != 0) /* not the tasks */
        return;
    snprintf(log_path, sizeof log_path, "%s", file);
    snprintf(home, sizeof home, "%s", folder);
    home_size = strlen(home);
}

/* ---- Records ---- */

static void put(const char *kind, const char *path, uint64_t offset, const void *data, size_t size)
{
    Header header = {.offset = offset, .path_size = (uint32_t)strlen(path), .data_size = (uint32_t)size};
    snprintf(header.kind, sizeof header.kind, "%s", kind);
    struct iovec parts[] = {{&header, sizeof header},
                            {(void *)(uintptr_t)path, header.path_size},
                            {(void *)(uintptr_t)data, size}};
    int saved = errno;
    /* Opened each time: a runner closes what it does not know. */
    int fd = NEXT(open)(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || NEXT(writev)(fd, parts, 3) < 0)
        abort();
    NEXT(close)(fd);
    errno = saved;
}

/** Whether what happens to that path matters; as `out` the path below the home. */
static bool matters(const char *path, char out[static PATH_MAX])
{
    if (home_size == 0 || strncmp(path, home, home_size) != 0 ||
        (path[home_size] != '/' && path[home_size] != '\0'))
        return false;
    snprintf(out, PATH_MAX, "%s", path[home_size] == '/' ? path + home_size + 1 : ".");
    size_t n = strlen(out);
    return n < 4 || strcmp(out + n - 4, "-shm") != 0;
}

static bool fd_matters(int fd, char out[static PATH_MAX])
{
    if (home_size == 0)
        return false;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    return matters(path, out);
}

/** Logs and outputs are written by tasks, whom nobody watches: what is in them is looked at when they are
 * synced. */
static bool is_of_task(const char *path)
{
    return strncmp(path, "logs/", 5) == 0;
}

static void put_change(const char *kind, const char *path, uint64_t offset, const void *data, size_t size)
{
    if (!is_of_task(path))
        put(kind, path, offset, data, size);
}

static void put_content(int fd, const char *path)
{
    static char content[1 << 20];
    ssize_t n = pread(fd, content, sizeof content, 0);
    if (n >= 0)
        put("content", path, 0, content, (size_t)n);
}

/** What has changed in the slot file since the last look; it is memory, and nothing tells of writes. */
static void look_at_slots(void)
{
    static bool is_looking; /* libuv writes from a signal handler, which may come in the middle of this */
    if (slots_path[0] == '\0' || __atomic_exchange_n(&is_looking, true, __ATOMIC_ACQUIRE))
        return;
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", home, slots_path);
    int fd = NEXT(open)(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? pread(fd, slots_now, sizeof slots_now, 0) : 0;
    if (fd >= 0)
        NEXT(close)(fd);
    for (ssize_t at = 0; at < n; at += SECTOR) {
        if (memcmp(slots_seen + at, slots_now + at, SECTOR) == 0)
            continue;
        memcpy(slots_seen + at, slots_now + at, SECTOR);
        put("write", slots_path, (uint64_t)at, slots_now + at, SECTOR);
    }
    __atomic_store_n(&is_looking, false, __ATOMIC_RELEASE);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library calls them __fd and so on
 */

/* ---- Files ---- */

static void note_open(const char *path, int flags)
{
    char below[PATH_MAX];
    if ((flags & (O_CREAT | O_TRUNC)) == 0 || !matters(path, below))
        return;
    if ((flags & O_CREAT) != 0 && access(path, F_OK) != 0)
        put("create", below, 0, NULL, 0);
    else if ((flags & O_TRUNC) != 0)
        put("size", below, 0, NULL, 0);
    const char *name = strrchr(below, '/');
    if (name != NULL && strcmp(name, "/slots") == 0 && (flags & O_CREAT) != 0)
        snprintf(slots_path, sizeof slots_path, "%s", below);
}

#define DEFINE_OPEN(name)                                                                                    \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        va_list arguments;                                                                                   \
        va_start(arguments, flags);                                                                          \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;                                \
        va_end(arguments);                                                                                   \
        int saved = errno;                                                                                   \
        note_open(path, flags);                                                                              \
        errno = saved;                                                                                       \
        return NEXT(name)(path, flags, mode);                                                                \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_PWRITE(name, offset_type)                                                                     \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset)                                  \
    {                                                                                                        \
        char path[PATH_MAX];                                                                                 \
        if (fd_matters(fd, path))                                                                            \
            put_change("write", path, (uint64_t)offset, data, size);                                         \
        return NEXT(name)(fd, data, size, offset);                                                           \
    }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

#define DEFINE_TRUNCATE(name, offset_type)                                                                   \
    int name(int fd, offset_type size)                                                                       \
    {                                                                                                        \
        char path[PATH_MAX];                                                                                 \
        if (fd_matters(fd, path))                                                                            \
            put_change("size", path, (uint64_t)size, NULL, 0);                                               \
        return NEXT(name)(fd, size);                                                                         \
    }
DEFINE_TRUNCATE(ftruncate, off_t)
DEFINE_TRUNCATE(ftruncate64, off64_t)

#define DEFINE_FALLOCATE(name, offset_type)                                                                  \
    int name(int fd, offset_type offset, offset_type size)                                                   \
    {                                                                                                        \
        char path[PATH_MAX];                                                                                 \
        if (fd_matters(fd, path))                                                                            \
            put("size", path, (uint64_t)(offset + size), NULL, 0);                                           \
        return NEXT(name)(fd, offset, size);                                                                 \
    }
DEFINE_FALLOCATE(posix_fallocate, off_t)
DEFINE_FALLOCATE(posix_fallocate64, off64_t)

#define DEFINE_SYNC(name)                                                                                    \
    int name(int fd)                                                                                         \
    {                                                                                                        \
        char path[PATH_MAX];                                                                                 \
        bool is_ours = fd_matters(fd, path);                                                                 \
        look_at_slots();                                                                                     \
        if (is_ours && is_of_task(path))                                                                     \
            put_content(fd, path);                                                                           \
        int result = NEXT(name)(fd);                                                                         \
        if (is_ours && result == 0)                                                                          \
            put("sync", path, 0, NULL, 0);                                                                   \
        return result;                                                                                       \
    }
DEFINE_SYNC(fsync)
DEFINE_SYNC(fdatasync)

#define DEFINE_NAME(name, ...)                                                                               \
    {                                                                                                        \
        char below[PATH_MAX];                                                                                \
        if (matters(path, below))                                                                            \
            put(#name, below, 0, NULL, 0);                                                                   \
        return NEXT(name)(__VA_ARGS__);                                                                      \
    }
int unlink(const char *path) DEFINE_NAME(unlink, path) int rmdir(const char *path) DEFINE_NAME(rmdir, path)

    int mkdir(const char *path, mode_t mode)
{
    char below[PATH_MAX];
    if (matters(path, below) && access(path, F_OK) != 0)
        put("mkdir", below, 0, NULL, 0);
    return NEXT(mkdir)(path, mode);
}

static void note_rename(const char *from, const char *to)
{
    char from_below[PATH_MAX], to_below[PATH_MAX];
    if (matters(from, from_below) && matters(to, to_below))
        put("rename", from_below, 0, to_below, strlen(to_below));
}

int rename(const char *from, const char *to)
{
    note_rename(from, to);
    return NEXT(rename)(from, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    note_rename(from, to);
    return NEXT(renameat2)(from_fd, from, to_fd, to, flags);
}

/* ---- What others can know ---- */

static bool is_answer(const struct iovec *parts, int n_parts)
{
    return n_parts > 0 && parts[0].iov_len > 5 && memcmp(parts[0].iov_base, "{\"id\"", 5) == 0;
}

ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
    char path[PATH_MAX];
    look_at_slots();
    if (home_size > 0 && is_answer(parts, n_parts)) {
        put("answer", "", 0, parts[0].iov_base, parts[0].iov_len);
    } else if (fd_matters(fd, path)) {
        fputs("power_log: a file of the home is written with writev()\n", stderr);
        abort(); /* nobody does; whoever begins to must be written down */
    }
    return NEXT(writev)(fd, parts, n_parts);
}

static uint64_t write_position(int fd)
{
    return (uint64_t)lseek(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t size)
{
    char path[PATH_MAX];
    struct iovec part = {(void *)(uintptr_t)data, size};
    look_at_slots();
    if (home_size > 0 && is_answer(&part, 1))
        put("answer", "", 0, data, size);
    else if (fd_matters(fd, path))
        put_change("write", path, write_position(fd), data, size);
    return NEXT(write)(fd, data, size);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    look_at_slots();
    return NEXT(send)(fd, data, size, flags);
}

int posix_spawn(pid_t *pid, const char *program, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
{
    static const char *const names[] = {"WEIR_DAG_ID=", "WEIR_RUN_ID=", "WEIR_TASK_ID=", "WEIR_TRY_NUMBER="};
    char attempt[1024] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (char *const *e = environment; e != NULL && *e != NULL; e++) {
            size_t used = strlen(attempt), n = strlen(names[i]);
            if (strncmp(*e, names[i], n) == 0)
                snprintf(attempt + used, sizeof attempt - used, "%s%s", used > 0 ? " " : "", *e + n);
        }
    }
    look_at_slots();
    if (home_size > 0)
        put("spawn", "", 0, attempt, strlen(attempt));
    int result = NEXT(posix_spawn)(pid, program, actions, attributes, argv, environment);
    if (home_size > 0 && result == 0)
        put("pid", "", (uint64_t)*pid, attempt, strlen(attempt));
    return result;
}

pid_t wait4(pid_t wanted, int *status, int options, struct rusage *usage)
{
    pid_t pid = NEXT(wait4)(wanted, status, options, usage);
    look_at_slots();
    if (home_size > 0 && pid > 0)
        put("reap", "", (uint64_t)pid, NULL, 0);
    return pid;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
