/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/schedules.h"

#include "scheduler/engine/heap.h"

#include <string.h>

/**
 * A run of @continuous that takes no time is followed by the next one no sooner than this after it: a command
 * that cannot be found shall not fill the disk with failed runs.
 */
#define CONTINUOUS_REST_US USEC_PER_SEC

typedef struct {
    char *dag_id;
    Timetable *timetable;
    bool is_continuous;
    int32_t max_active_runs;
    bool is_paused;
    int64_t first_seen_us;
    bool has_last;
    TimetableLast last;
    DagRunTimes next;  /**< while in the heap */
    uint32_t position; /**< in Schedules.due */
} Entry;

struct Schedules {
    SchedulesCountFn count_active;
    void *user;
    GHashTable *entries; /**< dag_id -> Entry, owned */
    Heap due;            /**< those that wait for a time; not: paused, full, or without a further run */
    int64_t as_of_us;    /**< no `next` was found for a later moment than this */
};

static int compare_entries(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->next.run_after_us != y->next.run_after_us)
        return x->next.run_after_us < y->next.run_after_us ? -1 : 1;
    return strcmp(x->dag_id, y->dag_id);
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    timetable_free(entry->timetable);
    g_free(entry->dag_id);
    g_free(entry);
}

Schedules *schedules_new(SchedulesCountFn count_active, void *user)
{
    Schedules *schedules = g_new0(Schedules, 1);
    schedules->count_active = count_active;
    schedules->user = user;
    schedules->as_of_us = INT64_MIN;
    schedules->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    heap_init(&schedules->due, compare_entries, offsetof(Entry, position));
    return schedules;
}

void schedules_free(Schedules *schedules)
{
    if (schedules == NULL)
        return;
    heap_done(&schedules->due);
    g_hash_table_unref(schedules->entries);
    g_free(schedules);
}

static bool find_next(const Entry *entry, int64_t now_us, DagRunTimes *ret)
{
    const TimetableLast *last = entry->has_last ? &entry->last : NULL;
    if (!timetable_next(entry->timetable, last, entry->first_seen_us, now_us, ret))
        return false;
    if (entry->is_continuous && last != NULL)
        ret->run_after_us = MAX(ret->run_after_us, last->data_interval_end_us + CONTINUOUS_REST_US);
    return true;
}

/* Puts it where it belongs, as of now. */
static void place(Schedules *schedules, Entry *entry, int64_t now_us)
{
    schedules->as_of_us = MAX(schedules->as_of_us, now_us);
    heap_remove(&schedules->due, entry);
    if (!entry->is_paused && find_next(entry, now_us, &entry->next))
        heap_push(&schedules->due, entry);
}

bool schedules_put(Schedules *schedules, const ScheduledDag *dag, int64_t now_us, GError **error)
{
    schedules_remove(schedules, dag->dag_id);
    Timetable *timetable = timetable_new(dag->spec, error);
    if (timetable == NULL)
        return false;
    Entry *entry = g_new0(Entry, 1);
    entry->dag_id = g_strdup(dag->dag_id);
    entry->timetable = timetable;
    entry->is_continuous = dag->spec->kind == SCHEDULE_CONTINUOUS;
    entry->max_active_runs = dag->max_active_runs;
    entry->is_paused = dag->is_paused;
    entry->first_seen_us = dag->first_seen_us;
    entry->has_last = dag->last != NULL;
    if (dag->last != NULL)
        entry->last = *dag->last;
    entry->position = HEAP_ABSENT;
    g_hash_table_insert(schedules->entries, entry->dag_id, entry);
    place(schedules, entry, now_us);
    return true;
}

void schedules_remove(Schedules *schedules, const char *dag_id)
{
    Entry *entry = g_hash_table_lookup(schedules->entries, dag_id);
    if (entry == NULL)
        return;
    heap_remove(&schedules->due, entry);
    g_hash_table_remove(schedules->entries, dag_id);
}

void schedules_set_paused(Schedules *schedules, const char *dag_id, bool is_paused, int64_t now_us)
{
    Entry *entry = g_hash_table_lookup(schedules->entries, dag_id);
    if (entry == NULL)
        return;
    entry->is_paused = is_paused;
    place(schedules, entry, now_us);
}

void schedules_look_again(Schedules *schedules, const char *dag_id, int64_t now_us)
{
    Entry *entry = g_hash_table_lookup(schedules->entries, dag_id);
    if (entry != NULL && !heap_contains(&schedules->due, entry))
        place(schedules, entry, now_us);
}

int64_t schedules_next_due(const Schedules *schedules)
{
    const Entry *entry = heap_peek(&schedules->due);
    return entry != NULL ? entry->next.run_after_us : TIME_NONE;
}

/* The clock was set back: what was found for a later moment may leave out ticks that are to come again. */
static void place_all_anew(Schedules *schedules, int64_t now_us)
{
    GHashTableIter iter;
    gpointer entry;
    g_hash_table_iter_init(&iter, schedules->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry)) {
        if (heap_contains(&schedules->due, entry))
            place(schedules, entry, now_us);
    }
    schedules->as_of_us = now_us;
}

bool schedules_take_due(Schedules *schedules, int64_t now_us, ScheduleTick *ret)
{
    Entry *entry;
    if (now_us < schedules->as_of_us)
        place_all_anew(schedules, now_us);
    while ((entry = heap_peek(&schedules->due)) != NULL && entry->next.run_after_us <= now_us) {
        place(schedules, entry, now_us); /* of several that were missed, perhaps only the latest is left */
        if (!heap_contains(&schedules->due, entry) || entry->next.run_after_us > now_us)
            continue;
        if (schedules->count_active(entry->dag_id, schedules->user) >= (guint)entry->max_active_runs) {
            heap_remove(&schedules->due, entry);
            continue;
        }
        *ret = (ScheduleTick){.dag_id = entry->dag_id, .times = entry->next};
        entry->has_last = true;
        entry->last = entry->next;
        place(schedules, entry, now_us);
        return true;
    }
    return false;
}

bool schedules_peek(const Schedules *schedules, const char *dag_id, int64_t now_us, DagRunTimes *ret)
{
    const Entry *entry = g_hash_table_lookup(schedules->entries, dag_id);
    return entry != NULL && find_next(entry, now_us, ret);
}

guint schedules_size(const Schedules *schedules)
{
    return g_hash_table_size(schedules->entries);
}
