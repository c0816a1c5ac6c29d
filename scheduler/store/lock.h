/* SPDX-License-Identifier: MIT */
/**
 * The lock that makes one process the writer: flock on $WEIR_HOME/weir.lock, and on $WEIR_HOME for when that
 * is deleted.
 *
 * The kernel drops it when the holder dies, however it dies. Inside the file stands who holds it, for
 * messages only. The file is never unlinked. The descriptor is O_CLOEXEC: no task inherits the lock.
 */
#pragma once

#include "scheduler/model/types.h"

typedef struct StoreLock StoreLock;

typedef struct {
    int64_t pid;      /**< 0 = not known */
    char *verb;       /**< "scheduler", "run my_dag", ... */
    int64_t since_us; /**< when it took the lock */
} LockHolder;

void lock_holder_free(LockHolder *holder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LockHolder, lock_holder_free)

/** Takes the lock or fails at once: WEIR_ERROR_BUSY names the holder. `verb` is what this process is. */
StoreLock *store_lock_try(const char *path, const char *verb, GError **error);

/** Waits up to `timeout_us` for it (0 = one try, negative = for ever); then WEIR_ERROR_BUSY. */
StoreLock *store_lock_wait(const char *path, const char *verb, int64_t timeout_us, GError **error);

/** Who holds it now; NULL without an error when nobody does. */
LockHolder *store_lock_holder(const char *path, GError **error);

/** Lets go and frees; NULL is allowed. */
void store_lock_release(StoreLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreLock, store_lock_release)
