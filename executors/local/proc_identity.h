/* SPDX-License-Identifier: MIT */
/**
 * Which process is meant: a pid alone is reused, (boot id, pid, start time) is not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
    uint8_t bytes[16];
} BootId;

typedef struct {
    pid_t pid;            /* 0 = none */
    uint64_t start_time;  /* clock ticks after boot: field 22 of /proc/PID/stat */
    uint32_t start_slack; /* it started at start_time..start_time + start_slack */
    BootId boot;
} ProcIdentity;

/** What /proc/PID/stat says about one process. */
typedef struct {
    pid_t pid, parent, group, session;
    char state; /* R S D Z T ... */
    uint64_t start_time;
} ProcStat;

/** This boot's id; all zero where the kernel does not tell. Read once. */
const BootId *boot_id_current(void);
bool boot_id_parse(const char *text, BootId *out);
bool boot_id_equal(const BootId *a, const BootId *b);
/** 32 hex digits and NUL. */
void boot_id_format(const BootId *id, char out[static 33]);

/** Parses the text of /proc/PID/stat. A comm with spaces, parentheses and newlines does not confuse it. */
bool proc_stat_parse(const char *text, size_t length, ProcStat *out);
/** False when there is no such process. */
bool proc_stat_read(pid_t pid, ProcStat *out);

/** Clock ticks since boot, as start times count them. */
uint64_t proc_ticks_now(void);
/**
 * The identity of a child that was made between two readings of proc_ticks_now(): reading its stat file would
 * cost more than all else we do for a short task, and no pid is reused within such a window.
 */
ProcIdentity proc_identity_of_child(pid_t pid, uint64_t ticks_before, uint64_t ticks_after);
/** Whether `stat`, read in this boot, is of the process `id`. */
bool proc_identity_matches(const ProcIdentity *id, const ProcStat *stat);

/** The identity of a live (or unreaped) process of this boot; false when there is none. */
bool proc_identity_read(pid_t pid, ProcIdentity *out);
/** Whether this very process exists and has not ended (a zombie has). */
bool proc_identity_is_alive(const ProcIdentity *id);

/**
 * Sends `signal` to this very process: what meanwhile took over its pid is never hit. 0, or a negative errno
 * (-ESRCH: it is gone).
 */
int proc_identity_signal(const ProcIdentity *id, int signal);
