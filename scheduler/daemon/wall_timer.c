/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/wall_timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct WallTimer {
    uv_poll_t poll;
    int fd;
    void (*fire)(void *user);
    void *user;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    WallTimer *timer = poll->data;
    uint64_t n_times;
    /* ECANCELED: the clock was set. EAGAIN: the timer was set anew since it fired. */
    if (read(timer->fd, &n_times, sizeof n_times) > 0 || errno == ECANCELED)
        timer->fire(timer->user);
}

WallTimer *wall_timer_new(uv_loop_t *loop, void (*fire)(void *user), void *user, GError **error)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) {
        int code = errno;
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot make a timer: %s", g_strerror(code));
        return NULL;
    }
    WallTimer *timer = g_new0(WallTimer, 1);
    timer->fd = fd;
    timer->fire = fire;
    timer->user = user;
    timer->poll.data = timer;
    uv_poll_init(loop, &timer->poll, fd);
    uv_poll_start(&timer->poll, UV_READABLE, on_readable);
    return timer;
}

void wall_timer_free(WallTimer *timer)
{
    if (timer == NULL)
        return;
    close(timer->fd);
    g_free(timer);
}

void wall_timer_set(WallTimer *timer, int64_t at_us)
{
    struct itimerspec at = {0}; /* zero is: not at all */
    if (at_us != TIME_NONE) {
        at_us = MAX(at_us, 1);
        at.it_value.tv_sec = at_us / USEC_PER_SEC;
        at.it_value.tv_nsec = at_us % USEC_PER_SEC * 1000;
    }
    if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) != 0)
        g_error("cannot set a timer: %s", g_strerror(errno)); /* only wrong arguments make it fail */
}
