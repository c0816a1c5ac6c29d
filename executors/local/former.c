/* SPDX-License-Identifier: MIT */
/*
 * Former lives of a number. A database that is put back from a copy, or lost its last commits, gives numbers
 * again that runners still have attempts of. Such an attempt is known by its token; it is ended, nobody is
 * told of it, and nothing of that number starts before it is gone: runner, cookies and records know it by the
 * number alone.
 */
#include "executors/local/local_internal.h"

struct Former {
    AttemptId key;
    RunnerLink *link; /* who has it; NULL = its runner is dead, and its tree is being ended */
    uint64_t round;   /* of the link, when its record was last seen */
};

GHashTable *formers_new(void)
{
    return g_hash_table_new_full(attempt_id_hash, attempt_id_equal, NULL, g_free);
}

bool former_has(const LocalExecutor *ex, AttemptId key)
{
    return g_hash_table_contains(ex->formers, &key);
}

void former_add(LocalExecutor *ex, RunnerLink *link, AttemptId key)
{
    Former *former = g_hash_table_lookup(ex->formers, &key);
    if (former == NULL) {
        former = g_new0(Former, 1);
        former->key = key;
        g_hash_table_insert(ex->formers, &former->key, former);
    }
    former->link = link;
    former->round = link != NULL ? link->round : 0;
}

void former_gone(LocalExecutor *ex, AttemptId key)
{
    if (g_hash_table_remove(ex->formers, &key))
        executor_dispatch_waiting(ex);
}

bool former_on_record(LocalExecutor *ex, RunnerLink *link, const SlotRecord *record)
{
    const Entry *entry = g_hash_table_lookup(ex->entries, &record->key);
    const Former *former = g_hash_table_lookup(ex->formers, &record->key);
    bool differs = entry != NULL && attempt_tokens_differ(entry->token, record->claim.token);
    bool is_known = former != NULL && former->link == link && (entry == NULL || entry->link != link);
    if (!differs && !is_known)
        return false;
    if (record->phase == SLOT_EXITED) {
        link_put_key(link, PROTOCOL_ACKNOWLEDGE, record->key);
        former_gone(ex, record->key);
    } else if (!ex->collecting) {
        former_add(ex, link, record->key);
        if (link->state == LINK_READY)
            link_put_key(link, PROTOCOL_CANCEL, record->key);
    }
    return true;
}

void former_on_records_end(LocalExecutor *ex, RunnerLink *link)
{
    bool has_gone = false;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ex->formers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Former *former = value;
        if (former->link != link)
            continue;
        if (former->round == link->round) {
            link_put_key(link, PROTOCOL_CANCEL, former->key);
        } else {
            g_hash_table_iter_remove(&iter);
            has_gone = true;
        }
    }
    if (has_gone)
        executor_dispatch_waiting(ex);
}

void former_forget_link(LocalExecutor *ex, const RunnerLink *link)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, ex->formers);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const Former *)value)->link == link)
            g_hash_table_iter_remove(&iter);
}

bool former_displace(LocalExecutor *ex, Entry *entry, uint32_t token)
{
    if (!entry->unexpected || !attempt_tokens_differ(entry->token, token))
        return false;
    AttemptId key = entry->key;
    RunnerLink *link = entry->link;
    bool finished = entry->finished, holds_dir = entry->holds_dir, ending = entry->ending;
    if (ending)
        recovery_disown(ex, key);
    executor_drop_events(ex, key); /* what is not told yet concerns nobody any more */
    g_hash_table_remove(ex->entries, &key);
    if (holds_dir)
        recovery_release(ex, link);
    else if (finished && link != NULL && link->state != LINK_DEAD)
        link_put_key(link, PROTOCOL_ACKNOWLEDGE, key);
    else if (!finished)
        former_add(ex, ending ? NULL : link, key);
    return true;
}
