/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/disk_room.h"

#include "scheduler/model/byte_size.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

/** Where there was no file left to be made, so many must be free again. */
#define FILES_AGAIN 16

typedef struct {
    char *path;
    bool is_short;
} Place;

struct DiskRoom {
    int64_t min_bytes;
    DiskRoomFn look;
    void *user;
    GArray *places; /* Place */
    char *shortage; /* or NULL */
    int64_t least_bytes;
};

static bool look_by_statvfs(const char *path, int64_t *ret_bytes, int64_t *ret_files, void *user)
{
    (void)user;
    struct statvfs fs;
    g_autofree char *at = g_strdup(path);
    while (statvfs(at, &fs) != 0) {
        if (errno != ENOENT || strcmp(at, "/") == 0 || strcmp(at, ".") == 0)
            return false;
        char *above = g_path_get_dirname(at);
        g_free(at);
        at = above;
    }
    if (fs.f_blocks == 0 || fs.f_frsize == 0)
        return false; /* it has no size to tell, as some file systems in user space: that is not a full one */
    *ret_bytes =
        fs.f_bavail > (uint64_t)INT64_MAX / fs.f_frsize ? INT64_MAX : (int64_t)(fs.f_bavail * fs.f_frsize);
    *ret_files = fs.f_files == 0 ? -1 : (int64_t)MIN(fs.f_favail, (uint64_t)INT64_MAX);
    return true;
}

DiskRoom *disk_room_new(int64_t min_bytes, DiskRoomFn look, void *user)
{
    DiskRoom *room = g_new0(DiskRoom, 1);
    room->min_bytes = min_bytes;
    room->look = look != NULL ? look : look_by_statvfs;
    room->user = user;
    room->places = g_array_new(FALSE, FALSE, sizeof(Place));
    room->least_bytes = -1;
    return room;
}

void disk_room_free(DiskRoom *room)
{
    if (room == NULL)
        return;
    for (guint i = 0; i < room->places->len; i++)
        g_free(g_array_index(room->places, Place, i).path);
    g_array_unref(room->places);
    g_free(room->shortage);
    g_free(room);
}

void disk_room_add(DiskRoom *room, const char *path)
{
    Place place = {.path = g_strdup(path)};
    g_array_append_val(room->places, place);
}

/** NULL: there is enough. */
static char *look_at(DiskRoom *room, const Place *place)
{
    int64_t bytes = 0, files = 0;
    if (!room->look(place->path, &bytes, &files, room->user))
        return NULL;
    if (room->least_bytes < 0 || bytes < room->least_bytes)
        room->least_bytes = bytes;
    if (room->min_bytes == 0)
        return NULL;
    int64_t wanted = room->min_bytes + (place->is_short ? room->min_bytes / 10 : 0);
    if (bytes < wanted) {
        g_autofree char *left = byte_size_format(bytes), *want = byte_size_format(room->min_bytes);
        return g_strdup_printf(
            bytes < room->min_bytes
                ? "the disk of %s has %s left, less than scheduler.min_free_disk (%s)"
                : "the disk of %s has %s left, hardly more than scheduler.min_free_disk (%s)",
            place->path, left, want);
    }
    if (files >= 0 && files < (place->is_short ? FILES_AGAIN : 1))
        return g_strdup_printf("the disk of %s has no files (inodes) left", place->path);
    return NULL;
}

bool disk_room_look(DiskRoom *room)
{
    g_clear_pointer(&room->shortage, g_free);
    room->least_bytes = -1;
    for (guint i = 0; i < room->places->len; i++) {
        Place *place = &g_array_index(room->places, Place, i);
        char *shortage = look_at(room, place);
        place->is_short = shortage != NULL;
        if (room->shortage == NULL)
            room->shortage = shortage;
        else
            g_free(shortage);
    }
    return room->shortage == NULL;
}

const char *disk_room_shortage(const DiskRoom *room)
{
    return room->shortage;
}

int64_t disk_room_least_bytes(const DiskRoom *room)
{
    return room->least_bytes;
}
