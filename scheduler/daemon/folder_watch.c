/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/folder_watch.h"

#include <string.h>
#include <sys/stat.h>

/** A look follows the last change after this long ... */
#define SETTLE_MS 100
/** ... and the first one after this long at the latest, however busy the folder is. */
#define SETTLE_MAX_MS 1000
/** Without any event: the net below inotify. The only thing an idle service wakes up for. */
#define RESCAN_MS (5 * 60 * 1000)
/** The same when not all folders could be watched. */
#define RESCAN_UNWATCHED_MS (30 * 1000)

typedef struct {
    uv_fs_event_t handle;
    FolderWatch *watch; /**< NULL once it is being closed */
    char *path;
    bool is_doubtful; /**< the folder itself has been moved or deleted: what is at its path may be another */
    bool is_wanted;
} Place;

struct FolderWatch {
    uv_loop_t *loop;
    FolderWatchCallbacks callbacks;
    char *root, *root_name;
    GHashTable *places; /**< path -> Place */
    Place *above;       /**< of the folder above root, while root is a link or missing; or NULL */
    uv_timer_t *settle; /**< a look is due when it fires */
    uv_timer_t *rescan;
    uint64_t changed_at; /**< loop time of the first change that waits for a look; 0 = none */
    bool has_warned;
};

/* ---- When to look ---- */

static void on_settled(uv_timer_t *timer)
{
    FolderWatch *watch = timer->data;
    watch->changed_at = 0;
    watch->callbacks.look(watch->callbacks.user);
}

static void on_rescan(uv_timer_t *timer)
{
    FolderWatch *watch = timer->data;
    watch->callbacks.look(watch->callbacks.user);
}

static void note_change(FolderWatch *watch)
{
    uint64_t now = uv_now(watch->loop);
    if (watch->changed_at == 0)
        watch->changed_at = MAX(now, 1);
    uint64_t waited = now - watch->changed_at;
    uint64_t left = waited < SETTLE_MAX_MS ? SETTLE_MAX_MS - waited : 0;
    uv_timer_start(watch->settle, on_settled, MIN(SETTLE_MS, left), 0);
}

void folder_watch_look_later(FolderWatch *watch)
{
    uv_timer_start(watch->settle, on_settled, SETTLE_MAX_MS, 0);
}

static void set_rescan(FolderWatch *watch, uint64_t every_ms)
{
    if (uv_timer_get_repeat(watch->rescan) == every_ms)
        return;
    uv_update_time(watch->loop);
    uv_timer_start(watch->rescan, on_rescan, every_ms, every_ms);
}

/* ---- Which changes matter ---- */

/* Tasks run in the folder of their DAG file by default: what they write there is none of our business. */
static bool matters(const FolderWatch *watch, const Place *place, const char *name)
{
    struct stat status;
    if (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml"))
        return name[0] != '.';
    if (strcmp(name, ".airflowignore") == 0)
        return true;
    g_autofree char *path = g_build_filename(place->path, name, NULL);
    if (lstat(path, &status) != 0) /* gone: it matters if it was a folder */
        return g_hash_table_contains(watch->places, path);
    return S_ISLNK(status.st_mode) || (S_ISDIR(status.st_mode) && name[0] != '.');
}

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    (void)events;
    Place *place = handle->data;
    FolderWatch *watch = place->watch;
    if (watch == NULL)
        return;
    if (place == watch->above) {
        if (status != 0 || name == NULL || strcmp(name, watch->root_name) == 0)
            note_change(watch);
        return;
    }
    /* An event without a name is of the folder itself; libuv then gives the folder's. */
    g_autofree char *own_name = g_path_get_basename(place->path);
    bool is_own = status != 0 || name == NULL || strcmp(name, own_name) == 0;
    place->is_doubtful |= is_own;
    if (is_own || matters(watch, place, name))
        note_change(watch);
}

/* ---- Places ---- */

static void on_place_closed(uv_handle_t *handle)
{
    Place *place = handle->data;
    g_free(place->path);
    g_free(place);
}

static void place_close(gpointer data)
{
    Place *place = data;
    place->watch = NULL;
    uv_close((uv_handle_t *)&place->handle, on_place_closed);
}

