/* SPDX-License-Identifier: MIT */
/*
 * What a dead runner has left. An exit record counts, whenever it was written. Everything else is lost, but
 * only once nothing of it lives any more: its tree is ended first. The folder stays until every outcome taken
 * from it is acknowledged, so that a crash of ours in between repeats all this and changes nothing.
 */
#include "executors/local/environment.h"
#include "executors/local/local_internal.h"
#include "scheduler/model/crash_point.h"

#include <string.h>
#include <unistd.h>

/** A tree that is being ended. */
typedef struct {
    LocalExecutor *ex;
    RunnerLink *link; /* whose record it has; NULL = none */
    AttemptId key;
    bool is_former; /* nobody waits for it: of a former life of its number, or of no row at all */
    const char *message;
} Recovery;

/** What is taken from a slot file. */
typedef struct {
    ProcIdentity runner;
    GArray *records; /* of SlotRecord */
} Found;

static void collect_record(const SlotRecord *record, void *user)
{
    Found *found = user;
    g_array_append_vals(found->records, record, 1);
}

static void read_slots(const char *dir, Found *found)
{
    g_autofree char *path = g_build_filename(dir, RUNNER_SLOT_FILE, NULL);
    g_autofree char *data = NULL;
    gsize size;
    found->records = g_array_new(FALSE, FALSE, sizeof(SlotRecord));
    if (g_file_get_contents(path, &data, &size, NULL))
        slot_file_read((const uint8_t *)data, size, &found->runner, collect_record, found);
}

void recovery_release(LocalExecutor *ex, RunnerLink *link)
{
    g_assert(link->state == LINK_DEAD && link->owed > 0);
    if (--link->owed > 0 || !link->records_read || ex->closing)
        return;
    runner_dir_remove(link->dir);
    runner_link_close(link);
}

/* --- Ending trees --- */

static void on_tree_ended(unsigned survivors, void *user)
{
    Recovery *recovery = user;
    LocalExecutor *ex = recovery->ex;
    executor_enter(ex);
    Entry *entry = recovery->is_former ? NULL : g_hash_table_lookup(ex->entries, &recovery->key);
    CRASH_POINT("executor.tree_ended");
    if (entry != NULL && !entry->finished && !entry->unwanted) {
        g_autofree char *message =
            survivors == 0
                ? g_strdup(recovery->message)
                : g_strdup_printf("%s; %u of its processes could not be ended", recovery->message, survivors);
        entry->ending = false;
        entry->holds_dir = recovery->link != NULL; /* what the tree held, the outcome now holds */
        executor_push_finished(ex, entry, EXECUTOR_OUTCOME_LOST, 0, message);
    } else {
        if (entry != NULL && entry->unwanted)
            g_hash_table_remove(ex->entries, &recovery->key);
        if (recovery->link != NULL)
            recovery_release(ex, recovery->link);
        if (recovery->is_former)
            former_gone(ex, recovery->key);
    }
    g_hash_table_remove(ex->recoveries, recovery);
    executor_leave(ex);
}

static void end_tree(LocalExecutor *ex, RunnerLink *link, const Entry *entry, AttemptId key,
                     const ProcIdentity *leader, int64_t grace_us, const char *message)
{
    Recovery *recovery = g_new0(Recovery, 1);
    *recovery =
        (Recovery){.ex = ex, .link = link, .key = key, .is_former = entry == NULL, .message = message};
    if (entry == NULL)
        former_add(ex, NULL, key);
    g_hash_table_add(ex->recoveries, recovery);
    g_autofree char *cookie = attempt_cookie_format(ex->scope, key);
    kill_tree_end(ex->kill_tree, leader, cookie, grace_us, on_tree_ended, recovery);
}

void recovery_disown(LocalExecutor *ex, AttemptId key)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ex->recoveries);
    while (g_hash_table_iter_next(&iter, &value, NULL))
        if (attempt_id_equal(&((const Recovery *)value)->key, &key))
            ((Recovery *)value)->is_former = true;
}

void recovery_lose(LocalExecutor *ex, Entry *entry, const char *message)
{
    entry->expected = false;
    entry->ending = true;
    entry->link = NULL;
    end_tree(ex, NULL, entry, entry->key, &(ProcIdentity){0}, 0, message);
}

/* --- A dead runner --- */

static bool something_lives(const LocalExecutor *ex, const SlotRecord *record)
{
    g_autofree char *cookie = attempt_cookie_format(ex->scope, record->key);
    ProcTree tree = {.leader = record->start.process,
                     .cookie = cookie,
                     .members = g_array_new(FALSE, FALSE, sizeof(ProcIdentity))};
    ProcTree *trees[] = {&tree};
    kill_tree_look(trees, 1, 0);
    bool lives = tree.members->len > 0;
    g_array_unref(tree.members);
    return lives;
}

