/* SPDX-License-Identifier: MIT */
/** A home of its own for each test, and short ways to give commands and look at what came of them. */
#pragma once

#include "scheduler/daemon/daemon.h"
#include "scheduler/store/reader.h"
#include "tests/unit/daemon/cmocka_all.h"

typedef struct {
    char *home;
    Settings *settings;
    Daemon *daemon;
    GString *log;    /**< lines of the daemon */
    char *end_state; /**< fixture_follow(): how the run ended */
    guint n_documents;
    int64_t disk_bytes,
        disk_files; /**< what the disks have left; disk_bytes -1 (the default) = they are asked */
} Fixture;

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/** Writes a file below the home. */
void fixture_write(const Fixture *fixture, const char *name, const char *text);
/** Reads one; the caller frees. Fails the test when there is none. */
char *fixture_read(const Fixture *fixture, const char *name);
void fixture_open(Fixture *fixture, DaemonMode mode);
void fixture_close(Fixture *fixture);

/** Gives a command; `args` is a JSON text with ' for ". The answer: a new reference. */
json_t *fixture_execute(Fixture *fixture, const char *command, const char *args);
/** The same; it must go well. The result: a new reference. */
json_t *fixture_do(Fixture *fixture, const char *command, const char *args);
/** The same; it must fail with that code, and the message must contain `part`. */
void fixture_refuse(Fixture *fixture, const char *command, const char *args, const char *code,
                    const char *part);

/** A connection for looking; to be closed by the caller. */
StoreConn *fixture_reader(const Fixture *fixture);
/** The state of a task, or of the run when `task_id` is NULL: "none" for null. Static strings. */
const char *fixture_state(const Fixture *fixture, const char *dag_id, const char *run_id,
                          const char *task_id);
/** Loops until the run has ended; gives its state. */
const char *fixture_follow(Fixture *fixture, const char *dag_id, const char *run_id);
/** Loops for that long. */
void fixture_loop_for(Fixture *fixture, guint ms);
