/* SPDX-License-Identifier: MIT */
#include "cli/run_session.h"

#include "cli/command.h"
#include "cli/documents.h"
#include "cli/signals.h"

#include <signal.h>

void run_session_take_document(RunSession *session, const json_t *document)
{
    run_display_apply(session->display, document);
    session->is_done = run_state_is_finished(session->view->state) && session->view->has_snapshot;
}

void run_session_take_over_next(RunSession *session)
{
    json_decref(session->start.command);
    session->start.command = run_start_takeover(&session->start);
    session->start.is_new = false;
}

void run_session_take_answer(RunSession *session, const json_t *result)
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
    run_session_take_over_next(session);
}

DagRun *run_session_read(RunSession *session)
{
    StoreConn *reader = session->start.run_id != NULL ? cli_reader(session->cli, NULL) : NULL;
    if (reader == NULL) /* not there a moment ago, perhaps now */
        session->cli->no_store = false;
    return reader != NULL ? store_get_run(reader, session->start.dag_id, session->start.run_id, NULL) : NULL;
}

void run_session_say_version(RunSession *session)
{
    g_autoptr(DagRun) run = run_session_read(session);
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

static json_t *cancel_command(const RunSession *session)
{
    json_t *args = json_object();
    json_object_set_new(args, "dag_id", json_string(session->start.dag_id));
    json_object_set_new(args, "run_id", json_string(session->start.run_id));
    return command_new("dags.cancel", args);
}

json_t *run_session_call(RunSession *session, json_t *command, GError **error)
{
    if (session->daemon == NULL)
        return command_call(session->cli->settings, command, error);
    Caller caller = {.user = command_user(), .via = "cli"};
    return daemon_execute(session->daemon, command, &caller);
}

static void cancel_run(RunSession *session)
{
    g_autoptr(GError) error = NULL;
    json_auto_t *command = cancel_command(session);
    run_display_say(session->display, "Canceling the run; Ctrl-C again leaves at once.");
    json_auto_t *result = command_result(run_session_call(session, command, &error), &error);
    if (result == NULL)
        run_display_say(session->display, "The run could not be canceled: %s", error->message);
}

bool run_session_heed_signals(RunSession *session)
{
    guint n_interrupts = signals_take_interrupts();
    if (signals_end() != 0)
        session->left_by = signals_end();
    if (n_interrupts == 0)
        return session->left_by != 0;
    if (session->is_done) { /* only hooks are waited for; the run has ended as it has */
        session->left_by = SIGINT;
        return true;
    }
    if (session->was_interrupted || n_interrupts > 1 || !session->is_started)
        session->left_by = SIGINT;
    else
        cancel_run(session);
    session->was_interrupted = true;
    return session->left_by != 0;
}

bool run_session_show_stored(RunSession *session, const DagRun *run, GError **error)
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
