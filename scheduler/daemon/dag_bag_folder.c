/* SPDX-License-Identifier: MIT */
/* The whole folder -> rows, import errors, schedules, engine. */
#include "scheduler/daemon/dag_bag_internal.h"
#include "scheduler/daemon/folder_watch.h"
#include "scheduler/daemon/schedules.h"
#include "scheduler/model/crash_point.h"
#include "scheduler/time/instant.h"

#include <string.h>

/** From so many changed DAGs on, one query for all is cheaper than one each. */
#define MANY_DAGS 64

typedef struct {
    DagBag *bag;
    Daemon *daemon;
    int64_t now_us;
    bool is_first;       /**< the start: everything is new, and a summary says more than lines */
    GHashTable *present; /**< dag_id, owned: has a file, good or broken */
    GHashTable *changed; /**< dag_id: what the schedules know of it may be wrong */
    GPtrArray *lines;    /**< Line, for the log: once they are true, which is after the commit */
} Look;

typedef struct {
    DaemonLogLevel level;
    char *text;
} Line;

static void line_free(gpointer data)
{
    Line *line = data;
    g_free(line->text);
    g_free(line);
}

static void say_later(Look *look, DaemonLogLevel level, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void say_later(Look *look, DaemonLogLevel level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    Line *line = g_new0(Line, 1);
    line->level = level;
    line->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(look->lines, line);
}

static void say_lines(const Look *look)
{
    for (guint i = 0; i < look->lines->len; i++) {
        const Line *line = look->lines->pdata[i];
        daemon_log(look->daemon, line->level, "%s", line->text);
    }
}

/* ---- What was stored ---- */

static bool read_stored(DagBag *bag, Daemon *daemon, GError **error)
{
    g_autoptr(GPtrArray) rows = store_list_dag_schedules(store_conn(daemon->store), NULL, error);
    if (rows == NULL)
        return false;
    for (guint i = 0; i < rows->len; i++) {
        const DagSchedule *row = rows->pdata[i];
        if (g_hash_table_contains(bag->stored, row->dag_id))
            continue; /* known better */
        StoredDag *stored = g_new0(StoredDag, 1);
        stored->version_id = row->latest_version_id;
        stored->fileloc = g_strdup(row->fileloc);
        stored->is_stale = row->is_stale;
        stored->has_import_errors = row->has_import_errors;
        g_hash_table_insert(bag->stored, g_strdup(row->dag_id), stored);
    }
    bag->has_read_stored = true;
    return true;
}

/* A broken file may not even tell its dag_id; then where it is tells. */
static const char *find_stored_at(const DagBag *bag, const char *path)
{
    GHashTableIter iter;
    gpointer dag_id, value;
    g_hash_table_iter_init(&iter, bag->stored);
    while (g_hash_table_iter_next(&iter, &dag_id, &value)) {
        const StoredDag *stored = value;
        if (!stored->is_stale && g_strcmp0(stored->fileloc, path) == 0)
            return dag_id;
    }
    return NULL;
}

/* ---- Rows ---- */

static bool take_good(Look *look, const DagFile *file, GError **error)
{
    int64_t version_id;
    const char *dag_id = file->dag->dag_id;
    g_hash_table_add(look->present, g_strdup(dag_id));
    const StoredDag *before = g_hash_table_lookup(look->bag->stored, dag_id);
    bool is_news =
        before == NULL || before->content_hash != NULL || before->is_stale || before->has_import_errors;
    if (dag_bag_find_stored(look->bag, file->result) == NULL) {
        const char *what = before == NULL || before->is_stale ? "added" : "changed";
        int64_t old_version = before != NULL ? before->version_id : 0;
        if (!dag_bag_store_rows(look->bag, look->daemon, file->result, &version_id, error))
            return false;
        if (is_news && !look->is_first)
            say_later(look, DAEMON_LOG_INFO, "dag=%s %s: %s", dag_id,
                      old_version == version_id && strcmp(what, "changed") == 0 ? "good again" : what,
                      file->relative);
    }
    dag_bag_keep_version(look->bag, dag_bag_find_stored(look->bag, file->result)->version_id, file->dag);
    return true;
}

/* Its last good version stays, and goes on firing. */
static bool take_broken(Look *look, const DagFile *file, GError **error)
{
    const char *dag_id = file->dag_id;
    if (dag_id == NULL || !g_hash_table_contains(look->bag->stored, dag_id))
        dag_id = find_stored_at(look->bag, file->path);
    if (dag_id == NULL || file->conflict != NULL)
        return true;
    StoredDag *stored = g_hash_table_lookup(look->bag->stored, dag_id);
    if (stored->is_stale) /* it had gone before; a broken file does not bring it back */
        return true;
    g_hash_table_add(look->present, g_strdup(dag_id));
    if (stored->has_import_errors)
        return true;
    stored->has_import_errors = true;
    return store_set_dag_import_errors(look->daemon->store, dag_id, true, error);
}

/* Ours are those of the folder; one that was run from a file elsewhere is stale when that file is gone. */
static bool is_gone(const Look *look, const char *dag_id, const StoredDag *stored)
{
    const char *root = dag_folder_path(look->bag->folder);
    size_t n = strlen(root);
    if (stored->is_stale || stored->fileloc == NULL || g_hash_table_contains(look->present, dag_id))
        return false;
    if (strncmp(stored->fileloc, root, n) == 0 && stored->fileloc[n] == '/')
        return true;
    return look->is_first && !g_file_test(stored->fileloc, G_FILE_TEST_EXISTS);
}

static bool mark_stale(Look *look, GError **error)
{
    GHashTableIter iter;
    gpointer dag_id, value;
    g_hash_table_iter_init(&iter, look->bag->stored);
    while (g_hash_table_iter_next(&iter, &dag_id, &value)) {
        StoredDag *stored = value;
        if (!is_gone(look, dag_id, stored))
            continue;
        if (!store_set_dag_stale(look->daemon->store, dag_id, true, error))
            return false;
        stored->is_stale = true;
        say_later(look, DAEMON_LOG_INFO, "dag=%s its file is gone: %s", (char *)dag_id, stored->fileloc);
    }
    return true;
}

static bool store_errors(Look *look, GError **error)
{
    g_autoptr(GArray) errors = g_array_new(FALSE, TRUE, sizeof(ImportError));
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) all = g_string_new(NULL);
    const GPtrArray *files = dag_folder_files(look->bag->folder);
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = files->pdata[i];
        char *text = file->dag == NULL ? dag_file_error_text(file) : NULL;
        if (text == NULL)
            continue;
        g_ptr_array_add(texts, text);
        g_string_append(all, text);
        g_string_append_c(all, '\n');
        ImportError one = {.filename = file->path, .timestamp_us = look->now_us, .stack_trace = text};
        g_array_append_val(errors, one);
    }
    if (g_strcmp0(look->bag->errors_stored, all->str) == 0)
        return true;
    if (!store_replace_import_errors(look->daemon->store, (const ImportError *)(void *)errors->data,
                                     errors->len, error))
        return false;
    g_free(look->bag->errors_stored);
    look->bag->errors_stored = g_strdup(all->str);
    for (guint i = 0; i < texts->len; i++) {
        g_auto(GStrv) lines = g_strsplit(g_strchomp(texts->pdata[i]), "\n", -1);
        for (char **line = lines; *line != NULL; line++)
            say_later(look, DAEMON_LOG_WARNING, "%s", *line);
    }
    return true;
}

