/* SPDX-License-Identifier: MIT */
/* Rows that must not exist: each is refused, and the refusal is mapped. */
#include "tests/unit/store/fixture.h"

#include <string.h>

#define IN_RUN                                                                                               \
    "INSERT INTO dag_run (dag_id, run_id, run_type, state, dag_version_id, run_after_us, clear_number, "     \
    "conf, params"
#define IN_TI                                                                                                \
    "INSERT INTO task_instance (dag_run_id, task_id, max_tries, pool, pool_slots, priority_weight, "         \
    "try_number, state"

static const struct {
    const char *sql;
    int code;
} refused[] = {
    /* runs */
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'paused', 1, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ") VALUES ('d', 'x', 'sometimes', 'queued', 1, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'queued', 1, 0, 0, '[]', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'queued', 1, 0, 0, '{', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'queued', 1, 0, -1, '{}', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'queued', 99, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_FOREIGNKEY},
    {IN_RUN ") VALUES ('none', 'x', 'manual', 'queued', 1, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_FOREIGNKEY},
    {IN_RUN ") VALUES ('d', 'one', 'manual', 'queued', 1, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_UNIQUE},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'queued', 1, 'soon', 0, '{}', '{}')", SQLITE_CONSTRAINT_DATATYPE},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'queued', 1, NULL, 0, '{}', '{}')", SQLITE_CONSTRAINT_NOTNULL},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'running', 1, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ") VALUES ('d', 'x', 'manual', 'success', 1, 0, 0, '{}', '{}')", SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ", end_date_us) VALUES ('d', 'x', 'manual', 'queued', 1, 0, 0, '{}', '{}', 5)",
     SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ", data_interval_start_us) VALUES ('d', 'x', 'manual', 'queued', 1, 0, 0, '{}', '{}', 5)",
     SQLITE_CONSTRAINT_CHECK},
    {IN_RUN ", forced_state) VALUES ('d', 'x', 'manual', 'queued', 1, 0, 0, '{}', '{}', 'queued')",
     SQLITE_CONSTRAINT_CHECK},
    /* task instances */
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 0, 'sleeping')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (99, 'x', 0, 'p', 1, 1, 0, NULL)", SQLITE_CONSTRAINT_FOREIGNKEY},
    {IN_TI ") VALUES (1, 't0', 0, 'p', 1, 1, 0, NULL)", SQLITE_CONSTRAINT_UNIQUE},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 0, 1, 0, NULL)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', -1, 'p', 1, 1, 0, NULL)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, -1, NULL)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 0, 'scheduled')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 1, 'queued')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", queued_us) VALUES (1, 'x', 0, 'p', 1, 1, 0, 'queued', 5)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 1, 'running')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", start_date_us, end_date_us) VALUES (1, 'x', 0, 'p', 1, 1, 1, 'running', 5, 6)",
     SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 1, 'success')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 0, 'skipped')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 0, 'upstream_failed')", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", end_date_us) VALUES (1, 'x', 0, 'p', 1, 1, 1, 'up_for_retry', 5)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", end_date_us, exit_code) VALUES (1, 'x', 0, 'p', 1, 1, 1, 'success', 5, 1)",
     SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", end_date_us, term_signal) VALUES (1, 'x', 0, 'p', 1, 1, 1, 'success', 5, 9)",
     SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", pid) VALUES (1, 'x', 0, 'p', 1, 1, 0, NULL, 0)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", end_date_us) VALUES (1, 'x', 0, 'p', 1, 1, 1, NULL, 5)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ", end_date_us) VALUES (1, 'x', 0, 'p', 1, 1, 1, 'scheduled', 5)", SQLITE_CONSTRAINT_CHECK},
    {IN_TI ") VALUES (1, 'x', 0, 'p', 1, 1, 0, 'removed')", SQLITE_CONSTRAINT_CHECK},
    /* the rest */
    {"UPDATE event_log SET event = 'x'", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE dag_version SET source = ''", SQLITE_CONSTRAINT_TRIGGER},
    {"UPDATE task_instance_history SET exit_code = 0", SQLITE_CONSTRAINT_TRIGGER},
    {"DELETE FROM pool", SQLITE_CONSTRAINT_TRIGGER},
    {"DELETE FROM dag_version", SQLITE_CONSTRAINT_FOREIGNKEY},
    {"UPDATE pool SET slots = -2", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE dag SET is_paused = 2", SQLITE_CONSTRAINT_CHECK},
    {"UPDATE dag SET tags = '{}'", SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO xcom (dag_run_id, task_id, key, value, timestamp_us) VALUES (1, 't0', 'k', 'no json', 0)",
     SQLITE_CONSTRAINT_CHECK},
    {"INSERT INTO event_log (when_us, event, extra) VALUES (0, 'x', '{')", SQLITE_CONSTRAINT_CHECK},
};

/* Rows at the edge that must be possible. */
static const char *const allowed[] = {
    IN_TI ", start_date_us, end_date_us, exit_code, end_reason) VALUES (1, 'a', 0, 'p', 1, 1, 1, 'success', "
          "5, 5, 1, "
          "'marked')",
    IN_TI ", end_date_us) VALUES (1, 'b', 0, 'p', 1, 1, 0, 'skipped', 5)",
    IN_TI ", end_date_us) VALUES (1, 'c', 0, 'p', 1, 1, 0, 'upstream_failed', 5)",
    IN_TI ", end_date_us) VALUES (1, 'd', 0, 'p', 1, 1, 0, 'success', 5)", /* marked before it began */
    IN_TI ", end_date_us, exit_code) VALUES (1, 'e', 0, 'p', 1, 1, 1, 'skipped', 5, 99)",
    IN_TI ", start_date_us) VALUES (1, 'f', 0, 'p', 1, 1, 2, NULL, 5)", /* cleared: its tries go on */
    IN_RUN
    ") VALUES ('d', 'null1', 'manual', 'queued', 1, 0, 0, '{}', '{}')", /* null logical dates are distinct */
    IN_RUN ") VALUES ('d', 'null2', 'manual', 'queued', 1, 0, 0, '{}', '{}')",
    "DELETE FROM event_log",
};

static void add_rows(Fixture *fixture)
{
    DagRun run = fixture_run(fixture, "one");
    int64_t ti_id = fixture_insert_run(fixture, &run, 1);
    TaskInstance ti = fixture_task(ti_id, run.id, "t0", TASK_STATE_FAILED);
    assert_ok(store_archive_attempt(fixture->store, &ti, &error));
    EventLog event = {.when_us = T0, .event = "x"};
    assert_ok(store_add_event(fixture->store, &event, NULL, &error));
}

static void test_refused(void **state)
{
    Fixture *fixture = *state;
    add_rows(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        int code = fixture_sql(fixture, refused[i].sql);
        if (code != refused[i].code)
            fail_msg("%s: %d instead of %d", refused[i].sql, code, refused[i].code);
    }
}

static void test_allowed(void **state)
{
    Fixture *fixture = *state;
    add_rows(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++) {
        int code = fixture_sql(fixture, allowed[i]);
        if (code != SQLITE_OK)
            fail_msg("%s: %d %s", allowed[i], code, sqlite3_errmsg(store_conn(fixture->store)->db));
    }
}

static void test_mapping(void **state)
{
    Fixture *fixture = *state;
    add_rows(fixture);
    DagRun same = fixture_run(fixture, "one");
    assert_fails(store_insert_run(fixture->store, &same, &error), WEIR_ERROR, WEIR_ERROR_CONFLICT);
    DagRun dated = fixture_run(fixture, "two"), twice = fixture_run(fixture, "three");
    dated.logical_date_us = twice.logical_date_us = T0;
    assert_ok(store_insert_run(fixture->store, &dated, &error));
    assert_fails(store_insert_run(fixture->store, &twice, &error), WEIR_ERROR,
                 WEIR_ERROR_CONFLICT); /* double fire */
    DagRun orphan = fixture_run(fixture, "four");
    orphan.dag_id = (char *)"none";
    assert_fails(store_insert_run(fixture->store, &orphan, &error), WEIR_ERROR, WEIR_ERROR_CONFLICT);
    DagRun broken = fixture_run(fixture, "five");
    broken.conf_json = (char *)"{\"a\": }";
    assert_fails(store_insert_run(fixture->store, &broken, &error), WEIR_ERROR, WEIR_ERROR_INVALID);
    TaskInstance illegal = fixture_task(1, 1, "t0", TASK_STATE_RUNNING);
    illegal.start_date_us = TIME_NONE;
    assert_fails(store_update_task(fixture->store, &illegal, &error), WEIR_ERROR, WEIR_ERROR_INVALID);
    illegal = fixture_task(1, 1, "t0", TASK_STATE_FAILED);
    illegal.pool_slots = 0;
    illegal.pool = NULL;
    assert_fails(store_archive_attempt(fixture->store, &illegal, &error), WEIR_ERROR, WEIR_ERROR_INVALID);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up_store, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_STORE(test_refused), WITH_STORE(test_allowed),
                                       WITH_STORE(test_mapping)};
    return cmocka_run_group_tests_name("store/checks", tests, NULL, NULL);
}
