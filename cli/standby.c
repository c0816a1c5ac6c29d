/* SPDX-License-Identifier: MIT */
#include "cli/standby.h"

#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The kernel wakes who waits for a lock, but not through anything that can be polled: so a thread waits. */
typedef struct {
    char *path, *verb;
    int done_fd;
    StoreLock *lock;
    GError *error;
} Waiter;

static gpointer wait_for_lock(gpointer data)
{
    Waiter *waiter = data;
    uint64_t one = 1;
    waiter->lock = store_lock_wait(waiter->path, waiter->verb, -1, &waiter->error);
    ssize_t written = write(waiter->done_fd, &one, sizeof one);
    (void)written;
    return NULL;
}

/* True once the thread is done, false on a signal. */
static bool wait_for_either(const Waiter *waiter, int64_t tick_us, void (*tick)(void))
{
    struct pollfd fds[2] = {{waiter->done_fd, POLLIN, 0}, {signals_fd(), POLLIN, 0}};
    int timeout_ms = tick_us > 0 ? (int)MIN(tick_us / 1000, INT32_MAX) : -1;
    for (;;) {
        int n = poll(fds, 2, timeout_ms);
        if (signals_end() != 0 || signals_take_interrupts() > 0)
            return false;
        if (fds[0].revents != 0 && n > 0)
            return true;
        if (n == 0)
            tick();
    }
}

StoreLock *standby_wait(const char *lock_path, const char *verb, int64_t tick_us, void (*tick)(void),
                        GError **error)
{
    static Waiter waiter; /* outlives this call when a signal ends it */
    waiter = (Waiter){g_strdup(lock_path), g_strdup(verb), eventfd(0, EFD_CLOEXEC), NULL, NULL};
    GThread *thread = g_thread_new("standby", wait_for_lock, &waiter);
    if (!wait_for_either(&waiter, tick_us, tick)) {
        g_thread_unref(thread);
        return NULL;
    }
    g_thread_join(thread);
    close(waiter.done_fd);
    g_clear_pointer(&waiter.path, g_free);
    g_clear_pointer(&waiter.verb, g_free);
    if (waiter.error != NULL)
        g_propagate_error(error, waiter.error);
    return waiter.lock;
}
