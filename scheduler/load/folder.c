/* SPDX-License-Identifier: MIT */
#include "scheduler/load/folder.h"

#include "scheduler/time/zone.h"

#include <string.h>

#define NSEC_PER_SEC INT64_C(1000000000)
/** A file written so shortly before it was read may be written again without a new mtime (as git's "racy"
 * files). */
#define RACY_NS (2 * NSEC_PER_SEC)

struct DagFolder {
    char *path, *default_timezone;
    GHashTable *by_path; /**< relative -> DagFile*, owned */
    GHashTable *by_id;   /**< dag_id -> DagFile* that has it */
    GHashTable *owners;  /**< dag_id -> path, as told; empty after the first scan */
    GPtrArray *files;    /**< sorted by path */
    GPtrArray *folders;  /**< char*: relative, as of the last scan */
    GHashTable *zones;   /**< name -> Zone*: GLib reads a zone's data again once nobody holds it */
    uint64_t generation, claims;
};

static void conflict_free(LoadError *conflict)
{
    if (conflict == NULL)
        return;
    g_free(conflict->message);
    g_free(conflict->suggestion);
    g_free(conflict);
}

static void dag_file_free(gpointer data)
{
    DagFile *file = data;
    g_free(file->path);
    g_free(file->relative);
    g_free(file->dag_id);
    load_result_free(file->result);
    conflict_free(file->conflict);
    g_free(file);
}

DagFolder *dag_folder_new(const char *path, const char *default_timezone)
{
    DagFolder *folder = g_new0(DagFolder, 1);
    folder->path = g_canonicalize_filename(path, NULL);
    folder->default_timezone = g_strdup(default_timezone);
    folder->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, dag_file_free);
    folder->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    folder->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    folder->zones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)zone_unref);
    folder->files = g_ptr_array_new();
    folder->folders = g_ptr_array_new_with_free_func(g_free);
    return folder;
}

void dag_folder_free(DagFolder *folder)
{
    if (folder == NULL)
        return;
    g_ptr_array_unref(folder->files);
    g_ptr_array_unref(folder->folders);
    g_hash_table_unref(folder->by_id);
    g_hash_table_unref(folder->owners);
    g_hash_table_unref(folder->zones);
    g_hash_table_unref(folder->by_path);
    g_free(folder->path);
    g_free(folder->default_timezone);
    g_free(folder);
}

void folder_changes_free(FolderChanges *changes)
{
    if (changes == NULL)
        return;
    g_ptr_array_unref(changes->changed);
    g_ptr_array_unref(changes->removed);
    g_free(changes);
}

/* ---- one file ---------------------------------------------------------------------------------------------
 */

static DagFile *find_or_add(DagFolder *folder, const char *relative)
{
    DagFile *file = g_hash_table_lookup(folder->by_path, relative);
    if (file != NULL)
        return file;
    file = g_new0(DagFile, 1);
    file->relative = g_strdup(relative);
    file->path = g_build_filename(folder->path, relative, NULL);
    g_hash_table_insert(folder->by_path, file->relative, file);
    return file;
}

