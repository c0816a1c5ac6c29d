/* SPDX-License-Identifier: MIT */
/*
 * What must hold between rows. The CHECKs and foreign keys of the schema see to one row, or to one row and
 * its parent; this is the rest of what SQL can say. Each query lists what breaks a rule as one text a row.
 */
#include "scheduler/store/query.h"

/** Of one rule; more of the same kind says nothing new. */
#define FINDINGS_MAX 10

typedef struct {
    const char *rule;
    const char *sql; /**< one text column */
} Rule;

#define RUN_NAME "'run ' || r.run_id || ' of DAG ' || r.dag_id"

static const Rule rules[] = {
    {"a finished run has no unfinished task",
     "SELECT " RUN_NAME " || ' is ' || r.state || ', but its task ' || t.task_id || ' is ' "
     "|| coalesce(t.state, 'none') FROM task_instance t JOIN dag_run r ON r.id = t.dag_run_id "
     "WHERE r.state IN ('success', 'failed') AND (t.state IS NULL OR t.state IN ('scheduled', 'queued', "
     "'running', 'up_for_retry', 'up_for_reschedule', 'deferred', 'restarting'))"},
    {"a finished run is not on its way to another end",
     "SELECT " RUN_NAME " || ' is ' || r.state || ' and still to become ' || r.forced_state FROM dag_run r "
     "WHERE r.state IN ('success', 'failed') AND r.forced_state IS NOT NULL"},
    {"a run's state is one",
     "SELECT " RUN_NAME " || ' is \"' || r.state || '\", which is no state' FROM dag_run r "
     "WHERE r.state NOT IN ('queued', 'running', 'success', 'failed')"},
    {"a task's state is one",
     "SELECT 'task ' || t.task_id || ' in ' || " RUN_NAME
     " || ' is \"' || t.state || '\", which is no state' "
     "FROM task_instance t JOIN dag_run r ON r.id = t.dag_run_id WHERE t.state NOT IN ('scheduled', "
     "'queued', "
     "'running', 'success', 'failed', 'skipped', 'upstream_failed', 'up_for_retry', 'up_for_reschedule', "
     "'deferred', 'restarting', 'removed')"},
    {"a run has tasks", "SELECT " RUN_NAME " || ' has no task instances' FROM dag_run r "
                        "WHERE NOT EXISTS (SELECT 1 FROM task_instance t WHERE t.dag_run_id = r.id)"},
    {"a run is on a version of its own DAG",
     "SELECT " RUN_NAME " || ' is on a version of DAG ' || v.dag_id FROM dag_run r "
     "JOIN dag_version v ON v.id = r.dag_version_id WHERE v.dag_id <> r.dag_id"},
    {"a DAG's latest version is its own",
     "SELECT 'the latest version of DAG ' || d.dag_id || ' is one of DAG ' || v.dag_id FROM dag d "
     "JOIN dag_version v ON v.id = d.latest_version_id WHERE v.dag_id <> d.dag_id"},
    {"no try in the history is later than the latest",
     "SELECT 'try ' || h.try_number || ' of task ' || t.task_id || ' in ' || " RUN_NAME " || ' is in the "
     "history, but its latest is ' || t.try_number FROM task_instance_history h "
     "JOIN task_instance t ON t.id = h.ti_id JOIN dag_run r ON r.id = t.dag_run_id "
     "WHERE h.try_number > t.try_number"},
    {"an XCom is of a task of its run",
     "SELECT 'XCom ' || x.key || ' of ' || " RUN_NAME
     " || ' is of a task that it does not have: ' || x.task_id "
     "FROM xcom x JOIN dag_run r ON r.id = x.dag_run_id WHERE NOT EXISTS (SELECT 1 FROM task_instance t "
     "WHERE t.dag_run_id = x.dag_run_id AND t.task_id = x.task_id)"},
};

bool check_rows(StoreConn *conn, GPtrArray *problems, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        Query query = query_begin_once(conn, rules[i].sql);
        guint n = 0;
        while (query_next(&query)) {
            if (++n <= FINDINGS_MAX)
                g_ptr_array_add(problems, query_dup_text(&query));
        }
        if (n > FINDINGS_MAX)
            g_ptr_array_add(problems, g_strdup_printf("%u more: %s", n - FINDINGS_MAX, rules[i].rule));
        if (!query_end(&query, error))
            return false;
    }
    return true;
}
