/* SPDX-License-Identifier: MIT */
/* The fixture's daemon: checks what one turn of the engine puts out, commits it, takes note of the effects.
 */
#include "tests/unit/engine/fixture.h"

#define WORD(state) ((state) == TASK_STATE_NONE ? "none" : task_state_to_string(state))

char *fx_key(AttemptId id)
{
    return g_strdup_printf("%" PRId64 "/%d", id.ti_id, id.try_number);
}

static FxRun *run_of(const Fixture *fx, int64_t id)
{
    return g_hash_table_lookup(fx->runs, &id);
}

/* ---- Rows: what the store's CHECK constraints ask, and a little more -------------------------------------
 */

static void check_task_row(const TaskInstance *ti)
{
    TaskState state = ti->state;
    assert_true(ti->try_number >= 0 && ti->max_tries >= 0);
    if (task_state_is_executing(state) || state == TASK_STATE_SCHEDULED || state == TASK_STATE_UP_FOR_RETRY)
        assert_true(ti->try_number >= 1);
    if (state == TASK_STATE_SCHEDULED)
        assert_true(ti->scheduled_us != TIME_NONE && ti->queued_us == TIME_NONE);
    if (state == TASK_STATE_QUEUED)
        assert_true(ti->queued_us != TIME_NONE && ti->start_date_us == TIME_NONE);
    if (state == TASK_STATE_RUNNING)
        assert_true(ti->start_date_us != TIME_NONE);
    assert_true((ti->end_date_us != TIME_NONE) ==
                (task_state_is_finished(state) || state == TASK_STATE_UP_FOR_RETRY));
    if (ti->end_date_us != TIME_NONE)
        assert_true(ti->start_date_us != TIME_NONE && ti->start_date_us <= ti->end_date_us);
    if (state == TASK_STATE_SUCCESS && ti->end_reason != END_MARKED)
        assert_true((ti->exit_code == 0 || ti->exit_code == EXIT_CODE_NONE) && ti->term_signal == 0);
    assert_true((ti->retry_at_us != TIME_NONE) == (state == TASK_STATE_UP_FOR_RETRY));
    if (state == TASK_STATE_UP_FOR_RETRY)
        assert_true(ti->max_tries > 0 && ti->try_number <= ti->max_tries);
}

static void check_run_row(const DagRun *run)
{
    bool finished = run_state_is_finished(run->state);
    assert_true(finished == (run->end_date_us != TIME_NONE));
    if (run->state == RUN_STATE_RUNNING)
        assert_true(run->start_date_us != TIME_NONE);
    if (run->state == RUN_STATE_QUEUED)
        assert_true(run->queued_at_us != TIME_NONE && run->start_date_us == TIME_NONE);
    if (finished) {
        assert_true(run->start_date_us <= run->end_date_us);
        assert_int_equal(run->forced_state, RUN_STATE_INVALID);
    }
}

/** What a row has its strings from may be gone by tomorrow. */
static void intern_strings(TaskInstance *row)
{
    row->task_id = g_intern_string(row->task_id);
    row->pool = g_intern_string(row->pool);
    row->operator_name = g_intern_string(row->operator_name);
}

static void commit_task(FxRun *run, const TaskInstance *ti, bool must_exist)
{
    TaskInstance *row = g_hash_table_lookup(run->tasks, &ti->id);
    check_task_row(ti);
    assert_int_equal(ti->dag_run_id, run->row->id);
    assert_int_equal(row != NULL, must_exist);
    if (row == NULL) {
        row = g_new(TaskInstance, 1);
        row->id = ti->id;
        g_hash_table_insert(run->tasks, &row->id, row);
    }
    *row = *ti;
    intern_strings(row);
}

static void commit_created(Fixture *fx, int64_t id)
{
    const DagRun *row = engine_run(fx->engine, id);
    assert_non_null(row);
    check_run_row(row);
    FxRun *run = g_new0(FxRun, 1);
    run->row = dag_run_copy(row);
    run->dag = engine_run_dag(fx->engine, id);
    run->flags = engine_run_flags(fx->engine, id);
    run->tasks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    g_hash_table_insert(fx->runs, &run->row->id, run);
    for (uint32_t i = 0; i < run->dag->n_tasks; i++)
        commit_task(run, engine_task(fx->engine, id, i), false);
}

