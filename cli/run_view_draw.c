/* SPDX-License-Identifier: MIT */
/*
 * The drawing of a run: a header, a line per task, the last log lines of failures, and, when there are more
 * tasks than lines, a footer that counts the others. Nothing here depends on the drawing before.
 */
#include "cli/colour.h"
#include "cli/run_view.h"
#include "cli/text.h"
#include "scheduler/time/duration.h"

#define MAX_TAILS     3 /**< failures whose log lines are shown */
#define STATE_WIDTH   17
#define TRAILER_WIDTH 18 /**< "try 2/3  1h 02m" */

/** A line under construction: text is cut when the width is used up, colours never count. */
typedef struct {
    const RunViewLook *look;
    GString *out;
    guint left;
} Line;

static void put(Line *line, const char *colour, const char *text)
{
    bool colours = colour != NULL && line->look->colours && line->left > 0;
    if (colours)
        g_string_append(line->out, colour);
    if (line->left > 0)
        line->left -= text_append_cut(line->out, text, line->left);
    if (colours)
        g_string_append(line->out, COLOUR_RESET);
}

/** Text padded (or cut) to `width` cells. */
static void put_column(Line *line, const char *colour, const char *text, guint width)
{
    guint fits = MIN(width, line->left), before = line->left;
    Line part = {line->look, line->out, fits};
    put(&part, colour, text);
    text_append_spaces(line->out, part.left);
    line->left = before - fits;
}

static Line begin_line(const RunViewLook *look, GString *out)
{
    return (Line){look, out, look->width};
}

static void end_line(Line *line)
{
    while (line->out->len > 0 && line->out->str[line->out->len - 1] == ' ')
        g_string_truncate(line->out, line->out->len - 1);
    g_string_append_c(line->out, '\n');
}

/** Whole seconds, for what ticks: "7s", "1m 05s". */
static char *whole_seconds(int64_t us)
{
    int64_t seconds = MAX(0, us) / USEC_PER_SEC;
    return seconds < 60 ? g_strdup_printf("%ds", (int)seconds) : duration_format(seconds * USEC_PER_SEC);
}

static char *elapsed(int64_t start_us, int64_t end_us, int64_t now_us)
{
    if (start_us == TIME_NONE)
        return g_strdup("");
    return end_us != TIME_NONE ? duration_format(MAX(0, end_us - start_us))
                               : whole_seconds(now_us - start_us);
}

static void draw_header(const RunView *view, const RunViewLook *look, GString *out)
{
    const char *state = run_state_to_string(view->state);
    g_autofree char *took = elapsed(view->start_us, view->end_us, look->now_us);
    g_autofree char *counts = g_strdup_printf("%u of %u done", run_view_n_finished(view), view->tasks->len);
    g_autofree char *failed = view->counts[TASK_STATE_FAILED] > 0
                                  ? g_strdup_printf(", %u failed", view->counts[TASK_STATE_FAILED])
                                  : g_strdup("");
    Line line = begin_line(look, out);
    put(&line, COLOUR_BOLD, view->dag_id != NULL ? view->dag_id : "");
    put(&line, NULL, "  ");
    put(&line, colour_of_state(state), state);
    put(&line, NULL, "  ");
    put(&line, NULL, counts);
    put(&line, COLOUR_RED, failed);
    put(&line, NULL, "  ");
    put(&line, NULL, took);
    put(&line, NULL, "  ");
    put(&line, COLOUR_DIM, view->run_id != NULL ? view->run_id : "");
    end_line(&line);
}

/** "try 2/3  1.2s". */
static char *trailer(const RunViewTask *task, const RunViewLook *look)
{
    bool waits = task->state == TASK_STATE_UP_FOR_RETRY && task->retry_at_us != TIME_NONE;
    bool was_tried = task->try_number > 0 && task->state != TASK_STATE_UPSTREAM_FAILED;
    bool counts = was_tried && (task->state == TASK_STATE_RUNNING || task_state_is_finished(task->state));
    g_autofree char *tries =
        task->try_number > 1 ? g_strdup_printf("try %d", task->try_number) : g_strdup("");
    g_autofree char *took = NULL;
    if (waits) {
        g_autofree char *left = whole_seconds(task->retry_at_us - look->now_us);
        took = g_strdup_printf("again in %s", left);
    } else {
        took = counts ? elapsed(task->start_us, task->end_us, look->now_us) : g_strdup("");
    }
    return g_strdup_printf("%s%s%s", tries, *tries != '\0' && *took != '\0' ? "  " : "", took);
}

static void draw_task(const RunViewTask *task, const RunViewLook *look, guint id_width, GString *out)
{
    const char *state = task_state_to_string(task->state);
    const char *colour = colour_of_state(state);
    g_autofree char *rest = trailer(task, look);
    Line line = begin_line(look, out);
    put(&line, NULL, " ");
    put(&line, colour, symbol_of_state(state, look->utf8));
    put(&line, NULL, " ");
    put_column(&line, NULL, task->task_id, id_width);
    put(&line, NULL, "  ");
    put_column(&line, colour, state != NULL ? state : "", STATE_WIDTH);
    put(&line, NULL, rest);
    end_line(&line);
}

