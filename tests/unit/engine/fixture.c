/* SPDX-License-Identifier: MIT */
#include "tests/unit/engine/fixture.h"

static void fx_run_free(gpointer data)
{
    FxRun *run = data;
    dag_run_free(run->row);
    g_hash_table_unref(run->tasks);
    g_free(run);
}

static void new_engine(Fixture *fx)
{
    engine_free(fx->engine);
    fx->engine = engine_new(fx->parallelism);
    GHashTableIter iter;
    gpointer name, slots;
    g_hash_table_iter_init(&iter, fx->pools);
    while (g_hash_table_iter_next(&iter, &name, &slots))
        engine_set_pool(fx->engine, name, GPOINTER_TO_INT(slots));
    for (guint i = 0; i < fx->dags->len; i++) {
        const Dag *dag = fx->dags->pdata[i];
        engine_set_dag(fx->engine, dag->dag_id, g_hash_table_contains(fx->paused, dag->dag_id),
                       dag->max_active_runs);
    }
    for (guint i = 0; i < fx->backfills->len; i++)
        engine_set_backfill(fx->engine, &g_array_index(fx->backfills, EngineBackfill, i));
    engine_set_starts_held(fx->engine, fx->are_starts_held, fx->now_us);
}

Fixture *fx_new(int parallelism)
{
    Fixture *fx = g_new0(Fixture, 1);
    fx->parallelism = parallelism;
    fx->now_us = FX_EPOCH_US;
    fx->next_run_id = fx->next_ti_id = fx->next_version_id = 1;
    fx->dags = g_ptr_array_new_with_free_func((GDestroyNotify)dag_unref);
    fx->pools = g_hash_table_new(g_str_hash, g_str_equal);
    fx->paused = g_hash_table_new(g_str_hash, g_str_equal);
    fx->backfills = g_array_new(FALSE, FALSE, sizeof(EngineBackfill));
    fx->runs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, fx_run_free);
    fx->live = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    fx->history = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    fx->started = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    fx->log = g_string_new(NULL);
    fx->check_order = true;
    g_hash_table_insert(fx->pools, (gpointer)DEFAULT_POOL, GINT_TO_POINTER(128));
    new_engine(fx);
    return fx;
}

void fx_free(Fixture *fx)
{
    engine_free(fx->engine);
    g_ptr_array_unref(fx->dags);
    g_hash_table_unref(fx->pools);
    g_hash_table_unref(fx->paused);
    g_array_unref(fx->backfills);
    g_hash_table_unref(fx->runs);
    g_hash_table_unref(fx->live);
    g_hash_table_unref(fx->history);
    g_hash_table_unref(fx->started);
    g_string_free(fx->log, TRUE);
    g_free(fx);
}

/* ---- Steps --------------------------------------------------------------------------------------------- */

static FxRun *run_of(const Fixture *fx, int64_t id)
{
    FxRun *run = g_hash_table_lookup(fx->runs, &id);
    assert_non_null(run);
    return run;
}

int64_t fx_trigger_with(Fixture *fx, Dag *dag, FxTrigger how)
{
    int64_t id = fx->next_run_id++;
    g_autofree char *run_id = g_strdup_printf("run%" PRId64, id);
    DagRun row = {
        .id = id,
        .dag_id = (char *)dag->dag_id,
        .run_id = run_id,
        .type = how.backfill_id != 0 ? RUN_TYPE_BACKFILL : RUN_TYPE_MANUAL,
        .backfill_id = how.backfill_id,
        .dag_version_id = 1,
        .logical_date_us = how.logical_date_us == 0 ? FX_EPOCH_US + id * USEC_PER_DAY : how.logical_date_us,
        .data_interval_start_us = TIME_NONE,
        .data_interval_end_us = TIME_NONE,
        .run_after_us = how.run_after_us == 0 ? fx->now_us : how.run_after_us,
        .queued_at_us = fx->now_us,
        .start_date_us = TIME_NONE,
        .end_date_us = TIME_NONE,
        .forced_state = RUN_STATE_INVALID,
    };
    engine_create_run(fx->engine, &row, dag, fx->next_ti_id, how.past, how.flags, fx->now_us);
    fx->next_ti_id += dag->n_tasks;
    fx_turn(fx);
    run_of(fx, id)->past_id = how.past == NULL ? 0 : how.past->dag_run_id;
    run_of(fx, id)->flags = how.flags;
    return id;
}

