/* SPDX-License-Identifier: MIT */
#include "executors/local/spawn.h"

#include "executors/local/environment.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/** 0, or a negative errno with a reason. Airflow's words. */
static int check_cwd(const char *cwd, char **reason)
{
    struct stat st;
    if (stat(cwd, &st) < 0) {
        int error_number = errno;
        *reason = error_number == ENOENT || error_number == ENOTDIR
                      ? g_strdup_printf("Can not find the cwd: %s", cwd)
                      : g_strdup_printf("Can not use the cwd %s: %s", cwd, g_strerror(error_number));
        return -error_number;
    }
    if (S_ISDIR(st.st_mode))
        return 0;
    *reason = g_strdup_printf("The cwd %s must be a directory", cwd);
    return -ENOTDIR;
}

static bool is_program(const char *path)
{
    struct stat st;
    return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/** The path to execute; NULL when no folder of PATH has it. */
static char *find_program(const char *name, const char *cwd, const char *const *environment)
{
    if (strchr(name, '/') != NULL)
        return g_strdup(name); /* relative to the cwd, where the child already is when it executes it */
    const char *path = environment_get(environment, "PATH");
    if (path == NULL)
        path = DEFAULT_PATH;
    for (;;) {
        size_t length = strcspn(path, ":");
        g_autofree char *folder = length > 0 ? g_strndup(path, length) : g_strdup(".");
        g_autofree char *candidate = g_path_is_absolute(folder) ? g_build_filename(folder, name, NULL)
                                                                : g_build_filename(cwd, folder, name, NULL);
        if (is_program(candidate))
            return g_steal_pointer(&candidate);
        if (path[length] == '\0')
            return NULL;
        path += length + 1;
    }
}

/** What an errno of execve means for `program`. */
static char *explain(int error_number, const char *program, const char *cwd)
{
    g_autofree char *absolute =
        g_path_is_absolute(program) ? g_strdup(program) : g_build_filename(cwd, program, NULL);
    bool exists = access(absolute, F_OK) == 0;
    if (error_number == ENOENT && !exists)
        return g_strdup_printf("Command not found: %s", absolute);
    if (error_number == ENOENT)
        return g_strdup_printf("Can not run %s: the interpreter its first line names does not exist",
                               absolute);
    if (error_number == EACCES && exists)
        return g_strdup_printf("Can not run %s: it is not executable (chmod +x)", absolute);
    if (error_number == ENOEXEC)
        return g_strdup_printf("Can not run %s: it is no program, and has no #! line", absolute);
    if (error_number == E2BIG)
        return g_strdup_printf("Can not run %s: arguments and environment are too long", absolute);
    return g_strdup_printf("Can not run %s: %s", absolute, g_strerror(error_number));
}

static int spawn_at(const char *program, const SpawnRequest *request, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, request->log_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, request->log_fd, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, request->cwd);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);

    mode_t ours = umask(request->task_umask);
    int r = posix_spawn(pid, program, &actions, &attributes, (char *const *)(gpointer)request->argv,
                        (char *const *)(gpointer)request->environment);
    umask(ours);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

pid_t spawn_process(const SpawnRequest *request, char **reason)
{
    int r = check_cwd(request->cwd, reason);
    if (r < 0)
        return r;
    const char *name = request->argv[0];
    g_autofree char *program = find_program(name, request->cwd, request->environment);
    if (program == NULL || *name == '\0') {
        *reason = *name == '\0' ? g_strdup("The command is empty")
                                : g_strdup_printf("Command not found: %s (not in PATH)", name);
        return -ENOENT;
    }
    pid_t pid = 0;
    r = spawn_at(program, request, &pid);
    if (r == 0)
        return pid;
    *reason = explain(r, program, request->cwd);
    return -r;
}

bool spawn_error_is_transient(int error_number)
{
    return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE ||
           error_number == ENFILE || error_number == ETXTBSY;
}
