/* SPDX-License-Identifier: MIT */
/* Which runs a backfill means. Only looks. */
#include "scheduler/daemon/backfill.h"
#include "scheduler/daemon/run_id.h"
#include "scheduler/time/instant.h"

/* ---- May it be made (the texts are Airflow's) ---- */

static bool refuse(GError **error, WeirError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool refuse(GError **error, WeirError code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, WEIR_ERROR, code, message);
    return false;
}

static bool check_alone(Daemon *daemon, const char *dag_id, GError **error)
{
    g_autoptr(Backfill) other = NULL;
    if (!store_find_unfinished_backfill(store_conn(daemon->store), dag_id, &other, error))
        return false;
    if (other == NULL)
        return true;
    return refuse(error, WEIR_ERROR_CONFLICT,
                  "Another backfill is running for Dag %s. There can be only one running backfill per Dag: "
                  "it is the one with id %" G_GINT64_FORMAT,
                  dag_id, other->id);
}

static bool check_dates(const BackfillRequest *request, int64_t now_us, GError **error)
{
    if (request->from_us > request->to_us) {
        g_autofree char *from = instant_format(request->from_us, INSTANT_ISO);
        g_autofree char *to = instant_format(request->to_us, INSTANT_ISO);
        return refuse(error, WEIR_ERROR_INVALID, "from_date (%s) must not be after to_date (%s).", from, to);
    }
    if (request->from_us >= now_us && request->to_us >= now_us)
        return refuse(error, WEIR_ERROR_INVALID, "Backfill cannot be executed for future dates.");
    return true;
}

static bool check_past(const BackfillRequest *request, GError **error)
{
    if (!request->latest.dag->any_depends_on_past)
        return true;
    if (request->run_backwards)
        return refuse(error, WEIR_ERROR_INVALID,
                      "Backfill cannot be run in reverse when the Dag has tasks where "
                      "depends_on_past=True.");
    if (request->reprocess == REPROCESS_NONE)
        return refuse(error, WEIR_ERROR_INVALID,
                      "Dag has tasks for which depends_on_past=True. You must set reprocess behavior to "
                      "reprocess completed or reprocess failed.");
    return true;
}

bool backfill_check(Daemon *daemon, const BackfillRequest *request, int64_t now_us, GError **error)
{
    const Dag *dag = request->latest.dag;
    g_autoptr(Timetable) timetable = NULL;
    if (dag->schedule.kind != SCHEDULE_NONE) {
        timetable = timetable_new(&dag->schedule, error);
        if (timetable == NULL)
            return false;
    }
    if (timetable == NULL || !timetable_is_periodic(timetable))
        return refuse(error, WEIR_ERROR_INVALID,
                      "%s has a non-periodic schedule that does not support backfills", dag->dag_id);
    return check_alone(daemon, dag->dag_id, error) && check_dates(request, now_us, error) &&
           check_past(request, error);
}

/* ---- Dates ---- */

static void tick_clear(gpointer data)
{
    BackfillTick *tick = data;
    dag_run_free(tick->run);
    g_free(tick->params_json);
    g_free(tick->past_states);
}

/* Those of the schedule, whatever start_date, end_date and catchup say; an interval must have ended. */
static GArray *list_times(const BackfillRequest *request, int64_t now_us, GError **error)
{
    const Dag *dag = request->latest.dag;
    guint max = MIN(BACKFILL_RUNS_MAX, BACKFILL_TASKS_MAX / MAX(dag->n_tasks, 1));
    g_autoptr(Timetable) timetable = timetable_new(&dag->schedule, error);
    if (timetable == NULL)
        return NULL;
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(DagRunTimes));
    DagRunTimes times;
    for (int64_t from_us = request->from_us;
         timetable_backfill_next(timetable, from_us, &times) && times.logical_date_us <= request->to_us &&
         times.data_interval_end_us < now_us;
         from_us = times.logical_date_us + 1) {
        if (list->len == max) {
            refuse(error, WEIR_ERROR_INVALID,
                   "a backfill of Dag %s makes at most %u runs (it has %u tasks), and these dates are more: "
                   "choose a shorter range",
                   dag->dag_id, max, dag->n_tasks);
            return NULL;
        }
        g_array_append_val(list, times);
    }
    if (list->len == 0) {
        refuse(error, WEIR_ERROR_INVALID,
               "No runs to create for Dag %s: its schedule (%s) has no date in that range whose data "
               "interval has ended",
               dag->dag_id, timetable_summary(timetable));
        return NULL;
    }
    return g_steal_pointer(&list);
}

/* ---- Runs ---- */

/** The runs there are: those at the dates, by date, and ids of others that new ones would have. */
typedef struct {
    GPtrArray *by_date; /**< DagRun */
    guint at;           /**< of by_date: none before has a date that is still to come */
    GPtrArray *backfilled;
    GHashTable *ids; /**< of `backfilled` */
} Existing;

