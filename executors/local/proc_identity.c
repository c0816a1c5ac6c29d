/* SPDX-License-Identifier: MIT */
#include "executors/local/proc_identity.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TICKS_PER_SECOND = 100 }; /* USER_HZ, part of the kernel's ABI on every architecture Debian has */

/** Reads a small file whole; the length, or -1. */
static ssize_t read_small_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buffer, size - 1);
    int saved = errno;
    close(fd);
    errno = saved;
    if (n >= 0)
        buffer[n] = '\0';
    return n;
}

bool boot_id_parse(const char *text, BootId *out)
{
    size_t digits = 0;
    BootId id = {{0}};
    for (; *text != '\0' && *text != '\n'; text++) {
        if (*text == '-')
            continue;
        int value = g_ascii_xdigit_value(*text);
        if (value < 0 || digits == 2 * sizeof id.bytes)
            return false;
        id.bytes[digits / 2] = (uint8_t)(id.bytes[digits / 2] << 4 | value);
        digits++;
    }
    if (digits != 2 * sizeof id.bytes)
        return false;
    *out = id;
    return true;
}

void boot_id_format(const BootId *id, char out[static 33])
{
    for (size_t i = 0; i < sizeof id->bytes; i++)
        g_snprintf(out + 2 * i, 3, "%02x", id->bytes[i]);
}

bool boot_id_equal(const BootId *a, const BootId *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/** Builds with crash points can be told that the machine was restarted. */
static const char *pretended_boot_id(void)
{
#ifdef WEIR_CRASH_POINTS
    return getenv("WEIR_CRASH_BOOT_ID");
#else
    return NULL;
#endif
}

const BootId *boot_id_current(void)
{
    static BootId current;
    static gsize once;
    if (g_once_init_enter(&once)) {
        char text[64];
        const char *pretended = pretended_boot_id();
        if (pretended != NULL)
            boot_id_parse(pretended, &current);
        else if (read_small_file("/proc/sys/kernel/random/boot_id", text, sizeof text) > 0)
            boot_id_parse(text, &current);
        g_once_init_leave(&once, 1);
    }
    return &current;
}

/** As many fields behind the name as are looked at, and one for all that follows. */
#define PROC_STAT_FIELDS 22

bool proc_stat_parse(const char *text, size_t length, ProcStat *out)
{
    /* "PID (COMM) STATE PPID ...": COMM may hold anything, so the last ')' ends it. */
    const char *close_paren = memrchr(text, ')', length);
    if (close_paren == NULL)
        return false;
    /* Behind it, each after one space: field 3 state, 4 ppid, 5 pgrp, 6 session, ..., 22 starttime. */
    g_autofree char *rest = g_strndup(close_paren + 1, length - (size_t)(close_paren + 1 - text));
    g_auto(GStrv) fields = g_strsplit(rest, " ", PROC_STAT_FIELDS);
    guint64 parent, group, session, start_time;
    if (g_strv_length(fields) < 21 || fields[1][0] == '\0' ||
        !g_ascii_string_to_unsigned(fields[2], 10, 0, G_MAXINT32, &parent, NULL) ||
        !g_ascii_string_to_unsigned(fields[3], 10, 0, G_MAXINT32, &group, NULL) ||
        !g_ascii_string_to_unsigned(fields[4], 10, 0, G_MAXINT32, &session, NULL) ||
        !g_ascii_string_to_unsigned(g_strchomp(fields[20]), 10, 0, G_MAXUINT64, &start_time, NULL))
        return false;
    char *end;
    gint64 pid = g_ascii_strtoll(text, &end, 10);
    if (end == text || pid <= 0 || pid > G_MAXINT32)
        return false;
    *out = (ProcStat){.pid = (pid_t)pid,
                      .parent = (pid_t)parent,
                      .group = (pid_t)group,
                      .session = (pid_t)session,
                      .state = fields[1][0],
                      .start_time = start_time};
    return true;
}

bool proc_stat_read(pid_t pid, ProcStat *out)
{
    char path[64], text[1024];
    g_snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    ssize_t n = read_small_file(path, text, sizeof text);
    return n > 0 && proc_stat_parse(text, (size_t)n, out);
}

uint64_t proc_ticks_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * TICKS_PER_SECOND + (uint64_t)t.tv_nsec / (1000000000 / TICKS_PER_SECOND);
}

ProcIdentity proc_identity_of_child(pid_t pid, uint64_t ticks_before, uint64_t ticks_after)
{
    /* One tick of margin on each side: the kernel reads its clock more finely than we do. */
    return (ProcIdentity){.pid = pid,
                          .start_time = ticks_before > 0 ? ticks_before - 1 : 0,
                          .start_slack = (uint32_t)MIN(ticks_after - ticks_before + 2, UINT32_MAX),
                          .boot = *boot_id_current()};
}

bool proc_identity_matches(const ProcIdentity *id, const ProcStat *stat)
{
    return id->pid > 0 && stat->pid == id->pid && boot_id_equal(&id->boot, boot_id_current()) &&
           stat->start_time >= id->start_time && stat->start_time - id->start_time <= id->start_slack;
}

bool proc_identity_read(pid_t pid, ProcIdentity *out)
{
    ProcStat stat;
    if (!proc_stat_read(pid, &stat))
        return false;
    *out = (ProcIdentity){.pid = pid, .start_time = stat.start_time, .boot = *boot_id_current()};
    return true;
}

bool proc_identity_is_alive(const ProcIdentity *id)
{
    ProcStat stat;
    return id->pid > 0 && proc_stat_read(id->pid, &stat) && proc_identity_matches(id, &stat) &&
           stat.state != 'Z' && stat.state != 'X';
}

int proc_identity_signal(const ProcIdentity *id, int signal)
{
    if (id->pid <= 1)
        return -ESRCH;
    int pidfd = (int)syscall(SYS_pidfd_open, id->pid, 0);
    if (pidfd < 0 && errno != ENOSYS)
        return -errno;
    /* Checked after opening: from here on the pidfd is that very process, or a dead one. */
    int result = -ESRCH;
    if (proc_identity_is_alive(id)) {
        long r = pidfd >= 0 ? syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) : kill(id->pid, signal);
        result = r < 0 ? -errno : 0;
    }
    if (pidfd >= 0)
        close(pidfd);
    return result;
}
