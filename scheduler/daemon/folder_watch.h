/* SPDX-License-Identifier: MIT */
/**
 * Watches the DAG folder with inotify and says when to look at it again: a moment after the last change, so
 * that a file that is being written, or a whole checkout, is one change. What inotify does not see (files
 * behind links, network file systems, lost events) is found by a look every few minutes.
 *
 * It knows nothing of DAGs: whoever looks tells it which folders there are.
 */
#pragma once

#include "scheduler/model/types.h"

#include <uv.h>

typedef struct FolderWatch FolderWatch;

typedef struct {
    void (*look)(void *user);                      /**< it is time to look */
    void (*warn)(const char *message, void *user); /**< something cannot be watched */
    void *user;
} FolderWatchCallbacks;

FolderWatch *folder_watch_new(uv_loop_t *loop, const char *root, const FolderWatchCallbacks *callbacks);
/** Closes its handles; their memory goes when the loop has closed them. Accepts NULL. */
void folder_watch_free(FolderWatch *watch);
/**
 * The folders inside root that there are now (char*, relative, "" for the root itself); NULL if the root
 * cannot be read: then its coming is watched for. What is watched newly is looked at once more, since
 * something may have changed before the watch began.
 */
void folder_watch_set_folders(FolderWatch *watch, const GPtrArray *relative);
/** A look in a second: the last one could not be finished. */
void folder_watch_look_later(FolderWatch *watch);
