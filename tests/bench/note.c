/* SPDX-License-Identifier: MIT */
/*
 * bench_note LEDGER [FIFO]: a task that notes when it started and ended, in a file that weir does not know
 * of.
 *
 * Each line is `start|end TIME_US DAG RUN TASK TRY`, by the clock of the schedules, and one write() to the
 * end of the file, so that any number of tasks may share it. With FIFO the task lasts until somebody opens
 * that for writing. Linked statically: the first look at the clock is what follows exec().
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "-";
}

static int note(int fd, const char *what, long long time_us)
{
    char line[1024];
    int n = snprintf(line, sizeof line, "%s %lld %s %s %s %s\n", what, time_us, variable("WEIR_DAG_ID"),
                     variable("WEIR_RUN_ID"), variable("WEIR_TASK_ID"), variable("WEIR_TRY_NUMBER"));
    return n > 0 && n < (int)sizeof line && write(fd, line, (size_t)n) == n;
}

int main(int argc, char **argv)
{
    long long started_us = now_us();
    if (argc < 2)
        return 2;
    int fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || !note(fd, "start", started_us))
        return 1;
    if (argc > 2 && open(argv[2], O_RDONLY | O_CLOEXEC) < 0)
        return 1;
    return note(fd, "end", now_us()) ? 0 : 1;
}