int64_t fx_trigger(Fixture *fx, Dag *dag)
{
    return fx_trigger_with(fx, dag, (FxTrigger){0});
}

const TaskInstance *fx_task(const Fixture *fx, int64_t run_id, const char *task)
{
    FxRun *run = run_of(fx, run_id);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const TaskInstance *ti = value;
        if (strcmp(ti->task_id, task) == 0)
            return ti;
    }
    fail_msg("run %" PRId64 " has no task %s", run_id, task);
    return NULL;
}

const DagRun *fx_run(const Fixture *fx, int64_t run)
{
    return run_of(fx, run)->row;
}

AttemptId fx_attempt(const Fixture *fx, int64_t run, const char *task)
{
    const TaskInstance *ti = fx_task(fx, run, task);
    return (AttemptId){ti->id, ti->try_number};
}

const TaskInstance *fx_history(const Fixture *fx, int64_t run, const char *task, int try_number)
{
    g_autofree char *key = fx_key((AttemptId){fx_task(fx, run, task)->id, try_number});
    return g_hash_table_lookup(fx->history, key);
}

void fx_started(Fixture *fx, int64_t run, const char *task)
{
    AttemptId id = fx_attempt(fx, run, task);
    FxAttempt *attempt = g_hash_table_lookup(fx->live, &id.ti_id);
    assert_non_null(attempt);
    attempt->started = true;
    engine_attempt_started(fx->engine, id, 1000 + id.ti_id, fx->now_us, fx->now_us);
    fx_turn(fx);
}

/** Reports the end of an attempt, whichever it is; the executor's record goes with it. */
static bool finish(Fixture *fx, AttemptId id, EndReason reason, int code, int signal_number)
{
    AttemptOutcome outcome = {
        .reason = reason,
        .exit_code = code,
        .term_signal = signal_number,
        .end_us = fx->now_us,
    };
    const FxAttempt *attempt = g_hash_table_lookup(fx->live, &id.ti_id);
    if (attempt != NULL && attempt->id.try_number == id.try_number)
        g_hash_table_remove(fx->live, &id.ti_id);
    bool was_live = engine_attempt_finished(fx->engine, id, &outcome, fx->now_us);
    fx_turn(fx);
    return was_live;
}

bool fx_finish(Fixture *fx, int64_t run, const char *task, EndReason reason, int code, int signal_number)
{
    return finish(fx, fx_attempt(fx, run, task), reason, code, signal_number);
}

bool fx_exit(Fixture *fx, int64_t run, const char *task, int code)
{
    return fx_finish(fx, run, task, END_EXIT_CODE, code, 0);
}

guint fx_exit_all(Fixture *fx, int code, guint limit)
{
    guint n = 0;
    while (n < limit && g_hash_table_size(fx->live) > 0) {
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, fx->live);
        g_hash_table_iter_next(&iter, NULL, &value);
        const FxAttempt *attempt = value;
        if (attempt->canceled)
            finish(fx, attempt->id, END_SIGNAL, EXIT_CODE_NONE, 15);
        else
            finish(fx, attempt->id, END_EXIT_CODE, code, 0);
        n++;
    }
    return n;
}

void fx_advance(Fixture *fx, int64_t seconds)
{
    int64_t until_us = fx->now_us + seconds * USEC_PER_SEC;
    for (;;) {
        int64_t timer_us = engine_next_timer(fx->engine);
        if (timer_us == TIME_NONE || timer_us > until_us)
            break;
        fx->now_us = MAX(fx->now_us, timer_us);
        engine_tick(fx->engine, fx->now_us);
        fx_turn(fx);
        int64_t next_us = engine_next_timer(fx->engine);
        assert_true(next_us == TIME_NONE || next_us > fx->now_us); /* else the daemon's loop would spin */
    }
    fx->now_us = until_us;
    engine_tick(fx->engine, fx->now_us);
    fx_turn(fx);
}

