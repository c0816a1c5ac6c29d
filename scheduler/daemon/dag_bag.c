/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/dag_bag_internal.h"
#include "scheduler/daemon/dag_owners.h"
#include "scheduler/daemon/janitor.h"

#include <string.h>

static void stored_dag_free(gpointer data)
{
    StoredDag *stored = data;
    g_free(stored->content_hash);
    g_free(stored->fileloc);
    g_free(stored);
}

DagBag *dag_bag_new(const char *folder, const char *default_timezone)
{
    DagBag *bag = g_new0(DagBag, 1);
    bag->folder = dag_folder_new(folder, default_timezone);
    bag->default_timezone = g_strdup(default_timezone);
    bag->versions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)dag_unref);
    bag->stored = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stored_dag_free);
    return bag;
}

void dag_bag_free(DagBag *bag)
{
    if (bag == NULL)
        return;
    dag_folder_free(bag->folder);
    g_hash_table_unref(bag->versions);
    g_hash_table_unref(bag->stored);
    g_free(bag->default_timezone);
    g_free(bag->errors_stored);
    g_free(bag->scan_failure);
    g_free(bag);
}

/* ---- Versions ---- */

Dag *dag_bag_keep_version(DagBag *bag, int64_t version_id, Dag *dag)
{
    Dag *known = g_hash_table_lookup(bag->versions, &version_id);
    if (known != NULL)
        return known;
    g_hash_table_insert(bag->versions, g_memdup2(&version_id, sizeof version_id), dag_ref(dag));
    return dag;
}

Dag *dag_bag_get_version(DagBag *bag, Daemon *daemon, int64_t version_id, GError **error)
{
    Dag *known = g_hash_table_lookup(bag->versions, &version_id);
    if (known != NULL)
        return known;
    g_autoptr(DagVersion) version = store_get_dag_version(store_conn(daemon->store), version_id, error);
    if (version == NULL)
        return NULL;
    LoadOrigin origin = {
        .path = version->fileloc,
        .folder = version->folder,
        .default_dag_id = version->dag_id,
        .default_timezone = bag->default_timezone,
    };
    g_autoptr(LoadResult) result = load_dag_text(version->source, strlen(version->source), &origin);
    if (result->dag == NULL) {
        g_autofree char *text = load_error_list_format(result->errors, "error");
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "version %d of DAG \"%s\" cannot be read any more:\n%s", version->version_number,
                    version->dag_id, g_strchomp(text));
        return NULL;
    }
    return dag_bag_keep_version(bag, version_id, result->dag);
}

/* ---- Rows ---- */

static char *tags_to_json(const Dag *dag)
{
    json_t *tags = json_array();
    for (guint i = 0; dag->tags != NULL && dag->tags[i] != NULL; i++)
        json_array_append_new(tags, json_string(dag->tags[i]));
    char *text = json_dumps(tags, JSON_COMPACT);
    json_decref(tags);
    return text;
}

static bool put_row(DagBag *bag, Daemon *daemon, const Dag *dag, int64_t version_id, GError **error)
{
    g_autofree char *tags = tags_to_json(dag);
    g_autofree char *summary =
        dag->schedule.kind != SCHEDULE_NONE ? schedule_spec_summary(&dag->schedule) : NULL;
    int64_t now_us = g_get_real_time();
    DagRow row = {
        .dag_id = (char *)dag->dag_id,
        .is_paused = daemon->settings->dags_are_paused_at_creation,
        .fileloc = (char *)dag->fileloc,
        .folder = (char *)dag->folder,
        .description = (char *)dag->description,
        .owner = (char *)dag->owner,
        .timetable_summary = summary,
        .timezone = dag->schedule.timezone != NULL ? dag->schedule.timezone : bag->default_timezone,
        .tags_json = tags,
        .max_active_runs = dag->max_active_runs,
        .max_active_tasks = dag->max_active_tasks,
        .latest_version_id = version_id,
        .first_seen_us = now_us,
        .last_parsed_us = now_us,
    };
    return store_put_dag(daemon->store, &row, error);
}

/* The next round of deleting is a day away at most: who asks for it anew need not wait for that. */
static bool put_retention(Daemon *daemon, const Dag *dag, GError **error)
{
    Retention before;
    if (!store_get_dag_retention(store_conn(daemon->store), dag->dag_id, &before, error))
        return false;
    if (before.runs_us == dag->retention.runs_us && before.logs_us == dag->retention.logs_us)
        return true;
    janitor_wake(daemon->janitor);
    return store_put_dag_retention(daemon->store, dag->dag_id, dag->retention, error);
}

