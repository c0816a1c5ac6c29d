/* SPDX-License-Identifier: MIT */
#include "cli/run_summary.h"

#include "cli/log_tail.h"
#include "scheduler/time/duration.h"

#define LOG_LINES 20

static void append_failure(const RunView *view, GString *out)
{
    const RunViewTask *task = run_view_first_failure(view);
    if (task == NULL)
        return;
    g_autofree char *reason = run_view_reason(task), *tail = log_tail(task->log_path, LOG_LINES);
    g_string_append_printf(out, "\nfirst failure: %s, try %d%s%s\n", task->task_id, task->try_number,
                           reason != NULL ? ", " : "", reason != NULL ? reason : "");
    if (task->log_path != NULL)
        g_string_append_printf(out, "log: %s\n", task->log_path);
    g_auto(GStrv) lines = g_strsplit(tail != NULL ? tail : "", "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        if (tail != NULL && *tail != '\0')
            g_string_append_printf(out, "  | %s\n", *line);
}

static void append_advice(const RunView *view, const char *subject, GString *out)
{
    const RunViewTask *task = run_view_first_failure(view);
    g_autofree char *quoted = g_shell_quote(subject);
    bool plain = g_strcmp0(subject, view->dag_id) == 0 || id_is_valid(subject);
    g_string_append(out, "\nnext:\n");
    if (task != NULL)
        g_string_append_printf(out, "  weir tasks logs %s %s %s\n", view->dag_id, task->task_id,
                               view->run_id);
    g_string_append_printf(out, "  weir dags clear %s --run-id %s --only-failed\n", view->dag_id,
                           view->run_id);
    g_string_append_printf(out, "  weir run %s --run-id %s\n", plain ? subject : quoted, view->run_id);
}

char *run_summary_text(const RunView *view, const char *subject)
{
    GString *out = g_string_new(NULL);
    g_autofree char *counts = run_view_counts(view);
    g_string_append_printf(out, "%s of %s: %s", view->run_id, view->dag_id, run_state_to_string(view->state));
    if (view->start_us != TIME_NONE && view->end_us != TIME_NONE) {
        g_autofree char *took = duration_format(MAX(0, view->end_us - view->start_us));
        g_string_append_printf(out, " in %s", took);
    }
    if (view->state == RUN_STATE_FAILED && view->end_reason != NULL) {
        g_autofree char *reason = g_strdelimit(g_strdup(view->end_reason), "_", ' ');
        g_string_append_printf(out, " (%s)", reason);
    }
    g_string_append_printf(out, "\n%s\n", counts);
    append_failure(view, out);
    if (view->state == RUN_STATE_FAILED)
        append_advice(view, subject, out);
    return g_string_free(out, FALSE);
}

json_t *run_summary_object(const RunView *view)
{
    json_t *object = view->run != NULL ? json_copy(view->run) : json_object();
    json_t *counts = json_object();
    for (int state = 0; state < TASK_STATE_COUNT; state++) {
        const char *name = task_state_to_string((TaskState)state);
        if (view->counts[state] > 0)
            json_object_set_new(counts, name != NULL ? name : "none", json_integer(view->counts[state]));
    }
    json_object_set_new(object, "task_counts", counts);
    return object;
}
