/* SPDX-License-Identifier: MIT */
/*
 * Why does nothing move? When no task of the run has been doing anything for some seconds, the answer of
 * `weir tasks explain` for the task that all others wait for.
 */
#include "cli/command.h"
#include "cli/run_session.h"
#include "scheduler/daemon/client.h"

#define IDLE_US      (3 * USEC_PER_SEC) /**< less is not worth a word */
#define ASK_AGAIN_US (5 * USEC_PER_SEC) /**< figures in the answer tick */
#define PATIENCE_US  USEC_PER_SEC       /**< meanwhile nothing is drawn, and no signal is heeded */

static json_t *explain_command(const RunSession *session)
{
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(session->start.dag_id));
    json_object_set_new(args, "run_id", json_string(session->start.run_id));
    return command_new("tasks.explain", args);
}

/** "clean waits: pool \"db\" is full ..."; NULL if nobody knows. */
static char *ask(RunSession *session)
{
    g_autoptr(GError) ignored = NULL; /* who cannot say why has said nothing wrong */
    json_auto_t *command = explain_command(session);
    json_auto_t *answer = session->daemon != NULL
                              ? run_session_call(session, command, &ignored)
                              : client_call(session->cli->settings->home, command, PATIENCE_US, &ignored);
    const json_t *result = json_object_get(answer, "result");
    const json_t *first = json_array_get(json_object_get(result, "dependencies"), 0);
    const char *task_id = json_string_value(json_object_get(result, "task_id"));
    const char *reason = json_string_value(json_object_get(first, "reason"));
    return task_id != NULL && reason != NULL ? g_strdup_printf("%s waits: %s", task_id, reason) : NULL;
}

/** When to be called again; -1 = after the next change. */
static gint64 tick_why(RunSession *session)
{
    gint64 now_us = g_get_monotonic_time();
    if (!run_view_is_idle(session->view)) {
        if (session->view->waiting != NULL)
            run_display_set_waiting(session->display, NULL);
        session->idle_since_us = session->why_at_us = 0;
        return -1;
    }
    if (session->idle_since_us == 0)
        session->idle_since_us = now_us;
    if (session->why_at_us != 0 && !run_display_is_live(session->display))
        return -1; /* a line is said once */
    gint64 due_us =
        session->why_at_us != 0 ? session->why_at_us + ASK_AGAIN_US : session->idle_since_us + IDLE_US;
    if (now_us < due_us)
        return due_us;
    g_autofree char *text = ask(session);
    session->why_at_us = now_us;
    if (text != NULL)
        run_display_set_waiting(session->display, text);
    return now_us + ASK_AGAIN_US;
}

gint64 run_session_tick(RunSession *session)
{
    gint64 why_us = tick_why(session), draw_us = run_display_tick(session->display);
    return why_us < 0 ? draw_us : draw_us < 0 ? why_us : MIN(why_us, draw_us);
}
