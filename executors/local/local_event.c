/* SPDX-License-Identifier: MIT */
/*
 * Events are queued and delivered at the end of a loop callback: never from inside a call of the daemon's,
 * and never while a table is being walked.
 */
#include "executors/local/local_internal.h"

#include <string.h>

typedef struct {
    ExecutorEvent event;
    bool is_dropped;
    char message[SLOT_TEXT_SIZE];
} Queued;

GArray *executor_events_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(Queued));
}

void executor_enter(LocalExecutor *ex)
{
    ex->depth++;
}

static void deliver_all(LocalExecutor *ex)
{
    for (guint i = 0; i < ex->events->len && !ex->closing; i++) {
        Queued queued = g_array_index(ex->events, Queued, i); /* a copy: the callback may push more */
        queued.event.message = queued.message;
        if (!queued.is_dropped)
            ex->on_event(&queued.event, ex->user);
    }
    g_array_set_size(ex->events, 0);
    if (!ex->closing)
        uv_timer_stop(&ex->event_timer);
}

void executor_leave(LocalExecutor *ex)
{
    g_assert(ex->depth > 0);
    if (ex->depth == 1)
        deliver_all(ex);
    ex->depth--;
}

void executor_on_event_timer(uv_timer_t *timer)
{
    LocalExecutor *ex = timer->data;
    executor_enter(ex);
    executor_leave(ex);
}

void executor_push(LocalExecutor *ex, const ExecutorEvent *event)
{
    Queued queued = {.event = *event};
    g_strlcpy(queued.message, event->message != NULL ? event->message : "", sizeof queued.message);
    g_array_append_val(ex->events, queued);
    if (ex->depth == 0 && !ex->closing)
        uv_timer_start(&ex->event_timer, executor_on_event_timer, 0, 0);
}

void executor_drop_events(LocalExecutor *ex, AttemptId key)
{
    for (guint i = 0; i < ex->events->len; i++) {
        Queued *queued = &g_array_index(ex->events, Queued, i);
        queued->is_dropped = queued->is_dropped || attempt_id_equal(&queued->event.key, &key);
    }
}

void executor_push_started(LocalExecutor *ex, Entry *entry, const SlotRecord *record)
{
    if (entry->started || entry->unwanted)
        return;
    entry->started = true;
    executor_push(ex, &(ExecutorEvent){.kind = EXECUTOR_EVENT_STARTED,
                                       .key = entry->key,
                                       .token = entry->token,
                                       .at_us = record->start.started_us,
                                       .pid = record->start.process.pid,
                                       .outcome = EXECUTOR_OUTCOME_INVALID,
                                       .exit_code = -1,
                                       .log_begin = record->start.log_begin});
}

void executor_push_exited(LocalExecutor *ex, Entry *entry, const SlotRecord *record)
{
    const SlotExit *exit = &record->exit;
    entry->finished = true;
    executor_push(ex, &(ExecutorEvent){.kind = EXECUTOR_EVENT_FINISHED,
                                       .key = entry->key,
                                       .token = entry->token,
                                       .at_us = exit->finished_us,
                                       .pid = record->start.process.pid,
                                       .outcome = exit->outcome,
                                       .exit_code = exit->exit_code,
                                       .signal = exit->signal,
                                       .core_dumped = (exit->flags & SLOT_EXIT_CORE) != 0,
                                       .oom_hint = (exit->flags & SLOT_EXIT_OOM) != 0,
                                       .error_number = exit->error_number,
                                       .log_begin = exit->log_begin,
                                       .log_end = exit->log_end,
                                       .max_rss_kb = exit->max_rss_kb,
                                       .user_us = exit->user_us,
                                       .system_us = exit->system_us,
                                       .message = exit->text});
}

void executor_push_finished(LocalExecutor *ex, Entry *entry, ExecutorOutcome outcome, int error_number,
                            const char *message)
{
    g_clear_pointer(&entry->start, g_byte_array_unref);
    entry->finished = true;
    executor_push(ex, &(ExecutorEvent){.kind = EXECUTOR_EVENT_FINISHED,
                                       .key = entry->key,
                                       .token = entry->token,
                                       .at_us = g_get_real_time(),
                                       .outcome = outcome,
                                       .exit_code = -1,
                                       .error_number = error_number,
                                       .message = message});
}
