/* SPDX-License-Identifier: MIT */
/**
 * Ending whole trees of processes: SIGTERM, a grace period, SIGKILL, until nothing of them is left.
 *
 * One KillTree per loop works on all trees that are being ended there, so that a thousand cancels cost a few
 * looks at /proc and not a thousand. The group and what has left the group get the SIGTERM alike; after the
 * grace period everything that is left gets SIGKILL, again and again, for KILL_TREE_BOUND_US at most.
 */
#pragma once

#include "executors/local/proc_table.h"
#include "scheduler/model/types.h"

#include <uv.h>

#define KILL_TREE_BOUND_US (10 * USEC_PER_SEC)

typedef struct KillTree KillTree;
typedef struct KillJob KillJob;

/** `survivors` processes could not be ended (0 normally). The job is gone after this. */
typedef void (*KillDoneFn)(unsigned survivors, void *user);

/** `reaper` as in proc_table_assign(). */
KillTree *kill_tree_new(uv_loop_t *loop, pid_t reaper);
/** Drops the jobs without a callback. The memory goes when the loop has closed the timer. NULL is fine. */
void kill_tree_close(KillTree *kt);

/** Begins to end a tree; `done` is called from the loop, never from in here. The cookie is copied. */
KillJob *kill_tree_end(KillTree *kt, const ProcIdentity *leader, const char *cookie, int64_t grace_us,
                       KillDoneFn done, void *user);

/** Something has ended: look again soon. */
void kill_tree_poke(KillTree *kt);

/** Whether anything of each tree lives, right now and without ending it: fills trees[i]->members. */
void kill_tree_look(ProcTree *const *trees, size_t count, pid_t reaper);
