/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/clean.h"

#include "scheduler/daemon/log_folder.h"
#include "scheduler/daemon/retention.h"
#include "scheduler/model/crash_point.h"

#include <string.h>

/** What is left of this slice's allowance. */
typedef struct {
    int64_t n_runs, n_rows;
    int n_log_entries;
    bool has_taken; /**< at least one run */
} Allowance;

/** What the runs of one DAG are measured by. */
typedef struct {
    RetentionRule rule;
    bool is_meant;
} DagFacts;

void clean_result_clear(CleanResult *result)
{
    g_clear_pointer(&result->dags, g_hash_table_unref);
}

/* ---- One run ---- */

typedef enum { TAKE_FAILED, TAKE_FULL, TAKEN } Take;

/** False when there are more than this slice may remove. `*ret_are_gone` is false when they cannot be. */
static bool remove_logs(Daemon *daemon, const DagRun *run, Allowance *left, bool *ret_are_gone)
{
    g_autofree char *failure = NULL;
    if (!log_folder_remove_run(daemon->settings->logs_folder, run->dag_id, run->run_id, &left->n_log_entries,
                               &failure))
        return false;
    if (failure != NULL)
        daemon_log(daemon, DAEMON_LOG_WARNING, "logs of run %s of %s stay, they cannot be removed: %s",
                   run->run_id, run->dag_id, failure);
    *ret_are_gone = failure == NULL;
    CRASH_POINT("daemon.logs_removed");
    return true;
}

/** Removes the logs of a run that stays. */
static Take take_logs(Daemon *daemon, const DagRun *run, Allowance *left, CleanResult *ret)
{
    bool are_gone;
    if (!remove_logs(daemon, run, left, &are_gone))
        return TAKE_FULL;
    ret->n_logs += are_gone;
    return TAKEN;
}

/** The first rows that go, as many as there may be; the run's own and at least one of a task stay. */
static RunRows part_of(const RunRows *all, int64_t max_rows)
{
    RunRows part;
    part.n_hooks = MIN(all->n_hooks, max_rows);
    part.n_xcoms = MIN(all->n_xcoms, max_rows - part.n_hooks);
    part.n_tasks = MIN(all->n_tasks, max_rows - part.n_hooks - part.n_xcoms);
    return part;
}

/** Has a run deleted, if this slice may; of one that is too large for any slice, a part. */
static Take take_run(Daemon *daemon, const DagRun *run, bool is_dry, Allowance *left, CleanCount *count,
                     GError **error)
{
    RunRows rows;
    bool are_gone; /* if not, the run goes nevertheless */
    int64_t limit = is_dry ? INT64_MAX : CLEAN_ROWS + 1;
    if (!store_count_run_rows(store_conn(daemon->store), run->id, limit, &rows, error))
        return TAKE_FAILED;
    int64_t n_rows = is_dry ? 0 : rows.n_hooks + rows.n_xcoms + rows.n_tasks;
    if (left->n_runs <= 0 || (left->has_taken && left->n_rows < n_rows) ||
        (!is_dry && !remove_logs(daemon, run, left, &are_gone)))
        return TAKE_FULL;
    left->has_taken = true;
    if (n_rows > left->n_rows) {
        RunRows part = part_of(&rows, left->n_rows);
        persist_add_delete_run_rows(daemon, run->id, &part);
        count->n_tasks += part.n_tasks;
        return TAKE_FULL;
    }
    if (!is_dry)
        persist_add_delete(daemon, WRITE_DELETE_RUN, run->id);
    left->n_runs--;
    left->n_rows -= n_rows;
    count->n_runs++;
    count->n_tasks += rows.n_tasks;
    return TAKEN;
}

static Allowance allowance_new(int64_t max_runs)
{
    return (Allowance){.n_runs = max_runs > 0 ? MIN(max_runs, CLEAN_RUNS_SEEN) : CLEAN_RUNS,
                       .n_rows = CLEAN_ROWS,
                       .n_log_entries = CLEAN_LOG_ENTRIES};
}