const StoredDag *dag_bag_find_stored(const DagBag *bag, const LoadResult *result)
{
    const StoredDag *stored = g_hash_table_lookup(bag->stored, result->dag->dag_id);
    bool is_same = stored != NULL && g_strcmp0(stored->content_hash, result->content_hash) == 0 &&
                   g_strcmp0(stored->fileloc, result->dag->fileloc) == 0 && !stored->is_stale &&
                   !stored->has_import_errors;
    return is_same ? stored : NULL;
}

bool dag_bag_store_rows(DagBag *bag, Daemon *daemon, const LoadResult *result, int64_t *ret_version_id,
                        GError **error)
{
    const Dag *dag = result->dag;
    DagVersion version = {
        .dag_id = (char *)dag->dag_id,
        .content_hash = result->content_hash,
        .fileloc = (char *)dag->fileloc,
        .folder = (char *)dag->folder,
        .source = result->text,
        .created_us = g_get_real_time(),
    };
    if (!store_put_dag_version(daemon->store, &version, ret_version_id, error) ||
        !put_row(bag, daemon, dag, *ret_version_id, error) || !put_retention(daemon, dag, error))
        return false;
    StoredDag *stored = g_new0(StoredDag, 1);
    stored->content_hash = g_strdup(result->content_hash);
    stored->fileloc = g_strdup(dag->fileloc);
    stored->version_id = *ret_version_id;
    g_hash_table_replace(bag->stored, g_strdup(dag->dag_id), stored);
    return true;
}

bool dag_bag_commit_rows(DagBag *bag, Daemon *daemon, bool is_written, GError **error)
{
    if (is_written && store_commit(daemon->store, error))
        return true;
    store_rollback(daemon->store); /* which leaves nothing to rely on */
    g_hash_table_remove_all(bag->stored);
    bag->has_read_stored = false;
    g_clear_pointer(&bag->errors_stored, g_free);
    return false;
}

static bool take_result(DagBag *bag, Daemon *daemon, const LoadResult *result, DagLatest *ret, GError **error)
{
    const StoredDag *stored = dag_bag_find_stored(bag, result);
    if (stored != NULL)
        ret->version_id = stored->version_id;
    else if (!store_begin(daemon->store, error) ||
             !dag_bag_commit_rows(bag, daemon,
                                  dag_bag_store_rows(bag, daemon, result, &ret->version_id, error), error))
        return false;
    ret->dag = dag_bag_keep_version(bag, ret->version_id, result->dag);
    return true;
}

/* ---- Looking for a DAG ---- */

bool dag_bag_scan(DagBag *bag, Daemon *daemon, GError **error)
{
    if (!bag->knows_owners && !dag_owners_read(store_conn(daemon->store), bag->folder, error))
        return false;
    bag->knows_owners = true;
    g_autoptr(FolderChanges) changes = dag_folder_scan(bag->folder, error);
    if (changes != NULL)
        bag->n_changes += changes->changed->len + changes->removed->len;
    return changes != NULL;
}

static void set_broken(GError **error, const char *dag_id, const char *text)
{
    g_autofree char *lines = g_strdup(text);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "DAG \"%s\" has import errors:\n%s", dag_id,
                g_strchomp(lines));
}

void dag_bag_set_not_found(DagBag *bag, Daemon *daemon, const char *dag_id, GError **error)
{
    g_auto(GStrv) stored = store_list_dag_ids(store_conn(daemon->store), NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; stored != NULL && stored[i] != NULL; i++)
        g_ptr_array_add(names, stored[i]);
    const GPtrArray *files = dag_folder_files(bag->folder);
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = files->pdata[i];
        if (file->dag_id != NULL)
            g_ptr_array_add(names, file->dag_id);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_nearest(dag_id, (const char *const *)names->pdata);
    if (near != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "DAG \"%s\" was not found; did you mean \"%s\"?",
                    dag_id, near);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "DAG \"%s\" was not found in %s", dag_id,
                    dag_folder_path(bag->folder));
}

