/* SPDX-License-Identifier: MIT */
/*
 * The table of attempts and what is done to them. Which runner has an attempt, and whether that runner lives,
 * is decided elsewhere (runner_link.c, recovery.c) and told here.
 */
#include "executors/local/local_executor.h"

#include "executors/local/environment.h"
#include "executors/local/local_internal.h"
#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_SENDS = 3,           /* of one start, each to a runner that died before it claimed it */
    MAX_LAUNCH_FAILURES = 3, /* of runners in a row, before starts are given up */
    CLOSE_DRAIN_MS = 1000,
};

static void entry_free(gpointer data)
{
    Entry *entry = data;
    if (entry->start != NULL)
        g_byte_array_unref(entry->start);
    g_free(entry);
}

Entry *entry_new(LocalExecutor *ex, AttemptId key, uint32_t token)
{
    Entry *entry = g_new0(Entry, 1);
    entry->key = key;
    entry->token = token;
    g_hash_table_insert(ex->entries, &entry->key, entry);
    return entry;
}

/* --- Starting --- */

static void entry_send(Entry *entry)
{
    g_byte_array_append(channel_out(entry->link->channel), entry->start->data, entry->start->len);
    entry->sends++;
    CRASH_POINT("executor.start_sent");
}

/** The live runner that takes new attempts: of our build. */
static RunnerLink *current_link(const LocalExecutor *ex)
{
    for (guint i = 0; i < ex->links->len; i++) {
        RunnerLink *link = g_ptr_array_index(ex->links, i);
        if (link->same_exe && link->state != LINK_DEAD)
            return link;
    }
    return NULL;
}

/** No runner can be had. */
static void fail_start(LocalExecutor *ex, Entry *entry, const GError *error)
{
    bool is_full = g_error_matches(error, WEIR_ERROR, WEIR_ERROR_FULL);
    executor_push_finished(ex, entry, EXECUTOR_OUTCOME_START_FAILED, is_full ? ENOSPC : EIO, error->message);
}

void executor_dispatch(LocalExecutor *ex, Entry *entry)
{
    g_autoptr(GError) error = NULL;
    if (former_has(ex, entry->key))
        return; /* when that is gone */
    if (!executor_boot_is_ready(ex, &error)) {
        if (error != NULL)
            fail_start(ex, entry, error);
        return;
    }
    if (entry->sends >= MAX_SENDS || ex->launch_failures >= MAX_LAUNCH_FAILURES) {
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_START_FAILED, 0,
                               "the runner process dies before it can start the task");
        return;
    }
    RunnerLink *link = current_link(ex);
    if (link == NULL)
        link = runner_launch(ex, &error);
    if (link == NULL) {
        fail_start(ex, entry, error);
        return;
    }
    entry->link = link;
    if (link->state == LINK_READY)
        entry_send(entry);
}

void executor_dispatch_waiting(LocalExecutor *ex)
{
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ex->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((Entry *)value)->start != NULL && ((Entry *)value)->link == NULL)
            g_ptr_array_add(waiting, value);
    for (guint i = 0; i < waiting->len; i++)
        executor_dispatch(ex, g_ptr_array_index(waiting, i));
    if (ex->launch_failures >= MAX_LAUNCH_FAILURES)
        ex->launch_failures = 0; /* those were given up; the next start may try again */
}

static void local_start(Executor *base, const ExecutorRequest *request)
{
    LocalExecutor *ex = (LocalExecutor *)base;
    Entry *entry = g_hash_table_lookup(ex->entries, &request->key);
    if (entry != NULL && !former_displace(ex, entry, request->token))
        return;
    entry = entry_new(ex, request->key, request->token);
    entry->start = g_byte_array_new();
    protocol_put_start(entry->start, request);
    if (entry->start->len > PROTOCOL_MAX_PAYLOAD) {
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_START_FAILED, E2BIG,
                               "arguments and environment of the task are too long");
        return;
    }
    executor_dispatch(ex, entry);
}

/* --- What a live runner says --- */

void link_put_key(RunnerLink *link, ProtocolType type, AttemptId key)
{
    if (link->channel != NULL)
        protocol_put_key(channel_out(link->channel), type, key);
}

