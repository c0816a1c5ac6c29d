/* SPDX-License-Identifier: MIT */
/*
 * weir run: one run to its end in the foreground.
 *
 * Whoever holds the lock advances the run: this process if it can get the lock (advance_here), else the one
 * that has it, which is told to, and followed (advance_there). When that one dies, the next round takes over;
 * nothing of the run is lost in between, since its tasks belong to the runner and its state to the store.
 */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/run_display.h"
#include "cli/run_start.h"
#include "cli/run_summary.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "scheduler/daemon/client.h"
#include "scheduler/daemon/daemon.h"

#include <uv.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/** How long to look for somebody who either answers or lets the lock go. */
#define PATIENCE_US (10 * USEC_PER_SEC)

typedef struct {
    Cli *cli;
    RunStart start;
    RunView *view;
    RunDisplay *display;
    bool is_started;      /**< the run exists, as far as we were told */
    bool is_named;        /**< by run_start_name(), without anybody's wish */
    bool is_done;         /**< the run is finished, and the view knows it */
    bool was_interrupted; /**< Ctrl-C: the run was asked to end */
    int left_by;          /**< the signal that made us leave at once; 0 */
    /* advance_here() only: */
    Daemon *daemon;
    uv_timer_t timer;
    uv_poll_t poll;
    bool has_handles;
} Session;

/* ---- What both ways have in common ---- */

static void log_line(DaemonLogLevel level, const char *line, void *user)
{
    Session *session = user;
    if (level != DAEMON_LOG_INFO || session->cli->verbose)
        run_display_say(session->display, "weir: %s", line);
}

static void take_document(Session *session, const json_t *document)
{
    run_display_apply(session->display, document);
    session->is_done = run_state_is_finished(session->view->state) && session->view->has_snapshot;
}

/** From now on it is this run, whoever advances it. */
static void take_over_next(Session *session)
{
    json_decref(session->start.command);
    session->start.command = run_start_takeover(&session->start);
    session->start.is_new = false;
}

/** The run's name, from the answer to dags.trigger or dags.resume. */
static void take_answer(Session *session, const json_t *result)
{
    RunStart *start = &session->start;
    const char *dag_id = json_string_value(json_object_get(result, "dag_id"));
    const char *run_id = json_string_value(json_object_get(result, "dag_run_id"));
    session->is_started = true;
    if (dag_id != NULL && g_strcmp0(dag_id, start->dag_id) != 0) {
        g_free(start->dag_id);
        start->dag_id = g_strdup(dag_id);
    }
    if (run_id != NULL && start->run_id == NULL)
        start->run_id = g_strdup(run_id);
    take_over_next(session);
}

static DagRun *read_run(Session *session)
{
    StoreConn *reader = session->start.run_id != NULL ? cli_reader(session->cli, NULL) : NULL;
    if (reader == NULL) /* not there a moment ago, perhaps now */
        session->cli->no_store = false;
    return reader != NULL ? store_get_run(reader, session->start.dag_id, session->start.run_id, NULL) : NULL;
}

/** A continued run has moved to another version of its DAG: people should know what they run. */
static void say_version(Session *session)
{
    g_autoptr(DagRun) run = read_run(session);
    if (run == NULL || session->start.old_version_id == 0 ||
        run->dag_version_id == session->start.old_version_id)
        return;
    g_autoptr(DagVersion) version =
        store_get_dag_version(cli_reader(session->cli, NULL), run->dag_version_id, NULL);
    if (version != NULL)
        run_display_say(session->display, "Run %s goes on with version %d of its DAG, the latest.",
                        run->run_id, version->version_number);
    session->start.old_version_id = run->dag_version_id;
}

static json_t *cancel_command(const Session *session)
{
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(session->start.dag_id));
    json_object_set_new(args, "run_id", json_string(session->start.run_id));
    return command_new("dags.cancel", args);
}

static json_t *call(Session *session, json_t *command, GError **error)
{
    if (session->daemon == NULL)
        return command_call(session->cli->settings, command, error);
    Caller caller = {.user = command_user(), .via = "cli"};
    return daemon_execute(session->daemon, command, &caller);
}

static void cancel_run(Session *session)
{
    g_autoptr(GError) error = NULL;
    json_auto_t *command = cancel_command(session);
    run_display_say(session->display, "Canceling the run; Ctrl-C again leaves at once.");
    json_auto_t *result = command_result(call(session, command, &error), &error);
    if (result == NULL)
        run_display_say(session->display, "The run could not be canceled: %s", error->message);
}

/** Does what signals ask for. True if we are to leave at once. */
static bool heed_signals(Session *session)
{
    guint n_interrupts = signals_take_interrupts();
    if (signals_end() != 0)
        session->left_by = signals_end();
    if (n_interrupts == 0)
        return session->left_by != 0;
    if (session->was_interrupted || n_interrupts > 1 || !session->is_started)
        session->left_by = SIGINT;
    else
        cancel_run(session);
    session->was_interrupted = true;
    return session->left_by != 0;
}

