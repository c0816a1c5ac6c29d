/* SPDX-License-Identifier: MIT */
/**
 * Whether the disks that tasks and records are written to have room for new ones: `scheduler.min_free_disk`.
 *
 * Too little is less than the watermark for us (not for root), or no file left to be made. Once it was too
 * little, there must be a tenth more before it is enough, so that the answer does not flap. A path that is
 * not there stands for the nearest folder above it; one that cannot be looked at is never short of room.
 */
#pragma once

#include "scheduler/model/types.h"

typedef struct DiskRoom DiskRoom;

/** The room for us on the disk of `path`; files -1: they are not counted there. False: it cannot be said. */
typedef bool (*DiskRoomFn)(const char *path, int64_t *ret_bytes, int64_t *ret_files, void *user);

/** `look` NULL = statvfs(). With a `min_bytes` of 0 there is always room. */
DiskRoom *disk_room_new(int64_t min_bytes, DiskRoomFn look, void *user);
void disk_room_free(DiskRoom *room);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskRoom, disk_room_free)

void disk_room_add(DiskRoom *room, const char *path);
/** Looks at all of them; false: at least one has too little. */
bool disk_room_look(DiskRoom *room);
/** What the last look found: "the disk of /x has 42.3M left, less than ..."; NULL when there is room. */
const char *disk_room_shortage(const DiskRoom *room);
/** Bytes left on the fullest of them at the last look; -1 if that cannot be said. */
int64_t disk_room_least_bytes(const DiskRoom *room);
