/* SPDX-License-Identifier: MIT */
#include "cli/tree.h"

#include "cli/colour.h"
#define MAX_DEPTH    16
#define MAX_MENTIONS 8 /**< names in a line of mentions before "and N more" */

#define NOBODY UINT32_MAX

typedef struct {
    const char *branch, *last, *down, *blank, *then, *above;
} Glyphs;

static const Glyphs utf8_glyphs = {"├─ ", "└─ ", "│  ", "   ", "→ ", " ↑"};
static const Glyphs ascii_glyphs = {"|- ", "`- ", "|  ", "   ", "> ", " ^"};

/** A task whose downstream is being drawn: one level of the tree. */
typedef struct {
    uint32_t *children; /**< tasks first met here */
    uint32_t n, next;
    gsize prefix; /**< length of the prefix its children's lines begin with */
} Level;

typedef struct {
    const Dag *dag;
    const Glyphs *glyphs;
    bool colours;
    GString *out, *prefix;
    uint32_t *owner;  /**< the task below which a task is drawn, itself for roots; NOBODY = not yet known */
    GArray *levels;   /**< Level: the path from the root to where we are */
    GQueue postponed; /**< tasks that lay too deep: roots of further trees */
} Drawing;

static const char *body_word(TaskBody body)
{
    static const char *const words[] = {[TASK_BODY_EMPTY] = "empty",
                                        [TASK_BODY_COMMAND] = "command",
                                        [TASK_BODY_DATABRICKS] = "databricks",
                                        [TASK_BODY_HTTP] = "http",
                                        [TASK_BODY_SENSOR] = "sensor"};
    return words[body];
}

/** "load  command, all_done, pool api(2), retries 3". */
static void append_task(Drawing *drawing, uint32_t index)
{
    const Task *task = &drawing->dag->tasks[index];
    GString *out = drawing->out;
    g_string_append_printf(out, "%s%s%s  %s%s", drawing->colours ? COLOUR_BOLD : "", task->task_id,
                           drawing->colours ? COLOUR_RESET : "", drawing->colours ? COLOUR_DIM : "",
                           body_word(task->body));
    if (task->trigger_rule != TRIGGER_RULE_ALL_SUCCESS)
        g_string_append_printf(out, ", %s", trigger_rule_to_string(task->trigger_rule));
    if (g_strcmp0(task->pool, DEFAULT_POOL) != 0)
        g_string_append_printf(out, ", pool %s", task->pool);
    if (task->pool_slots != 1)
        g_string_append_printf(out, ", %d slots", task->pool_slots);
    if (task->retries > 0)
        g_string_append_printf(out, task->retries == 1 ? ", %d retry" : ", %d retries", task->retries);
    if (task->depends_on_past)
        g_string_append(out, ", depends on past");
    g_string_append_printf(out, "%s\n", drawing->colours ? COLOUR_RESET : "");
}

/** Downstream tasks nobody has claimed yet become ours; tells how many there are besides. */
static Level claim_children(Drawing *drawing, uint32_t index, uint32_t *ret_n_mentions)
{
    GraphSpan span = dag_downstream(drawing->dag, index);
    Level level = {.children = span.n > 0 ? g_new(uint32_t, span.n) : NULL};
    for (uint32_t i = 0; i < span.n; i++) {
        if (drawing->owner[span.items[i]] != NOBODY)
            continue;
        drawing->owner[span.items[i]] = index;
        level.children[level.n++] = span.items[i];
    }
    *ret_n_mentions = span.n - level.n;
    return level;
}