void executor_on_record(LocalExecutor *ex, RunnerLink *link, const SlotRecord *record)
{
    if (former_on_record(ex, link, record))
        return;
    Entry *entry = g_hash_table_lookup(ex->entries, &record->key);
    if (entry == NULL && record->phase == SLOT_STARTED && !ex->collecting) {
        /* No row waits for it, but it lives, and its run is not over before it is gone: ended, and told of.
         */
        entry = entry_new(ex, record->key, record->claim.token);
        entry->unexpected = entry->canceled = true;
    }
    if (entry == NULL || entry->unwanted) {
        /* No row waits for it. */
        if (record->phase == SLOT_EXITED) {
            link_put_key(link, PROTOCOL_ACKNOWLEDGE, record->key);
            if (entry != NULL)
                g_hash_table_remove(ex->entries, &record->key);
            return;
        }
        if (ex->collecting)
            return;
        if (entry == NULL) {
            entry = entry_new(ex, record->key, record->claim.token);
            entry->unexpected = entry->unwanted = entry->canceled = true;
        }
        entry->link = link;
        entry->round = link->round;
        return; /* CANCEL goes out when all its records are in */
    }
    if (entry->finished || entry->ending)
        return;
    entry->link = link;
    entry->round = link->round;
    entry->expected = false;
    g_clear_pointer(&entry->start, g_byte_array_unref);
    if (record->phase == SLOT_STARTED)
        executor_push_started(ex, entry, record);
    else if (record->phase == SLOT_EXITED)
        executor_push_exited(ex, entry, record);
}

void executor_on_records_end(LocalExecutor *ex, RunnerLink *link)
{
    g_autoptr(GPtrArray) lost = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    ex->launch_failures = 0;
    g_hash_table_iter_init(&iter, ex->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;
        if (entry->link != link || entry->finished || entry->ending)
            continue;
        if (entry->start != NULL && former_has(ex, entry->key))
            entry->link = NULL; /* waits for that */
        else if (entry->start != NULL)
            entry_send(entry);
        else if (entry->round != link->round)
            g_ptr_array_add(lost, entry);
        if (entry->canceled)
            link_put_key(link, PROTOCOL_CANCEL, entry->key);
    }
    former_on_records_end(ex, link);
    for (guint i = 0; i < lost->len; i++)
        recovery_lose(ex, g_ptr_array_index(lost, i), "its runner does not know it any more");
    executor_resync_progress(ex);
}

void executor_on_refused(LocalExecutor *ex, const ProtocolRefused *refused)
{
    Entry *entry = g_hash_table_lookup(ex->entries, &refused->key);
    if (entry != NULL && entry->start != NULL && !entry->finished)
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_START_FAILED, refused->error_number,
                               refused->text);
}

/* --- Cancel, acknowledge --- */

static bool local_cancel(Executor *base, AttemptId key)
{
    LocalExecutor *ex = (LocalExecutor *)base;
    Entry *entry = g_hash_table_lookup(ex->entries, &key);
    if (entry == NULL || entry->finished || entry->unwanted)
        return false;
    if (entry->canceled)
        return true;
    entry->canceled = true;
    if (entry->start != NULL && (entry->sends == 0 || entry->link == NULL))
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_CANCELED, 0,
                               "Task was canceled before it started");
    else if (entry->link != NULL && entry->link->state == LINK_READY)
        link_put_key(entry->link, PROTOCOL_CANCEL, key);
    /* else: when the runner has told its records */
    return true;
}

static void local_acknowledge(Executor *base, AttemptId key)
{
    LocalExecutor *ex = (LocalExecutor *)base;
    Entry *entry = g_hash_table_lookup(ex->entries, &key);
    if (entry == NULL || !entry->finished)
        return;
    RunnerLink *link = entry->link;
    bool holds_dir = entry->holds_dir, boot_lost = entry->boot_lost;
    g_hash_table_remove(ex->entries, &key);
    if (holds_dir)
        recovery_release(ex, link);
    else if (link != NULL && link->state != LINK_DEAD)
        link_put_key(link, PROTOCOL_ACKNOWLEDGE, key);
    if (boot_lost && --ex->boot_pending == 0)
        executor_dispatch_waiting(ex);
}

/* --- Open and close --- */

void executor_handle_closed(LocalExecutor *ex)
{
    if (--ex->open_handles > 0)
        return;
    if (ex->on_closed != NULL)
        ex->on_closed(ex->closed_user);
    g_hash_table_unref(ex->entries);
    g_hash_table_unref(ex->formers);
    g_hash_table_unref(ex->recoveries);
    g_ptr_array_unref(ex->links);
    g_ptr_array_unref(ex->processes);
    g_array_unref(ex->events);
    g_strfreev(ex->environment);
    g_free(ex->runners_dir);
    g_free(ex->self_exe);
    g_free(ex->instance);
    g_free(ex->scope);
    g_free(ex);
}

