/* SPDX-License-Identifier: MIT */
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Written by handlers. There is one set of signal handlers in a process, so these are its state. */
static volatile sig_atomic_t n_interrupts, end_signal, was_resized;
static int wake_fd = -1;

static const int noted[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};

static void on_signal(int number)
{
    int saved = errno;
    uint64_t one = 1;
    if (number == SIGINT)
        n_interrupts++;
    else if (number == SIGWINCH)
        was_resized = 1;
    else
        end_signal = number;
    ssize_t written = write(wake_fd, &one, sizeof one); /* full is fine: it is readable then */
    (void)written;
    errno = saved;
}

void signals_install(void)
{
    if (wake_fd < 0)
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (guint i = 0; i < G_N_ELEMENTS(noted); i++) {
        struct sigaction old;
        sigaction(noted[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) /* nohup has asked for silence */
            sigaction(noted[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

void signals_restore(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(noted); i++)
        signal(noted[i], SIG_DFL);
}

int signals_fd(void)
{
    return wake_fd;
}

guint signals_take_interrupts(void)
{
    uint64_t count;
    while (read(wake_fd, &count, sizeof count) > 0)
        ;
    guint n = (guint)n_interrupts;
    n_interrupts = 0;
    return n;
}

int signals_end(void)
{
    return end_signal;
}

bool signals_take_resize(void)
{
    bool resized = was_resized;
    was_resized = 0;
    return resized;
}
