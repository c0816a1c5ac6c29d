/* SPDX-License-Identifier: MIT */
#include "executors/local/proc_table.h"

#include "executors/local/environment.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ENVIRON = 4 * 1024 * 1024, NOBODY = -1 };

typedef struct {
    ProcStat stat;
    int owner; /* index of its tree, or NOBODY */
    bool by_cookie;
} Entry;

struct ProcTable {
    GArray *entries;    /* of Entry */
    GHashTable *by_pid; /* pid -> index + 1 */
};

ProcTable *proc_table_read(void)
{
    ProcTable *table = g_new0(ProcTable, 1);
    table->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    table->by_pid = g_hash_table_new(NULL, NULL);
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return table;
    for (struct dirent *dirent; (dirent = readdir(proc)) != NULL;) {
        Entry entry = {.owner = NOBODY};
        if (!g_ascii_isdigit(dirent->d_name[0]) ||
            !proc_stat_read((pid_t)g_ascii_strtoll(dirent->d_name, NULL, 10), &entry.stat))
            continue;
        g_array_append_val(table->entries, entry);
        g_hash_table_insert(table->by_pid, GINT_TO_POINTER(entry.stat.pid),
                            GUINT_TO_POINTER(table->entries->len));
    }
    closedir(proc);
    return table;
}

void proc_table_free(ProcTable *table)
{
    if (table == NULL)
        return;
    g_array_unref(table->entries);
    g_hash_table_unref(table->by_pid);
    g_free(table);
}

static Entry *entry_at(ProcTable *table, guint i)
{
    return &g_array_index(table->entries, Entry, i);
}

static Entry *entry_of(ProcTable *table, pid_t pid)
{
    guint i = GPOINTER_TO_UINT(g_hash_table_lookup(table->by_pid, GINT_TO_POINTER(pid)));
    return i > 0 ? entry_at(table, i - 1) : NULL;
}

char *proc_cookie_read(pid_t pid)
{
    char path[64];
    g_snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    g_autoptr(GByteArray) text = g_byte_array_new();
    uint8_t chunk[8192];
    for (ssize_t n; text->len < MAX_ENVIRON && (n = read(fd, chunk, sizeof chunk)) > 0;)
        g_byte_array_append(text, chunk, (guint)n);
    close(fd);
    g_byte_array_append(text, (const uint8_t *)"", 1);

    static const char prefix[] = ATTEMPT_COOKIE_NAME "=";
    for (guint at = 0; at < text->len; at += (guint)strlen((char *)text->data + at) + 1)
        if (strncmp((char *)text->data + at, prefix, sizeof prefix - 1) == 0)
            return g_strdup((char *)text->data + at);
    return NULL;
}

typedef struct {
    ProcTable *table;
    ProcTree *const *trees;
    size_t count;
    pid_t reaper;
    GHashTable *by_leader; /* pid -> index + 1 */
    GHashTable *by_cookie; /* text -> index + 1 */
} Assignment;

static bool may_be_member(const Assignment *a, const Entry *entry)
{
    return entry->stat.pid > 1 && entry->stat.pid != a->reaper && entry->stat.pid != getpid();
}

/** Owners that need no neighbour: leaders, those seen before, those with a cookie. */
static void assign_directly(Assignment *a)
{
    uint64_t earliest = UINT64_MAX;
    for (size_t i = 0; i < a->count; i++) {
        const ProcTree *tree = a->trees[i];
        earliest = MIN(earliest, tree->leader.pid > 0 ? tree->leader.start_time : 0);
        for (guint m = 0; m < tree->members->len; m++) {
            const ProcIdentity *known = &g_array_index(tree->members, ProcIdentity, m);
            Entry *entry = entry_of(a->table, known->pid);
            if (entry != NULL && proc_identity_matches(known, &entry->stat))
                entry->owner = (int)i;
        }
        Entry *leader = tree->leader.pid > 0 ? entry_of(a->table, tree->leader.pid) : NULL;
        if (leader != NULL && proc_identity_matches(&tree->leader, &leader->stat))
            leader->owner = (int)i;
    }
    for (guint i = 0; i < a->table->entries->len; i++) {
        Entry *entry = entry_at(a->table, i);
        /* What started before the first leader did is nobody's descendant: the costly reading is saved. */
        if (entry->owner != NOBODY || entry->stat.start_time < earliest || entry->stat.state == 'Z' ||
            !may_be_member(a, entry))
            continue;
        g_autofree char *cookie = proc_cookie_read(entry->stat.pid);
        guint found = cookie != NULL ? GPOINTER_TO_UINT(g_hash_table_lookup(a->by_cookie, cookie)) : 0;
        if (found > 0) {
            entry->owner = (int)found - 1;
            entry->by_cookie = true;
        }
    }
}

