/* SPDX-License-Identifier: MIT */
#include "cli/run_view.h"

#include "cli/text.h"
#include "scheduler/time/instant.h"

#include <string.h>

static void task_free(gpointer data)
{
    RunViewTask *task = data;
    g_free(task->task_id);
    g_free(task->end_reason);
    g_free(task->log_path);
    g_free(task->tail);
    g_free(task);
}

RunView *run_view_new(void)
{
    RunView *view = g_new0(RunView, 1);
    view->state = RUN_STATE_QUEUED;
    view->start_us = view->end_us = TIME_NONE;
    view->tasks = g_ptr_array_new_with_free_func(task_free);
    view->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    g_queue_init(&view->recent);
    return view;
}

void run_view_free(RunView *view)
{
    if (view == NULL)
        return;
    g_hash_table_unref(view->by_id);
    g_ptr_array_unref(view->tasks); /* the links of `recent` lie in the tasks */
    json_decref(view->run);
    g_free(view->dag_id);
    g_free(view->run_id);
    g_free(view->end_reason);
    g_free(view->waiting);
    g_free(view);
}

/* ---- Taking in documents ---- */

static void set_text(char **text, const json_t *object, const char *key)
{
    g_free(*text);
    *text = g_strdup(json_string_value(json_object_get(object, key)));
}

static int64_t get_time(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    int64_t us = TIME_NONE;
    if (text != NULL)
        instant_parse(text, NULL, &us, NULL);
    return us;
}

static int get_int(const json_t *object, const char *key, int fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int)json_integer_value(value) : fallback;
}

/** Keeps the last finished ones, newest first. */
static void note_recent(RunView *view, RunViewTask *task)
{
    if (task->is_recent)
        g_queue_unlink(&view->recent, &task->recent);
    task->is_recent = task_state_is_finished(task->state);
    if (!task->is_recent)
        return;
    g_queue_push_head_link(&view->recent, &task->recent);
    if (view->recent.length > RUN_VIEW_RECENT)
        ((RunViewTask *)g_queue_pop_tail_link(&view->recent)->data)->is_recent = false;
}

static RunViewTask *find_or_add(RunView *view, const char *task_id)
{
    RunViewTask *task = g_hash_table_lookup(view->by_id, task_id);
    if (task != NULL)
        return task;
    task = g_new0(RunViewTask, 1);
    task->task_id = g_strdup(task_id);
    task->start_us = task->end_us = task->retry_at_us = TIME_NONE;
    task->exit_code = EXIT_CODE_NONE;
    task->recent.data = task;
    g_ptr_array_add(view->tasks, task);
    g_hash_table_insert(view->by_id, task->task_id, task);
    view->counts[TASK_STATE_NONE]++;
    view->id_width = MAX(view->id_width, text_width(task_id));
    return task;
}

static void apply_task(RunView *view, const json_t *object, RunViewChanged changed, void *user)
{
    const char *task_id = json_string_value(json_object_get(object, "task_id"));
    TaskState state = task_state_from_string(json_string_value(json_object_get(object, "state")));
    if (task_id == NULL || state == TASK_STATE_INVALID)
        return; /* a newer weir's; nothing here depends on it */
    RunViewTask *task = find_or_add(view, task_id);
    int32_t try_number = get_int(object, "try_number", 0);
    bool differs = state != task->state || try_number != task->try_number;
    view->counts[task->state]--;
    view->counts[state]++;
    if (try_number != task->try_number)
        g_clear_pointer(&task->tail, g_free);
    bool state_differs = state != task->state;
    task->state = state;
    task->try_number = try_number;
    task->max_tries = get_int(object, "max_tries", 0);
    task->exit_code = get_int(object, "exit_code", EXIT_CODE_NONE);
    task->term_signal = get_int(object, "term_signal", 0);
    task->start_us = get_time(object, "start_date");
    task->end_us = get_time(object, "end_date");
    task->retry_at_us = get_time(object, "retry_at");
    set_text(&task->end_reason, object, "end_reason");
    set_text(&task->log_path, object, "log_path");
    if (state_differs)
        note_recent(view, task);
    if (differs && changed != NULL)
        changed(view, task, user);
}

