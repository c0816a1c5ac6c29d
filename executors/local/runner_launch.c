/* SPDX-License-Identifier: MIT */
/*
 * Making a runner. Its lock is held and its socket listens, with our HELLO in it, before it exists: there is
 * nothing to wait for, and no moment in which a crash leaves something that looks alive and is not.
 */
#include "executors/local/local_internal.h"
#include "executors/local/unix_socket.h"
#include "scheduler/model/crash_point.h"

#include <string.h>
#include <unistd.h>

static void on_process_closed(uv_handle_t *handle)
{
    LocalExecutor *ex = handle->data;
    g_free(handle);
    executor_handle_closed(ex);
}

/** It has ended and is reaped; whether that was in order, its folder tells. */
static void on_runner_exit(uv_process_t *process, int64_t status, int signal)
{
    (void)status;
    (void)signal;
    LocalExecutor *ex = process->data;
    if (ex->closing)
        return;
    g_ptr_array_remove_fast(ex->processes, process);
    uv_close((uv_handle_t *)process, on_process_closed);
}

/** The tasks' base environment, and in builds with crash points what steers those. g_strfreev() it. */
static char **runner_environment(const LocalExecutor *ex)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_strv_builder_addv(builder, (const char **)ex->environment);
#ifdef WEIR_CRASH_POINTS
    for (char **e = environ; e != NULL && *e != NULL; e++)
        if (g_str_has_prefix(*e, "WEIR_CRASH_"))
            g_strv_builder_add(builder, *e);
#endif
    return g_strv_builder_end(builder);
}

static int spawn_runner(LocalExecutor *ex, const char *dir, const RunnerDirFds *fds)
{
    char *argv[] = {(char *)"weir", (char *)RUNNER_VERB, (char *)dir, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = fds->log_fd},
        {.flags = UV_INHERIT_FD, .data.fd = fds->log_fd},
        [RUNNER_LOCK_FD] = {.flags = UV_INHERIT_FD, .data.fd = fds->lock_fd},
        [RUNNER_LISTEN_FD] = {.flags = UV_INHERIT_FD, .data.fd = fds->listen_fd},
    };
    g_auto(GStrv) environment = runner_environment(ex);
    uv_process_options_t options = {
        .exit_cb = on_runner_exit,
        .file = ex->self_exe,
        .args = argv,
        .env = environment,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = G_N_ELEMENTS(stdio),
        .stdio = stdio,
    };
    uv_process_t *process = g_new0(uv_process_t, 1);
    process->data = ex;
    ex->open_handles++;
    int r = uv_spawn(ex->loop, process, &options);
    if (r < 0) {
        uv_close((uv_handle_t *)process, on_process_closed);
        return r;
    }
    uv_unref((uv_handle_t *)process); /* it may outlive us: no reason to keep a loop running */
    g_ptr_array_add(ex->processes, process);
    CRASH_POINT("executor.runner_spawned");
    return 0;
}

RunnerLink *runner_launch(LocalExecutor *ex, GError **error)
{
    RunnerMeta meta = {.exe = ex->exe};
    RunnerDirFds fds;
    g_strlcpy(meta.instance, ex->instance, sizeof meta.instance);
    g_autofree char *dir = runner_dir_create(ex->runners_dir, &meta, &fds, error);
    if (dir == NULL)
        return NULL;
    g_autofree char *socket_path = g_build_filename(dir, RUNNER_SOCKET_FILE, NULL);
    int connected = unix_socket_connect(socket_path);
    int r = connected < 0 ? connected : spawn_runner(ex, dir, &fds);
    RunnerLink *link = NULL;
    if (r < 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "can not start the runner process: %s", uv_strerror(r));
        runner_dir_remove(dir);
        if (connected >= 0)
            close(connected);
    } else {
        link = runner_link_new(ex, g_steal_pointer(&dir), connected);
        link->same_exe = link->answered = true; /* a new one has nothing to tell */
    }
    close(fds.lock_fd);
    close(fds.listen_fd);
    close(fds.log_fd);
    return link;
}

void runner_launch_forget(LocalExecutor *ex)
{
    for (guint i = 0; i < ex->processes->len; i++)
        uv_close(g_ptr_array_index(ex->processes, i), on_process_closed);
    g_ptr_array_set_size(ex->processes, 0);
}