/** The line of those downstream of `index` that are drawn elsewhere. */
static void append_mentions(Drawing *drawing, uint32_t index, const Level *level, uint32_t n_mentions)
{
    GraphSpan span = dag_downstream(drawing->dag, index);
    g_string_append_printf(drawing->out, "%s%s%s", drawing->prefix->str,
                           level->n > 0 ? drawing->glyphs->branch : drawing->glyphs->last,
                           drawing->colours ? COLOUR_DIM : "");
    uint32_t n = 0;
    for (uint32_t i = 0; i < span.n && n < MAX_MENTIONS; i++)
        if (drawing->owner[span.items[i]] != index)
            g_string_append_printf(drawing->out, "%s%s%s", n++ > 0 ? ", " : "",
                                   drawing->dag->tasks[span.items[i]].task_id, drawing->glyphs->above);
    if (n < n_mentions)
        g_string_append_printf(drawing->out, " and %u more", n_mentions - n);
    g_string_append_printf(drawing->out, "%s\n", drawing->colours ? COLOUR_RESET : "");
}

static void postpone(Drawing *drawing, Level *level)
{
    for (uint32_t i = 0; i < level->n; i++)
        g_queue_push_tail(&drawing->postponed, GUINT_TO_POINTER(level->children[i]));
    g_string_append_printf(drawing->out, "%s%s(%u more below)\n", drawing->prefix->str, drawing->glyphs->last,
                           level->n);
    g_free(level->children);
}

/**
 * Draws a task and, on the same level, the chain of those alone below it; then opens a level for the
 * downstream of the last one. The prefix is that of lines below the task.
 */
static void draw_chain(Drawing *drawing, uint32_t index)
{
    for (;;) {
        append_task(drawing, index);
        uint32_t n_mentions;
        Level level = claim_children(drawing, index, &n_mentions);
        if (n_mentions > 0)
            append_mentions(drawing, index, &level, n_mentions);
        if (level.n == 1 && n_mentions == 0) {
            index = level.children[0];
            g_free(level.children);
            g_string_append_printf(drawing->out, "%s%s", drawing->prefix->str, drawing->glyphs->then);
            continue;
        }
        level.prefix = drawing->prefix->len;
        if (level.n == 0)
            g_free(level.children);
        else if (drawing->levels->len >= MAX_DEPTH)
            postpone(drawing, &level);
        else
            g_array_append_val(drawing->levels, level);
        return;
    }
}

static void draw_tree(Drawing *drawing, uint32_t root)
{
    g_string_truncate(drawing->prefix, 0);
    draw_chain(drawing, root);
    while (drawing->levels->len > 0) {
        Level *level = &g_array_index(drawing->levels, Level, drawing->levels->len - 1);
        if (level->next == level->n) {
            g_free(level->children);
            g_array_set_size(drawing->levels, drawing->levels->len - 1);
            continue;
        }
        uint32_t child = level->children[level->next++];
        bool is_last = level->next == level->n;
        g_string_truncate(drawing->prefix, level->prefix);
        g_string_append_printf(drawing->out, "%s%s", drawing->prefix->str,
                               is_last ? drawing->glyphs->last : drawing->glyphs->branch);
        g_string_append(drawing->prefix, is_last ? drawing->glyphs->blank : drawing->glyphs->down);
        draw_chain(drawing, child);
    }
}

char *tree_draw(const Dag *dag, bool utf8, bool colours)
{
    Drawing drawing = {.dag = dag, .glyphs = utf8 ? &utf8_glyphs : &ascii_glyphs, .colours = colours};
    drawing.out = g_string_new(NULL);
    drawing.prefix = g_string_new(NULL);
    drawing.owner = g_new(uint32_t, MAX(dag->n_tasks, 1));
    drawing.levels = g_array_new(FALSE, FALSE, sizeof(Level));
    g_queue_init(&drawing.postponed);
    for (uint32_t i = 0; i < dag->n_tasks; i++) /* roots are never mentions */
        drawing.owner[i] = dag_upstream(dag, i).n == 0 ? i : NOBODY;
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        if (dag_upstream(dag, i).n == 0)
            draw_tree(&drawing, i);
    while (!g_queue_is_empty(&drawing.postponed))
        draw_tree(&drawing, GPOINTER_TO_UINT(g_queue_pop_head(&drawing.postponed)));
    g_string_free(drawing.prefix, TRUE);
    g_array_unref(drawing.levels);
    g_free(drawing.owner);
    return g_string_free(drawing.out, FALSE);
}