static bool store_folder(Look *look, GError **error)
{
    const GPtrArray *files = dag_folder_files(look->bag->folder);
    bool is_written = true;
    for (guint i = 0; is_written && i < files->len; i++) {
        const DagFile *file = files->pdata[i];
        is_written = file->dag != NULL ? take_good(look, file, error) : take_broken(look, file, error);
    }
    return is_written && mark_stale(look, error) && store_errors(look, error);
}

/* ---- Schedules ---- */

static void find_changed(Look *look)
{
    GHashTableIter iter;
    gpointer dag_id, value;
    g_hash_table_iter_init(&iter, look->bag->stored);
    while (g_hash_table_iter_next(&iter, &dag_id, &value)) {
        StoredDag *stored = value;
        bool is_scheduled = !stored->is_stale && g_hash_table_contains(look->present, dag_id);
        int64_t wanted = is_scheduled ? stored->version_id : 0;
        if (stored->scheduled_version_id == wanted)
            continue;
        stored->scheduled_version_id = wanted;
        if (wanted != 0)
            g_hash_table_add(look->changed, dag_id);
        else
            schedules_remove(look->daemon->schedules, dag_id);
    }
}

static void schedule_dag(Look *look, const DagSchedule *row)
{
    Daemon *daemon = look->daemon;
    g_autoptr(GError) error = NULL;
    int64_t version_id;
    Dag *dag = dag_bag_get_current(look->bag, daemon, row->dag_id, &version_id, &error);
    TimetableLast last = {row->last_logical_date_us, row->last_data_interval_start_us,
                          row->last_data_interval_end_us, row->last_run_after_us};
    ScheduledDag scheduled = {
        .dag_id = row->dag_id,
        .max_active_runs = dag != NULL ? dag->max_active_runs : 0,
        .is_paused = row->is_paused,
        .first_seen_us = row->first_seen_us,
        .last = row->has_last_run ? &last : NULL,
        .spec = dag != NULL ? &dag->schedule : NULL,
    };
    if (dag == NULL || !schedules_put(daemon->schedules, &scheduled, look->now_us, &error)) {
        schedules_remove(daemon->schedules, row->dag_id);
        daemon_log(daemon, DAEMON_LOG_WARNING, "dag=%s is not scheduled: %s", row->dag_id, error->message);
        return;
    }
    engine_set_dag(daemon->engine, row->dag_id, row->is_paused, dag->max_active_runs);
    DagRunTimes next;
    if (look->is_first || !schedules_peek(daemon->schedules, row->dag_id, look->now_us, &next))
        return;
    g_autofree char *at = instant_format(next.run_after_us, INSTANT_JSON);
    daemon_log(daemon, DAEMON_LOG_INFO, "dag=%s %snext run at %s", row->dag_id,
               row->is_paused ? "paused, " : "", at);
}

