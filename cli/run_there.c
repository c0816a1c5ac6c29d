/* SPDX-License-Identifier: MIT */
/* weir run while another process holds the lock: it is told to advance the run, and followed. */
#include "cli/command.h"
#include "cli/run_session.h"
#include "scheduler/daemon/client.h"

static bool on_document_there(const json_t *document, void *user)
{
    RunSession *session = user;
    if (document != NULL)
        run_session_take_document(session, document);
    run_session_tick(session);
    return !run_session_heed_signals(session);
}

/** Sends the command to the holder of the lock. RUN_ADVANCE_END: it was done. */
static RunAdvance send_there(RunSession *session, GError **error)
{
    g_autoptr(GError) local = NULL;
    session->is_named |= run_start_name(&session->start);
    json_t *answer = run_session_call(session, session->start.command, &local);
    if (answer == NULL) {
        bool is_nobody = g_error_matches(local, WEIR_ERROR, WEIR_ERROR_NOT_FOUND);
        g_propagate_error(error, g_steal_pointer(&local));
        return is_nobody ? RUN_ADVANCE_NOBODY : RUN_ADVANCE_UNKNOWN;
    }
    json_auto_t *result = command_result(answer, &local);
    if (result != NULL) {
        run_session_take_answer(session, result);
        return RUN_ADVANCE_END;
    }
    bool is_taken =
        session->is_named && session->start.is_new && g_error_matches(local, WEIR_ERROR, WEIR_ERROR_CONFLICT);
    if (is_taken)
        run_start_unname(&session->start); /* another run was started in that microsecond */
    g_propagate_error(error, g_steal_pointer(&local));
    return is_taken ? RUN_ADVANCE_UNKNOWN : RUN_ADVANCE_FAILED;
}

RunAdvance run_advance_there(RunSession *session, GError **error)
{
    RunAdvance sent = send_there(session, error);
    if (sent != RUN_ADVANCE_END)
        return sent;
    run_session_say_version(session);
    switch (client_follow(session->cli->settings->home, session->start.dag_id, session->start.run_id,
                          on_document_there, session, error)) {
    case CLIENT_FOLLOW_DONE:
    case CLIENT_FOLLOW_STOPPED:
        return RUN_ADVANCE_END;
    case CLIENT_FOLLOW_LOST:
        run_display_say(session->display, "The process that advanced the run is gone; going on without it.");
        return RUN_ADVANCE_AGAIN;
    case CLIENT_FOLLOW_ERROR:
        g_prefix_error(error, "run %s goes on, but it cannot be followed: ", session->start.run_id);
        break;
    }
    return RUN_ADVANCE_FAILED;
}
