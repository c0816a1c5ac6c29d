/* SPDX-License-Identifier: MIT */
/* The turn: what waits -> engine -> one commit -> effects, acknowledgements, answers, watchers. */
#include "scheduler/daemon/backlog.h"
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/hooks.h"
#include "scheduler/daemon/internal.h"
#include "scheduler/daemon/starts_hold.h"
#include "scheduler/daemon/watch.h"
#include "scheduler/model/crash_point.h"

#include <unistd.h>

void pending_command_free(PendingCommand *command)
{
    if (command == NULL)
        return;
    if (command->answer != NULL)
        command->answer(NULL, command->answer_user); /* it will have none */
    json_decref(command->document);
    g_free(command->user);
    g_free(command->via);
    g_free(command);
}

/* ---- After the commit ---- */

static void acknowledge(Daemon *daemon)
{
    if (daemon->acknowledgements->len > 0)
        CRASH_POINT("daemon.before_ack");
    for (guint i = 0; daemon->executor != NULL && i < daemon->acknowledgements->len; i++) {
        executor_acknowledge(daemon->executor, g_array_index(daemon->acknowledgements, AttemptId, i));
    }
    if (daemon->acknowledgements->len > 0)
        CRASH_POINT("daemon.acked");
    g_array_set_size(daemon->acknowledgements, 0);
    for (guint i = 0; i < daemon->outputs_read->len; i++)
        unlink(daemon->outputs_read->pdata[i]);
    if (daemon->outputs_read->len > 0)
        CRASH_POINT("daemon.outputs_removed");
    g_ptr_array_set_size(daemon->outputs_read, 0);
}

static void give_answer(Daemon *daemon)
{
    PendingCommand *command = g_steal_pointer(&daemon->answering);
    if (command == NULL)
        return;
    CRASH_POINT("daemon.before_answer");
    void (*answer)(json_t * answer, void *user) = command->answer;
    command->answer = NULL;
    answer(g_steal_pointer(&daemon->answer), command->answer_user);
    pending_command_free(command);
    CRASH_POINT("daemon.answered");
}

static void forget_finished(Daemon *daemon, const EngineOutput *output)
{
    for (guint i = 0; i < output->effects->len; i++) {
        const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, i);
        if (effect->kind == EFFECT_RUN_FINISHED)
            g_array_append_val(daemon->visited, effect->dag_run_id);
    }
}

static void checkpoint_if_large(Daemon *daemon)
{
    if (store_wal_bytes(daemon->store) < STORE_WAL_HIGH)
        return;
    GError *error = NULL;
    if (store_checkpoint(daemon->store, CHECKPOINT_PASSIVE, &error))
        return;
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_FULL))
        g_error_free(error); /* everything is still in the log; the next commit tries again */
    else
        daemon_fail(daemon, error);
}

/* All that follows from rows that are stored now. */
static void follow_up(Daemon *daemon, int64_t now_us)
{
    const EngineOutput *output = engine_output(daemon->engine);
    watch_collect(daemon, output);
    progress_log(daemon, output);
    fire_look_again(daemon, output, now_us);
    forget_finished(daemon, output);
    backlog_note(daemon, output);
    if (output->effects->len > 0) {
        CRASH_POINT("daemon.before_effects");
        effects_carry_out(daemon, (const EngineEffect *)(void *)output->effects->data, output->effects->len,
                          now_us);
        CRASH_POINT("daemon.after_effects");
    }
    hooks_follow_up(daemon, output, now_us);
    engine_output_clear(daemon->engine);
    persist_clear(daemon);
    acknowledge(daemon);
    for (guint i = 0; i < daemon->visited->len; i++)
        runs_forget_finished(daemon, g_array_index(daemon->visited, int64_t, i));
    g_array_set_size(daemon->visited, 0);
    backlog_refill(daemon);
    turn_arm_timer(daemon);
    if (daemon->is_ending_tasks && engine_live_total(daemon->engine) <= daemon->n_unstarted &&
        hooks_live(daemon) == 0)
        uv_stop(&daemon->loop);
}

/* No room: keep everything, take in nothing new, try the same commit again until it fits. */
static void block(Daemon *daemon, GError *error)
{
    if (!daemon->is_blocked)
        daemon_log(daemon, DAEMON_LOG_ERROR, "%s; nothing is started or answered until there is room",
                   error->message);
    daemon->is_blocked = true;
    g_error_free(error);
    turn_arm_retry_timer(daemon);
}

bool turn_commit(Daemon *daemon, int64_t now_us)
{
    daemon->in_turn = true;
    bool is_needed = persist_is_needed(daemon);
    GError *error = NULL;
    if (is_needed && !persist_commit(daemon, &error)) {
        if (g_error_matches(error, STORE_ERROR, STORE_ERROR_FULL))
            block(daemon, error);
        else
            daemon_fail(daemon, error);
        daemon->in_turn = false;
        return false;
    }
    if (daemon->is_blocked)
        daemon_log(daemon, DAEMON_LOG_INFO, "there is room on the disk again");
    daemon->is_blocked = false;
    follow_up(daemon, now_us);
    if (is_needed) {
        checkpoint_if_large(daemon);
        turn_arm_idle_timer(daemon);
    }
    give_answer(daemon);
    daemon->in_turn = false;
    return true;
}

