/* SPDX-License-Identifier: MIT */
/*
 * weir run: one run to its end in the foreground.
 *
 * Whoever holds the lock advances the run: this process if it can get the lock (run_here.c), else the one
 * that has it, which is told to, and followed (run_there.c). When that one dies, the next round takes over;
 * nothing of the run is lost in between, since its tasks belong to the runner and its state to the store.
 */
#include "cli/command.h"
#include "cli/run_session.h"
#include "cli/run_summary.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "cli/verbs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/** How long to look for somebody who either answers or lets the lock go. */
#define PATIENCE_US (10 * USEC_PER_SEC)

/** One look at who can advance the run. */
static RunAdvance advance_once(RunSession *session, GError **error)
{
    g_autoptr(GError) busy = NULL;
    g_autoptr(DagRun) run = run_session_read(session);
    if (run != NULL && run_state_is_finished(run->state)) {
        command_take_in(session->cli); /* its last outcome may be committed, but not acknowledged yet */
        bool is_done =
            run_session_show_stored(session, run, error) && run_finish_hooks_here(session, run, error);
        return is_done ? RUN_ADVANCE_END : RUN_ADVANCE_FAILED;
    }
    if (run != NULL && session->start.is_new)
        run_session_take_over_next(session); /* started by who died before it could say so */
    RunAdvance here = run_advance_here(session, &busy);
    if (here != RUN_ADVANCE_BUSY) {
        if (busy != NULL)
            g_propagate_error(error, g_steal_pointer(&busy));
        return here;
    }
    RunAdvance there = run_advance_there(session, error);
    if (there == RUN_ADVANCE_NOBODY) { /* the holder's name says more */
        g_clear_error(error);
        g_propagate_error(error, g_steal_pointer(&busy));
    }
    return there;
}

/** Whether the command failed because the run has ended: with the results that were taken in before it. */
static bool has_ended_meanwhile(RunSession *session, const GError *failure)
{
    if (session->start.is_new || !g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_CONFLICT))
        return false;
    g_autoptr(DagRun) run = run_session_read(session);
    return run != NULL && run_state_is_finished(run->state) && run_session_show_stored(session, run, NULL) &&
           run_finish_hooks_here(session, run, NULL);
}

/** Whether the new run of that name is not to be made because somebody else has just made it: then it is his.
 */
static bool was_made_meanwhile(RunSession *session, const GError *failure)
{
    if (!session->start.is_new || !g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_CONFLICT))
        return false;
    g_autoptr(DagRun) run = run_session_read(session);
    if (run == NULL)
        return false;
    run_display_say(session->display,
                    "Run %s was just made by another process: following it, with its params.", run->run_id);
    return true; /* advance_once() takes it over */
}

/** Until the run is done or we are to leave. False with an error. */
static bool advance(RunSession *session, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + PATIENCE_US;
    for (;;) {
        g_autoptr(GError) local = NULL;
        RunAdvance end = advance_once(session, &local);
        gint64 now_us = g_get_monotonic_time();
        if (end == RUN_ADVANCE_END || has_ended_meanwhile(session, local))
            return true;
        if (was_made_meanwhile(session, local))
            end = RUN_ADVANCE_AGAIN;
        if (end == RUN_ADVANCE_AGAIN)
            deadline_us = now_us + PATIENCE_US;
        if (end == RUN_ADVANCE_FAILED || now_us > deadline_us) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        if (run_session_heed_signals(session))
            return true;
        g_usleep(20 * 1000); /* the holder will listen, or be gone, in a moment */
    }
}

static int leave(const RunSession *session)
{
    const char *subject = args_word(session->cli->args, 0);
    if (session->is_started)
        g_printerr("Left run %s; its running tasks go on. To continue:\n  weir run %s --run-id %s\n",
                   session->start.run_id, subject, session->start.run_id);
    return 128 + session->left_by;
}

static int conclude(const RunSession *session)
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
    RunSession session = {.cli = cli};
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
