/* SPDX-License-Identifier: MIT */
#include "cli/run_display.h"
#include "cli/text.h"
#include "scheduler/time/duration.h"

#define MAX_ID_WIDTH 40

/** The clock on the wall, not UTC: it is read by whoever sits there. */
static char *clock_text(int64_t now_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(now_us / USEC_PER_SEC);
    return g_date_time_format(time, "%H:%M:%S");
}

/** "try 2, exit code 1, 1.2s". */
static char *details(const RunViewTask *task)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    bool was_tried = task->try_number > 0 && task->state != TASK_STATE_UPSTREAM_FAILED;
    bool ended_badly = task->state == TASK_STATE_FAILED || task->state == TASK_STATE_UP_FOR_RETRY;
    if (task->try_number > 1 || task->state == TASK_STATE_RUNNING)
        g_ptr_array_add(parts, g_strdup_printf("try %d", task->try_number));
    char *reason = ended_badly ? run_view_reason(task) : NULL;
    if (reason != NULL)
        g_ptr_array_add(parts, reason);
    if (was_tried && task->state != TASK_STATE_RUNNING && task->start_us != TIME_NONE &&
        task->end_us != TIME_NONE)
        g_ptr_array_add(parts, duration_format(MAX(0, task->end_us - task->start_us)));
    if (task->state == TASK_STATE_UP_FOR_RETRY && task->retry_at_us != TIME_NONE &&
        task->end_us != TIME_NONE) {
        g_autofree char *wait = duration_format(MAX(0, task->retry_at_us - task->end_us));
        g_ptr_array_add(parts, g_strdup_printf("again in %s", wait));
    }
    if (parts->len == 0)
        return NULL;
    g_ptr_array_add(parts, NULL);
    return g_strjoinv(", ", (char **)parts->pdata);
}

char *run_progress_waiting(const RunView *view, int64_t now_us)
{
    g_autofree char *clock = clock_text(now_us);
    return g_strdup_printf("%s %s", clock, view->waiting);
}

char *run_progress_line(const RunView *view, const RunViewTask *task, int64_t now_us)
{
    if (task != NULL && (task->state == TASK_STATE_NONE || task->state == TASK_STATE_SCHEDULED ||
                         task->state == TASK_STATE_QUEUED))
        return NULL; /* milliseconds before it runs; or waiting, which nobody waits to read */
    g_autofree char *clock = clock_text(now_us);
    if (task == NULL)
        return g_strdup_printf("%s run %s %s", clock, view->run_id, run_state_to_string(view->state));
    g_autofree char *more = details(task);
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%s %s", clock, task->task_id);
    guint width = MIN(view->id_width, MAX_ID_WIDTH), used = text_width(task->task_id);
    text_append_spaces(line, 2 + (used < width ? width - used : 0));
    g_string_append(line, task_state_to_string(task->state));
    if (more != NULL)
        g_string_append_printf(line, " (%s)", more);
    return g_string_free(line, FALSE);
}
