/* SPDX-License-Identifier: MIT */
/*
 * Bringing committed rows and records together after a start of the daemon.
 *
 * An attempt that no runner knows and that is committed as queued was never begun, if it was queued in this
 * boot: a claim is in the page cache before there is a process, and survives everybody. A power loss takes
 * unsynced claims with it, so after a change of boot the same attempt is lost. Which boot it was,
 * `runners/boot` tells: it is written before the first start of a boot, and not before the losses of the
 * former one are committed.
 */
#include "executors/local/environment.h"
#include "executors/local/local_internal.h"

bool executor_boot_is_ready(LocalExecutor *ex, GError **error)
{
    if (ex->boot_known)
        return true;
    if (ex->boot_changed && (!ex->resynced || ex->boot_pending > 0))
        return false;
    ex->boot_known = runners_boot_write(ex->runners_dir, boot_id_current(), error);
    return ex->boot_known;
}

void local_resync(Executor *base, const ExecutorExpected *expected, size_t count)
{
    LocalExecutor *ex = (LocalExecutor *)base;
    g_assert(!ex->resync_begun);
    ex->resync_begun = true;
    for (size_t i = 0; i < count; i++) {
        if (g_hash_table_contains(ex->entries, &expected[i].key))
            continue;
        Entry *entry = entry_new(ex, expected[i].key, expected[i].token);
        entry->expected = true;
        entry->expectation = expected[i].expectation;
    }
    /* A link can go away in the course of this: walk a copy. */
    g_autoptr(GPtrArray) links = g_ptr_array_copy(ex->links, NULL, NULL);
    for (guint i = 0; i < links->len; i++)
        runner_link_check(g_ptr_array_index(links, i));
    executor_resync_progress(ex);
}

static GPtrArray *entries_without_record(const LocalExecutor *ex)
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ex->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((Entry *)value)->expected)
            g_ptr_array_add(list, value);
    return list;
}

/** For each entry, whether a live process carries its cookie. g_free() the result. */
static bool *look_for_cookies(const LocalExecutor *ex, const GPtrArray *entries)
{
    bool *lives = g_new0(bool, entries->len + 1);
    g_autofree ProcTree *trees = g_new0(ProcTree, entries->len + 1);
    g_autofree ProcTree **pointers = g_new0(ProcTree *, entries->len + 1);
    if (entries->len == 0)
        return lives;
    for (guint i = 0; i < entries->len; i++) {
        const Entry *entry = g_ptr_array_index(entries, i);
        trees[i].cookie = attempt_cookie_format(ex->scope, entry->key);
        trees[i].members = g_array_new(FALSE, FALSE, sizeof(ProcIdentity));
        pointers[i] = &trees[i];
    }
    kill_tree_look(pointers, entries->len, 0);
    for (guint i = 0; i < entries->len; i++) {
        /* What a former life of the number has left is no trace of this one. */
        lives[i] =
            trees[i].members->len > 0 && !former_has(ex, ((const Entry *)g_ptr_array_index(entries, i))->key);
        g_array_unref(trees[i].members);
        g_free((gpointer)trees[i].cookie);
    }
    return lives;
}

static void give_verdict(LocalExecutor *ex, Entry *entry, bool lives)
{
    if (ex->collecting && lives)
        return; /* the next daemon ends it */
    if (lives) {
        recovery_lose(ex, entry, "its processes were found without a runner, and have been ended");
    } else if (entry->expectation == EXECUTOR_EXPECT_RUNNING) {
        entry->expected = false;
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_LOST, 0,
                               ex->boot_changed ? "the machine was restarted while the task ran"
                                                : "no runner knows how it ended");
    } else if (ex->boot_changed) {
        entry->expected = false;
        entry->boot_lost = true;
        ex->boot_pending++;
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_LOST, 0,
                               "the machine was restarted just when the task was to start");
    } else if (entry->canceled) {
        entry->expected = false;
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_CANCELED, 0,
                               "Task was canceled before it started");
    } else if (!ex->collecting) {
        AttemptId key = entry->key;
        uint32_t token = entry->token;
        g_hash_table_remove(ex->entries, &key); /* the daemon will start it as if for the first time */
        executor_push(ex, &(ExecutorEvent){.kind = EXECUTOR_EVENT_NOT_STARTED,
                                           .key = key,
                                           .token = token,
                                           .at_us = g_get_real_time(),
                                           .outcome = EXECUTOR_OUTCOME_INVALID,
                                           .exit_code = -1});
    }
}

void executor_resync_progress(LocalExecutor *ex)
{
    if (!ex->resync_begun || ex->resynced || ex->closing)
        return;
    for (guint i = 0; i < ex->links->len; i++)
        if (!((RunnerLink *)g_ptr_array_index(ex->links, i))->answered)
            return;
    ex->resynced = true;
    g_autoptr(GPtrArray) entries = entries_without_record(ex);
    g_autofree bool *lives = look_for_cookies(ex, entries);
    for (guint i = 0; i < entries->len; i++)
        give_verdict(ex, g_ptr_array_index(entries, i), lives[i]);
    executor_push(ex, &(ExecutorEvent){.kind = EXECUTOR_EVENT_RESYNCED,
                                       .at_us = g_get_real_time(),
                                       .outcome = EXECUTOR_OUTCOME_INVALID,
                                       .exit_code = -1});
    executor_dispatch_waiting(ex);
}
