/* SPDX-License-Identifier: MIT */
/*
 * bench_pages DATABASE DAG RUN ROUNDS: the pages of lists as their readers ask for them, without a process, a
 * socket or JSON around. A line for each: `name MICROSECONDS`.
 */
#include "scheduler/store/reader.h"

#include <stdio.h>

#define PAGE_ROWS 50

typedef struct {
    StoreConn *conn;
    const char *dag_id;
    int64_t dag_run_id;
    GError *error;
} Pages;

typedef bool (*PageFn)(Pages *pages);

static bool list_runs(Pages *pages, RunQuery query, int64_t *ret_total)
{
    query.descending = true;
    query.page.limit = PAGE_ROWS;
    g_autoptr(GPtrArray) rows = store_list_runs(pages->conn, &query, ret_total, &pages->error);
    return rows != NULL;
}

static RunQuery of_dag(const Pages *pages)
{
    RunQuery query = RUN_QUERY_ALL;
    query.dag_id = pages->dag_id;
    return query;
}

static bool runs_of_dag(Pages *pages)
{
    return list_runs(pages, of_dag(pages), NULL);
}

static bool runs_of_dag_with_total(Pages *pages)
{
    int64_t total;
    return list_runs(pages, of_dag(pages), &total);
}

static bool runs_of_dag_by_id(Pages *pages)
{
    RunQuery query = of_dag(pages);
    query.order = RUN_ORDER_ID;
    return list_runs(pages, query, NULL);
}

static bool runs_of_dag_by_start(Pages *pages)
{
    RunQuery query = of_dag(pages);
    query.order = RUN_ORDER_START_DATE;
    return list_runs(pages, query, NULL);
}

static bool failed_runs_of_dag(Pages *pages)
{
    RunQuery query = of_dag(pages);
    query.states = 1u << RUN_STATE_FAILED;
    return list_runs(pages, query, NULL);
}

static bool successful_runs_of_dag_with_total(Pages *pages)
{
    RunQuery query = of_dag(pages);
    query.states = 1u << RUN_STATE_SUCCESS;
    int64_t total;
    return list_runs(pages, query, &total);
}

static bool runs_of_all_dags(Pages *pages)
{
    return list_runs(pages, (RunQuery)RUN_QUERY_ALL, NULL);
}

static bool runs_of_all_dags_with_total(Pages *pages)
{
    int64_t total;
    return list_runs(pages, (RunQuery)RUN_QUERY_ALL, &total);
}

static bool running_runs_of_all_dags(Pages *pages)
{
    RunQuery query = RUN_QUERY_ALL;
    query.states = 1u << RUN_STATE_RUNNING;
    return list_runs(pages, query, NULL);
}

static bool tasks_of_run(Pages *pages)
{
    TaskQuery query = {.dag_run_id = pages->dag_run_id};
    g_autoptr(TaskList) rows = store_list_tasks(pages->conn, &query, NULL, &pages->error);
    return rows != NULL;
}

static bool states_of_run(Pages *pages)
{
    int64_t counts[TASK_STATE_COUNT];
    return store_count_task_states(pages->conn, pages->dag_run_id, counts, &pages->error);
}

static bool pools(Pages *pages)
{
    g_autoptr(GPtrArray) rows = store_list_pools(pages->conn, &pages->error);
    return rows != NULL;
}

static bool xcoms_of_run(Pages *pages)
{
    g_autoptr(GPtrArray) rows = store_list_xcoms(pages->conn, pages->dag_run_id, NULL, NULL,
                                                 (Page){.limit = PAGE_ROWS}, NULL, &pages->error);
    return rows != NULL;
}

static bool list_events(Pages *pages, EventQuery query, int64_t *ret_total)
{
    query.page.limit = PAGE_ROWS;
    g_autoptr(GPtrArray) rows = store_list_events(pages->conn, &query, ret_total, &pages->error);
    return rows != NULL;
}

static bool events(Pages *pages)
{
    return list_events(pages, (EventQuery)EVENT_QUERY_ALL, NULL);
}

static bool events_of_dag(Pages *pages)
{
    EventQuery query = EVENT_QUERY_ALL;
    query.dag_id = pages->dag_id;
    return list_events(pages, query, NULL);
}

static bool hooks_of_dag(Pages *pages)
{
    HookQuery query = HOOK_QUERY_ALL;
    query.dag_id = pages->dag_id;
    query.descending = true;
    query.page.limit = PAGE_ROWS;
    g_autoptr(GPtrArray) rows = store_list_hooks(pages->conn, &query, NULL, &pages->error);
    return rows != NULL;
}

static bool schedules(Pages *pages)
{
    g_autoptr(GPtrArray) rows = store_list_dag_schedules(pages->conn, NULL, &pages->error);
    return rows != NULL;
}

static const struct {
    const char *name;
    PageFn read;
} all_pages[] = {
    {"runs_of_dag", runs_of_dag},
    {"runs_of_dag_with_total", runs_of_dag_with_total},
    {"runs_of_dag_by_id", runs_of_dag_by_id},
    {"runs_of_dag_by_start", runs_of_dag_by_start},
    {"failed_runs_of_dag", failed_runs_of_dag},
    {"successful_runs_of_dag_with_total", successful_runs_of_dag_with_total},
    {"runs_of_all_dags", runs_of_all_dags},
    {"runs_of_all_dags_with_total", runs_of_all_dags_with_total},
    {"running_runs_of_all_dags", running_runs_of_all_dags},
    {"tasks_of_run", tasks_of_run},
    {"states_of_run", states_of_run},
    {"xcoms_of_run", xcoms_of_run},
    {"pools", pools},
    {"events", events},
    {"events_of_dag", events_of_dag},
    {"hooks_of_dag", hooks_of_dag},
    {"schedules", schedules},
};

static bool open_pages(Pages *pages, const char *path, const char *run_id)
{
    pages->conn = store_reader_open(path, &pages->error);
    if (pages->conn == NULL)
        return false;
    g_autoptr(DagRun) run = store_get_run(pages->conn, pages->dag_id, run_id, &pages->error);
    if (run != NULL)
        pages->dag_run_id = run->id;
    return run != NULL;
}

static bool read_all(Pages *pages, const char *wanted)
{
    gint64 rounds = 0;
    if (!g_ascii_string_to_signed(wanted, 10, 1, 1000000, &rounds, &pages->error))
        return false;
    for (gint64 round = 0; round < rounds; round++) {
        for (size_t i = 0; i < G_N_ELEMENTS(all_pages); i++) {
            int64_t start_us = g_get_monotonic_time();
            if (!all_pages[i].read(pages))
                return false;
            printf("%s %" G_GINT64_FORMAT "\n", all_pages[i].name, g_get_monotonic_time() - start_us);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: bench_pages DATABASE DAG RUN ROUNDS\n", stderr);
        return 2;
    }
    Pages pages = {.dag_id = argv[2]};
    bool ok = open_pages(&pages, argv[1], argv[3]) && read_all(&pages, argv[4]);
    if (!ok)
        fprintf(stderr, "%s\n", pages.error->message);
    g_clear_pointer(&pages.conn, store_reader_close);
    g_clear_error(&pages.error);
    return ok ? 0 : 1;
}