static void on_event_timer_closed(uv_handle_t *handle)
{
    executor_handle_closed(handle->data);
}

static void local_close(Executor *base, ExecutorClosedFn closed, void *user)
{
    LocalExecutor *ex = (LocalExecutor *)base;
    ex->closing = true;
    ex->on_closed = closed;
    ex->closed_user = user;
    uv_close((uv_handle_t *)&ex->event_timer, on_event_timer_closed);
    kill_tree_close(ex->kill_tree);
    runner_launch_forget(ex);
    while (ex->links->len > 0) {
        RunnerLink *link = g_ptr_array_index(ex->links, ex->links->len - 1);
        if (link->channel != NULL)
            channel_drain(link->channel, CLOSE_DRAIN_MS);
        runner_link_close(link);
    }
}

/** Makes a link for each folder of our database. */
static bool find_runners(LocalExecutor *ex, GError **error)
{
    GDir *folder = g_dir_open(ex->runners_dir, 0, error);
    if (folder == NULL)
        return false;
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *dir = g_build_filename(ex->runners_dir, name, NULL);
        RunnerMeta meta;
        if (!g_file_test(dir, G_FILE_TEST_IS_DIR))
            continue;
        bool has_meta = runner_meta_read(dir, &meta);
        if (has_meta && strcmp(meta.instance, ex->instance) != 0)
            continue;
        if (!has_meta) {
            /* Its maker died while making it, or its runner is just removing it: nothing is recorded there.
             */
            int lock_fd = runner_dir_try_lock(dir);
            if (lock_fd >= 0) {
                runner_dir_remove(dir);
                close(lock_fd);
            }
            continue;
        }
        RunnerLink *link = runner_link_new(ex, g_steal_pointer(&dir), -1);
        link->same_exe = exe_identity_equal(&meta.exe, &ex->exe);
    }
    g_dir_close(folder);
    return true;
}

static const ExecutorOps local_ops = {
    .name = "local",
    .resync = local_resync,
    .start = local_start,
    .cancel = local_cancel,
    .acknowledge = local_acknowledge,
    .close = local_close,
};

static mode_t current_umask(void)
{
    mode_t mask = umask(077);
    umask(mask);
    return mask;
}

Executor *local_executor_new(const LocalExecutorConfig *config, GError **error)
{
    if (!instance_id_is_valid(config->instance_id)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "not an instance id: %s", config->instance_id);
        return NULL;
    }
    char *runners_dir = runners_dir_open(config->home, error);
    if (runners_dir == NULL)
        return NULL;
    LocalExecutor *ex = g_new0(LocalExecutor, 1);
    ex->base.ops = &local_ops;
    ex->loop = config->loop;
    ex->runners_dir = runners_dir;
    ex->self_exe = g_strdup(config->self_exe != NULL ? config->self_exe : "/proc/self/exe");
    ex->exe = exe_identity_read(ex->self_exe);
    ex->instance = g_strdup(config->instance_id);
    ex->scope = cookie_scope_format(ex->instance, ex->runners_dir);
    ex->environment =
        environment_filter(config->environment != NULL ? config->environment : (const char *const *)environ);
    ex->task_umask = config->task_umask >= 0 ? (mode_t)config->task_umask : current_umask();
    ex->on_event = config->on_event;
    ex->user = config->user;
    ex->entries = g_hash_table_new_full(attempt_id_hash, attempt_id_equal, NULL, entry_free);
    ex->formers = formers_new();
    ex->links = g_ptr_array_new();
    ex->processes = g_ptr_array_new();
    ex->recoveries = g_hash_table_new_full(NULL, NULL, g_free, NULL);
    ex->events = executor_events_new();
    ex->kill_tree = kill_tree_new(ex->loop, 0);
    uv_timer_init(ex->loop, &ex->event_timer);
    ex->event_timer.data = ex;
    ex->open_handles = 1;

    BootId boot;
    bool has_boot = runners_boot_read(ex->runners_dir, &boot);
    ex->boot_known = has_boot && boot_id_equal(&boot, boot_id_current());
    ex->boot_changed = has_boot && !ex->boot_known;
    if (!find_runners(ex, error)) {
        local_close(&ex->base, NULL, NULL);
        return NULL;
    }
    return &ex->base;
}
