/* SPDX-License-Identifier: MIT */
/**
 * What the files of the runner share: runner.c (life), runner_control.c (the controller), runner_attempt.c
 * (an attempt from claim to exit). Nobody else includes this.
 */
#pragma once

#include "executors/local/channel.h"
#include "executors/local/kill_tree.h"
#include "executors/local/leftovers.h"
#include "executors/local/runner_dir.h"
#include "executors/local/slot_file.h"

#include <sys/resource.h>

typedef struct Runner Runner;
typedef struct Client Client;
typedef struct AttemptTimer AttemptTimer;

/** An attempt that has a slot. Gone when the slot is freed. */
typedef struct {
    Runner *runner;
    AttemptId key;
    int slot;
    bool recorded; /* its exit record is written: only the acknowledgement is missing */
    bool synced;   /* and is on the disk, as far as it can be */
    char *cookie, *log_path;
    char *output_path; /* $WEIR_OUTPUT; NULL = none */
    int64_t timeout_us, grace_us;
    AttemptTimer *timer; /* execution_timeout, or the next try to spawn; NULL = none */
    GByteArray *start;   /* the START payload, while it may have to be tried again */
    unsigned tries;      /* to spawn */
    bool header_written;
    int64_t log_begin;
    ProcIdentity process;   /* pid 0 until there is one */
    KillJob *kill_job;      /* its tree is being ended */
    ExecutorOutcome ending; /* TIMED_OUT or CANCELED once we end it; else EXITED */
    unsigned survivors;     /* processes of it that could not be ended */
    bool reaped;
    int wait_status;
    struct rusage usage;
} Attempt;

struct Runner {
    uv_loop_t loop;
    const char *dir;
    RunnerMeta meta;
    char *scope; /* of the cookies */
    SlotFile *slots;
    GHashTable *attempts; /* AttemptId -> Attempt, all that have a slot */
    GHashTable *by_pid;   /* pid -> Attempt, those whose process is not reaped */
    KillTree *kill_tree;
    Leftovers *leftovers;

    Client *controller, *pending; /* pending: has not said HELLO yet */
    bool had_controller;
    char **environment; /* the controller's: the base of every task's */
    mode_t task_umask;

    bool unsynced;   /* exit records that are not on disk yet */
    bool dir_synced; /* what leads to them is */
    bool ended;
    uv_poll_t listener;
    uv_signal_t child_signal;
    uv_timer_t orphan_timer; /* while there is no controller: is our folder still there? */
};

/* runner.c */

/** Something has changed: ends the runner if it has nothing left to do. */
void runner_check_end(Runner *runner);
/* runner_sync.c */

/** Brings exit records, and what their attempts left, to the disk if no controller will hear of them at once.
 */
void runner_sync(Runner *runner);

/* runner_control.c */

/** A connection waits on the listening socket. */
void runner_accept(Runner *runner);
void runner_disconnect(Runner *runner);
/** Tells the controller, if there is one, how an attempt stands. */
void runner_report(Runner *runner, const Attempt *attempt);
/** Tells it that an attempt has no slot, and so was not begun. */
void runner_refuse(Runner *runner, AttemptId key, int error_number, const char *text);

/* runner_attempt.c */

void attempt_free(gpointer data);
/** Claims a slot and makes the process; a known attempt is only reported again. `payload` is that of START.
 */
void attempt_start(Runner *runner, const ExecutorRequest *request, const ProtocolFrame *frame);
void attempt_cancel(Attempt *attempt);
/** Its process has ended. */
void attempt_reaped(Attempt *attempt, int wait_status, const struct rusage *usage);
