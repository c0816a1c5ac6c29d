/* SPDX-License-Identifier: MIT */
#include "cli/run_display.h"

#include "cli/log_tail.h"
#include "cli/signals.h"
#include "cli/text.h"

#include <unistd.h>

#define FRAME_US   (100 * 1000) /**< between two drawings at least */
#define TAIL_LINES 4            /**< of the log of a failure */
#define MAX_TAILS  8            /**< more failures than that are not looked into */

struct RunDisplay {
    RunView *view;
    RunLive *live; /**< NULL: a line per change */
    bool is_stale, is_finished;
    gint64 drawn_us; /**< monotonic */
};

RunDisplay *run_display_new(RunView *view)
{
    RunDisplay *display = g_new0(RunDisplay, 1);
    display->view = view;
    const char *term = g_getenv("TERM");
    bool is_dumb = term == NULL || g_strcmp0(term, "dumb") == 0;
    if (isatty(STDERR_FILENO) && !is_dumb)
        display->live = run_live_new();
    return display;
}

void run_display_free(RunDisplay *display)
{
    if (display == NULL)
        return;
    run_display_finish(display);
    run_live_free(display->live);
    g_free(display);
}

static void on_changed(RunView *view, RunViewTask *task, void *user)
{
    RunDisplay *display = user;
    if (display->live != NULL) {
        bool failed =
            task != NULL && (task->state == TASK_STATE_FAILED || task->state == TASK_STATE_UP_FOR_RETRY);
        guint n_failures = view->counts[TASK_STATE_FAILED] + view->counts[TASK_STATE_UP_FOR_RETRY];
        if (failed && n_failures <= MAX_TAILS) {
            g_free(task->tail);
            task->tail = log_tail(task->log_path, TAIL_LINES);
        }
        return;
    }
    g_autofree char *line = run_progress_line(view, task, g_get_real_time());
    g_autofree char *clean = line != NULL ? text_escape(line, -1, TEXT_ESCAPE_ALL) : NULL;
    if (clean != NULL)
        g_printerr("%s\n", clean);
}

void run_display_apply(RunDisplay *display, const json_t *document)
{
    bool is_first = !display->view->has_snapshot;
    run_view_apply(display->view, document, on_changed, display);
    if (is_first && display->view->has_snapshot && display->live == NULL)
        on_changed(display->view, NULL, display); /* says which run it is */
    display->is_stale = true;
}

/** When the next drawing is due; -1 if nothing is to be drawn until something changes. */
static gint64 next_drawing(const RunDisplay *display)
{
    if (display->is_stale)
        return display->drawn_us + FRAME_US;
    return run_view_is_ticking(display->view) ? display->drawn_us + USEC_PER_SEC : -1;
}

gint64 run_display_tick(RunDisplay *display)
{
    if (display->live == NULL || display->is_finished || !display->view->has_snapshot)
        return -1;
    if (signals_take_resize())
        display->is_stale = true;
    gint64 now_us = g_get_monotonic_time(), due_us = next_drawing(display);
    if (due_us < 0 || due_us > now_us)
        return due_us;
    run_live_draw(display->live, display->view, false);
    display->is_stale = false;
    display->drawn_us = now_us;
    return next_drawing(display);
}

bool run_display_is_live(const RunDisplay *display)
{
    return display->live != NULL;
}

void run_display_set_waiting(RunDisplay *display, const char *text)
{
    g_free(display->view->waiting);
    display->view->waiting = text != NULL ? text_escape(text, -1, TEXT_ESCAPE_ALL) : NULL;
    display->is_stale = true;
    if (display->live != NULL || text == NULL)
        return;
    g_autofree char *line = run_progress_waiting(display->view, g_get_real_time());
    g_printerr("%s\n", line);
}

void run_display_say(RunDisplay *display, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (display->live != NULL && !display->is_finished)
        run_live_erase(display->live);
    g_autofree char *clean = text_escape(text, -1, TEXT_KEEP_NEWLINES);
    g_printerr("%s\n", clean);
    display->is_stale = true;
}

void run_display_finish(RunDisplay *display)
{
    if (display->live != NULL && !display->is_finished && display->view->has_snapshot)
        run_live_draw(display->live, display->view, true);
    display->is_finished = true;
}
