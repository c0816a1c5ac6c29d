/* SPDX-License-Identifier: MIT */
/**
 * What the files of the daemon's side share. Nobody else includes this.
 *
 *   local_executor.c   open, start, cancel, acknowledge, close
 *   local_resync.c     expected attempts against records; the boot mark
 *   local_event.c      the queue of events to deliver
 *   runner_link.c      the connection to one runner: is it there, does it answer, is it dead
 *   runner_launch.c    making a new runner
 *   recovery.c         what a dead runner has left
 *   former.c           what runners have of numbers that are given again
 */
#pragma once

#include "executors/local/channel.h"
#include "executors/local/kill_tree.h"
#include "executors/local/local_executor.h"
#include "executors/local/runner_dir.h"
#include "executors/local/slot_file.h"

typedef struct LocalExecutor LocalExecutor;
typedef struct Former Former;

typedef enum {
    LINK_CHECKING,   /* no connection: is it alive (then connect) or dead? */
    LINK_CONNECTING, /* HELLO is sent; its records are coming */
    LINK_READY,
    LINK_DEAD, /* its lock is ours; what it left is being worked on or waits for acknowledgements */
} LinkState;

/** One runner, live or dead. */
typedef struct {
    LocalExecutor *ex;
    char *dir;
    bool same_exe; /* of our build: may be given new attempts */
    bool answered; /* all its records have been seen once (or it was dead) */
    bool was_ready;
    bool boot_changed; /* it is of a former boot: what was not synced is not to be believed */
    LinkState state;
    Channel *channel;
    uv_timer_t timer;
    uint64_t round;     /* which answering of its records this is */
    int64_t trouble_us; /* monotonic: since when it should answer and does not; 0 = no trouble */
    int64_t wait_ms;    /* between two checks */
    bool continued;     /* SIGCONT was tried */
    int lock_fd;        /* DEAD: so that nobody else recovers it */
    unsigned owed;      /* DEAD: records that wait for the end of their tree or for an acknowledgement */
    bool records_read;  /* DEAD */
} RunnerLink;

/** An attempt that somebody waits for, or (unwanted) that must go away. */
typedef struct {
    AttemptId key;
    uint32_t token;    /* of the row, or of the record if no row expects it */
    RunnerLink *link;  /* who has it; NULL = nobody yet */
    GByteArray *start; /* its START frame, until a record proves that it was heard */
    unsigned sends;    /* how often that was sent */
    uint64_t round;    /* of the link, when its record was last seen */
    bool expected;     /* from the resync, and no record has been seen yet */
    ExecutorExpectation expectation;
    bool unexpected; /* no row wants it, and we did not start it: a record was found */
    bool unwanted;   /* and it ends silently */
    bool canceled;   /* executor_cancel() was called */
    bool ending;     /* its tree is being ended here, LOST follows */
    bool started;    /* STARTED was delivered */
    bool finished;   /* FINISHED was delivered */
    bool holds_dir;  /* counts in link->owed */
    bool boot_lost;  /* counts in ex->boot_pending */
} Entry;

struct LocalExecutor {
    Executor base;
    uv_loop_t *loop;
    char *runners_dir, *self_exe, *instance;
    char *scope; /* of the cookies */
    ExeIdentity exe;
    char **environment;
    mode_t task_umask;
    ExecutorEventFn on_event;
    void *user;
    bool collecting; /* for a command: starts nothing, kills nothing */

    GHashTable *entries;  /* AttemptId -> Entry */
    GHashTable *formers;  /* AttemptId -> Former: must be gone before that number is started */
    GPtrArray *links;     /* of RunnerLink */
    GPtrArray *processes; /* of uv_process_t: runners that are our children */
    KillTree *kill_tree;
    GHashTable *recoveries; /* set of contexts of kill jobs */

    GArray *events; /* waiting to be delivered */
    uv_timer_t event_timer;
    unsigned depth; /* > 0: inside one of our callbacks, which delivers at its end */

    bool resync_begun, resynced;
    bool boot_known;          /* runners/boot holds this boot */
    bool boot_changed;        /* it held another one: what was queued then may have been started */
    unsigned boot_pending;    /* attempts lost by that whose outcome is not acknowledged */
    unsigned launch_failures; /* runners in a row that died before they answered */

    bool closing;
    unsigned open_handles;
    ExecutorClosedFn on_closed;
    void *closed_user;
};

