/* SPDX-License-Identifier: MIT */
#include "executors/local/leftovers.h"

#include "executors/local/proc_table.h"
#include "executors/local/task_log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CHECK_AFTER_MS = 20 };

typedef struct {
    pid_t leader;
    char *cookie;
    char *log_path;
    GString *found; /* "12 (sleep), 13 (cat)" */
    unsigned count;
} Ended;

struct Leftovers {
    uv_timer_t timer;
    GHashTable *tasks;   /* not ours */
    GHashTable *orphans; /* pid -> cookie ("" = none): children that are no tasks */
    GPtrArray *ended;    /* of Ended: to be looked at */
    bool closing;
};

static void ended_free(gpointer data)
{
    Ended *ended = data;
    g_free(ended->cookie);
    g_free(ended->log_path);
    g_string_free(ended->found, TRUE);
    g_free(ended);
}

/** "(sleep)", or "" when it can not be read. */
static char *read_name(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return g_strdup("");
    g_strchomp(text);
    return g_strdup_printf(" (%s)", text);
}

static void match(Leftovers *l, pid_t pid, const char *cookie)
{
    ProcStat stat;
    if (!proc_stat_read(pid, &stat) || stat.state == 'Z')
        return;
    for (guint i = 0; i < l->ended->len; i++) {
        Ended *ended = g_ptr_array_index(l->ended, i);
        if (strcmp(ended->cookie, cookie) != 0 && stat.session != ended->leader)
            continue;
        g_autofree char *name = read_name(pid);
        g_string_append_printf(ended->found, "%s%d%s", ended->count > 0 ? ", " : "", (int)pid, name);
        ended->count++;
        return;
    }
}

static void look(Leftovers *l)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
    g_autofree char *text = NULL;
    if (l->ended->len == 0)
        return;
    if (g_file_get_contents(path, &text, NULL, NULL)) {
        for (char *at = text, *end; *at != '\0'; at = end) {
            pid_t pid = (pid_t)g_ascii_strtoll(at, &end, 10);
            if (end == at || pid <= 0)
                break;
            if (g_hash_table_contains(l->tasks, GINT_TO_POINTER(pid)))
                continue;
            const char *cookie = g_hash_table_lookup(l->orphans, GINT_TO_POINTER(pid));
            if (cookie == NULL) {
                char *read = proc_cookie_read(pid);
                cookie = read != NULL ? read : g_strdup("");
                g_hash_table_insert(l->orphans, GINT_TO_POINTER(pid), (gpointer)cookie);
            }
            match(l, pid, cookie);
        }
    }
    for (guint i = 0; i < l->ended->len; i++) {
        const Ended *ended = g_ptr_array_index(l->ended, i);
        if (ended->count == 0)
            continue;
        g_autofree char *note =
            g_strdup_printf("The task has ended; %u of its processes still run%s and are left alone: %s",
                            ended->count, ended->count == 1 ? "s" : "", ended->found->str);
        task_log_append(ended->log_path, note);
    }
    g_ptr_array_set_size(l->ended, 0);
}

static void on_timer(uv_timer_t *timer)
{
    look(timer->data);
}

Leftovers *leftovers_new(uv_loop_t *loop, GHashTable *tasks)
{
    Leftovers *l = g_new0(Leftovers, 1);
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    l->tasks = tasks;
    l->orphans = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    l->ended = g_ptr_array_new_with_free_func(ended_free);
    return l;
}

static void on_closed(uv_handle_t *handle)
{
    Leftovers *l = handle->data;
    g_hash_table_unref(l->orphans);
    g_ptr_array_unref(l->ended);
    g_free(l);
}

void leftovers_close(Leftovers *l)
{
    if (l == NULL || l->closing)
        return;
    look(l);
    l->closing = true;
    uv_close((uv_handle_t *)&l->timer, on_closed);
}

void leftovers_check(Leftovers *l, pid_t leader, const char *cookie, const char *log_path)
{
    Ended *ended = g_new0(Ended, 1);
    ended->leader = leader;
    ended->cookie = g_strdup(cookie);
    ended->log_path = g_strdup(log_path);
    ended->found = g_string_new(NULL);
    g_ptr_array_add(l->ended, ended);
    /* Somebody is left in its group: the note is written before the end is reported. */
    if (kill(-leader, 0) == 0 || errno == EPERM)
        look(l);
    else if (!uv_is_active((uv_handle_t *)&l->timer))
        uv_timer_start(&l->timer, on_timer, CHECK_AFTER_MS, 0);
}

void leftovers_forget(Leftovers *l, pid_t pid)
{
    g_hash_table_remove(l->orphans, GINT_TO_POINTER(pid));
}
