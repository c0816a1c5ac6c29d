/* SPDX-License-Identifier: MIT */
/**
 * $WEIR_HOME: the one directory that holds everything. Who owns it, where things are in it.
 *
 * A Home is immutable; all its paths are absolute and belong to it.
 */
#pragma once

#include "scheduler/model/types.h"

typedef enum {
    HOME_READ,   /**< it must exist; root may look into anybody's */
    HOME_WRITE,  /**< it must exist and be ours */
    HOME_CREATE, /**< HOME_WRITE, but it and logs/ are created (0700) when missing */
} HomeMode;

typedef struct {
    char *dir;
    char *db_path;     /**< weir.db */
    char *lock_path;   /**< weir.lock */
    char *socket_path; /**< weir.sock; may be longer than a socket address holds */
    char *config_path; /**< weir.yaml */
    char *dags_dir;    /**< dags */
    char *logs_dir;    /**< logs */
    char *warning;     /**< something the user should know (an untested file system), or NULL */
} Home;

/**
 * Opens `dir`; NULL means $WEIR_HOME, and without that ~/weir. Refuses a directory that others own or may
 * write to, and network file systems, on which SQLite's locks and shared memory do not work. The writing
 * modes set the process's umask to 077.
 */
Home *home_open(const char *dir, HomeMode mode, GError **error);
void home_free(Home *home);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Home, home_free)

/**
 * logs/dag_id=.../run_id=.../task_id=.../attempt=N.log; creates nothing. The ids must be valid ones. The
 * caller frees with g_free.
 */
char *home_attempt_log_path(const Home *home, const char *dag_id, const char *run_id, const char *task_id,
                            int32_t try_number);

typedef enum {
    FILESYSTEM_LOCAL,
    FILESYSTEM_DOUBTFUL, /**< FUSE, 9p: may work; warn */
    FILESYSTEM_NETWORK,  /**< refuse */
} FilesystemKind;

/** Judges a `statfs` f_type; `ret_name` gets a word for the message, NULL for FILESYSTEM_LOCAL. */
FilesystemKind filesystem_kind(int64_t f_type, const char **ret_name);
