/* SPDX-License-Identifier: MIT */
/* weir dags next-execution: what a scheduler would do next, from the same rows and by the same rules. */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/time/timetable.h"

#include <stdlib.h>

/** What the store knows; NULL without an error if it does not know the DAG yet. */
static DagSchedule *find_schedule(Cli *cli, const char *dag_id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    StoreConn *reader = cli_reader(cli, &failure);
    if (reader == NULL) {
        if (failure != NULL)
            g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_autoptr(GPtrArray) rows = store_list_dag_schedules(reader, dag_id, error);
    if (rows == NULL || rows->len == 0)
        return NULL;
    g_ptr_array_set_free_func(rows, NULL);
    return rows->pdata[0];
}

static void add_row(json_t *rows, const Dag *dag, const DagRunTimes *times)
{
    json_t *row = json_object();
    json_object_set_new(row, "dag_id", json_string(dag->dag_id));
    json_object_set_new(row, "logical_date", document_time(times->logical_date_us));
    json_object_set_new(row, "data_interval_start", document_time(times->data_interval_start_us));
    json_object_set_new(row, "data_interval_end", document_time(times->data_interval_end_us));
    json_object_set_new(row, "run_after", document_time(times->run_after_us));
    json_array_append_new(rows, row);
}

/** The file that makes the scheduler fire the DAG; NULL if there is none in the folder. */
static const DagFile *find_file(Cli *cli, const Dag *dag, const DagSchedule *known)
{
    const DagFolder *folder = cli_folder(cli, NULL);
    const DagFile *file = folder != NULL ? dag_folder_find(folder, dag->dag_id) : NULL;
    bool may_be_broken = file == NULL && folder != NULL && known != NULL && known->fileloc != NULL;
    return may_be_broken ? dag_folder_find_path(folder, known->fileloc) : file;
}

static void say_what_to_know(const DagSchedule *known, const Dag *dag, const DagFile *file, size_t n)
{
    if (file != NULL && file->dag == NULL)
        g_printerr("the file of DAG \"%s\" has errors: its last good version goes on\n", dag->dag_id);
    if (file == NULL)
        g_printerr("DAG \"%s\" has no further run: it has no file in the DAG folder\n", dag->dag_id);
    else if (n == 0)
        g_printerr("DAG \"%s\" has no further run: schedule %s\n", dag->dag_id,
                   dag->schedule.kind == SCHEDULE_NONE ? "None" : "has ended");
    else if (known != NULL && known->is_paused)
        g_printerr("DAG \"%s\" is paused: these wait until it is unpaused\n", dag->dag_id);
    else if (dag->schedule.kind == SCHEDULE_CONTINUOUS)
        g_printerr("each run follows the end of the one before; only the next one can be told\n");
}

int verb_dags_next_execution(Cli *cli, GError **error)
{
    int64_t n;
    if (!args_integer(cli->args, "num-executions", 1, 100000, 1, &n, error))
        return EXIT_FAILURE;
    const Dag *dag = cli_find_fired_dag(cli, args_word(cli->args, 0), error);
    g_autoptr(Timetable) timetable = dag != NULL ? timetable_new(&dag->schedule, error) : NULL;
    if (timetable == NULL)
        return EXIT_FAILURE;
    g_autoptr(GError) failure = NULL;
    g_autoptr(DagSchedule) known = find_schedule(cli, dag->dag_id, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return EXIT_FAILURE;
    }
    int64_t now_us = g_get_real_time(), first_seen_us = known != NULL ? known->first_seen_us : now_us;
    DagRunTimes times;
    const TimetableLast *last = NULL;
    if (known != NULL && known->has_last_run) {
        times = (DagRunTimes){known->last_logical_date_us, known->last_data_interval_start_us,
                              known->last_data_interval_end_us, known->last_run_after_us};
        last = &times;
    }
    const DagFile *file = find_file(cli, dag, known);
    if (file == NULL)
        n = 0;
    else if (dag->schedule.kind == SCHEDULE_CONTINUOUS)
        n = 1;
    json_auto_t *rows = json_array();
    for (; n > 0 && timetable_next(timetable, last, first_seen_us, now_us, &times); n--) {
        add_row(rows, dag, &times);
        last = &times;
        now_us = MAX(now_us, times.run_after_us);
    }
    say_what_to_know(known, dag, file, json_array_size(rows));
    static const char *const columns[] = {"logical_date", "data_interval_start", "data_interval_end",
                                          "run_after", NULL};
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}