static Place *place_open(FolderWatch *watch, const char *path)
{
    Place *place = g_new0(Place, 1);
    place->watch = watch;
    place->path = g_strdup(path);
    place->is_wanted = true;
    uv_fs_event_init(watch->loop, &place->handle);
    place->handle.data = place;
    int failure = uv_fs_event_start(&place->handle, on_event, path, 0);
    if (failure == 0)
        return place;
    if (failure != UV_ENOENT && !watch->has_warned) {
        g_autofree char *message = g_strdup_printf(
            "cannot watch %s: %s%s; changes are found within %d seconds", path, uv_strerror(failure),
            failure == UV_ENOSPC ? " (see fs.inotify.max_user_watches)" : "", RESCAN_UNWATCHED_MS / 1000);
        watch->has_warned = true;
        watch->callbacks.warn(message, watch->callbacks.user);
    }
    place_close(place);
    return NULL;
}

/* The folder that there is, on the way to root: root's coming, or its link's turning, is seen there. */
static void watch_above(FolderWatch *watch)
{
    struct stat status;
    g_clear_pointer(&watch->above, place_close);
    g_clear_pointer(&watch->root_name, g_free);
    bool exists = lstat(watch->root, &status) == 0;
    if (exists && !S_ISLNK(status.st_mode))
        return;
    g_autofree char *path = g_path_get_dirname(watch->root);
    watch->root_name = g_path_get_basename(watch->root);
    while (!g_file_test(path, G_FILE_TEST_IS_DIR) && strcmp(path, "/") != 0) {
        g_free(watch->root_name);
        watch->root_name = g_path_get_basename(path);
        char *parent = g_path_get_dirname(path);
        g_free(path);
        path = parent;
    }
    watch->above = place_open(watch, path);
}

static gboolean is_dropped(gpointer path, gpointer data, gpointer user)
{
    const Place *place = data;
    (void)path, (void)user;
    return !place->is_wanted || place->is_doubtful;
}

void folder_watch_set_folders(FolderWatch *watch, const GPtrArray *relative)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, watch->places);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((Place *)value)->is_wanted = false;
    guint n_opened = 0, n_failed = 0;
    for (guint i = 0; relative != NULL && i < relative->len; i++) {
        g_autofree char *joined = g_build_filename(watch->root, relative->pdata[i], NULL);
        g_autofree char *path = g_canonicalize_filename(joined, "/"); /* without a slash after the root */
        Place *place = g_hash_table_lookup(watch->places, path);
        if (place != NULL && !place->is_doubtful) {
            place->is_wanted = true;
            continue;
        }
        g_hash_table_remove(watch->places, path);
        place = place_open(watch, path);
        if (place != NULL)
            g_hash_table_insert(watch->places, place->path, place);
        n_opened += place != NULL;
        n_failed += place == NULL;
    }
    g_hash_table_foreach_remove(watch->places, is_dropped, NULL);
    watch_above(watch);
    set_rescan(watch, n_failed > 0 || relative == NULL ? RESCAN_UNWATCHED_MS : RESCAN_MS);
    if (n_opened > 0)
        note_change(watch);
}

/* ---- Open, close ---- */

static uv_timer_t *timer_new(FolderWatch *watch)
{
    uv_timer_t *timer = g_new0(uv_timer_t, 1);
    uv_timer_init(watch->loop, timer);
    timer->data = watch;
    return timer;
}

FolderWatch *folder_watch_new(uv_loop_t *loop, const char *root, const FolderWatchCallbacks *callbacks)
{
    FolderWatch *watch = g_new0(FolderWatch, 1);
    watch->loop = loop;
    watch->callbacks = *callbacks;
    watch->root = g_canonicalize_filename(root, NULL);
    watch->places = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, place_close);
    watch->settle = timer_new(watch);
    watch->rescan = timer_new(watch);
    return watch;
}

static void on_timer_closed(uv_handle_t *handle)
{
    g_free(handle);
}

void folder_watch_free(FolderWatch *watch)
{
    if (watch == NULL)
        return;
    g_hash_table_unref(watch->places);
    g_clear_pointer(&watch->above, place_close);
    uv_close((uv_handle_t *)watch->settle, on_timer_closed);
    uv_close((uv_handle_t *)watch->rescan, on_timer_closed);
    g_free(watch->root);
    g_free(watch->root_name);
    g_free(watch);
}
