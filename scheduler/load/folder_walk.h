/* SPDX-License-Identifier: MIT */
/** Private to the loader: which DAG files a folder has, without reading them. */
#pragma once

#include <glib.h>

#include <stdint.h>

#define FOLDER_MAX_DEPTH 64

/** What tells that a file is as it was. */
typedef struct {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
} FileSignature;

typedef struct {
    char *relative; /**< to the folder that was walked */
    FileSignature signature;
} Sighting;

typedef struct {
    GPtrArray *files; /**< Sighting*, sorted by path */
    GPtrArray
        *unreadable; /**< char*: relative paths of folders inside that could not be read, with the reason */
    GPtrArray *folders; /**< char*: relative paths of all folders looked into, "" for the root first */
} FolderWalk;

/** NULL with an error if the folder itself cannot be read. */
FolderWalk *folder_walk(const char *path, GError **error);
void folder_walk_free(FolderWalk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FolderWalk, folder_walk_free)
