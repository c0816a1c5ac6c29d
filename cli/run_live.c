/* SPDX-License-Identifier: MIT */
/*
 * Drawing in place. The drawing ends below its last line; the next one goes up over as many rows as the last
 * took, which after a change of width are those its lines wrap to. Each frame is one write.
 */
#include "cli/colour.h"
#include "cli/run_display.h"
#include "cli/text.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define ERASE_LINE  "\033[K"
#define ERASE_BELOW "\033[J"

struct RunLive {
    bool utf8, colours;
    GArray *widths; /**< guint: of the lines that stand on the terminal */
};

RunLive *run_live_new(void)
{
    RunLive *live = g_new0(RunLive, 1);
    live->utf8 = text_is_utf8_locale();
    live->colours = colour_on_stderr();
    live->widths = g_array_new(FALSE, FALSE, sizeof(guint));
    return live;
}

static void write_frame(const GString *frame)
{
    gsize done = 0;
    while (done < frame->len) {
        ssize_t n = write(STDERR_FILENO, frame->str + done, frame->len - done);
        if (n <= 0)
            return; /* the terminal is gone: the run goes on */
        done += (gsize)n;
    }
}

static void terminal_size(guint *ret_width, guint *ret_height)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *ret_width = known ? size.ws_col : 80;
    *ret_height = known ? size.ws_row : 24;
}

/** Moves to where the old drawing begins. */
static void append_home(const RunLive *live, guint width, GString *frame)
{
    guint rows = 0;
    for (guint i = 0; i < live->widths->len; i++)
        rows += MAX(1, (g_array_index(live->widths, guint, i) + width - 1) / width);
    if (rows > 0)
        g_string_append_printf(frame, "\033[%uA\r", rows);
}

/** Width of a line with colour sequences in it. */
static guint visible_width(const char *line)
{
    g_autofree char *plain = text_escape(line, -1, TEXT_DROP_COLOURS);
    return text_width(plain);
}

void run_live_draw(RunLive *live, const RunView *view, bool is_last)
{
    RunViewLook look = {
        .now_us = g_get_real_time(), .utf8 = live->utf8, .colours = live->colours, .is_last = is_last};
    terminal_size(&look.width, &look.height);
    g_autofree char *drawing = run_view_draw(view, &look);
    g_auto(GStrv) lines = g_strsplit(drawing, "\n", -1);
    g_autoptr(GString) frame = g_string_new(is_last ? "" : HIDE_CURSOR);
    append_home(live, look.width, frame);
    g_array_set_size(live->widths, 0);
    for (char **line = lines; *line != NULL && line[1] != NULL; line++) {
        guint width = visible_width(*line);
        g_string_append_printf(frame, "%s" ERASE_LINE "\n", *line);
        g_array_append_val(live->widths, width);
    }
    g_string_append(frame, ERASE_BELOW);
    if (is_last)
        g_string_append(frame, SHOW_CURSOR);
    write_frame(frame);
}

void run_live_erase(RunLive *live)
{
    guint width, height;
    terminal_size(&width, &height);
    g_autoptr(GString) frame = g_string_new(NULL);
    append_home(live, width, frame);
    g_string_append(frame, ERASE_BELOW SHOW_CURSOR);
    g_array_set_size(live->widths, 0);
    write_frame(frame);
}

void run_live_free(RunLive *live)
{
    if (live == NULL)
        return;
    g_array_unref(live->widths);
    g_free(live);
}
