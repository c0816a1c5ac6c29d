/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/documents.h"

#include "scheduler/daemon/run_context.h"
#include "scheduler/time/instant.h"

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, text != NULL ? json_string(text) : json_null());
}

static void set_time(json_t *object, const char *name, int64_t us)
{
    g_autofree char *text = us == TIME_NONE ? NULL : instant_format(us, INSTANT_JSON);
    set_text(object, name, text);
}

static void set_duration(json_t *object, int64_t start_us, int64_t end_us)
{
    bool is_known = start_us != TIME_NONE && end_us != TIME_NONE;
    json_object_set_new(object, "duration",
                        is_known ? json_real((double)(end_us - start_us) / 1e6) : json_null());
}

static void set_json(json_t *object, const char *name, const char *text)
{
    json_t *value = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    json_object_set_new(object, name, value != NULL ? value : json_object());
}

json_t *document_of_run(const DagRun *run)
{
    json_t *object = json_object();
    set_text(object, "dag_id", run->dag_id);
    set_text(object, "dag_run_id", run->run_id);
    set_text(object, "run_type", run_type_to_string(run->type));
    set_text(object, "state", run_state_to_string(run->state));
    set_time(object, "logical_date", run->logical_date_us);
    set_time(object, "data_interval_start", run->data_interval_start_us);
    set_time(object, "data_interval_end", run->data_interval_end_us);
    set_time(object, "run_after", run->run_after_us);
    set_time(object, "queued_at", run->queued_at_us);
    set_time(object, "start_date", run->start_date_us);
    set_time(object, "end_date", run->end_date_us);
    set_duration(object, run->start_date_us, run->end_date_us);
    set_text(object, "end_reason", end_reason_to_string(run->end_reason));
    set_text(object, "triggered_by", run->triggered_by);
    set_text(object, "triggering_user_name", run->triggering_user);
    set_text(object, "note", run->note);
    set_json(object, "conf", run->conf_json);
    return object;
}

json_t *document_of_task(const Settings *settings, const DagRun *run, const TaskInstance *ti)
{
    json_t *object = json_object();
    set_text(object, "dag_id", run->dag_id);
    set_text(object, "dag_run_id", run->run_id);
    set_text(object, "task_id", ti->task_id);
    set_text(object, "state", task_state_to_string(ti->state));
    json_object_set_new(object, "try_number", json_integer(ti->try_number));
    json_object_set_new(object, "max_tries", json_integer(ti->max_tries));
    set_time(object, "start_date", ti->start_date_us);
    set_time(object, "end_date", ti->end_date_us);
    set_duration(object, ti->start_date_us, ti->end_date_us);
    set_text(object, "pool", ti->pool);
    json_object_set_new(object, "pool_slots", json_integer(ti->pool_slots));
    json_object_set_new(object, "priority_weight", json_integer(ti->priority_weight));
    set_text(object, "operator", ti->operator_name);
    set_time(object, "scheduled_when", ti->scheduled_us);
    set_time(object, "queued_when", ti->queued_us);
    json_object_set_new(object, "pid", ti->pid > 0 ? json_integer(ti->pid) : json_null());
    set_text(object, "end_reason", end_reason_to_string(ti->end_reason));
    json_object_set_new(object, "exit_code",
                        ti->exit_code != EXIT_CODE_NONE ? json_integer(ti->exit_code) : json_null());
    json_object_set_new(object, "term_signal",
                        ti->term_signal != 0 ? json_integer(ti->term_signal) : json_null());
    set_time(object, "retry_at", ti->retry_at_us);
    g_autofree char *log_path =
        ti->try_number > 0 ? attempt_log_path(settings, run->dag_id, run->run_id, ti->task_id, ti->try_number)
                           : NULL;
    set_text(object, "log_path", log_path);
    return object;
}

static void set_known_time(json_t *object, const char *name, int64_t us)
{
    if (us != TIME_NONE)
        set_time(object, name, us);
}

json_t *document_of_progress(const Settings *settings, const DagRun *run, const TaskInstance *ti)
{
    json_t *object = json_object();
    set_text(object, "task_id", ti->task_id);
    set_text(object, "state", task_state_to_string(ti->state));
    json_object_set_new(object, "try_number", json_integer(ti->try_number));
    json_object_set_new(object, "max_tries", json_integer(ti->max_tries));
    set_known_time(object, "start_date", ti->start_date_us);
    set_known_time(object, "end_date", ti->end_date_us);
    set_known_time(object, "retry_at", ti->retry_at_us);
    if (ti->start_date_us != TIME_NONE && ti->end_date_us != TIME_NONE)
        set_duration(object, ti->start_date_us, ti->end_date_us);
    if (ti->pid > 0)
        json_object_set_new(object, "pid", json_integer(ti->pid));
    if (ti->end_reason != END_NONE)
        set_text(object, "end_reason", end_reason_to_string(ti->end_reason));
    if (ti->exit_code != EXIT_CODE_NONE)
        json_object_set_new(object, "exit_code", json_integer(ti->exit_code));
    if (ti->term_signal != 0)
        json_object_set_new(object, "term_signal", json_integer(ti->term_signal));
    if (ti->try_number > 0) {
        g_autofree char *log_path =
            attempt_log_path(settings, run->dag_id, run->run_id, ti->task_id, ti->try_number);
        set_text(object, "log_path", log_path);
    }
    return object;
}

json_t *document_of_backfill(const Backfill *backfill)
{
    json_t *object = json_object();
    json_object_set_new(object, "id", json_integer(backfill->id));
    set_text(object, "dag_id", backfill->dag_id);
    set_text(object, "dag_display_name", backfill->dag_id);
    set_time(object, "from_date", backfill->from_date_us);
    set_time(object, "to_date", backfill->to_date_us);
    if (backfill->conf_json != NULL)
        set_json(object, "dag_run_conf", backfill->conf_json);
    else
        json_object_set_new(object, "dag_run_conf", json_null());
    json_object_set_new(object, "is_paused", json_boolean(backfill->is_paused));
    set_text(object, "reprocess_behavior", reprocess_behavior_to_string(backfill->reprocess_behavior));
    json_object_set_new(object, "run_backwards", json_boolean(backfill->run_backwards));
    json_object_set_new(object, "max_active_runs", json_integer(backfill->max_active_runs));
    set_text(object, "triggering_user_name", backfill->triggering_user);
    set_time(object, "created_at", backfill->created_at_us);
    set_time(object, "updated_at", backfill->updated_at_us);
    set_time(object, "completed_at", backfill->completed_at_us);
    return object;
}

json_t *document_of_event(const EventLog *event)
{
    json_t *object = json_object();
    json_object_set_new(object, "event_log_id", json_integer(event->event_log_id));
    set_time(object, "when", event->when_us);
    set_text(object, "owner", event->owner);
    set_text(object, "event", event->event);
    set_text(object, "dag_id", event->dag_id);
    set_text(object, "dag_display_name", event->dag_id);
    set_text(object, "run_id", event->run_id);
    set_text(object, "task_id", event->task_id);
    set_text(object, "task_display_name", event->task_id);
    json_object_set_new(object, "map_index", json_null());
    json_object_set_new(object, "try_number",
                        event->try_number > 0 ? json_integer(event->try_number) : json_null());
    json_object_set_new(object, "logical_date", json_null());
    set_text(object, "extra", event->extra_json); /* REST has it as text */
    return object;
}

json_t *document_of_instant(int64_t us)
{
    g_autofree char *text = us == TIME_NONE ? NULL : instant_format(us, INSTANT_JSON);
    return text != NULL ? json_string(text) : json_null();
}