/* ---- Here: our own loop ---- */

static void close_handles(Session *session)
{
    if (!session->has_handles)
        return;
    session->has_handles = false;
    uv_close((uv_handle_t *)&session->timer, NULL);
    uv_close((uv_handle_t *)&session->poll, NULL);
}

static void stop_here(Session *session)
{
    close_handles(session);
    daemon_stop(session->daemon);
}

static void on_timer(uv_timer_t *timer);

/** Draws if it is time, and sets the timer for the next drawing. */
static void draw_here(Session *session)
{
    gint64 next_us = run_display_tick(session->display);
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
    Session *session = poll->data;
    if (heed_signals(session))
        stop_here(session);
    else
        draw_here(session); /* the terminal may have another size */
}

static void on_document_here(const json_t *document, void *user)
{
    Session *session = user;
    take_document(session, document);
    if (session->is_done)
        stop_here(session);
    else if (session->has_handles && !uv_is_active((uv_handle_t *)&session->timer))
        draw_here(session);
}

static void open_handles(Session *session)
{
    uv_loop_t *loop = daemon_uv_loop(session->daemon);
    uv_timer_init(loop, &session->timer);
    uv_poll_init(loop, &session->poll, signals_fd());
    session->timer.data = session->poll.data = session;
    uv_poll_start(&session->poll, UV_READABLE, on_signal);
    session->has_handles = true;
}

/** Advances the run until it is done or we are to leave; `session->daemon` is open. */
static bool loop_here(Session *session, GError **error)
{
    json_auto_t *result = command_result(call(session, session->start.command, error), error);
    if (result == NULL)
        return false;
    take_answer(session, result);
    say_version(session);
    g_autoptr(DagRun) run = read_run(session);
    if (run == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT,
                    "the run that was just started is not in the store");
        return false;
    }
    guint watch = daemon_subscribe(session->daemon, run->id, on_document_here, session);
    bool ok = true;
    if (!session->is_done) {
        open_handles(session);
        draw_here(session);
        ok = daemon_loop(session->daemon, error);
    }
    daemon_unsubscribe(session->daemon, watch);
    if (session->has_handles) { /* the loop gave up by itself: its closing callbacks must still run */
        close_handles(session);
        uv_run(daemon_uv_loop(session->daemon), UV_RUN_NOWAIT);
    }
    return ok;
}

typedef enum {
    ADVANCE_END,
    ADVANCE_BUSY,
    ADVANCE_NOBODY,
    ADVANCE_UNKNOWN,
    ADVANCE_AGAIN,
    ADVANCE_FAILED
} Advance;

static Advance advance_here(Session *session, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *verb = g_strdup_printf("run %s", session->start.dag_id);
    DaemonOptions options = {.settings = session->cli->settings,
                             .mode = DAEMON_RUN,
                             .verb = verb,
                             .log = log_line,
                             .user = session};
    session->daemon = daemon_open(&options, &local);
    if (session->daemon == NULL) {
        bool is_busy = g_error_matches(local, WEIR_ERROR, WEIR_ERROR_BUSY);
        g_propagate_error(error, g_steal_pointer(&local));
        return is_busy ? ADVANCE_BUSY : ADVANCE_FAILED;
    }
    bool ok = loop_here(session, error);
    g_clear_pointer(&session->daemon, daemon_close);
    return ok ? ADVANCE_END : ADVANCE_FAILED;
}

/* ---- There: another process's loop ---- */

static bool on_document_there(const json_t *document, void *user)
{
    Session *session = user;
    if (document != NULL)
        take_document(session, document);
    run_display_tick(session->display);
    return !heed_signals(session);
}