static bool descends_from_reaper(const Assignment *a, const Entry *entry)
{
    if (a->reaper == 0)
        return false;
    for (int depth = 0; entry != NULL && depth < 4096; depth++) {
        if (entry->stat.parent == a->reaper)
            return true;
        entry = entry->stat.parent > 1 ? entry_of(a->table, entry->stat.parent) : NULL;
    }
    return false;
}

/**
 * Whether the session number of `entry` means tree i: the leader is there (it pins the number), or somebody
 * in the session proves to be ours. A number that a stranger could have taken over proves nothing.
 */
static bool session_is_ours(const Assignment *a, const Entry *entry, int i)
{
    const ProcTree *tree = a->trees[i];
    Entry *leader = entry_of(a->table, tree->leader.pid);
    if (leader != NULL)
        return proc_identity_matches(&tree->leader, &leader->stat);
    if (descends_from_reaper(a, entry))
        return true;
    for (guint m = 0; m < a->table->entries->len; m++) {
        const Entry *other = entry_at(a->table, m);
        if (other->by_cookie && other->owner == i && other->stat.session == tree->leader.pid)
            return true;
    }
    return false;
}

/** One round over those without owner; true when somebody got one. */
static bool assign_by_neighbours(Assignment *a)
{
    bool changed = false;
    for (guint i = 0; i < a->table->entries->len; i++) {
        Entry *entry = entry_at(a->table, i);
        if (entry->owner != NOBODY || !may_be_member(a, entry))
            continue;
        guint session =
            GPOINTER_TO_UINT(g_hash_table_lookup(a->by_leader, GINT_TO_POINTER(entry->stat.session)));
        const Entry *parent = entry->stat.parent > 1 ? entry_of(a->table, entry->stat.parent) : NULL;
        if (session > 0 && session_is_ours(a, entry, (int)session - 1))
            entry->owner = (int)session - 1;
        else if (parent != NULL && parent->owner != NOBODY)
            entry->owner = parent->owner;
        changed |= entry->owner != NOBODY;
    }
    return changed;
}

void proc_table_assign(ProcTable *table, ProcTree *const *trees, size_t count, pid_t reaper)
{
    Assignment a = {.table = table, .trees = trees, .count = count, .reaper = reaper};
    a.by_leader = g_hash_table_new(NULL, NULL);
    a.by_cookie = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < count; i++) {
        if (trees[i]->leader.pid > 0)
            g_hash_table_insert(a.by_leader, GINT_TO_POINTER(trees[i]->leader.pid), GSIZE_TO_POINTER(i + 1));
        g_hash_table_insert(a.by_cookie, (gpointer)trees[i]->cookie, GSIZE_TO_POINTER(i + 1));
    }
    assign_directly(&a);
    while (assign_by_neighbours(&a))
        continue;

    for (size_t i = 0; i < count; i++)
        g_array_set_size(trees[i]->members, 0);
    for (guint i = 0; i < table->entries->len; i++) {
        const Entry *entry = entry_at(table, i);
        if (entry->owner == NOBODY || entry->stat.state == 'Z' || entry->stat.state == 'X')
            continue;
        ProcIdentity id = {
            .pid = entry->stat.pid, .start_time = entry->stat.start_time, .boot = *boot_id_current()};
        g_array_append_val(trees[entry->owner]->members, id);
    }
    g_hash_table_unref(a.by_leader);
    g_hash_table_unref(a.by_cookie);
}