static void draw_tail(const RunViewTask *task, const RunViewLook *look, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(task->tail, "\n", -1);
    for (char **text = lines; *text != NULL; text++) {
        if (**text == '\0')
            continue;
        Line line = begin_line(look, out);
        put(&line, COLOUR_DIM, look->utf8 ? "     │ " : "     | ");
        put(&line, NULL, *text);
        end_line(&line);
    }
}

static guint count_lines(const char *text)
{
    guint n = 0;
    for (const char *p = text; *p != '\0'; p++)
        n += *p == '\n' || p[1] == '\0';
    return n;
}

/* ---- Which tasks to show ---- */

static bool is_busy(const RunViewTask *task)
{
    return task->state == TASK_STATE_RUNNING || task->state == TASK_STATE_RESTARTING ||
           task->state == TASK_STATE_DEFERRED;
}

static bool is_trouble(const RunViewTask *task)
{
    return task->state == TASK_STATE_FAILED || task->state == TASK_STATE_UP_FOR_RETRY;
}

/** Marks tasks that `fits` until `budget` is used up. */
static void choose(const RunView *view, bool (*fits)(const RunViewTask *), GHashTable *chosen, guint *budget)
{
    for (guint i = 0; i<view->tasks->len && * budget> 0; i++) {
        RunViewTask *task = g_ptr_array_index(view->tasks, i);
        if (fits(task) && g_hash_table_add(chosen, task))
            (*budget)--;
    }
}

/** The tasks worth `n_lines` lines: what runs, what failed, what finished last, in the file's order. */
static GPtrArray *choose_tasks(const RunView *view, guint n_lines)
{
    GPtrArray *list = g_ptr_array_new();
    g_autoptr(GHashTable) chosen = g_hash_table_new(NULL, NULL);
    bool all = view->tasks->len <= n_lines;
    guint half = n_lines - n_lines / 2, budget = n_lines;
    if (!all) {
        budget = n_lines - half; /* so that many running tasks leave room for failures */
        choose(view, is_trouble, chosen, &budget);
        budget += half;
        choose(view, is_busy, chosen, &budget);
        choose(view, is_trouble, chosen, &budget);
        for (GList *link = view->recent.head; link != NULL && budget > 0; link = link->next)
            budget -= g_hash_table_add(chosen, link->data);
    }
    for (guint i = 0; i < view->tasks->len; i++) {
        RunViewTask *task = g_ptr_array_index(view->tasks, i);
        if (all || g_hash_table_contains(chosen, task))
            g_ptr_array_add(list, task);
    }
    return list;
}

/** How many lines failures may take besides the tasks' own. */
static guint tail_lines(const RunView *view, const RunViewLook *look, guint n_free, GPtrArray *ret)
{
    guint n_lines = 0;
    for (guint i = 0; i < view->tasks->len && ret->len < MAX_TAILS && !look->is_last; i++) {
        RunViewTask *task = g_ptr_array_index(view->tasks, i);
        guint n = task->tail != NULL && is_trouble(task) ? count_lines(task->tail) : 0;
        if (n == 0 || n_lines + n > n_free)
            continue;
        g_ptr_array_add(ret, task);
        n_lines += n;
    }
    return n_lines;
}

static void draw_footer(const RunView *view, const RunViewLook *look, guint n_hidden, GString *out)
{
    g_autofree char *counts = run_view_counts(view);
    g_autofree char *text =
        g_strdup_printf(" %s %u more; all: %s", look->utf8 ? "…" : "...", n_hidden, counts);
    Line line = begin_line(look, out);
    put(&line, COLOUR_DIM, text);
    end_line(&line);
}

static void draw_waiting(const RunView *view, const RunViewLook *look, GString *out)
{
    Line line = begin_line(look, out);
    put(&line, COLOUR_BOLD, look->utf8 ? " … " : " - ");
    put(&line, NULL, view->waiting);
    end_line(&line);
}

char *run_view_draw(const RunView *view, const RunViewLook *look)
{
    GString *out = g_string_new(NULL);
    guint room = look->height > 4 ? look->height - 2 : 2; /* the header, and the line the cursor is on */
    bool says_why = view->waiting != NULL && !look->is_last && room > 2;
    if (says_why)
        room--;
    g_autoptr(GPtrArray) tails = g_ptr_array_new();
    guint wanted = MIN(view->tasks->len, room / 2);
    guint n_tail_lines = tail_lines(view, look, room - MAX(wanted, 1), tails);
    guint n_lines = room - n_tail_lines;
    if (view->tasks->len > n_lines && n_lines > 1)
        n_lines--; /* the footer */
    g_autoptr(GPtrArray) tasks = choose_tasks(view, n_lines);
    guint most =
        look->width > STATE_WIDTH + TRAILER_WIDTH + 12 ? look->width - STATE_WIDTH - TRAILER_WIDTH - 5 : 8;
    if (!look->is_last)
        draw_header(view, look, out);
    for (guint i = 0; i < tasks->len; i++) {
        const RunViewTask *task = g_ptr_array_index(tasks, i);
        draw_task(task, look, MIN(view->id_width, most), out);
        if (g_ptr_array_find(tails, task, NULL))
            draw_tail(task, look, out);
    }
    if (tasks->len < view->tasks->len)
        draw_footer(view, look, view->tasks->len - tasks->len, out);
    if (says_why)
        draw_waiting(view, look, out);
    return g_string_free(out, FALSE);
}
