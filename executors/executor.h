/* SPDX-License-Identifier: MIT */
/**
 * What an executor is: something that carries out attempts and says how they ended.
 *
 * An attempt is (task instance, try number). The committed row "queued" is the intent to start it; the
 * executor starts it at most once, ever, and keeps what it knows about it until the outcome is acknowledged.
 * All calls are made on the thread of the executor's loop; none of them blocks, and on_event is never called
 * from inside one.
 *
 * What the daemon does, in this order:
 *
 *   At start (it holds the home's lock):
 *     1. read every attempt whose row is queued, running or restarting -> ExecutorExpected[]
 *     2. X_executor_new(), then executor_resync(ex, expected, n), exactly once, also when n is 0
 *     3. run the loop. Each expected attempt gets exactly one verdict: STARTED (it runs; FINISHED follows),
 *        FINISHED, or NOT_STARTED. RESYNCED follows once every answer that needs no waiting is in; a LOST
 * whose processes are still being ended may come after it. Other attempts may be started at any time after 2.
 *   To start an attempt: commit its row as queued, then executor_start().
 *   To cancel one: executor_cancel(); FINISHED follows, with its true outcome when it had already ended.
 *   On an event:
 *     STARTED      row queued -> running; nothing to acknowledge
 *     FINISHED     commit the outcome; after COMMIT: executor_acknowledge(). A row that has moved on in the
 *                  meantime changes nothing, and is acknowledged all the same.
 *     NOT_STARTED  executor_start() again with the same key, or, if it is no longer wanted, nothing
 *     RESYNCED     nothing must be done
 *   At the end: executor_close(). Running attempts run on; a later executor of the same home finds them.
 *
 * An attempt that is not expected, but lives, is ended: STARTED, then FINISHED, to be acknowledged as any
 * other. One of an expected or started number with another token is ended as well, silently, and what has the
 * number now starts after that.
 *
 * FINISHED may come without STARTED (START_FAILED; the start was seen by an earlier controller). It is
 * repeated by the next executor for as long as it is not acknowledged, never by the same one.
 */
#pragma once

#include "scheduler/model/records.h"

#include <stddef.h>
#include <sys/types.h>

/** For GHashTable; keys are `const AttemptId *`. */
guint attempt_id_hash(gconstpointer key);
gboolean attempt_id_equal(gconstpointer a, gconstpointer b);

/**
 * Tells apart two attempts of one number. A database that is put back from a copy gives numbers again that
 * runners have records of: of other tasks, or of a decision that is forgotten now. So an attempt is known by
 * when its row was queued, too; a record of another moment is never taken for it. 0 is for "not known", and
 * matches all; the token of an instant is never 0, that of TIME_NONE is.
 */
uint32_t attempt_token(int64_t queued_us);
bool attempt_tokens_differ(uint32_t a, uint32_t b);

/** An attempt to start. Everything is copied before executor_start() returns. */
typedef struct {
    AttemptId key;
    uint32_t token;          /**< attempt_token() of the committed row */
    const char *const *argv; /**< NULL-terminated, not empty; a string command is {"/bin/sh", "-c", text} */
    const char *const
        *env_extra;       /**< "K=V", NULL-terminated or NULL: the task's env and weir's own variables */
    const char *cwd;      /**< absolute */
    const char *log_path; /**< absolute; created 0600, its folders 0700; appended to */
    const char *header;   /**< text the log begins with (outside of log_begin..log_end), or NULL */
    int64_t timeout_us;   /**< execution_timeout; 0 = none */
    int64_t grace_us;     /**< between SIGTERM and SIGKILL */
} ExecutorRequest;

/** What the committed row says about an attempt when the daemon starts. */
typedef enum {
    EXECUTOR_EXPECT_QUEUED,  /**< the start may not have reached anybody */
    EXECUTOR_EXPECT_RUNNING, /**< running or restarting: STARTED was committed */
} ExecutorExpectation;

typedef struct {
    AttemptId key;
    uint32_t token; /**< attempt_token() of the committed row */
    ExecutorExpectation expectation;
} ExecutorExpected;

typedef enum {
    EXECUTOR_EVENT_STARTED,     /**< its process exists: pid, at_us, log_begin */
    EXECUTOR_EVENT_FINISHED,    /**< outcome and everything below; wants an acknowledgement */
    EXECUTOR_EVENT_NOT_STARTED, /**< after a resync only: expected queued, and nobody has ever begun it */
    EXECUTOR_EVENT_RESYNCED,    /**< after a resync only; key is {0, 0} */
} ExecutorEventKind;