static void apply_run(RunView *view, const json_t *object, RunViewChanged changed, void *user)
{
    RunState state = run_state_from_string(json_string_value(json_object_get(object, "state")));
    if (!json_is_object(object) || state == RUN_STATE_INVALID)
        return;
    bool differs = state != view->state;
    json_decref(view->run);
    view->run = json_incref((json_t *)object);
    view->state = state;
    set_text(&view->dag_id, object, "dag_id");
    set_text(&view->run_id, object, "dag_run_id");
    set_text(&view->end_reason, object, "end_reason");
    view->start_us = get_time(object, "start_date");
    view->end_us = get_time(object, "end_date");
    if (differs && changed != NULL)
        changed(view, NULL, user);
}

void run_view_apply(RunView *view, const json_t *document, RunViewChanged changed, void *user)
{
    const char *event = json_string_value(json_object_get(document, "event"));
    if (g_strcmp0(event, "task") == 0) {
        apply_task(view, json_object_get(document, "task"), changed, user);
    } else if (g_strcmp0(event, "run") == 0) {
        apply_run(view, json_object_get(document, "run"), changed, user);
    } else if (g_strcmp0(event, "snapshot") == 0) {
        RunViewChanged heard = view->has_snapshot ? changed : NULL; /* after another daemon took over */
        size_t i;
        json_t *task;
        json_array_foreach(json_object_get(document, "tasks"), i, task) apply_task(view, task, heard, user);
        apply_run(view, json_object_get(document, "run"), heard, user);
        view->has_snapshot = true;
    }
}

/* ---- Asking ---- */

guint run_view_n_finished(const RunView *view)
{
    guint n = 0;
    for (int state = 0; state < TASK_STATE_COUNT; state++)
        if (task_state_is_finished((TaskState)state))
            n += view->counts[state];
    return n;
}

bool run_view_is_idle(const RunView *view)
{
    guint n_waiting = view->counts[TASK_STATE_NONE] + view->counts[TASK_STATE_SCHEDULED];
    return view->has_snapshot && !run_state_is_finished(view->state) && n_waiting > 0 &&
           n_waiting + run_view_n_finished(view) == view->tasks->len;
}

bool run_view_is_ticking(const RunView *view)
{
    return !run_state_is_finished(view->state);
}

const RunViewTask *run_view_first_failure(const RunView *view)
{
    const RunViewTask *first = NULL;
    for (guint i = 0; i < view->tasks->len; i++) {
        const RunViewTask *task = g_ptr_array_index(view->tasks, i);
        if (task->state == TASK_STATE_FAILED && (first == NULL || task->end_us < first->end_us))
            first = task;
    }
    return first;
}

char *run_view_reason(const RunViewTask *task)
{
    const char *reason = task->end_reason;
    if (task->term_signal != 0 && (reason == NULL || strcmp(reason, "signal") == 0))
        return g_strdup_printf("signal %d", task->term_signal);
    if (task->exit_code != EXIT_CODE_NONE && (reason == NULL || strcmp(reason, "exit_code") == 0))
        return g_strdup_printf("exit code %d", task->exit_code);
    return reason != NULL ? g_strdelimit(g_strdup(reason), "_", ' ') : NULL;
}

char *run_view_counts(const RunView *view)
{
    static const TaskState order[] = {
        TASK_STATE_SUCCESS,    TASK_STATE_FAILED,       TASK_STATE_UPSTREAM_FAILED,   TASK_STATE_SKIPPED,
        TASK_STATE_RUNNING,    TASK_STATE_UP_FOR_RETRY, TASK_STATE_UP_FOR_RESCHEDULE, TASK_STATE_DEFERRED,
        TASK_STATE_RESTARTING, TASK_STATE_QUEUED,       TASK_STATE_SCHEDULED,         TASK_STATE_REMOVED,
        TASK_STATE_NONE};
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        const char *name = task_state_to_string(order[i]);
        if (view->counts[order[i]] > 0)
            g_string_append_printf(out, "%s%u %s", out->len > 0 ? ", " : "", view->counts[order[i]],
                                   name != NULL ? name : "waiting");
    }
    if (out->len == 0)
        g_string_append(out, "no tasks");
    return g_string_free(out, FALSE);
}
