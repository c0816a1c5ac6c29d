/* SPDX-License-Identifier: MIT */
/*
 * weir run with the lock in our hands: the daemon's loop, with a timer for the drawing and a poll for
 * signals.
 */
#include "cli/command.h"
#include "cli/run_session.h"
#include "cli/signals.h"

static void log_line(DaemonLogLevel level, const char *line, void *user)
{
    RunSession *session = user;
    if (level != DAEMON_LOG_INFO || session->cli->verbose)
        run_display_say(session->display, "weir: %s", line);
}

static void close_handles(RunSession *session)
{
    if (!session->has_handles)
        return;
    session->has_handles = false;
    uv_close((uv_handle_t *)&session->timer, NULL);
    uv_close((uv_handle_t *)&session->poll, NULL);
}

static void stop_here(RunSession *session)
{
    close_handles(session);
    daemon_stop(session->daemon);
}

static void on_timer(uv_timer_t *timer);

/** Draws if it is time, and sets the timer for the next drawing. */
static void draw_here(RunSession *session)
{
    gint64 next_us = run_session_tick(session);
    if (next_us < 0 || !session->has_handles)
        return;
    gint64 wait_us = MAX(0, next_us - g_get_monotonic_time());
    uv_timer_start(&session->timer, on_timer, (uint64_t)(wait_us / 1000 + 1), 0);
}

static void on_timer(uv_timer_t *timer)
{
    draw_here(timer->data);
}

static void on_signal(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    RunSession *session = poll->data;
    if (run_session_heed_signals(session))
        stop_here(session);
    else
        draw_here(session); /* the terminal may have another size */
}

/* ---- Hooks: the run has ended, what is to be told of it is still on its way ---- */

static guint hooks_left(const RunSession *session)
{
    return daemon_count_hooks(session->daemon, session->dag_run_id);
}

static void on_hooks_ended(void *user)
{
    RunSession *session = user;
    if (session->is_done && hooks_left(session) == 0)
        stop_here(session);
}

/** False if there is nothing to wait for. */
static bool wait_for_hooks(RunSession *session)
{
    guint n = hooks_left(session);
    if (n == 0 || session->is_waiting)
        return n > 0;
    session->is_waiting = true;
    run_display_say(session->display, "Waiting for %u hook%s of the run; Ctrl-C leaves %s to the next weir.",
                    n, n == 1 ? "" : "s", n == 1 ? "it" : "them");
    return true;
}

static void say_what_is_left(const RunSession *session)
{
    guint n = hooks_left(session);
    if (session->is_done && session->left_by != 0 && n > 0)
        run_display_say(session->display,
                        "Left %u hook%s of the run to the next `weir run` or `weir scheduler` of this home.",
                        n, n == 1 ? "" : "s");
}

static void on_document_here(const json_t *document, void *user)
{
    RunSession *session = user;
    if (session->is_waiting)
        return; /* the run has ended as it has; who clears it now is told how to go on with it */
    run_session_take_document(session, document);
    if (session->is_done && session->has_handles && !wait_for_hooks(session))
        stop_here(session);
    else if (session->has_handles)
        draw_here(session);
}

/* ---- The loop ---- */

static void open_handles(RunSession *session)
{
    uv_loop_t *loop = daemon_uv_loop(session->daemon);
    uv_timer_init(loop, &session->timer);
    uv_poll_init(loop, &session->poll, signals_fd());
    session->timer.data = session->poll.data = session;
    uv_poll_start(&session->poll, UV_READABLE, on_signal);
    session->has_handles = true;
}

/** Until stop_here(); all that it began is taken back. */
static bool turn_loop(RunSession *session, GError **error)
{
    daemon_watch_hooks(session->daemon, on_hooks_ended, session);
    open_handles(session);
    draw_here(session);
    bool ok = daemon_loop(session->daemon, error);
    if (session->has_handles) { /* the loop gave up by itself: its closing callbacks must still run */
        close_handles(session);
        uv_run(daemon_uv_loop(session->daemon), UV_RUN_NOWAIT);
    }
    daemon_watch_hooks(session->daemon, NULL, NULL);
    say_what_is_left(session);
    return ok;
}

/** Advances the run until it is done or we are to leave; `session->daemon` is open. */
static bool loop_here(RunSession *session, GError **error)
{
    json_auto_t *result = command_result(run_session_call(session, session->start.command, error), error);
    if (result == NULL)
        return false;
    run_session_take_answer(session, result);
    run_session_say_version(session);
    g_autoptr(DagRun) run = run_session_read(session);
    if (run == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "the run that was just started is not in the store");
        return false;
    }
    session->dag_run_id = run->id;
    guint watch = daemon_subscribe(session->daemon, run->id, on_document_here, session);
    bool ok = true;
    if (!session->is_done || wait_for_hooks(session))
        ok = turn_loop(session, error);
    daemon_unsubscribe(session->daemon, watch);
    if (ok && !session->is_done && session->left_by == 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "the loop ended before the run did");
        return false;
    }
    return ok;
}

static bool open_daemon(RunSession *session, GError **error)
{
    g_autofree char *verb = g_strdup_printf("run %s", session->start.dag_id);
    DaemonOptions options = {.settings = session->cli->settings,
                             .mode = DAEMON_RUN,
                             .verb = verb,
                             .log = log_line,
                             .user = session};
    session->daemon = daemon_open(&options, error);
    return session->daemon != NULL;
}

bool run_finish_hooks_here(RunSession *session, const DagRun *run, GError **error)
{
    g_autoptr(GError) local = NULL;
    int64_t n = 0;
    if (!store_count_unfinished_hooks(cli_reader(session->cli, NULL), run->id, &n, error))
        return false;
    if (n == 0)
        return true;
    if (!open_daemon(session, &local)) {
        if (g_error_matches(local, WEIR_ERROR, WEIR_ERROR_BUSY))
            return true; /* whoever has the lock looks after them */
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    session->dag_run_id = run->id;
    bool ok = !wait_for_hooks(session) || turn_loop(session, error);
    g_clear_pointer(&session->daemon, daemon_close);
    return ok;
}

RunAdvance run_advance_here(RunSession *session, GError **error)
{
    g_autoptr(GError) local = NULL;
    if (!open_daemon(session, &local)) {
        bool is_busy = g_error_matches(local, WEIR_ERROR, WEIR_ERROR_BUSY);
        g_propagate_error(error, g_steal_pointer(&local));
        return is_busy ? RUN_ADVANCE_BUSY : RUN_ADVANCE_FAILED;
    }
    bool ok = loop_here(session, error);
    g_clear_pointer(&session->daemon, daemon_close);
    return ok ? RUN_ADVANCE_END : RUN_ADVANCE_FAILED;
}