static GArray *indexes_of(Fixture *fx, int64_t run, const char *tasks)
{
    const Dag *dag = engine_run_dag(fx->engine, run);
    GArray *indexes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_auto(GStrv) names = g_strsplit(tasks, " ", -1);
    for (uint32_t i = 0; strcmp(tasks, "*") == 0 && i < dag->n_tasks; i++)
        g_array_append_val(indexes, i);
    for (char **name = names; indexes->len == 0 && *name != NULL; name++)
        assert_true(dag_task_index(dag, *name) >= 0);
    for (char **name = names; strcmp(tasks, "*") != 0 && *name != NULL; name++) {
        uint32_t index = (uint32_t)dag_task_index(dag, *name);
        g_array_append_val(indexes, index);
    }
    return indexes;
}

guint fx_clear(Fixture *fx, int64_t run, const char *tasks)
{
    g_autoptr(GArray) indexes = indexes_of(fx, run, tasks);
    guint n = engine_clear_tasks(fx->engine, run, (const uint32_t *)(void *)indexes->data, indexes->len,
                                 fx->now_us);
    fx_turn(fx);
    return n;
}

guint fx_mark(Fixture *fx, int64_t run, const char *tasks, TaskState state)
{
    g_autoptr(GArray) indexes = indexes_of(fx, run, tasks);
    guint n = engine_mark_tasks(fx->engine, run, (const uint32_t *)(void *)indexes->data, indexes->len, state,
                                fx->now_us);
    fx_turn(fx);
    return n;
}

void fx_mark_run(Fixture *fx, int64_t run, RunState state)
{
    assert_true(engine_mark_run(fx->engine, run, state, END_MARKED, fx->now_us));
    fx_turn(fx);
}

void fx_set_pool(Fixture *fx, const char *name, int slots)
{
    g_hash_table_insert(fx->pools, (gpointer)g_intern_string(name), GINT_TO_POINTER(slots));
    engine_set_pool(fx->engine, name, slots);
    engine_tick(fx->engine, fx->now_us);
    fx_turn(fx);
}

void fx_pause(Fixture *fx, const Dag *dag, bool paused)
{
    if (paused)
        g_hash_table_add(fx->paused, (gpointer)dag->dag_id);
    else
        g_hash_table_remove(fx->paused, dag->dag_id);
    engine_set_dag(fx->engine, dag->dag_id, paused, dag->max_active_runs);
    engine_tick(fx->engine, fx->now_us);
    fx_turn(fx);
}

void fx_hold_starts(Fixture *fx, bool are_held)
{
    fx->are_starts_held = are_held;
    engine_set_starts_held(fx->engine, are_held, fx->now_us);
    fx_turn(fx);
}

void fx_backfill(Fixture *fx, EngineBackfill backfill)
{
    guint i = 0;
    while (i < fx->backfills->len && g_array_index(fx->backfills, EngineBackfill, i).id != backfill.id)
        i++;
    if (i == fx->backfills->len)
        g_array_append_val(fx->backfills, backfill);
    g_array_index(fx->backfills, EngineBackfill, i) = backfill;
    engine_set_backfill(fx->engine, &backfill);
    engine_tick(fx->engine, fx->now_us);
    fx_turn(fx);
}

void fx_set_flags(Fixture *fx, int64_t run, EngineRunFlags flags)
{
    run_of(fx, run)->flags = flags;
    assert_true(engine_set_run_flags(fx->engine, run, flags, fx->now_us));
    fx_turn(fx);
}

void fx_set_version(Fixture *fx, int64_t run, Dag *dag)
{
    assert_true(
        engine_set_run_version(fx->engine, run, dag, ++fx->next_version_id, fx->next_ti_id, fx->now_us));
    fx->next_ti_id += dag->n_tasks;
    fx_turn(fx);
}

bool fx_forget(Fixture *fx, int64_t run)
{
    return engine_forget_run(fx->engine, run);
}

