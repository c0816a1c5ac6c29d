/* SPDX-License-Identifier: MIT */
#include "executors/local/oom_count.h"

#include "scheduler/model/types.h"

#include <string.h>

/* Several tasks may die of one shortage; each of them should be told. */
#define RECENT_US (3 * USEC_PER_SEC)

static char *events_path; /* the cgroup's memory.events; NULL = use /proc/vmstat */
static gint64 last_count;
static int64_t risen_at_us = TIME_NONE;

/** The number behind "oom_kill " at the start of a line; -1 when there is none. */
static gint64 read_count(const char *path)
{
    g_autofree char *text = NULL;
    if (path == NULL || !g_file_get_contents(path, &text, NULL, NULL))
        return -1;
    static const char key[] = "oom_kill ";
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, sizeof key - 1) == 0)
            return g_ascii_strtoll(line + sizeof key - 1, NULL, 10);
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return -1;
}

static gint64 current_count(void)
{
    return read_count(events_path != NULL ? events_path : "/proc/vmstat");
}

/** cgroup v2's line in /proc/self/cgroup is "0::/path". */
static char *find_events_path(void)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
        return NULL;
    const char *line = g_str_has_prefix(text, "0::") ? text : strstr(text, "\n0::");
    if (line == NULL)
        return NULL;
    line = strchr(line, '/');
    if (line == NULL)
        return NULL;
    g_autofree char *group = g_strndup(line, strcspn(line, "\n"));
    g_autofree char *path = g_strdup_printf("/sys/fs/cgroup%s/memory.events", group);
    return read_count(path) >= 0 ? g_steal_pointer(&path) : NULL;
}

void oom_count_begin(void)
{
    events_path = find_events_path();
    last_count = current_count();
}

bool oom_count_has_risen(void)
{
    gint64 count = current_count();
    int64_t now_us = g_get_monotonic_time();
    if (count > last_count && last_count >= 0)
        risen_at_us = now_us;
    last_count = count;
    return risen_at_us != TIME_NONE && now_us - risen_at_us <= RECENT_US;
}