/* Not in the folder: a file elsewhere, or one that came as text. */
static bool get_stored(DagBag *bag, Daemon *daemon, const char *dag_id, DagLatest *ret, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(DagRow) row = store_get_dag(store_conn(daemon->store), dag_id, &failure);
    if (row == NULL) {
        if (g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
            dag_bag_set_not_found(bag, daemon, dag_id, error);
        else
            g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (row->fileloc == NULL) {
        ret->version_id = row->latest_version_id;
        ret->dag = dag_bag_get_version(bag, daemon, ret->version_id, error);
        return ret->dag != NULL;
    }
    if (!g_file_test(row->fileloc, G_FILE_TEST_EXISTS)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "the file of DAG \"%s\" is gone: %s", dag_id,
                    row->fileloc);
        return false;
    }
    g_autoptr(LoadResult) result = load_dag_file(row->fileloc, bag->default_timezone);
    if (result->dag == NULL) {
        g_autofree char *text = load_error_list_format(result->errors, "error");
        set_broken(error, dag_id, text);
        return false;
    }
    if (!g_str_equal(result->dag->dag_id, dag_id)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    "the file of DAG \"%s\" now has another dag_id: %s", dag_id, row->fileloc);
        return false;
    }
    return take_result(bag, daemon, result, ret, error);
}

/* What this look found, a service must hear of too: its own next look will not find it again. */
static bool look(DagBag *bag, Daemon *daemon, GError **error)
{
    guint n_before = bag->n_changes;
    bool ok = dag_bag_scan(bag, daemon, error);
    daemon->is_folder_due |= daemon->mode == DAEMON_SERVICE && bag->n_changes != n_before;
    return ok;
}

bool dag_bag_get(DagBag *bag, Daemon *daemon, const char *dag_id, DagLatest *ret, GError **error)
{
    g_autoptr(GError) scan_error = NULL;
    if (!look(bag, daemon, &scan_error) && !g_file_test(dag_folder_path(bag->folder), G_FILE_TEST_EXISTS))
        return get_stored(bag, daemon, dag_id, ret, error); /* no folder is an empty folder */
    if (scan_error != NULL) {
        g_propagate_error(error, g_steal_pointer(&scan_error));
        return false;
    }
    const DagFile *file = dag_folder_find(bag->folder, dag_id);
    if (file == NULL)
        return get_stored(bag, daemon, dag_id, ret, error);
    if (file->dag == NULL) {
        g_autofree char *text = dag_file_error_text(file);
        set_broken(error, dag_id, text != NULL ? text : "");
        return false;
    }
    return take_result(bag, daemon, file->result, ret, error);
}

bool dag_bag_get_good(DagBag *bag, Daemon *daemon, const char *dag_id, DagLatest *ret, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (dag_bag_get(bag, daemon, dag_id, ret, &failure))
        return true;
    g_autoptr(DagRow) row = store_get_dag(store_conn(daemon->store), dag_id, NULL);
    if (row == NULL || row->latest_version_id == 0) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    ret->version_id = row->latest_version_id;
    ret->dag = dag_bag_get_version(bag, daemon, ret->version_id, error);
    return ret->dag != NULL;
}

bool dag_bag_put_text(DagBag *bag, Daemon *daemon, const char *text, const char *path, const char *folder,
                      DagLatest *ret, GError **error)
{
    LoadOrigin origin = {.path = path, .folder = folder, .default_timezone = bag->default_timezone};
    g_autoptr(LoadResult) result = load_dag_text(text, strlen(text), &origin);
    if (result->dag == NULL) {
        g_autofree char *lines = load_error_list_format(result->errors, "error");
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID, g_strchomp(lines));
        return false;
    }
    /* Should the folder have a DAG of that id: a service's schedule stays with the folder's file. */
    daemon->is_folder_due |= daemon->mode == DAEMON_SERVICE;
    return take_result(bag, daemon, result, ret, error);
}

Dag *dag_bag_get_current(DagBag *bag, Daemon *daemon, const char *dag_id, int64_t *ret_version_id,
                         GError **error)
{
    const StoredDag *stored = g_hash_table_lookup(bag->stored, dag_id);
    if (stored == NULL) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "DAG \"%s\" is not stored", dag_id);
        return NULL;
    }
    *ret_version_id = stored->version_id;
    return dag_bag_get_version(bag, daemon, stored->version_id, error);
}

void dag_bag_forget(DagBag *bag, const char *dag_id)
{
    g_hash_table_remove(bag->stored, dag_id);
}