/* ---- Old runs ---- */

static bool names(const json_t *list, const char *dag_id)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (strcmp(json_string_value(item), dag_id) == 0)
            return true;
    }
    return false;
}

static const DagFacts *facts_of(Daemon *daemon, const CleanSlice *slice, const char *dag_id,
                                GHashTable *known, GError **error)
{
    DagFacts *facts = g_hash_table_lookup(known, dag_id);
    if (facts != NULL)
        return facts;
    g_autoptr(GPtrArray) rows = store_list_dag_schedules(store_conn(daemon->store), dag_id, error);
    g_autoptr(Backfill) backfill = NULL;
    Retention own;
    if (rows == NULL || !store_get_dag_retention(store_conn(daemon->store), dag_id, &own, error) ||
        !store_find_unfinished_backfill(store_conn(daemon->store), dag_id, &backfill, error))
        return NULL;
    const DagSchedule *schedule = rows->len > 0 ? rows->pdata[0] : NULL;
    facts = g_new0(DagFacts, 1);
    facts->is_meant = slice->dag_ids == NULL || names(slice->dag_ids, dag_id);
    facts->rule.before_us = slice->before_us;
    facts->rule.logs_before_us = TIME_NONE;
    if (slice->by_retention) {
        Retention kept = retention_or(own, daemon->settings->retention);
        facts->rule.before_us = retention_before(slice->before_us, kept.runs_us);
        facts->rule.logs_before_us = retention_before(slice->before_us, kept.logs_us);
    }
    facts->rule.last_scheduled_us =
        schedule != NULL && schedule->has_last_run ? schedule->last_logical_date_us : TIME_NONE;
    facts->rule.backfill_id = backfill != NULL ? backfill->id : 0;
    g_hash_table_insert(known, g_strdup(dag_id), facts);
    return facts;
}

/** Nothing of it may go: it is loaded, so a process of it is alive, or somebody has yet to be told of it. */
static bool is_in_use(Daemon *daemon, const DagRun *run)
{
    int64_t n_hooks = 0;
    return runs_find(daemon, run->id) != NULL ||
           !store_count_unfinished_hooks(store_conn(daemon->store), run->id, &n_hooks, NULL) || n_hooks > 0;
}

static CleanCount *count_of(CleanResult *result, const char *dag_id)
{
    CleanCount *count = g_hash_table_lookup(result->dags, dag_id);
    if (count == NULL) {
        count = g_new0(CleanCount, 1);
        g_hash_table_insert(result->dags, g_strdup(dag_id), count);
    }
    return count;
}

/** Whatever is to be done with this run. */
static Take look_at_run(Daemon *daemon, const CleanSlice *slice, const DagRun *run, const DagFacts *facts,
                        Allowance *left, CleanResult *ret, GError **error)
{
    bool is_old = facts->is_meant && retention_is_old(run, &facts->rule);
    bool are_logs_old = facts->is_meant && retention_logs_are_old(run, &facts->rule);
    /* The usual case, for as long as the run is kept: they have gone already. That is no more than a stat. */
    bool has_old_logs = !is_old && are_logs_old &&
                        log_folder_has_run(daemon->settings->logs_folder, run->dag_id, run->run_id);
    if ((!is_old && !has_old_logs) || is_in_use(daemon, run))
        return TAKEN;
    return is_old ? take_run(daemon, run, slice->is_dry, left, count_of(ret, run->dag_id), error)
                  : take_logs(daemon, run, left, ret);
}