typedef enum {
    EXECUTOR_OUTCOME_EXITED,       /**< by itself: exit_code */
    EXECUTOR_OUTCOME_SIGNALED,     /**< by a signal that was not ours: signal, oom_hint, core_dumped */
    EXECUTOR_OUTCOME_TIMED_OUT,    /**< execution_timeout ended it, whatever its exit code was then */
    EXECUTOR_OUTCOME_CANCELED,     /**< executor_cancel() ended it, whatever its exit code was then */
    EXECUTOR_OUTCOME_START_FAILED, /**< no process was ever made: error_number, message */
    EXECUTOR_OUTCOME_LOST, /**< how it ended can not be known: message says why; nothing of it lives */
    EXECUTOR_OUTCOME_COUNT,
    EXECUTOR_OUTCOME_INVALID = -1,
} ExecutorOutcome;

/** "exited", "signaled", "timed_out", "canceled", "start_failed", "lost". */
const char *executor_outcome_to_string(ExecutorOutcome outcome);

/** Valid during the callback only. */
typedef struct {
    ExecutorEventKind kind;
    AttemptId key;
    uint32_t token; /**< of what it tells of: perhaps not the attempt that has this number now */
    int64_t at_us;  /**< wall clock, at the executor: when it started or ended */
    pid_t pid;      /**< 0 when there never was a process */

    /* FINISHED only: */
    ExecutorOutcome outcome;
    int exit_code; /**< -1 unless the process exited by itself (also set for TIMED_OUT, CANCELED) */
    int signal;    /**< 0 unless a signal ended the process (also set for TIMED_OUT, CANCELED) */
    bool core_dumped;
    bool oom_hint;      /**< killed, and the kernel's count of out-of-memory kills rose meanwhile */
    int error_number;   /**< START_FAILED: errno, or 0; see executor_event_is_no_room() */
    int64_t log_begin;  /**< the task wrote the bytes log_begin..log_end of its log; ... */
    int64_t log_end;    /**< ... weir's own lines lie outside */
    int64_t max_rss_kb; /**< rusage of the process and of those it waited for */
    int64_t user_us;
    int64_t system_us;
    const char *message; /**< one line for people; "" when there is nothing to add */
} ExecutorEvent;

/**
 * A START_FAILED for want of room on a disk (ENOSPC, EDQUOT): the attempt was never begun, and may be, under
 * the same key, after its acknowledgement.
 */
bool executor_event_is_no_room(const ExecutorEvent *event);

typedef void (*ExecutorEventFn)(const ExecutorEvent *event, void *user);
typedef void (*ExecutorClosedFn)(void *user);

typedef struct Executor Executor;

/** One table per kind of executor. Call through the functions below. */
typedef struct {
    const char *name;
    void (*resync)(Executor *ex, const ExecutorExpected *expected, size_t count);
    void (*start)(Executor *ex, const ExecutorRequest *request);
    bool (*cancel)(Executor *ex, AttemptId key);
    void (*acknowledge)(Executor *ex, AttemptId key);
    void (*close)(Executor *ex, ExecutorClosedFn closed, void *user);
} ExecutorOps;

/** The first member of every executor's own struct. */
struct Executor {
    const ExecutorOps *ops;
};

/** Brings executor and committed rows together; see the top of this file. Once, before anything else. */
static inline void executor_resync(Executor *ex, const ExecutorExpected *expected, size_t count)
{
    ex->ops->resync(ex, expected, count);
}

/** Starts an attempt. A second start of the same attempt does nothing. Failures arrive as events. */
static inline void executor_start(Executor *ex, const ExecutorRequest *request)
{
    ex->ops->start(ex, request);
}

/**
 * Ends an attempt: SIGTERM to its group, grace, SIGKILL, then whatever of it left the group. FINISHED follows
 * when all of it is gone. False when the executor holds no unfinished attempt of that key: no event will
 * follow.
 */
static inline bool executor_cancel(Executor *ex, AttemptId key)
{
    return ex->ops->cancel(ex, key);
}

/** The outcome is committed: the executor may forget the attempt. Unknown keys are fine. */
static inline void executor_acknowledge(Executor *ex, AttemptId key)
{
    ex->ops->acknowledge(ex, key);
}

/**
 * Sends what is still to be sent, lets go of everything and frees `ex`; running attempts run on. No events
 * after this call. `closed` (may be NULL) is called on the loop when the last handle is closed.
 */
static inline void executor_close(Executor *ex, ExecutorClosedFn closed, void *user)
{
    ex->ops->close(ex, closed, user);
}