static bool schedule_changed(Look *look, GError **error)
{
    StoreConn *conn = store_conn(look->daemon->store);
    GHashTableIter iter;
    gpointer dag_id;
    if (g_hash_table_size(look->changed) >= MANY_DAGS) {
        g_autoptr(GPtrArray) rows = store_list_dag_schedules(conn, NULL, error);
        for (guint i = 0; rows != NULL && i < rows->len; i++) {
            const DagSchedule *row = rows->pdata[i];
            if (g_hash_table_contains(look->changed, row->dag_id))
                schedule_dag(look, row);
        }
        return rows != NULL;
    }
    g_hash_table_iter_init(&iter, look->changed);
    while (g_hash_table_iter_next(&iter, &dag_id, NULL)) {
        g_autoptr(GPtrArray) rows = store_list_dag_schedules(conn, dag_id, error);
        if (rows == NULL)
            return false;
        if (rows->len > 0)
            schedule_dag(look, rows->pdata[0]);
    }
    return true;
}

/* ---- All of it ---- */

static bool scan(Look *look)
{
    g_autoptr(GError) failure = NULL;
    DagBag *bag = look->bag;
    bool ok = dag_bag_scan(bag, look->daemon, &failure);
    folder_watch_set_folders(look->daemon->folder_watch, ok ? dag_folder_folders(bag->folder) : NULL);
    if (!ok && g_strcmp0(bag->scan_failure, failure->message) != 0)
        daemon_log(look->daemon, DAEMON_LOG_ERROR, "%s; its DAGs stay as they were", failure->message);
    else if (ok && bag->scan_failure != NULL)
        daemon_log(look->daemon, DAEMON_LOG_INFO, "the DAG folder can be read again");
    g_free(bag->scan_failure);
    bag->scan_failure = ok ? NULL : g_strdup(failure->message);
    return ok;
}

bool dag_bag_apply_folder(DagBag *bag, Daemon *daemon, int64_t now_us, GError **error)
{
    Look look = {.bag = bag, .daemon = daemon, .now_us = now_us, .is_first = !bag->has_read_stored};
    if (!scan(&look))
        return true;
    if (!bag->has_read_stored && !read_stored(bag, daemon, error))
        return false;
    g_autoptr(GHashTable) present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) changed = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(line_free);
    look.present = present;
    look.lines = lines;
    look.changed = changed;
    if (!store_begin(daemon->store, error) ||
        !dag_bag_commit_rows(bag, daemon, store_folder(&look, error), error))
        return false;
    CRASH_POINT("daemon.folder_stored");
    say_lines(&look);
    find_changed(&look);
    return schedule_changed(&look, error);
}

DaemonDags dag_bag_count(const DagBag *bag)
{
    DaemonDags counts = {0};
    const GPtrArray *files = dag_folder_files(bag->folder);
    for (guint i = 0; i < files->len; i++) {
        const DagFile *file = files->pdata[i];
        counts.n_dags += file->dag != NULL;
        counts.n_broken += file->dag == NULL;
    }
    return counts;
}
