/* SPDX-License-Identifier: MIT */
/* weir scheduler, weir standalone: the daemon's loop with schedules, until a signal ends it. */
#include "cli/cli.h"
#include "cli/sd_notify.h"
#include "cli/signals.h"
#include "cli/standby.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "scheduler/daemon/daemon.h"
#include "scheduler/time/instant.h"
#include "weir_version.h"

#include <uv.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    Cli *cli;
    Daemon *daemon;
    uv_poll_t signals;
    uv_timer_t watchdog;
    bool ends_tasks;  /**< --kill-tasks */
    bool is_stopping; /**< a signal came; tasks are being ended */
} Service;

/* ---- The log ---- */

/*
 * A line on stderr. Whoever holds the other end of a pipe and does not read must not stop the scheduler: what
 * does not fit is dropped, and how much is said when there is room again.
 */
static void write_line(const char *line)
{
    static guint n_dropped;
    struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};
    g_autofree char *full = NULL;
    if (poll(&fd, 1, 0) == 0) {
        n_dropped++;
        return;
    }
    if (n_dropped > 0)
        full = g_strdup_printf("(%u lines were dropped: nobody read them)\n%s", n_dropped, line);
    const char *text = full != NULL ? full : line;
    size_t n = strlen(text);
    n_dropped = 0;
    while (n > 0) {
        ssize_t written = write(STDERR_FILENO, text, n);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            text += written;
            n -= (size_t)written;
        }
    }
}

static void log_line(DaemonLogLevel level, const char *line, void *user)
{
    static const char *const words[] = {
        [DAEMON_LOG_INFO] = "", [DAEMON_LOG_WARNING] = "warning: ", [DAEMON_LOG_ERROR] = "error: "};
    (void)user;
    int64_t now_us = g_get_real_time();
    g_autofree char *seconds = instant_format(now_us, INSTANT_SECONDS_Z);
    seconds[strlen(seconds) - 1] = '\0'; /* the Z comes after the milliseconds */
    g_autofree char *clean = text_escape(line, -1, TEXT_KEEP_NEWLINES);
    g_autofree char *full =
        g_strdup_printf("%s.%03dZ %s%s\n", seconds, (int)(now_us / 1000 % 1000), words[level], clean);
    write_line(full);
}

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    log_line(DAEMON_LOG_INFO, line, NULL);
}

/* ---- Handles of the loop ---- */

static void close_handles(Service *service)
{
    uv_close((uv_handle_t *)&service->signals, NULL);
    uv_close((uv_handle_t *)&service->watchdog, NULL);
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    sd_notify_send("WATCHDOG=1");
}

static void on_signal(uv_poll_t *poll_handle, int status, int events)
{
    (void)status, (void)events;
    Service *service = poll_handle->data;
    if (signals_take_interrupts() == 0 && signals_end() == 0)
        return;
    sd_notify_send("STOPPING=1");
    if (service->is_stopping || !service->ends_tasks) {
        daemon_stop(service->daemon);
        return;
    }
    service->is_stopping = true;
    guint n = daemon_end_tasks(service->daemon);
    if (n == 0) {
        daemon_stop(service->daemon);
        return;
    }
    say("ending %u task%s, at most %s each; another signal leaves at once", n, n == 1 ? "" : "s",
        settings_get(service->cli->settings, "core", "killed_task_cleanup_time"));
}

static void open_handles(Service *service)
{
    uv_loop_t *loop = daemon_uv_loop(service->daemon);
    uv_poll_init(loop, &service->signals, signals_fd());
    uv_timer_init(loop, &service->watchdog);
    service->signals.data = service;
    uv_poll_start(&service->signals, UV_READABLE, on_signal);
    uint64_t every_ms = (uint64_t)(sd_notify_watchdog_us() / 1000);
    if (every_ms > 0)
        uv_timer_start(&service->watchdog, on_watchdog, 0, every_ms);
}

/* ---- The lock ---- */

static void ping(void)
{
    sd_notify_send("WATCHDOG=1");
}

/*
 * The lock of the home, at once or after the one who has it has ended. NULL without an error: a signal came
 * first. Making the home narrows the umask, which tasks shall have as it was.
 */
static StoreLock *take_lock(Cli *cli, const char *verb, GError **error)
{
    g_autoptr(GError) busy = NULL;
    mode_t mask = umask(0);
    umask(mask);
    g_autoptr(Home) home = home_open(cli->settings->home, HOME_CREATE, error);
    umask(mask);
    if (home == NULL)
        return NULL;
    StoreLock *lock = store_lock_try(home->lock_path, verb, &busy);
    if (lock != NULL)
        return lock;
    bool is_busy = g_error_matches(busy, WEIR_ERROR, WEIR_ERROR_BUSY);
    if (!is_busy || args_flag(cli->args, "no-wait")) {
        g_propagate_error(error, g_steal_pointer(&busy));
        return NULL;
    }
    say("standby: %s; this one takes over when that one ends", busy->message);
    sd_notify_send("READY=1\nSTATUS=standby");
    lock = standby_wait(home->lock_path, verb, sd_notify_watchdog_us(), ping, error);
    if (lock != NULL)
        say("standby takes over");
    return lock;
}

/* ---- All of it ---- */

static void say_hello(Service *service, const char *verb)
{
    const Settings *settings = service->cli->settings;
    DaemonDags dags = daemon_dags(service->daemon);
    say("DAG folder %s: %u DAG%s, %u file%s that cannot be used", settings->dags_folder, dags.n_dags,
        dags.n_dags == 1 ? "" : "s", dags.n_broken, dags.n_broken == 1 ? "" : "s");
    if (strcmp(verb, "standalone") == 0)
        say("the web page and the REST API are not part of this version yet");
    say("listening on %s/weir.sock", settings->home);
}

static int serve(Service *service, const char *verb, StoreLock *lock, GError **error)
{
    DaemonOptions options = {.settings = service->cli->settings,
                             .mode = DAEMON_SERVICE,
                             .verb = verb,
                             .log = log_line,
                             .user = service,
                             .lock = lock};
    say("weir %s %s, pid %d, home %s", WEIR_VERSION, verb, (int)getpid(), service->cli->settings->home);
    service->daemon = daemon_open(&options, error);
    if (service->daemon == NULL)
        return EXIT_FAILURE;
    open_handles(service);
    say_hello(service, verb);
    sd_notify_send("READY=1\nSTATUS=running");
    bool ok = daemon_loop(service->daemon, error);
    close_handles(service);
    say("%s", !ok ? "giving up" : service->is_stopping ? "stopping" : "stopping; tasks that run go on");
    g_clear_pointer(&service->daemon, daemon_close);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_service(Cli *cli, const char *verb, GError **error)
{
    Service service = {.cli = cli, .ends_tasks = args_flag(cli->args, "kill-tasks")};
    if (cli_settings(cli, error) == NULL)
        return EXIT_FAILURE;
    signals_install();
    g_autoptr(GError) failure = NULL;
    StoreLock *lock = take_lock(cli, verb, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return EXIT_FAILURE;
    }
    return lock != NULL ? serve(&service, verb, lock, error) : EXIT_SUCCESS;
}

int verb_scheduler(Cli *cli, GError **error)
{
    return run_service(cli, "scheduler", error);
}

int verb_standalone(Cli *cli, GError **error)
{
    return run_service(cli, "standalone", error);
}