static bool clean_runs(Daemon *daemon, const CleanSlice *slice, CleanResult *ret, GError **error)
{
    g_autoptr(GPtrArray) runs =
        store_list_runs_after(store_conn(daemon->store), slice->after_id, CLEAN_RUNS_SEEN, error);
    if (runs == NULL)
        return false;
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    Allowance left = allowance_new(slice->is_dry ? CLEAN_RUNS_SEEN : slice->max_runs);
    for (guint i = 0; i < runs->len; i++) {
        const DagRun *run = runs->pdata[i];
        const DagFacts *facts = facts_of(daemon, slice, run->dag_id, known, error);
        if (facts == NULL)
            return false;
        Take take = look_at_run(daemon, slice, run, facts, &left, ret, error);
        if (take == TAKE_FAILED)
            return false;
        if (take == TAKE_FULL) {
            ret->has_more = true;
            return true;
        }
        ret->after_id = run->id;
    }
    ret->has_more = runs->len == CLEAN_RUNS_SEEN || (left.has_taken && !slice->is_dry);
    return true;
}

/* ---- Versions, backfills and events ---- */

typedef GArray *(*ListFn)(StoreConn *conn, const char *dag_id, int64_t before_us, int64_t limit,
                          GError **error);

static bool clean_rows(Daemon *daemon, const CleanSlice *slice, const char *dag_id, ListFn list,
                       WriteKind kind, int64_t *count, CleanResult *ret, GError **error)
{
    int64_t limit = slice->is_dry ? INT64_MAX : CLEAN_OTHER_ROWS;
    int64_t before_us = slice->by_retention
                            ? retention_before(slice->before_us, daemon->settings->retention.runs_us)
                            : slice->before_us;
    if (before_us == TIME_NONE)
        return true;
    g_autoptr(GArray) ids = list(store_conn(daemon->store), dag_id, before_us, limit, error);
    if (ids == NULL)
        return false;
    for (guint i = 0; !slice->is_dry && i < ids->len; i++)
        persist_add_delete(daemon, kind, g_array_index(ids, int64_t, i));
    *count += ids->len;
    ret->has_more = ret->has_more || ids->len == limit;
    return true;
}

static bool clean_others(Daemon *daemon, const CleanSlice *slice, const char *dag_id, CleanResult *ret,
                         GError **error)
{
    return clean_rows(daemon, slice, dag_id, store_list_idle_versions, WRITE_DELETE_DAG_VERSION,
                      &ret->n_versions, ret, error) &&
           clean_rows(daemon, slice, dag_id, store_list_idle_backfills, WRITE_DELETE_BACKFILL,
                      &ret->n_backfills, ret, error) &&
           clean_rows(daemon, slice, dag_id, store_list_old_events, WRITE_DELETE_EVENT, &ret->n_events, ret,
                      error);
}

bool clean_slice(Daemon *daemon, const CleanSlice *slice, CleanResult *ret, GError **error)
{
    *ret = (CleanResult){.after_id = slice->after_id};
    ret->dags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!clean_runs(daemon, slice, ret, error))
        return false;
    if (ret->has_more) /* versions are idle once their runs are gone, and that is not committed yet */
        return true;
    if (slice->dag_ids == NULL)
        return clean_others(daemon, slice, NULL, ret, error);
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)slice->dag_ids, i, item)
    {
        if (!clean_others(daemon, slice, json_string_value(item), ret, error))
            return false;
    }
    return true;
}

/* ---- One DAG ---- */

bool clean_dag_slice(Daemon *daemon, const char *dag_id, CleanCount *ret, bool *ret_is_done, GError **error)
{
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = dag_id;
    query.page.limit = CLEAN_RUNS_SEEN;
    g_autoptr(GPtrArray) runs = store_list_runs(store_conn(daemon->store), &query, NULL, error);
    if (runs == NULL)
        return false;
    Allowance left = allowance_new(0);
    for (guint i = 0; i < runs->len; i++) {
        Take take = take_run(daemon, runs->pdata[i], false, &left, ret, error);
        if (take == TAKE_FAILED)
            return false;
        if (take == TAKE_FULL)
            break;
    }
    *ret_is_done = runs->len == 0;
    return true;
}