/* ---- Before it ---- */

static void run_reports(Daemon *daemon)
{
    int64_t now_us = g_get_real_time();
    daemon->in_turn = true;
    starts_hold_look(daemon, now_us);
    /* By index: taking one in may note down another. */
    for (guint i = 0; i < daemon->reports->len && daemon->fatal == NULL; i++) {
        Report report = g_array_index(daemon->reports, Report, i);
        reports_take(daemon, &report, now_us);
    }
    for (guint i = 0; i < daemon->reports->len; i++)
        report_clear(&g_array_index(daemon->reports, Report, i));
    g_array_set_size(daemon->reports, 0);
    daemon->is_report_urgent = false;
    if (daemon->is_tick_due) {
        fire_due(daemon, now_us);
        engine_tick(daemon->engine, now_us);
    }
    daemon->is_tick_due = false;
    hooks_take_due(daemon, now_us);
    if (daemon->fatal != NULL)
        daemon->in_turn = false;
    else
        turn_commit(daemon, now_us);
}

void turn_run_folder(Daemon *daemon)
{
    daemon->in_turn = true;
    fire_apply_folder(daemon, g_get_real_time());
    daemon->in_turn = false;
}

static bool may_take_in(const Daemon *daemon)
{
    return !daemon->in_turn && !daemon->is_blocked && daemon->fatal == NULL;
}

static void run_pending_command(Daemon *daemon, PendingCommand *command)
{
    if (daemon->reports->len > 0 || starts_hold_is_due(daemon)) { /* a command sees all that is known */
        run_reports(daemon);
        if (!may_take_in(daemon)) {
            g_queue_push_head(&daemon->commands, command);
            return;
        }
    }
    int64_t now_us = g_get_real_time();
    daemon->in_turn = true;
    Caller caller = {.user = command->user, .via = command->via};
    daemon->answering = command;
    daemon->answer = command_run(daemon, command->document, &caller, now_us);
    turn_commit(daemon, now_us);
}

/*
 * Starts alone are no hurry: nothing follows from them, and recovery does not need them. They wait a little
 * for the end of a short task, or of another, and share its commit.
 */
static bool reports_may_wait(Daemon *daemon)
{
    if (daemon->is_report_urgent)
        return false;
    if (daemon->reports->len > 0)
        turn_arm_started_timer(daemon);
    return true;
}

void turn_run_all(Daemon *daemon)
{
    while (may_take_in(daemon)) {
        if (daemon->is_folder_due)
            turn_run_folder(daemon);
        else if (daemon->is_tick_due || hooks_are_due(daemon) || !reports_may_wait(daemon))
            run_reports(daemon);
        else if (!g_queue_is_empty(&daemon->commands))
            run_pending_command(daemon, g_queue_pop_head(&daemon->commands));
        else
            return;
    }
}

/* Queued ones first: else each would start in the place that a running one has just left. */
static void hold_runs(Daemon *daemon, const GArray *ids, int64_t now_us)
{
    for (int pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < ids->len; i++) {
            int64_t id = g_array_index(ids, int64_t, i);
            bool is_queued = engine_run(daemon->engine, id)->state == RUN_STATE_QUEUED;
            if (is_queued == (pass == 0))
                engine_set_run_flags(daemon->engine, id, ENGINE_RUN_HELD, now_us);
        }
    }
}

guint turn_end_tasks(Daemon *daemon)
{
    if (!may_take_in(daemon))
        return engine_live_total(daemon->engine);
    int64_t now_us = g_get_real_time();
    g_autoptr(GArray) ids = engine_run_ids(daemon->engine);
    daemon->in_turn = true;
    hold_runs(daemon, ids, now_us);
    /* What came due on the way is started now, and ended with the rest. */
    if (turn_commit(daemon, now_us)) {
        CRASH_POINT("daemon.tasks_held");
        for (guint i = 0; i < ids->len; i++)
            effects_end_run(daemon, g_array_index(ids, int64_t, i));
        hooks_end_all(daemon);
    }
    return engine_live_total(daemon->engine) - daemon->n_unstarted + hooks_live(daemon);
}

json_t *turn_run_command(Daemon *daemon, const json_t *document, const Caller *caller)
{
    if (may_take_in(daemon) &&
        (daemon->reports->len > 0 || daemon->is_tick_due || starts_hold_is_due(daemon)))
        run_reports(daemon); /* a command sees what is committed, and the engine must not be ahead of that */
    if (daemon->fatal != NULL)
        return command_error_answer(document, "io", daemon->fatal->message);
    if (!may_take_in(daemon))
        return command_error_answer(document, "busy",
                                    daemon->is_blocked ? "the disk is full; nothing is accepted"
                                                       : "called from inside of a turn");
    int64_t now_us = g_get_real_time();
    daemon->in_turn = true;
    json_t *answer = command_run(daemon, document, caller, now_us);
    if (turn_commit(daemon, now_us))
        return answer;
    json_decref(answer);
    return command_error_answer(document, "io",
                                daemon->fatal != NULL
                                    ? daemon->fatal->message
                                    : "the disk is full; it is stored when there is room, and not at all "
                                      "should this process end before");
}

json_t *daemon_execute(Daemon *daemon, json_t *command, const Caller *caller)
{
    return turn_run_command(daemon, command, caller);
}