static void commit_run(Fixture *fx, const DagRun *row)
{
    FxRun *run = run_of(fx, row->id);
    assert_non_null(run);
    check_run_row(row);
    DagRun *old = run->row;
    run->row = dag_run_copy(row);
    g_hash_table_steal(fx->runs, &old->id);
    g_hash_table_insert(fx->runs, &run->row->id, run);
    dag_run_free(old);
    run->dag = engine_run_dag(fx->engine, row->id);
}

static void commit_archived(Fixture *fx, const TaskInstance *ti)
{
    char *key = fx_key((AttemptId){ti->id, ti->try_number});
    assert_true(ti->try_number >= 1 && ti->end_date_us != TIME_NONE && ti->start_date_us != TIME_NONE);
    assert_true(task_state_is_finished(ti->state));
    if (g_hash_table_contains(fx->history, key))
        fail_msg("attempt %s of %s is archived twice", key, ti->task_id);
    TaskInstance *copy = g_memdup2(ti, sizeof *ti);
    intern_strings(copy);
    g_hash_table_insert(fx->history, key, copy);
}

/* ---- Effects ---------------------------------------------------------------------------------------------
 */

static void log_effect(Fixture *fx, const char *verb, const char *task_id, int try_number)
{
    g_string_append_printf(fx->log, "%s%s", fx->log->len > 0 ? "; " : "", verb);
    if (task_id != NULL)
        g_string_append_printf(fx->log, " %s %d", task_id, try_number);
}

static void do_start(Fixture *fx, const FxRun *run, const TaskInstance *ti)
{
    g_autofree char *key = fx_key((AttemptId){ti->id, ti->try_number});
    if (ti->state != TASK_STATE_QUEUED)
        fail_msg("%s is started in state %s", ti->task_id, WORD(ti->state));
    if (!g_hash_table_add(fx->started, g_strdup(key)))
        fail_msg("attempt %s of %s is started twice", key, ti->task_id);
    if (g_hash_table_contains(fx->live, &ti->id))
        fail_msg("%s is started while an attempt of it is alive", ti->task_id);
    FxAttempt *attempt = g_new0(FxAttempt, 1);
    attempt->id = (AttemptId){ti->id, ti->try_number};
    attempt->dag_run_id = ti->dag_run_id;
    attempt->dag_id = g_intern_string(run->row->dag_id);
    attempt->task_id = ti->task_id;
    attempt->pool = ti->pool;
    attempt->slots = ti->pool_slots;
    g_hash_table_insert(fx->live, &attempt->id.ti_id, attempt);
    log_effect(fx, "start", ti->task_id, ti->try_number);
}

static void do_effect(Fixture *fx, const EngineEffect *effect)
{
    FxRun *run = run_of(fx, effect->dag_run_id);
    assert_non_null(run);
    const TaskInstance *ti = g_hash_table_lookup(run->tasks, &effect->attempt.ti_id);
    switch (effect->kind) {
    case EFFECT_START:
        assert_int_equal(ti->try_number, effect->attempt.try_number);
        do_start(fx, run, ti);
        break;
    case EFFECT_CANCEL: {
        FxAttempt *attempt = g_hash_table_lookup(fx->live, &ti->id);
        if (attempt != NULL)
            attempt->canceled = true;
        log_effect(fx, "cancel", ti->task_id, effect->attempt.try_number);
        break;
    }
    case EFFECT_RUN_STARTED:
        log_effect(fx, "run started", NULL, 0);
        break;
    case EFFECT_RUN_FINISHED:
        assert_true(run_state_is_finished(run->row->state));
        assert_int_equal(engine_run_live(fx->engine, effect->dag_run_id), 0);
        log_effect(fx, "run finished", NULL, 0);
        break;
    }
}

static void note_hook(Fixture *fx, const EngineNotice *notice)
{
    const FxRun *run = run_of(fx, notice->dag_run_id);
    const char *event = hook_event_to_string(notice->event);
    assert_non_null(run);
    if (notice->attempt.task_id == NULL) {
        assert_int_equal(notice->run_state, run->row->state);
        assert_int_equal(notice->run_reason, run->row->end_reason);
        g_autofree char *verb = g_strconcat(event, " run", NULL);
        log_effect(fx, verb, NULL, 0);
        return;
    }
    static const TaskState states[] = {TASK_STATE_SUCCESS, TASK_STATE_FAILED, TASK_STATE_UP_FOR_RETRY};
    assert_int_equal(notice->attempt.state, states[notice->event]);
    assert_true(notice->attempt.end_date_us != TIME_NONE);
    log_effect(fx, event, notice->attempt.task_id, notice->attempt.try_number);
}

