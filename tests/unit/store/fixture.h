/* SPDX-License-Identifier: MIT */
/**
 * What the store's tests share: a directory of their own, an open store in it, sample rows.
 */
#pragma once

#include "scheduler/store/conn.h"
#include "scheduler/store/store.h"

/* cmocka.h wants these before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#define T0 INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

typedef struct {
    char *dir;
    char *path; /**< dir/weir.db */
    Store *store;
    int64_t version_id; /**< of DAG "d", once fixture_add_dag() was called */
} Fixture;

/** cmocka set-up and tear-down: with a directory only, and with an open store that has DAG "d". */
int fixture_set_up_dir(void **state);
int fixture_set_up_store(void **state);
int fixture_tear_down(void **state);

/** A directory under $TMPDIR; the caller removes it with fixture_remove_dir(). */
char *fixture_make_dir(void);
void fixture_remove_dir(const char *dir);

void fixture_open(Fixture *fixture);
void fixture_close(Fixture *fixture);
int64_t fixture_add_dag(Store *store, const char *dag_id);

/** A queued manual run of DAG "d"; `run_id` is borrowed, nothing is to be freed. */
DagRun fixture_run(Fixture *fixture, const char *run_id);
/** Inserts it with `n_tasks` null task instances t0, t1, ...; returns the first task's id. */
int64_t fixture_insert_run(Fixture *fixture, DagRun *run, int n_tasks);
TaskInstance fixture_task(int64_t id, int64_t dag_run_id, const char *task_id, TaskState state);

/** Runs SQL on the writer's connection; returns SQLite's extended code. */
int fixture_sql(Fixture *fixture, const char *sql);
/** The first column of the first row as a number. */
int64_t fixture_number(StoreConn *conn, const char *sql);

#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        GError *error = NULL;                                                                                \
        if (!(call))                                                                                         \
            fail_msg("%s: %s", #call, error != NULL ? error->message : "failed without an error");           \
        assert_null(error);                                                                                  \
    } while (0)

#define assert_fails(call, error_domain, error_code)                                                         \
    do {                                                                                                     \
        GError *error = NULL;                                                                                \
        if (call)                                                                                            \
            fail_msg("%s: succeeded", #call);                                                                \
        assert_non_null(error);                                                                              \
        if (!g_error_matches(error, error_domain, error_code))                                               \
            fail_msg("%s: %s", #call, error->message);                                                       \
        g_error_free(error);                                                                                 \
    } while (0)
