/* SPDX-License-Identifier: MIT */
/**
 * Drives a real runner through local_executor on a loop, with a home of its own. The test program plays the
 * runner itself when it is called as `PROGRAM __runner DIR`.
 */
#pragma once

#include "cmocka_all.h"
#include "executors/local/local_executor.h"
#include "executors/local/slot_file.h"

#define TEST_INSTANCE "test-database"

typedef struct {
    uv_loop_t loop;
    uv_timer_t deadline;
    char *home;
    Executor *ex;
    GArray *events;   /* of SeenEvent, in order */
    bool acknowledge; /* every FINISHED at once; default true */
    uint32_t token;   /* of what is started */
} Harness;

typedef struct {
    ExecutorEvent event;
    char *message;
} SeenEvent;

/** Setup and teardown of each test. The latter checks that nothing lives and nothing is left of the runner.
 */
int harness_setup(void **state);
int harness_teardown(void **state);

/** Opens an executor on the home and resyncs it. */
void harness_open(Harness *h, const ExecutorExpected *expected, size_t count);
void harness_open_as(Harness *h, const char *instance, const ExecutorExpected *expected, size_t count);
/** Keeps events in the harness; acknowledges. */
void harness_on_event(const ExecutorEvent *event, void *user);
/** Closes it: what runs runs on. */
void harness_close(Harness *h);

/** Starts /bin/sh -c `script` with log `attempt<ti>.log` and the home as cwd. */
void harness_start(Harness *h, int64_t ti_id, const char *script);
ExecutorRequest harness_request(Harness *h, int64_t ti_id, const char *const *argv);
char *harness_log_path(const Harness *h, int64_t ti_id);
/** The text of the log; g_free() it. */
char *harness_log(const Harness *h, int64_t ti_id);
/** What the event says the task wrote; g_free() it. */
char *harness_output(const Harness *h, const ExecutorEvent *event);

/** Runs the loop until there is such an event (fails after a minute); it stays valid until the next one. */
const ExecutorEvent *harness_wait(Harness *h, int64_t ti_id, ExecutorEventKind kind);
/** Runs the loop until `count` events of the kind are there. */
void harness_wait_count(Harness *h, ExecutorEventKind kind, unsigned count);
unsigned harness_count(const Harness *h, ExecutorEventKind kind);

/** A controller in a process of its own starts attempts 1..count, sees them STARTED, and is then killed. */
void harness_kill_controller(Harness *h, const char *script, int count);

/** A fifo in the home; tasks write lines into it, the test reads them. Its path; g_free() it. */
char *harness_fifo(Harness *h, const char *name, int *fd);
/** The next line, as a number, while the loop runs; fails after a minute. */
pid_t harness_read_pid(Harness *h, int fifo_fd);

/** The folder of the only runner; g_free() it. NULL when there is none. */
char *harness_runner_dir(const Harness *h);
/** The runner's pid. */
pid_t harness_runner_pid(const Harness *h);
/** How many records the runner's slot file has, of at least `phase`; while they change, ask again. */
int harness_records(const Harness *h, SlotPhase phase);
/** Waits until the runner has ended (its lock is free); then checks that its folder is gone. */
void harness_expect_no_runner(Harness *h);
/** Waits until a process that is no child of ours is gone; fails after a minute. */
void harness_expect_gone(pid_t pid);
bool harness_is_alive(pid_t pid);

/** `main` of a test program: plays the runner, or runs `tests` (those that match the only argument). */
int harness_main(int argc, char **argv, int (*tests)(void));
