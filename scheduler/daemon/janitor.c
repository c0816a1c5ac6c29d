/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/janitor.h"

#include "scheduler/time/instant.h"

/** After the start others come first. */
#define START_MS 1000
/** Between two slices, so that they never have the loop for themselves. */
#define PAUSE_MS 50
#define BUSY_MS  (60 * 1000)
#define DAY_MS   (24 * 60 * 60 * 1000)

struct Janitor {
    Daemon *daemon;
    uv_timer_t timer;
    int64_t before_us; /**< of the round that is under way */
    json_t *after;     /**< where it is; NULL = a new one begins */
    json_int_t n_runs;
};

static json_t *ask_for_slice(const Janitor *janitor)
{
    g_autofree char *before = instant_format(janitor->before_us, INSTANT_JSON);
    json_t *command = json_pack("{s:s, s:{s:s, s:O?}}", "command", "db.clean", "args", "before", before,
                                "after", janitor->after);
    Caller caller = {.user = NULL, .via = "retention"};
    json_t *answer = turn_run_command(janitor->daemon, command, &caller);
    json_decref(command);
    return answer;
}

/** Takes in what a slice has done; gives the time until the next. */
static uint64_t take_answer(Janitor *janitor, const json_t *answer)
{
    json_t *result = json_object_get(answer, "result"), *next = json_object_get(result, "after");
    if (!json_is_true(json_object_get(answer, "ok")))
        return BUSY_MS; /* the disk is full, or the like: that is said elsewhere */
    size_t i;
    json_t *dag;
    json_array_foreach(json_object_get(result, "dags"), i, dag) janitor->n_runs +=
        json_integer_value(json_object_get(dag, "dag_runs"));
    g_clear_pointer(&janitor->after, json_decref);
    if (json_is_integer(next)) {
        janitor->after = json_incref(next);
        return PAUSE_MS;
    }
    if (janitor->n_runs > 0)
        daemon_log(janitor->daemon, DAEMON_LOG_INFO, "retention: deleted %d runs", (int)janitor->n_runs);
    janitor->n_runs = 0;
    return DAY_MS;
}

static void on_timer(uv_timer_t *timer)
{
    Janitor *janitor = timer->data;
    if (janitor->after == NULL)
        janitor->before_us = g_get_real_time() - janitor->daemon->settings->retention_us;
    json_t *answer = ask_for_slice(janitor);
    uint64_t wait_ms = take_answer(janitor, answer);
    json_decref(answer);
    uv_timer_start(timer, on_timer, wait_ms, 0);
}

Janitor *janitor_start(Daemon *daemon)
{
    if (daemon->settings->retention_us <= 0)
        return NULL;
    Janitor *janitor = g_new0(Janitor, 1);
    janitor->daemon = daemon;
    uv_timer_init(&daemon->loop, &janitor->timer);
    janitor->timer.data = janitor;
    uv_timer_start(&janitor->timer, on_timer, START_MS, 0);
    return janitor;
}

void janitor_free(Janitor *janitor)
{
    if (janitor != NULL)
        json_decref(janitor->after);
    g_free(janitor);
}