static bool same_signature(const FileSignature *a, const FileSignature *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static void hold_zone(DagFolder *folder, const Dag *dag)
{
    const char *name = dag == NULL ? NULL : dag->schedule.timezone;
    if (name == NULL || g_hash_table_contains(folder->zones, name))
        return;
    Zone *zone = zone_open(name, NULL);
    if (zone != NULL)
        g_hash_table_insert(folder->zones, g_strdup(name), zone);
}

void dag_folder_set_owner(DagFolder *folder, const char *dag_id, const char *path)
{
    g_assert(folder->generation == 0);
    g_hash_table_replace(folder->owners, g_strdup(dag_id), g_strdup(path));
}

static bool was_owner(const DagFolder *folder, const DagFile *file)
{
    return g_strcmp0(g_hash_table_lookup(folder->owners, file->dag_id), file->path) == 0;
}

/** Takes a new result; the id stays known while the text is too broken to say one. */
static void set_result(DagFolder *folder, DagFile *file, LoadResult *result)
{
    load_result_free(file->result);
    file->result = result;
    hold_zone(folder, result->dag);
    file->changed = true;
    if (result->dag_id != NULL && g_strcmp0(result->dag_id, file->dag_id) != 0) {
        g_free(file->dag_id);
        file->dag_id = g_strdup(result->dag_id);
        file->claim = was_owner(folder, file) ? 0 : ++folder->claims;
    }
}

/** Reads the file again if it may have changed; true if it was parsed. */
static bool refresh(DagFolder *folder, DagFile *file, const FileSignature *signature)
{
    bool racy =
        signature->mtime_ns > file->read_at_ns - RACY_NS || signature->ctime_ns > file->read_at_ns - RACY_NS;
    file->generation = folder->generation;
    if (file->result != NULL && same_signature(&file->signature, signature) && !racy)
        return false;
    file->signature = *signature;
    file->read_at_ns = g_get_real_time() * 1000;
    g_autoptr(GError) error = NULL;
    size_t n_text;
    g_autofree char *text = load_read_file(file->path, &n_text, &error);
    if (text == NULL) {
        const LoadOrigin origin = {.path = file->path};
        set_result(folder, file, load_result_unreadable(&origin, error));
        return false;
    }
    g_autofree char *parent = g_path_get_dirname(file->path);
    g_autofree char *hash = load_content_hash(text, n_text, parent);
    if (file->result != NULL && g_strcmp0(hash, file->result->content_hash) == 0)
        return false;
    const LoadOrigin origin = {.path = file->path, .default_timezone = folder->default_timezone};
    set_result(folder, file, load_dag_text(text, n_text, &origin));
    return true;
}

/* ---- one scan ---------------------------------------------------------------------------------------------
 */

static bool is_inside(const char *relative, const char *subfolder)
{
    size_t n = strlen(subfolder);
    return strncmp(relative, subfolder, n) == 0 && relative[n] == '/';
}

/** A subfolder that cannot be read: an entry of its own, and the files inside count as seen. */
static void keep_unreadable(DagFolder *folder, const char *subfolder)
{
    DagFile *entry = find_or_add(folder, subfolder);
    entry->generation = folder->generation;
    if (entry->result == NULL) {
        const LoadOrigin origin = {.path = entry->path};
        g_autoptr(GError) error = g_error_new(
            WEIR_ERROR, WEIR_ERROR_IO, "cannot read this folder; its DAGs stay as they were last seen");
        set_result(folder, entry, load_result_unreadable(&origin, error));
    }
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, folder->by_path);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        DagFile *file = value;
        if (is_inside(file->relative, subfolder))
            file->generation = folder->generation;
    }
}

static gint compare_files(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const DagFile *const *)a)->relative, (*(const DagFile *const *)b)->relative);
}

/** Moves files that this scan did not see to `removed`, and lists the others. */
static void sweep(DagFolder *folder, GPtrArray *removed)
{
    GHashTableIter iter;
    gpointer value;
    g_ptr_array_set_size(folder->files, 0);
    g_hash_table_iter_init(&iter, folder->by_path);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        DagFile *file = value;
        if (file->generation == folder->generation) {
            g_ptr_array_add(folder->files, file);
        } else {
            g_hash_table_iter_steal(&iter);
            g_ptr_array_add(removed, file);
        }
    }
    g_ptr_array_sort(folder->files, compare_files);
    g_ptr_array_sort(removed, compare_files);
}

