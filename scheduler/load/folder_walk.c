/* SPDX-License-Identifier: MIT */
#include "scheduler/load/folder_walk.h"

#include "scheduler/load/ignore.h"
#include "scheduler/load/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IGNORE_FILE ".airflowignore"

/** One folder to be looked into, with the rules in force there. */
typedef struct Place Place;
struct Place {
    char *relative; /**< "" for the root */
    guint depth;
    IgnoreRules *rules; /**< its own, or NULL */
    Place *parent;
};

typedef struct {
    const char *root;
    FolderWalk *result;
    GPtrArray *places; /**< Place*, all; those from `next` on are still to be visited */
    guint next;
    GHashTable *visited; /**< "device:inode" of folders */
} Walk;

static void place_free(gpointer data)
{
    Place *place = data;
    g_free(place->relative);
    ignore_rules_free(place->rules);
    g_free(place);
}

static void sighting_free(gpointer data)
{
    Sighting *sighting = data;
    g_free(sighting->relative);
    g_free(sighting);
}

void folder_walk_free(FolderWalk *walk)
{
    if (walk == NULL)
        return;
    g_ptr_array_unref(walk->files);
    g_ptr_array_unref(walk->unreadable);
    g_ptr_array_unref(walk->folders);
    g_free(walk);
}

static gint compare_sightings(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const Sighting *const *)a)->relative, (*(const Sighting *const *)b)->relative);
}

static bool is_dag_file(const char *name)
{
    return g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml");
}

/** The deepest rules that say anything decide. */
static bool is_ignored(const Place *place, const char *relative, bool is_folder)
{
    for (; place != NULL; place = place->parent) {
        if (place->rules == NULL)
            continue;
        size_t n = strlen(place->relative);
        IgnoreVerdict verdict = ignore_rules_match(place->rules, relative + (n == 0 ? 0 : n + 1), is_folder);
        if (verdict != IGNORE_NOT_SAID)
            return verdict == IGNORE_YES;
    }
    return false;
}

static bool enter_once(Walk *walk, const struct stat *status)
{
    return g_hash_table_add(walk->visited,
                            g_strdup_printf("%ju:%ju", (uintmax_t)status->st_dev, (uintmax_t)status->st_ino));
}

static void add_place(Walk *walk, Place *parent, const char *relative)
{
    Place *place = g_new0(Place, 1);
    place->relative = g_strdup(relative);
    place->parent = parent;
    place->depth = parent == NULL ? 0 : parent->depth + 1;
    g_ptr_array_add(walk->places, place);
}

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void add_file(Walk *walk, const char *relative, const struct stat *status)
{
    Sighting *sighting = g_new0(Sighting, 1);
    sighting->relative = g_strdup(relative);
    sighting->signature = (FileSignature){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = (uint64_t)status->st_size,
        .mtime_ns = nanoseconds(&status->st_mtim),
        .ctime_ns = nanoseconds(&status->st_ctim),
    };
    g_ptr_array_add(walk->result->files, sighting);
}

static void look_at(Walk *walk, Place *place, int dir_fd, const char *name)
{
    struct stat status;
    if (name[0] == '.' || !g_utf8_validate(name, -1, NULL) || fstatat(dir_fd, name, &status, 0) != 0)
        return; /* hidden; or gone, or a link to nowhere */
    g_autofree char *relative =
        place->relative[0] == '\0' ? g_strdup(name) : g_strconcat(place->relative, "/", name, NULL);
    if (S_ISREG(status.st_mode) && is_dag_file(name)) {
        if (!is_ignored(place, relative, false))
            add_file(walk, relative, &status);
    } else if (S_ISDIR(status.st_mode) && place->depth < FOLDER_MAX_DEPTH) {
        if (!is_ignored(place, relative, true) && enter_once(walk, &status))
            add_place(walk, place, relative);
    }
}

static void read_rules(Place *place, const char *path)
{
    g_autofree char *file = g_build_filename(path, IGNORE_FILE, NULL);
    size_t n;
    g_autofree char *text = load_read_file(file, &n, NULL);
    if (text != NULL)
        place->rules = ignore_rules_parse(text);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** Looks at all entries in the order of their names; false (errno) if the folder cannot be read. */
static bool visit(Walk *walk, Place *place)
{
    g_autofree char *path = g_build_filename(walk->root, place->relative, NULL);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return false;
    read_rules(place, path);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(dir)) != NULL)
        g_ptr_array_add(names, g_strdup(entry->d_name));
    int number = errno;
    g_ptr_array_sort(names, compare_names); /* of two links to one folder always the same one is entered */
    for (guint i = 0; number == 0 && i < names->len; i++)
        look_at(walk, place, dirfd(dir), g_ptr_array_index(names, i));
    closedir(dir);
    errno = number;
    return number == 0;
}

FolderWalk *folder_walk(const char *path, GError **error)
{
    struct stat status;
    int number = stat(path, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    if (number != 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot read the DAG folder %s: %s", path,
                    g_strerror(number));
        return NULL;
    }
    g_autoptr(FolderWalk) result = g_new0(FolderWalk, 1);
    result->files = g_ptr_array_new_with_free_func(sighting_free);
    result->unreadable = g_ptr_array_new_with_free_func(g_free);
    result->folders = g_ptr_array_new_with_free_func(g_free);
    Walk walk = {
        .root = path,
        .result = result,
        .places = g_ptr_array_new_with_free_func(place_free),
        .visited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    bool root_ok = true;
    enter_once(&walk, &status);
    add_place(&walk, NULL, "");
    while (walk.next < walk.places->len && root_ok) {
        Place *place = g_ptr_array_index(walk.places, walk.next++);
        g_ptr_array_add(result->folders, g_strdup(place->relative));
        if (visit(&walk, place))
            continue;
        if (place->parent != NULL) {
            if (errno != ENOENT)
                g_ptr_array_add(result->unreadable, g_strdup(place->relative));
            continue;
        }
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot read the DAG folder %s: %s", path,
                    g_strerror(errno));
        root_ok = false;
    }
    g_ptr_array_unref(walk.places);
    g_hash_table_unref(walk.visited);
    g_ptr_array_sort(result->files, compare_sightings);
    return root_ok ? g_steal_pointer(&result) : NULL;
}
