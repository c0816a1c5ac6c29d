/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/janitor.h"

#include "scheduler/time/instant.h"

/** After the start others come first; and DAG files that are edited may be edited again. */
#define START_MS 1000
/** Between two slices, so that they never have the loop for themselves. */
#define PAUSE_MS 50
#define BUSY_MS  (60 * 1000)
#define DAY_MS   (24 * 60 * 60 * 1000)

struct Janitor {
    Daemon *daemon;
    uv_timer_t timer;
    bool is_wanted; /**< another round after the one that is under way */
    int64_t at_us;  /**< when the one that is under way began */
    json_t *after;  /**< where it is; NULL = a new one begins */
    int64_t n_runs, n_tasks, n_logs;
};

static json_t *ask_for_slice(const Janitor *janitor)
{
    g_autofree char *at = instant_format(janitor->at_us, INSTANT_JSON);
    json_t *command = json_pack("{s:s, s:{s:s, s:O?}}", "command", "db.apply_retention", "args", "at", at,
                                "after", janitor->after);
    Caller caller = {.user = NULL, .via = "retention"};
    json_t *answer = turn_run_command(janitor->daemon, command, &caller);
    json_decref(command);
    return answer;
}

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void append_count(GString *out, int64_t n, const char *what)
{
    g_string_append_printf(out, "%" G_GINT64_FORMAT " %s%s", n, what, n == 1 ? "" : "s");
}

/** What the round has done, if anything. */
static void say_round(Janitor *janitor)
{
    g_autoptr(GString) line = g_string_new("retention: deleted ");
    if (janitor->n_runs > 0 || janitor->n_tasks > 0) {
        append_count(line, janitor->n_runs, "run");
        g_string_append(line, " with ");
        append_count(line, janitor->n_tasks, "task instance");
    }
    if (janitor->n_logs > 0) {
        g_string_append(line, janitor->n_runs > 0 ? ", and the logs of " : "the logs of ");
        append_count(line, janitor->n_logs, janitor->n_runs > 0 ? "more run" : "run");
    }
    if (janitor->n_runs > 0 || janitor->n_tasks > 0 || janitor->n_logs > 0)
        daemon_log(janitor->daemon, DAEMON_LOG_INFO, "%s", line->str);
    janitor->n_runs = janitor->n_tasks = janitor->n_logs = 0;
}

static void add_counts(Janitor *janitor, const json_t *result)
{
    size_t i;
    json_t *dag;
    json_array_foreach(json_object_get(result, "dags"), i, dag)
    {
        janitor->n_runs += number(dag, "dag_runs");
        janitor->n_tasks += number(dag, "task_instances");
    }
    janitor->n_logs += number(result, "dag_run_logs");
}

/** Takes in what a slice has done; gives the time until the next. */
static uint64_t take_answer(Janitor *janitor, const json_t *answer)
{
    json_t *result = json_object_get(answer, "result"), *next = json_object_get(result, "after");
    if (!json_is_true(json_object_get(answer, "ok")))
        return BUSY_MS; /* the disk is full, or the like: that is said elsewhere */
    add_counts(janitor, result);
    g_clear_pointer(&janitor->after, json_decref);
    if (json_is_integer(next)) {
        janitor->after = json_incref(next);
        return PAUSE_MS;
    }
    say_round(janitor);
    return janitor->is_wanted ? START_MS : DAY_MS;
}

static void on_timer(uv_timer_t *timer)
{
    Janitor *janitor = timer->data;
    int64_t now_us = g_get_real_time();
    if (janitor->after == NULL)
        janitor->is_wanted = false;
    if (janitor->after == NULL || now_us < janitor->at_us) /* the clock may have been set back */
        janitor->at_us = now_us;
    json_t *answer = ask_for_slice(janitor);
    uint64_t wait_ms = take_answer(janitor, answer);
    json_decref(answer);
    uv_timer_start(timer, on_timer, wait_ms, 0);
}

Janitor *janitor_start(Daemon *daemon)
{
    Janitor *janitor = g_new0(Janitor, 1);
    janitor->daemon = daemon;
    uv_timer_init(&daemon->loop, &janitor->timer);
    janitor->timer.data = janitor;
    uv_timer_start(&janitor->timer, on_timer, START_MS, 0);
    return janitor;
}

void janitor_wake(Janitor *janitor)
{
    if (janitor == NULL)
        return;
    janitor->is_wanted = true;
    if (janitor->after == NULL)
        uv_timer_start(&janitor->timer, on_timer, START_MS, 0);
}

void janitor_free(Janitor *janitor)
{
    if (janitor != NULL)
        json_decref(janitor->after);
    g_free(janitor);
}