static void existing_clear(Existing *existing)
{
    g_clear_pointer(&existing->by_date, g_ptr_array_unref);
    g_clear_pointer(&existing->backfilled, g_ptr_array_unref);
    g_clear_pointer(&existing->ids, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Existing, existing_clear)

static bool existing_find(Existing *existing, Daemon *daemon, const char *dag_id, const GArray *times,
                          GError **error)
{
    const DagRunTimes *first = &g_array_index(times, DagRunTimes, 0);
    const DagRunTimes *last = &g_array_index(times, DagRunTimes, times->len - 1);
    RunQuery at_dates = RUN_QUERY_ALL, backfilled = RUN_QUERY_ALL;
    at_dates.dag_id = backfilled.dag_id = dag_id;
    at_dates.logical_date = (TimeRange){first->logical_date_us, last->logical_date_us};
    at_dates.order = RUN_ORDER_LOGICAL_DATE;
    backfilled.types = 1u << RUN_TYPE_BACKFILL;
    backfilled.run_after = (TimeRange){first->run_after_us, last->run_after_us};
    StoreConn *conn = store_conn(daemon->store);
    existing->by_date = store_list_runs(conn, &at_dates, NULL, error);
    if (existing->by_date == NULL)
        return false;
    existing->backfilled = store_list_runs(conn, &backfilled, NULL, error);
    if (existing->backfilled == NULL)
        return false;
    existing->ids = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < existing->backfilled->len; i++)
        g_hash_table_add(existing->ids, ((const DagRun *)existing->backfilled->pdata[i])->run_id);
    return true;
}

/* The run at that date, or NULL; dates must rise from call to call. */
static const DagRun *existing_at(Existing *existing, int64_t date_us)
{
    for (; existing->at < existing->by_date->len; existing->at++) {
        const DagRun *run = existing->by_date->pdata[existing->at];
        if (run->logical_date_us >= date_us)
            return run->logical_date_us == date_us ? run : NULL;
    }
    return NULL;
}

static BackfillException exception_of(const DagRun *run, ReprocessBehavior reprocess)
{
    if (!run_state_is_finished(run->state))
        return BACKFILL_EXCEPTION_IN_FLIGHT;
    bool is_meant =
        reprocess == REPROCESS_COMPLETED || (reprocess == REPROCESS_FAILED && run->state == RUN_STATE_FAILED);
    return is_meant ? BACKFILL_EXCEPTION_NONE : BACKFILL_EXCEPTION_ALREADY_EXISTS;
}

static DagRun *new_run(const BackfillRequest *request, const DagRunTimes *times, const char *conf,
                       const char *params, int64_t now_us)
{
    DagRun *run = g_new0(DagRun, 1);
    run->dag_id = g_strdup(request->latest.dag->dag_id);
    run->run_id = run_id_make(RUN_TYPE_BACKFILL, times->run_after_us, true);
    run->type = RUN_TYPE_BACKFILL;
    run->state = RUN_STATE_QUEUED;
    run->dag_version_id = request->latest.version_id;
    run->logical_date_us = times->logical_date_us;
    run->data_interval_start_us = times->data_interval_start_us;
    run->data_interval_end_us = times->data_interval_end_us;
    run->run_after_us = times->run_after_us;
    run->queued_at_us = now_us;
    run->start_date_us = run->end_date_us = TIME_NONE;
    run->forced_state = RUN_STATE_INVALID;
    run->conf_json = g_strdup(conf);
    run->params_json = g_strdup(params);
    run->triggered_by = g_strdup("backfill");
    run->triggering_user = g_strdup(request->user);
    return run;
}

static void reverse(GArray *plan)
{
    for (guint i = 0, k = plan->len - 1; i < k; i++, k--) {
        BackfillTick kept = g_array_index(plan, BackfillTick, i);
        g_array_index(plan, BackfillTick, i) = g_array_index(plan, BackfillTick, k);
        g_array_index(plan, BackfillTick, k) = kept;
    }
}

static GArray *make_plan(Daemon *daemon, const BackfillRequest *request, const json_t *params, int64_t now_us,
                         GError **error)
{
    g_autoptr(GArray) times = list_times(request, now_us, error);
    g_auto(Existing) existing = {0};
    if (times == NULL || !existing_find(&existing, daemon, request->latest.dag->dag_id, times, error))
        return NULL;
    char *conf_text = request->conf != NULL ? json_dumps(request->conf, JSON_COMPACT) : NULL;
    char *params_text = json_dumps(params, JSON_COMPACT);
    GArray *plan = g_array_sized_new(FALSE, TRUE, sizeof(BackfillTick), times->len);
    g_array_set_clear_func(plan, tick_clear);
    for (guint i = 0; i < times->len; i++) {
        const DagRunTimes *at = &g_array_index(times, DagRunTimes, i);
        const DagRun *known = existing_at(&existing, at->logical_date_us);
        BackfillTick tick = {.logical_date_us = at->logical_date_us, .is_new = known == NULL};
        if (known != NULL)
            tick.exception = exception_of(known, request->reprocess);
        else
            tick.run = new_run(request, at, conf_text != NULL ? conf_text : "{}", params_text, now_us);
        if (known != NULL && tick.exception == BACKFILL_EXCEPTION_NONE)
            tick.run = dag_run_copy(known);
        if (known == NULL && g_hash_table_contains(existing.ids, tick.run->run_id)) {
            /* The schedule was another one: that run id stands for another logical date. */
            g_clear_pointer(&tick.run, dag_run_free);
            tick.exception = BACKFILL_EXCEPTION_ALREADY_EXISTS;
        }
        g_array_append_val(plan, tick);
    }
    free(conf_text);
    free(params_text);
    if (request->run_backwards)
        reverse(plan);
    return plan;
}

GArray *backfill_plan(Daemon *daemon, const BackfillRequest *request, int64_t now_us, GError **error)
{
    const Dag *dag = request->latest.dag;
    json_t *params = param_set_resolve(dag->params, request->conf, dag->folder, NULL, error);
    if (params == NULL)
        return NULL;
    GArray *plan = make_plan(daemon, request, params, now_us, error);
    json_decref(params);
    return plan;
}
