/* SPDX-License-Identifier: MIT */
/**
 * How `weir run` shows its progress on stderr: redrawn in place on a terminal, a line per change elsewhere.
 */
#pragma once

#include "cli/run_view.h"

typedef struct RunDisplay RunDisplay;

/** Chooses by what stderr is; `view` is borrowed. */
RunDisplay *run_display_new(RunView *view);
/** Restores the terminal. */
void run_display_free(RunDisplay *display);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunDisplay, run_display_free)

/** Takes a document into the view, and shows what is to be shown at once. */
void run_display_apply(RunDisplay *display, const json_t *document);
/** Shows what is due, and returns when it wants to be called again (monotonic time); -1 = after the next
 * change. */
gint64 run_display_tick(RunDisplay *display);
/** Whether one picture is redrawn, in which what is said can be taken back. */
bool run_display_is_live(const RunDisplay *display);
/** Why nothing of the run moves; NULL when something does. Without a picture a line of its own. */
void run_display_set_waiting(RunDisplay *display, const char *text);
/** A line for people between (or above) the progress. */
void run_display_say(RunDisplay *display, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** The last state of things; nothing is drawn after it. */
void run_display_finish(RunDisplay *display);

/* ---- The two kinds; private to run_display.c ---- */

typedef struct RunLive RunLive;
RunLive *run_live_new(void);
void run_live_free(RunLive *live);
/** Draws over what it drew before. */
void run_live_draw(RunLive *live, const RunView *view, bool is_last);
/** Takes the drawing away, so that a line can be printed. */
void run_live_erase(RunLive *live);

/** One line for a change: "12:00:01 load  running (try 1)"; NULL if the change is not worth one. */
char *run_progress_line(const RunView *view, const RunViewTask *task, int64_t now_us);
/** The same for RunView.waiting. */
char *run_progress_waiting(const RunView *view, int64_t now_us);