static void push_lost(LocalExecutor *ex, RunnerLink *link, Entry *entry, const char *message)
{
    link->owed++;
    entry->holds_dir = true;
    executor_push_finished(ex, entry, EXECUTOR_OUTCOME_LOST, 0, message);
}

/** A record without an exit: how it ended can not be known. */
static void lose_record(LocalExecutor *ex, RunnerLink *link, Entry *entry, const SlotRecord *record,
                        bool same_boot)
{
    const char *message = record->phase == SLOT_EXITED
                              ? "the machine was restarted before the task's output was on the disk"
                          : !same_boot ? "the machine was restarted while the task ran"
                          : record->phase == SLOT_CLAIMED
                              ? "the runner died while it started the task"
                              : "the runner died while the task ran; what was left of it has been ended";
    bool look_only = !same_boot || ex->collecting; /* nothing survives a restart; a command ends nothing */
    if (!look_only) {
        link->owed++;
        if (entry != NULL)
            entry->ending = true;
        end_tree(ex, link, entry, record->key, &record->start.process, record->claim.grace_us, message);
    } else if (same_boot && something_lives(ex, record)) {
        link->owed++; /* for good: the next daemon ends it, and needs the folder for that */
        if (entry != NULL)
            entry->ending = true;
    } else if (entry != NULL && !entry->unwanted) {
        push_lost(ex, link, entry, message);
    }
}

static void take_record(LocalExecutor *ex, RunnerLink *link, const SlotRecord *record, bool same_boot)
{
    Entry *entry = g_hash_table_lookup(ex->entries, &record->key);
    if (entry != NULL && attempt_tokens_differ(entry->token, record->claim.token))
        entry = NULL; /* it is not this one's */
    if (entry != NULL) {
        entry->link = link;
        entry->round = link->round;
        entry->expected = false;
        g_clear_pointer(&entry->start, g_byte_array_unref);
    }
    if (record->phase != SLOT_EXITED || (link->boot_changed && !record->is_synced)) {
        if (entry == NULL || !entry->finished)
            lose_record(ex, link, entry, record, same_boot);
        return;
    }
    if (entry == NULL)
        return;
    if (entry->unwanted) {
        g_hash_table_remove(ex->entries, &record->key);
        return;
    }
    link->owed++;
    entry->holds_dir = true;
    if (!entry->finished)
        executor_push_exited(ex, entry, record);
}

/** Attempts we had with this runner of which it has no record. */
static void settle_rest(LocalExecutor *ex, RunnerLink *link)
{
    g_autoptr(GPtrArray) again = g_ptr_array_new();
    g_autoptr(GPtrArray) lost = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ex->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;
        if (entry->link != link || entry->holds_dir || entry->ending || entry->round == link->round)
            continue;
        entry->link = NULL;
        if (entry->unwanted)
            g_hash_table_iter_remove(&iter);
        else if (entry->start != NULL)
            g_ptr_array_add(again, entry); /* never claimed: nobody has begun it */
        else if (!entry->finished)
            g_ptr_array_add(lost, entry);
    }
    for (guint i = 0; i < lost->len; i++)
        recovery_lose(ex, g_ptr_array_index(lost, i), "the runner died, and its record of the task is gone");
    for (guint i = 0; i < again->len; i++) {
        Entry *entry = g_ptr_array_index(again, i);
        if (entry->canceled)
            executor_push_finished(ex, entry, EXECUTOR_OUTCOME_CANCELED, 0,
                                   "Task was canceled before it started");
    }
    executor_dispatch_waiting(ex);
}

void recovery_begin(LocalExecutor *ex, RunnerLink *link)
{
    Found found = {0};
    bool never_ready = !link->was_ready && link->round > 0;
    if (never_ready)
        ex->launch_failures++;
    former_forget_link(ex, link);
    link->round++; /* what is seen now, and what is not */
    read_slots(link->dir, &found);
    link->boot_changed = !boot_id_equal(&found.runner.boot, boot_id_current());
    bool same_boot = !link->boot_changed && runner_dir_is_original(link->dir);
    for (guint i = 0; i < found.records->len; i++)
        take_record(ex, link, &g_array_index(found.records, SlotRecord, i), same_boot);
    g_array_unref(found.records);
    link->answered = link->records_read = true;
    link->owed++; /* ours, until everything is settled */
    settle_rest(ex, link);
    recovery_release(ex, link);
    executor_resync_progress(ex);
}