/* local_event.c */

GArray *executor_events_new(void);
void executor_enter(LocalExecutor *ex);
/** Delivers what was pushed since. */
void executor_leave(LocalExecutor *ex);
void executor_push(LocalExecutor *ex, const ExecutorEvent *event);
void executor_push_started(LocalExecutor *ex, Entry *entry, const SlotRecord *record);
void executor_push_exited(LocalExecutor *ex, Entry *entry, const SlotRecord *record);
/** FINISHED without a record to take it from: LOST, START_FAILED, CANCELED. */
void executor_push_finished(LocalExecutor *ex, Entry *entry, ExecutorOutcome outcome, int error_number,
                            const char *message);
/** Those that are not delivered yet. */
void executor_drop_events(LocalExecutor *ex, AttemptId key);
void executor_on_event_timer(uv_timer_t *timer);

/* local_executor.c */

Entry *entry_new(LocalExecutor *ex, AttemptId key, uint32_t token);
/** Brings a start to a runner, a new one if need be; or leaves it waiting for the boot mark. */
void executor_dispatch(LocalExecutor *ex, Entry *entry);
void executor_dispatch_waiting(LocalExecutor *ex);
/** A live runner has told how an attempt stands. */
void executor_on_record(LocalExecutor *ex, RunnerLink *link, const SlotRecord *record);
void executor_on_records_end(LocalExecutor *ex, RunnerLink *link);
void executor_on_refused(LocalExecutor *ex, const ProtocolRefused *refused);
void executor_handle_closed(LocalExecutor *ex);
/** CANCEL or ACKNOWLEDGE, if there is a connection. */
void link_put_key(RunnerLink *link, ProtocolType type, AttemptId key);

/* former.c: other attempts of the same number */

GHashTable *formers_new(void);
/** Whether nothing of that number may start yet. */
bool former_has(const LocalExecutor *ex, AttemptId key);
/** `link` NULL: its runner is dead, and its tree is being ended. */
void former_add(LocalExecutor *ex, RunnerLink *link, AttemptId key);
/** Nothing of it lives. Starts what waited for that. */
void former_gone(LocalExecutor *ex, AttemptId key);
/** Takes a live runner's record if it is of a former life; else false. */
bool former_on_record(LocalExecutor *ex, RunnerLink *link, const SlotRecord *record);
void former_on_records_end(LocalExecutor *ex, RunnerLink *link);
/** A runner is dead: what it has of them, its slot file tells. */
void former_forget_link(LocalExecutor *ex, const RunnerLink *link);
/** A start of the number of an attempt that nobody expected: if that is another one, it makes room for it. */
bool former_displace(LocalExecutor *ex, Entry *entry, uint32_t token);

/* local_resync.c */

void local_resync(Executor *base, const ExecutorExpected *expected, size_t count);
/** Gives the verdicts on attempts without a record, once every runner has answered. */
void executor_resync_progress(LocalExecutor *ex);
/** Whether attempts may be started in this boot; writes the boot mark first. */
bool executor_boot_is_ready(LocalExecutor *ex, GError **error);

/* runner_link.c */

/** Makes a link in CHECKING or, given a connected socket, in CONNECTING. Takes `dir`. */
RunnerLink *runner_link_new(LocalExecutor *ex, char *dir, int connected_fd);
void runner_link_check(RunnerLink *link);
/** Closes everything of it; the memory goes when its timer is closed. */
void runner_link_close(RunnerLink *link);

/* runner_launch.c */

/** A link to a new runner; NULL and `error` when it can not be made. */
RunnerLink *runner_launch(LocalExecutor *ex, GError **error);
/** Lets go of the runners that are our children; they run on. */
void runner_launch_forget(LocalExecutor *ex);

/* recovery.c */

/** The link has just become DEAD: reads its slots, ends what lives, and delivers. */
void recovery_begin(LocalExecutor *ex, RunnerLink *link);
/** One thing less keeps a dead runner's folder. */
void recovery_release(LocalExecutor *ex, RunnerLink *link);
/** The tree of that attempt is ended as before, and nobody is told: its number is another one's now. */
void recovery_disown(LocalExecutor *ex, AttemptId key);
/** Ends what carries the cookie of an attempt without a usable record, then reports it LOST. */
void recovery_lose(LocalExecutor *ex, Entry *entry, const char *message);
