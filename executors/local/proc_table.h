/* SPDX-License-Identifier: MIT */
/**
 * A snapshot of all processes, and which of them belong to which attempt.
 *
 * A process belongs to an attempt if it is the attempt's leader, carries its cookie, was seen to belong to it
 * before, descends from one that does, or is in the leader's session while that number can only mean ours.
 */
#pragma once

#include "executors/local/proc_identity.h"

#include <glib.h>

/** An attempt's tree. */
typedef struct {
    ProcIdentity leader; /* leads its own session and group; pid 0 = not known */
    const char *cookie;  /* "WEIR_ATTEMPT=..." */
    GArray *members; /* of ProcIdentity: those that live, the leader too; replaced by proc_table_assign() */
} ProcTree;

typedef struct ProcTable ProcTable;

/** The cookie in the environment a process was executed with; NULL when it has none. g_free() it. */
char *proc_cookie_read(pid_t pid);

/** Reads /proc. Never NULL. */
ProcTable *proc_table_read(void);
void proc_table_free(ProcTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProcTable, proc_table_free)

/**
 * Fills trees[i]->members anew. `reaper` (0 = none) is a process whose orphaned descendants are all of these
 * attempts; it, and this process, are never members.
 */
void proc_table_assign(ProcTable *table, ProcTree *const *trees, size_t count, pid_t reaper);