/** Sends the command to the holder of the lock. ADVANCE_END: it was done. */
static Advance send_there(Session *session, GError **error)
{
    g_autoptr(GError) local = NULL;
    session->is_named |= run_start_name(&session->start);
    json_t *answer = call(session, session->start.command, &local);
    if (answer == NULL) {
        bool is_nobody = g_error_matches(local, WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
        g_propagate_error(error, g_steal_pointer(&local));
        return is_nobody ? ADVANCE_NOBODY : ADVANCE_UNKNOWN;
    }
    json_auto_t *result = command_result(answer, &local);
    if (result != NULL) {
        take_answer(session, result);
        return ADVANCE_END;
    }
    bool is_taken =
        session->is_named && session->start.is_new && g_error_matches(local, WEIR_ERROR, WEIR_ERROR_CONFLICT);
    if (is_taken)
        run_start_unname(&session->start); /* another run was started in that microsecond */
    g_propagate_error(error, g_steal_pointer(&local));
    return is_taken ? ADVANCE_UNKNOWN : ADVANCE_FAILED;
}

static Advance advance_there(Session *session, GError **error)
{
    Advance sent = send_there(session, error);
    if (sent != ADVANCE_END)
        return sent;
    say_version(session);
    switch (client_follow(session->cli->settings->home, session->start.dag_id, session->start.run_id,
                          on_document_there, session, error)) {
    case CLIENT_FOLLOW_DONE:
    case CLIENT_FOLLOW_STOPPED:
        return ADVANCE_END;
    case CLIENT_FOLLOW_LOST:
        run_display_say(session->display, "The process that advanced the run is gone; going on without it.");
        return ADVANCE_AGAIN;
    case CLIENT_FOLLOW_ERROR:
        break;
    }
    return ADVANCE_FAILED;
}

/* ---- All of it ---- */

/** The run as the store has it, for a run that is finished. */
static bool show_stored(Session *session, const DagRun *run, GError **error)
{
    TaskQuery query = {.dag_run_id = run->id};
    g_autoptr(TaskList) tasks = store_list_tasks(cli_reader(session->cli, NULL), &query, NULL, error);
    if (tasks == NULL)
        return false;
    json_auto_t *document = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < tasks->n_items; i++)
        json_array_append_new(list, row_of_task(session->cli->settings, run, &tasks->items[i]));
    json_object_set_new(document, "event", json_string("snapshot"));
    json_object_set_new(document, "run", row_of_run(run));
    json_object_set_new(document, "tasks", list);
    run_view_apply(session->view, document, NULL, NULL);
    session->is_done = true;
    return true;
}

/** One look at who can advance the run. */
static Advance advance_once(Session *session, GError **error)
{
    g_autoptr(GError) busy = NULL;
    g_autoptr(DagRun) run = read_run(session);
    if (run != NULL && run_state_is_finished(run->state))
        return show_stored(session, run, error) ? ADVANCE_END : ADVANCE_FAILED;
    if (run != NULL && session->start.is_new)
        take_over_next(session); /* started by who died before it could say so */
    Advance here = advance_here(session, &busy);
    if (here != ADVANCE_BUSY) {
        if (busy != NULL)
            g_propagate_error(error, g_steal_pointer(&busy));
        return here;
    }
    Advance there = advance_there(session, error);
    if (there == ADVANCE_NOBODY) { /* the holder's name says more */
        g_clear_error(error);
        g_propagate_error(error, g_steal_pointer(&busy));
    }
    return there;
}

/** Until the run is done or we are to leave. False with an error. */
static bool advance(Session *session, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + PATIENCE_US;
    for (;;) {
        g_autoptr(GError) local = NULL;
        Advance end = advance_once(session, &local);
        gint64 now_us = g_get_monotonic_time();
        if (end == ADVANCE_END)
            return true;
        if (end == ADVANCE_AGAIN)
            deadline_us = now_us + PATIENCE_US;
        if (end == ADVANCE_FAILED || now_us > deadline_us) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        if (heed_signals(session))
            return true;
        g_usleep(20 * 1000); /* the holder will listen, or be gone, in a moment */
    }
}

static int leave(const Session *session)
{
    const char *subject = args_word(session->cli->args, 0);
    if (session->is_started)
        g_printerr("Left run %s; its running tasks go on. To continue:\n  weir run %s --run-id %s\n",
                   session->start.run_id, subject, session->start.run_id);
    return 128 + session->left_by;
}

static int conclude(const Session *session)
{
    Cli *cli = session->cli;
    if (cli->format == OUTPUT_TABLE || cli->format == OUTPUT_PLAIN) {
        g_autofree char *text = run_summary_text(session->view, args_word(cli->args, 0));
        g_autofree char *clean = text_escape(text, -1, TEXT_KEEP_NEWLINES);
        fputs(clean, stdout);
    } else {
        json_auto_t *object = run_summary_object(session->view);
        output_object(cli->format, object);
    }
    if (session->view->state == RUN_STATE_SUCCESS)
        return EXIT_SUCCESS;
    return session->was_interrupted ? 128 + SIGINT : EXIT_FAILURE;
}

int verb_run(Cli *cli, GError **error)
{
    Session session = {.cli = cli};
    if (!run_start_prepare(cli, &session.start, error))
        return EXIT_FAILURE;
    session.view = run_view_new();
    session.display = run_display_new(session.view);
    signals_install();
    bool ok = advance(&session, error);
    run_display_finish(session.display);
    signals_restore();
    int code = EXIT_FAILURE;
    if (ok)
        code = session.is_done ? conclude(&session) : leave(&session);
    run_display_free(session.display);
    run_view_free(session.view);
    run_start_clear(&session.start);
    return code;
}