/* ---- The selection from scratch --------------------------------------------------------------------------
 */

typedef struct {
    const FxRun *run;
    const TaskInstance *ti;
    bool taken;
} Candidate;

static bool is_more_urgent(const Candidate *a, const Candidate *b)
{
    bool a_is_late = a->run->row->backfill_id != 0, b_is_late = b->run->row->backfill_id != 0;
    if (a_is_late != b_is_late)
        return b_is_late;
    if (a->ti->priority_weight != b->ti->priority_weight)
        return a->ti->priority_weight > b->ti->priority_weight;
    if (a->run->row->logical_date_us != b->run->row->logical_date_us)
        return a->run->row->logical_date_us < b->run->row->logical_date_us;
    return a->ti->id < b->ti->id;
}

static bool may_be_queued(const Fixture *fx, const Candidate *candidate, const GPtrArray *live)
{
    const FxRun *run = candidate->run;
    gpointer slots;
    int used = 0, in_run = 0, of_task = 0;
    if (run->row->state != RUN_STATE_RUNNING || (run->flags & ENGINE_RUN_HELD))
        return false;
    if (g_hash_table_contains(fx->paused, run->row->dag_id) && !(run->flags & ENGINE_RUN_IGNORES_PAUSE))
        return false;
    if (!g_hash_table_lookup_extended(fx->pools, candidate->ti->pool, NULL, &slots))
        return false;
    for (guint i = 0; i < live->len; i++) {
        const FxAttempt *attempt = live->pdata[i];
        used += strcmp(attempt->pool, candidate->ti->pool) == 0 ? attempt->slots : 0;
        in_run += attempt->dag_run_id == run->row->id;
        of_task += strcmp(attempt->dag_id, run->row->dag_id) == 0 &&
                   strcmp(attempt->task_id, candidate->ti->task_id) == 0;
    }
    const Task *task = &run->dag->tasks[dag_task_index(run->dag, candidate->ti->task_id)];
    return (GPOINTER_TO_INT(slots) == -1 || GPOINTER_TO_INT(slots) - used >= candidate->ti->pool_slots) &&
           in_run < run->dag->max_active_tasks &&
           (task->max_active_tis_per_dag == 0 || of_task < task->max_active_tis_per_dag);
}

/** All tasks that could have been chosen in this turn: those still scheduled and those just started. */
static GArray *candidates_of(const Fixture *fx, GHashTable *starts)
{
    GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
    GHashTableIter runs, tasks;
    gpointer run, ti;
    g_hash_table_iter_init(&runs, fx->runs);
    while (g_hash_table_iter_next(&runs, NULL, &run)) {
        g_hash_table_iter_init(&tasks, ((FxRun *)run)->tasks);
        while (g_hash_table_iter_next(&tasks, NULL, &ti)) {
            Candidate candidate = {run, ti, false};
            if (candidate.ti->state == TASK_STATE_SCHEDULED ||
                g_hash_table_contains(starts, &candidate.ti->id))
                g_array_append_val(candidates, candidate);
        }
    }
    return candidates;
}

static Candidate *choose(const Fixture *fx, const GArray *candidates, const GPtrArray *live)
{
    Candidate *best = NULL;
    for (guint i = 0; i < candidates->len; i++) {
        Candidate *candidate = &g_array_index(candidates, Candidate, i);
        if (!candidate->taken && (best == NULL || is_more_urgent(candidate, best)) &&
            may_be_queued(fx, candidate, live))
            best = candidate;
    }
    return best;
}

/**
 * The starts of this turn against a selection from scratch, one task at a time by the rules' text: the most
 * urgent scheduled task that no limit stops, until none is left. Shows starts over a limit, wrong order and
 * lost wake-ups alike. Only for turns of one call of the engine.
 */
