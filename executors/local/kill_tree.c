/* SPDX-License-Identifier: MIT */
#include "executors/local/kill_tree.h"

#include <signal.h>
#include <unistd.h>

#define FIRST_WAIT_US (5 * USEC_PER_MSEC)
#define LAST_WAIT_US  (200 * USEC_PER_MSEC)

typedef enum { JOB_NEW, JOB_TERMINATED, JOB_KILLED } JobState;

struct KillJob {
    ProcTree tree;
    char *cookie;
    JobState state;
    int64_t grace_us, kill_at_us, give_up_at_us; /* monotonic */
    KillDoneFn done;
    void *user;
};

struct KillTree {
    uv_timer_t timer;
    pid_t reaper;
    GPtrArray *jobs;      /* of KillJob */
    int64_t wait_us;      /* until the next look; grows while nothing changes */
    int64_t look_cost_us; /* of the last look: the next one is never sooner than twice that */
    bool closing;
};

static void job_free(gpointer data)
{
    KillJob *job = data;
    g_array_unref(job->tree.members);
    g_free(job->cookie);
    g_free(job);
}

static void on_timer(uv_timer_t *timer);

static void schedule(KillTree *kt, int64_t wait_us)
{
    uv_update_time(kt->timer.loop);
    uv_timer_start(&kt->timer, on_timer, (uint64_t)((wait_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC), 0);
}

/** Whether the leader is there, as itself, leading its group: only then does the group's number mean ours. */
static bool leads_group(const ProcIdentity *leader)
{
    ProcStat stat;
    return leader->pid > 1 && proc_stat_read(leader->pid, &stat) && proc_identity_matches(leader, &stat) &&
           stat.group == leader->pid;
}

/**
 * Signals the group in one go, so that no fork slips through, and the other members one by one, each by an
 * identity that can not be mistaken. Nobody is signalled twice: to some programs a second SIGTERM means
 * "now".
 */
static void job_signal(const KillJob *job, int signal)
{
    pid_t group = leads_group(&job->tree.leader) ? job->tree.leader.pid : 0;
    if (group > 0) {
        kill(-group, signal);
        if (signal == SIGTERM)
            kill(-group, SIGCONT); /* a stopped one would never see it */
    }
    for (guint i = 0; i < job->tree.members->len; i++) {
        const ProcIdentity *member = &g_array_index(job->tree.members, ProcIdentity, i);
        if (group > 0 && getpgid(member->pid) == group)
            continue;
        proc_identity_signal(member, signal);
        if (signal == SIGTERM)
            proc_identity_signal(member, SIGCONT);
    }
}

/** One step of a job whose members are up to date. True when it is done. */
static bool job_step(KillJob *job, int64_t now_us)
{
    if (job->tree.members->len == 0)
        return true;
    switch (job->state) {
    case JOB_NEW:
        job->state = JOB_TERMINATED;
        job->kill_at_us = now_us + MIN(job->grace_us, USEC_PER_DAY);
        if (job->grace_us > 0) {
            job_signal(job, SIGTERM);
            return false;
        }
        G_GNUC_FALLTHROUGH;
    case JOB_TERMINATED:
        if (now_us < job->kill_at_us)
            return false;
        job->state = JOB_KILLED;
        job->give_up_at_us = now_us + KILL_TREE_BOUND_US;
        G_GNUC_FALLTHROUGH;
    case JOB_KILLED:
        job_signal(job, SIGKILL);
        return now_us >= job->give_up_at_us;
    }
    return true;
}

/** The wait until the next look: not beyond the next deadline. */
static int64_t next_wait_us(const KillTree *kt, int64_t now_us)
{
    int64_t wait_us = kt->wait_us;
    for (guint i = 0; i < kt->jobs->len; i++) {
        const KillJob *job = g_ptr_array_index(kt->jobs, i);
        if (job->state == JOB_TERMINATED)
            wait_us = MIN(wait_us, MAX(job->kill_at_us - now_us, 0));
    }
    return MAX(wait_us, 2 * kt->look_cost_us);
}

static void on_timer(uv_timer_t *timer)
{
    KillTree *kt = timer->data;
    if (kt->jobs->len == 0)
        return;
    int64_t begin_us = g_get_monotonic_time();
    guint count = kt->jobs->len;
    g_autofree ProcTree **trees = g_new(ProcTree *, count);
    for (guint i = 0; i < count; i++)
        trees[i] = &((KillJob *)g_ptr_array_index(kt->jobs, i))->tree;
    kill_tree_look(trees, count, kt->reaper);
    int64_t now_us = g_get_monotonic_time();
    kt->look_cost_us = now_us - begin_us;

    g_autoptr(GPtrArray) finished = g_ptr_array_new_with_free_func(job_free);
    for (guint i = count; i > 0; i--)
        if (job_step(g_ptr_array_index(kt->jobs, i - 1), now_us))
            g_ptr_array_add(finished, g_ptr_array_steal_index_fast(kt->jobs, i - 1));
    kt->wait_us = finished->len > 0 ? FIRST_WAIT_US : MIN(kt->wait_us * 2, LAST_WAIT_US);
    if (kt->jobs->len > 0)
        schedule(kt, next_wait_us(kt, now_us));
    for (guint i = 0; i < finished->len; i++) {
        KillJob *job = g_ptr_array_index(finished, i);
        job->done(job->tree.members->len, job->user);
    }
}

KillTree *kill_tree_new(uv_loop_t *loop, pid_t reaper)
{
    KillTree *kt = g_new0(KillTree, 1);
    uv_timer_init(loop, &kt->timer);
    kt->timer.data = kt;
    kt->reaper = reaper;
    kt->jobs = g_ptr_array_new_with_free_func(job_free);
    return kt;
}

static void on_closed(uv_handle_t *handle)
{
    g_free(handle->data);
}

void kill_tree_close(KillTree *kt)
{
    if (kt == NULL || kt->closing)
        return;
    kt->closing = true;
    g_ptr_array_unref(kt->jobs);
    uv_close((uv_handle_t *)&kt->timer, on_closed);
}

KillJob *kill_tree_end(KillTree *kt, const ProcIdentity *leader, const char *cookie, int64_t grace_us,
                       KillDoneFn done, void *user)
{
    KillJob *job = g_new0(KillJob, 1);
    job->cookie = g_strdup(cookie);
    job->tree = (ProcTree){
        .leader = *leader, .cookie = job->cookie, .members = g_array_new(FALSE, FALSE, sizeof(ProcIdentity))};
    job->grace_us = grace_us;
    job->done = done;
    job->user = user;
    g_ptr_array_add(kt->jobs, job);
    kt->wait_us = FIRST_WAIT_US;
    schedule(kt, 0);
    return job;
}

void kill_tree_poke(KillTree *kt)
{
    if (kt == NULL || kt->jobs->len == 0)
        return;
    kt->wait_us = FIRST_WAIT_US;
    uint64_t due_ms = uv_timer_get_due_in(&kt->timer);
    int64_t soon_us = MAX(USEC_PER_MSEC, 2 * kt->look_cost_us);
    if ((int64_t)due_ms * USEC_PER_MSEC > soon_us)
        schedule(kt, soon_us);
}

void kill_tree_look(ProcTree *const *trees, size_t count, pid_t reaper)
{
    g_autoptr(ProcTable) table = proc_table_read();
    proc_table_assign(table, trees, count, reaper);
}