static void set_conflict(DagFile *file, const DagFile *owner)
{
    LoadError *conflict = NULL;
    if (owner != file && owner != NULL) {
        conflict = g_new0(LoadError, 1);
        conflict->file = file->path;
        conflict->line = file->result->dag_id_position.line;
        conflict->column = file->result->dag_id_position.column;
        conflict->message =
            g_strdup_printf("the dag_id \"%s\" belongs to %s already", file->dag_id, owner->relative);
    }
    const char *before = file->conflict == NULL ? NULL : file->conflict->message;
    if (g_strcmp0(before, conflict == NULL ? NULL : conflict->message) != 0)
        file->changed = true;
    conflict_free(file->conflict);
    file->conflict = conflict;
    file->dag = conflict == NULL ? file->result->dag : NULL;
}

/** Gives each dag_id to the file that has had it the longest. */
static void settle_claims(DagFolder *folder)
{
    g_hash_table_remove_all(folder->by_id);
    for (guint i = 0; i < folder->files->len; i++) {
        DagFile *file = g_ptr_array_index(folder->files, i);
        const DagFile *owner = file->dag_id == NULL ? NULL : g_hash_table_lookup(folder->by_id, file->dag_id);
        if (file->dag_id != NULL && (owner == NULL || file->claim < owner->claim))
            g_hash_table_replace(folder->by_id, file->dag_id, file);
    }
    for (guint i = 0; i < folder->files->len; i++) {
        DagFile *file = g_ptr_array_index(folder->files, i);
        set_conflict(file, file->dag_id == NULL ? NULL : g_hash_table_lookup(folder->by_id, file->dag_id));
    }
}

FolderChanges *dag_folder_scan(DagFolder *folder, GError **error)
{
    g_autoptr(FolderWalk) walk = folder_walk(folder->path, error);
    if (walk == NULL)
        return NULL;
    FolderChanges *changes = g_new0(FolderChanges, 1);
    changes->changed = g_ptr_array_new();
    changes->removed = g_ptr_array_new_with_free_func(dag_file_free);
    folder->generation++;
    g_ptr_array_unref(folder->folders);
    folder->folders = g_ptr_array_ref(walk->folders);
    for (guint i = 0; i < folder->files->len; i++)
        ((DagFile *)g_ptr_array_index(folder->files, i))->changed = false;
    for (guint i = 0; i < walk->files->len; i++) {
        const Sighting *sighting = g_ptr_array_index(walk->files, i);
        changes->n_parsed += refresh(folder, find_or_add(folder, sighting->relative), &sighting->signature);
    }
    for (guint i = 0; i < walk->unreadable->len; i++)
        keep_unreadable(folder, g_ptr_array_index(walk->unreadable, i));
    sweep(folder, changes->removed);
    settle_claims(folder);
    g_hash_table_remove_all(folder->owners);
    for (guint i = 0; i < folder->files->len; i++) {
        DagFile *file = g_ptr_array_index(folder->files, i);
        if (file->changed)
            g_ptr_array_add(changes->changed, file);
    }
    return changes;
}

/* ---- questions --------------------------------------------------------------------------------------------
 */

const char *dag_folder_path(const DagFolder *folder)
{
    return folder->path;
}

const GPtrArray *dag_folder_folders(const DagFolder *folder)
{
    return folder->folders;
}

const GPtrArray *dag_folder_files(const DagFolder *folder)
{
    return folder->files;
}

const DagFile *dag_folder_find(const DagFolder *folder, const char *dag_id)
{
    return g_hash_table_lookup(folder->by_id, dag_id);
}

const DagFile *dag_folder_find_path(const DagFolder *folder, const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, folder->path);
    size_t n = strlen(folder->path);
    if (strncmp(absolute, folder->path, n) != 0 || absolute[n] != '/')
        return NULL;
    return g_hash_table_lookup(folder->by_path, absolute + n + 1);
}

char *dag_file_error_text(const DagFile *file)
{
    if (file->result->errors->items->len > 0)
        return load_error_list_format(file->result->errors, "error");
    return file->conflict == NULL ? NULL : load_error_format(file->conflict, "error");
}