EnginePast fx_past(Fixture *fx, const Dag *dag, int64_t previous, int8_t *states)
{
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        states[i] = PAST_FIRST;
    if (previous == 0)
        return (EnginePast){0};
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, run_of(fx, previous)->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const TaskInstance *ti = value;
        int32_t index = dag_task_index(dag, ti->task_id);
        if (index >= 0)
            states[index] = (int8_t)ti->state;
    }
    return (EnginePast){.dag_run_id = previous, .states = states};
}

static void load(Fixture *fx, const FxRun *run)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(TaskInstance));
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_array_append_vals(rows, value, 1);
    g_autofree int8_t *states = g_new(int8_t, run->dag->n_tasks + 1);
    EnginePast past = fx_past(fx, run->dag, run->past_id, states);
    assert_true(engine_load_run(fx->engine, run->row, run->dag, (TaskInstance *)(void *)rows->data, rows->len,
                                &past, run->flags));
}

void fx_load(Fixture *fx, int64_t run)
{
    load(fx, run_of(fx, run));
    engine_tick(fx->engine, fx->now_us);
    fx_turn(fx);
}

/** The rows against the executors' records: what is missing, and what should not be there. */
static void resync(Fixture *fx, const FxRun *run)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, run->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const TaskInstance *ti = value;
        AttemptId id = {ti->id, ti->try_number};
        FxAttempt *attempt = g_hash_table_lookup(fx->live, &ti->id);
        if (attempt != NULL) { /* what it holds is from now on what the row says, also of a newer version */
            attempt->pool = ti->pool;
            attempt->slots = ti->pool_slots;
        }
        bool has = attempt != NULL && attempt->id.try_number == ti->try_number;
        if (has && !task_state_is_executing(ti->state))
            assert_true(engine_attempt_stray(fx->engine, id, fx->now_us));
        if (!has && task_state_is_executing(ti->state)) {
            g_autofree char *key = fx_key(id);
            g_hash_table_remove(fx->started, key); /* its start may come again, once */
            engine_attempt_not_started(fx->engine, id, fx->now_us);
        }
    }
}

void fx_reload(Fixture *fx)
{
    GHashTableIter iter;
    gpointer value;
    new_engine(fx);
    g_hash_table_iter_init(&iter, fx->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (!run_state_is_finished(((FxRun *)value)->row->state))
            load(fx, value);
    }
    g_hash_table_iter_init(&iter, fx->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (!run_state_is_finished(((FxRun *)value)->row->state))
            resync(fx, value);
    }
    engine_tick(fx->engine, fx->now_us);
}

void fx_crash(Fixture *fx)
{
    fx_reload(fx);
    fx_turn(fx);
}

/* ---- Expectations -------------------------------------------------------------------------------------- */

void fx_expect_at(Fixture *fx, int64_t run, const char *tasks, const char *run_state, const char *file,
                  int line)
{
    g_autoptr(GString) got = g_string_new(NULL);
    g_auto(GStrv) wanted = g_strsplit(tasks, " ", -1);
    for (char **want = wanted; *want != NULL; want++) {
        g_auto(GStrv) pair = g_strsplit(*want, "=", 2);
        const char *state = task_state_to_string(fx_task(fx, run, pair[0])->state);
        g_string_append_printf(got, "%s%s=%s", want == wanted ? "" : " ", pair[0], state ?: "none");
    }
    const char *got_run = run_state_to_string(fx_run(fx, run)->state);
    if (strcmp(got->str, tasks) != 0)
        fail_msg("%s:%d:\n got %s\nwant %s", file, line, got->str, tasks);
    if (run_state != NULL && strcmp(run_state, got_run) != 0)
        fail_msg("%s:%d: run is %s, want %s", file, line, got_run, run_state);
}

void fx_expect_log_at(Fixture *fx, const char *text, const char *file, int line)
{
    if (strcmp(fx->log->str, text) != 0)
        fail_msg("%s:%d:\n got %s\nwant %s", file, line, fx->log->str, text);
    g_string_truncate(fx->log, 0);
}
