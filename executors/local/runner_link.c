/* SPDX-License-Identifier: MIT */
/*
 * The connection to one runner. A runner is dead when its lock can be taken; that is looked at whenever there
 * is no connection. One that lives but does not answer is first continued, and much later killed: by the
 * proof of its lock fd, never by a number that was written down.
 */
#include "executors/local/local_internal.h"
#include "executors/local/unix_socket.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_WAIT_MS = 5, LAST_WAIT_MS = 250, ANSWER_CHECK_MS = 1000 };

#define CONTINUE_AFTER_US (5 * USEC_PER_SEC)
#define KILL_AFTER_US     (30 * USEC_PER_SEC)

static void on_timer(uv_timer_t *timer);

static void wait_for(RunnerLink *link, int64_t ms)
{
    uv_update_time(link->ex->loop);
    uv_timer_start(&link->timer, on_timer, (uint64_t)ms, 0);
}

static void become_checking(RunnerLink *link)
{
    channel_close(g_steal_pointer(&link->channel));
    link->state = LINK_CHECKING;
    link->wait_ms = FIRST_WAIT_MS;
    wait_for(link, 0);
}

/* --- Connected --- */

static void on_frame(const ProtocolFrame *frame, void *user)
{
    RunnerLink *link = user;
    LocalExecutor *ex = link->ex;
    SlotRecord record;
    ProtocolRefused refused;
    switch (frame->type) {
    case PROTOCOL_RECORD:
        if (frame->size >= SLOT_RECORD_SIZE && slot_record_decode(frame->payload, &record))
            executor_on_record(ex, link, &record);
        break;
    case PROTOCOL_RECORDS_END:
        link->state = LINK_READY;
        link->trouble_us = 0;
        link->continued = false;
        link->answered = link->was_ready = true;
        uv_timer_stop(&link->timer);
        executor_on_records_end(ex, link);
        break;
    case PROTOCOL_REFUSED:
        if (protocol_get_refused(frame, &refused))
            executor_on_refused(ex, &refused);
        break;
    default: /* WELCOME, or something newer than us */
        break;
    }
}

/* Events of all frames of a read are delivered together, after the last of them. */
static void on_read_end(void *user)
{
    const RunnerLink *link = user;
    executor_enter(link->ex);
    executor_leave(link->ex);
}

static void on_broken(void *user)
{
    become_checking(user);
}

static void say_hello(RunnerLink *link, int fd)
{
    static const ChannelEvents events = {
        .on_frame = on_frame, .on_read_end = on_read_end, .on_broken = on_broken};
    const LocalExecutor *ex = link->ex;
    link->state = LINK_CONNECTING;
    link->round++;
    link->channel = channel_open(ex->loop, fd, &events, link);
    protocol_put_hello(channel_out(link->channel),
                       &(ProtocolHello){.version = PROTOCOL_VERSION,
                                        .task_umask = ex->task_umask,
                                        .instance = ex->instance,
                                        .environment = (const char **)ex->environment});
    wait_for(link, ANSWER_CHECK_MS);
}

/* --- Not connected --- */

/** It lives and does not answer. */
static void consider_trouble(RunnerLink *link)
{
    int64_t now_us = g_get_monotonic_time();
    if (link->trouble_us == 0)
        link->trouble_us = now_us;
    int64_t waited_us = now_us - link->trouble_us;
    ProcIdentity holder;
    if (link->ex->collecting || waited_us < CONTINUE_AFTER_US)
        return;
    if (!runner_dir_find_holder(link->dir, &holder)) {
        if (!link->continued)
            g_warning("nobody answers in %s, and nobody can be seen to hold its lock", link->dir);
        link->continued = true;
        return;
    }
    if (!link->continued) {
        link->continued = true;
        proc_identity_signal(&holder, SIGCONT);
    } else if (waited_us >= KILL_AFTER_US) {
        g_warning("the runner %d in %s has not answered for %d seconds and is killed", (int)holder.pid,
                  link->dir, (int)(waited_us / USEC_PER_SEC));
        proc_identity_signal(&holder, SIGKILL);
    }
}

static void become_dead(RunnerLink *link, int lock_fd)
{
    link->state = LINK_DEAD;
    link->lock_fd = lock_fd;
    uv_timer_stop(&link->timer);
    recovery_begin(link->ex, link);
}

void runner_link_check(RunnerLink *link)
{
    int lock_fd = runner_dir_try_lock(link->dir);
    if (lock_fd != -EBUSY) {
        /* Without a folder (-ENOENT) the runner ended in good order: it had nothing left. */
        if (lock_fd >= 0 || lock_fd == -ENOENT) {
            become_dead(link, lock_fd);
            return;
        }
    } else {
        g_autofree char *path = g_build_filename(link->dir, RUNNER_SOCKET_FILE, NULL);
        int fd = unix_socket_connect(path);
        if (fd >= 0) {
            say_hello(link, fd);
            return;
        }
    }
    consider_trouble(link);
    wait_for(link, link->wait_ms);
    link->wait_ms = MIN(link->wait_ms * 2, (int64_t)LAST_WAIT_MS);
}

static void on_timer(uv_timer_t *timer)
{
    RunnerLink *link = timer->data;
    LocalExecutor *ex = link->ex;
    executor_enter(ex);
    if (link->state == LINK_CHECKING) {
        runner_link_check(link);
    } else if (link->state == LINK_CONNECTING) {
        consider_trouble(link);
        wait_for(link, ANSWER_CHECK_MS);
    }
    executor_leave(ex);
}

/* --- Making and closing --- */

RunnerLink *runner_link_new(LocalExecutor *ex, char *dir, int connected_fd)
{
    RunnerLink *link = g_new0(RunnerLink, 1);
    link->ex = ex;
    link->dir = dir;
    link->lock_fd = -1;
    link->wait_ms = FIRST_WAIT_MS;
    uv_timer_init(ex->loop, &link->timer);
    link->timer.data = link;
    ex->open_handles++;
    g_ptr_array_add(ex->links, link);
    if (connected_fd >= 0)
        say_hello(link, connected_fd);
    return link;
}

static void on_timer_closed(uv_handle_t *handle)
{
    RunnerLink *link = handle->data;
    LocalExecutor *ex = link->ex;
    g_free(link->dir);
    g_free(link);
    executor_handle_closed(ex);
}

void runner_link_close(RunnerLink *link)
{
    g_ptr_array_remove(link->ex->links, link);
    channel_close(g_steal_pointer(&link->channel));
    if (link->lock_fd >= 0)
        close(link->lock_fd);
    link->lock_fd = -1;
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}