static void check_starts(const Fixture *fx, const GArray *starts)
{
    g_autoptr(GHashTable) started = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_autoptr(GPtrArray) live = g_ptr_array_new();
    for (guint i = 0; i < starts->len; i++)
        g_hash_table_add(started, &g_array_index(starts, int64_t, i));
    GHashTableIter iter;
    gpointer id, attempt;
    g_hash_table_iter_init(&iter, fx->live);
    while (g_hash_table_iter_next(&iter, &id, &attempt)) {
        if (!g_hash_table_contains(started, id))
            g_ptr_array_add(live, attempt);
    }
    g_autoptr(GArray) candidates = candidates_of(fx, started);
    for (guint i = 0;; i++) {
        bool is_open = !fx->are_starts_held && live->len < (guint)fx->parallelism;
        Candidate *best = is_open ? choose(fx, candidates, live) : NULL;
        int64_t want = best == NULL ? 0 : best->ti->id;
        int64_t got = i < starts->len ? g_array_index(starts, int64_t, i) : 0;
        if (want != got)
            fail_msg("start %u is task instance %" PRId64 ", should be %" PRId64 " (0 = none)", i, got, want);
        if (best == NULL)
            return;
        best->taken = true;
        g_ptr_array_add(live, g_hash_table_lookup(fx->live, &best->ti->id));
    }
}

/* ---- The turn --------------------------------------------------------------------------------------------
 */

static void check_each_once(const EngineOutput *output)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < output->runs->len; i++)
        assert_true(g_hash_table_add(seen, output->runs->pdata[i]));
    for (guint i = 0; i < output->tasks->len; i++)
        assert_true(g_hash_table_add(seen, output->tasks->pdata[i]));
    for (guint i = 0; i < output->added_tasks->len; i++)
        assert_true(g_hash_table_add(seen, output->added_tasks->pdata[i]));
}

static void commit(Fixture *fx, const EngineOutput *output)
{
    for (guint i = 0; i < output->created_runs->len; i++)
        commit_created(fx, g_array_index(output->created_runs, int64_t, i));
    for (guint i = 0; i < output->runs->len; i++)
        commit_run(fx, output->runs->pdata[i]);
    for (guint i = 0; i < output->added_tasks->len; i++) {
        const TaskInstance *ti = output->added_tasks->pdata[i];
        commit_task(run_of(fx, ti->dag_run_id), ti, false);
    }
    for (guint i = 0; i < output->tasks->len; i++) {
        const TaskInstance *ti = output->tasks->pdata[i];
        assert_non_null(run_of(fx, ti->dag_run_id));
        commit_task(run_of(fx, ti->dag_run_id), ti, true);
    }
    for (guint i = 0; i < output->archived->len; i++)
        commit_archived(fx, &g_array_index(output->archived, TaskInstance, i));
}

/** The committed state of each attempt to be started: one that is queued already was chosen before. */
static GArray *new_starts(const Fixture *fx, const EngineOutput *output)
{
    GArray *starts = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (guint i = 0; i < output->effects->len; i++) {
        const EngineEffect *effect = &g_array_index(output->effects, EngineEffect, i);
        if (effect->kind != EFFECT_START)
            continue;
        const FxRun *run = run_of(fx, effect->dag_run_id);
        const TaskInstance *ti = run == NULL ? NULL : g_hash_table_lookup(run->tasks, &effect->attempt.ti_id);
        if (ti == NULL || ti->state != TASK_STATE_QUEUED)
            g_array_append_val(starts, effect->attempt.ti_id);
    }
    return starts;
}

void fx_turn(Fixture *fx)
{
    const EngineOutput *output = engine_output(fx->engine);
    fx->n_rows = output->runs->len + output->tasks->len + output->added_tasks->len;
    if (fx->check_order)
        engine_check(fx->engine);
    check_each_once(output);
    g_autoptr(GArray) starts = new_starts(fx, output);
    commit(fx, output);
    for (guint i = 0; i < output->notices->len; i++)
        note_hook(fx, &g_array_index(output->notices, EngineNotice, i));
    for (guint i = 0; i < output->effects->len; i++)
        do_effect(fx, &g_array_index(output->effects, EngineEffect, i));
    engine_output_clear(fx->engine);
    assert_false(engine_has_output(fx->engine));
    if (fx->check_order)
        check_starts(fx, starts);
}
