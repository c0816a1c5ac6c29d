/* SPDX-License-Identifier: MIT */
/**
 * A runner's folder, `$WEIR_HOME/runners/<id>/` (0700):
 *
 *   lock   flock()ed by the runner for as long as it lives: made by the controller, inherited as fd 3
 *   sock   its listening socket: made by the controller, inherited as fd 4, so that there is nothing to wait
 * for meta   JSON: which database it works for, which build of weir it is slots  the attempts (slot_file.h);
 * made by the runner log    its own stdout and stderr; normally empty
 *
 * `runners/boot` holds the id of the boot in which attempts were last started from this home.
 */
#pragma once

#include "executors/local/proc_identity.h"
#include "scheduler/model/types.h"

enum { RUNNER_LOCK_FD = 3, RUNNER_LISTEN_FD = 4 };

#define RUNNER_VERB        "__runner"
#define RUNNER_LOCK_FILE   "lock"
#define RUNNER_SOCKET_FILE "sock"
#define RUNNER_META_FILE   "meta"
#define RUNNER_SLOT_FILE   "slots"
#define RUNNER_LOG_FILE    "log"

/** Which build a runner was started from; all zero = not known. */
typedef struct {
    uint64_t device, inode;
    int64_t modified_ns;
} ExeIdentity;

typedef struct {
    char instance[65];
    ExeIdentity exe;
    uint64_t device, inode; /* of the folder itself: a copy of it is not it */
} RunnerMeta;

bool instance_id_is_valid(const char *instance);
ExeIdentity exe_identity_read(const char *path);
bool exe_identity_equal(const ExeIdentity *a, const ExeIdentity *b);

/** The folder of all runners of a home, made when missing; NULL and `error` otherwise. g_free() it. */
char *runners_dir_open(const char *home, GError **error);

/** What runner_dir_create() leaves open: to be passed on to the runner, then closed. */
typedef struct {
    int lock_fd, listen_fd, log_fd;
} RunnerDirFds;

/** A new folder with all but the slots, its lock held by fds->lock_fd. The path (g_free() it), or NULL. */
char *runner_dir_create(const char *runners_dir, const RunnerMeta *meta, RunnerDirFds *fds, GError **error);

/** False when it can not be read or is not what runner_dir_create() writes. */
bool runner_meta_read(const char *dir, RunnerMeta *out);
/** False for a copied folder: its records are true, but its processes are the original's. */
bool runner_dir_is_original(const char *dir);

/** Whether the runner of `dir` is dead: then the fd that now holds its lock; -EBUSY: it lives. */
int runner_dir_try_lock(const char *dir);

/** The process that has the lock file of `dir` as its fd 3: proof that it is this runner. False when none
 * has. */
bool runner_dir_find_holder(const char *dir, ProcIdentity *out);

/**
 * Makes durable what leads to the slots: without `meta` a folder counts as one that was never finished. 0 or
 * a negative errno.
 */
int runner_dir_sync(const char *dir);

/** Removes the folder and everything in it. */
void runner_dir_remove(const char *dir);

/** Reads runners/boot; false when there is none. */
bool runners_boot_read(const char *runners_dir, BootId *out);
/** Writes it durably. */
bool runners_boot_write(const char *runners_dir, const BootId *boot, GError **error);
