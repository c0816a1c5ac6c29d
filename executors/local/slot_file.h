/* SPDX-License-Identifier: MIT */
/**
 * The runner's memory: a preallocated, memory-mapped file of fixed-size records, one per attempt.
 *
 * A record goes FREE -> CLAIMED -> STARTED -> EXITED -> FREE (or CLAIMED -> EXITED when no process could be
 * made). Each part is written completely before the phase word says that it is there (release order), so the
 * page cache, which survives kill -9, never shows half a part. What a power loss tears is seen by the CRC of
 * the part, which also covers the claim: a part left over from the slot's former attempt never passes.
 *
 * Layout, version 1 (native byte order: the file never leaves its machine), field by field in slot_layout.h:
 *
 *   0    header: "WEIRSLOT", version, record size, the runner's identity, CRC
 *   512  record 0, 512 bytes (one disk sector, which is torn rarely if ever):
 *          0    u32 phase
 *          4    claim: u32 CRC; ti_id, try number, token, sequence, time, grace, timeout
 *          56   start: u32 CRC of claim and start; pid, start time, boot id, time, where its output begins
 *          112  exit:  u32 CRC of claim and exit; outcome, code, signal, times, log range, rusage, text
 *   1024 record 1, ...
 *
 * The record is also what the runner sends to its controller: one decoder for both.
 */
#pragma once

#include "executors/executor.h"
#include "executors/local/proc_identity.h"

enum {
    SLOT_RECORD_SIZE = 512,
    SLOT_TEXT_SIZE = 320, /* including the final NUL */
    SLOT_FILE_VERSION = 1,
    SLOT_FILE_STEP = 128,         /* records the file grows by */
    SLOT_FILE_MAX_RECORDS = 65536 /* of which address space is reserved */
};

/** SYNCED, in the file only: EXITED, and all that the attempt left was on the disk before this word was
 * written. */
typedef enum { SLOT_FREE, SLOT_CLAIMED, SLOT_STARTED, SLOT_EXITED, SLOT_SYNCED } SlotPhase;

enum { SLOT_EXIT_CORE = 1, SLOT_EXIT_OOM = 2 };

typedef struct {
    uint32_t token;     /* see attempt_token() */
    int64_t claimed_us; /* wall clock */
    int64_t grace_us;   /* for whoever has to end it after the runner's death */
    int64_t timeout_us;
} SlotClaim;

typedef struct {
    ProcIdentity process;
    int64_t started_us; /* wall clock */
    int64_t log_begin;
} SlotStart;

typedef struct {
    ExecutorOutcome outcome;
    int exit_code, signal;
    uint32_t flags;
    int error_number;
    int64_t finished_us; /* wall clock */
    int64_t log_begin, log_end;
    int64_t max_rss_kb, user_us, system_us;
    char text[SLOT_TEXT_SIZE];
} SlotExit;

/** A decoded record. Parts beyond `phase` are zero. */
typedef struct {
    SlotPhase phase; /* the last phase whose part is whole; never SYNCED */
    bool is_synced;  /* an EXITED that is to be believed also after a power loss */
    AttemptId key;
    SlotClaim claim;
    SlotStart start; /* also absent (pid 0) in EXITED when no process was made */
    SlotExit exit;
} SlotRecord;

/* --- Reading: trusts nothing --- */

/** False when the slot is free or its claim is not whole. */
bool slot_record_decode(const uint8_t bytes[static SLOT_RECORD_SIZE], SlotRecord *out);

typedef void (*SlotRecordFn)(const SlotRecord *record, void *user);

/**
 * Calls `fn` for every record in the image of a slot file. `runner` (may be NULL) receives who wrote it.
 * Returns the number of records, or -1 when the header is not whole (nothing was ever claimed then: the
 * header comes before the first claim).
 */
int slot_file_read(const uint8_t *data, size_t size, ProcIdentity *runner, SlotRecordFn fn, void *user);

/* --- Writing: the runner only. A slot is an index; -1 is none. --- */

typedef struct SlotFile SlotFile;

/** Makes an empty file (it must not exist) with the room that slot_file_create() needs. 0 or a negative
 * errno. */
int slot_file_reserve(const char *path);
/** Begins in the file that was reserved, or in a new one, with room for SLOT_FILE_STEP records; never in a
 * used one. */
SlotFile *slot_file_create(const char *path, const ProcIdentity *runner, GError **error);
void slot_file_free(SlotFile *file);

/** Takes a slot, growing the file when needed. -1 with errno (ENOSPC) when it can not grow. */
int slot_file_claim(SlotFile *file, AttemptId key, const SlotClaim *claim);
void slot_file_start(SlotFile *file, int slot, const SlotStart *start);
void slot_file_exit(SlotFile *file, int slot, const SlotExit *exit);
/** Marks an exit: its log and its $WEIR_OUTPUT are on the disk. The record itself is with slot_file_sync().
 */
void slot_file_mark_synced(SlotFile *file, int slot);
void slot_file_release(SlotFile *file, int slot);

/** The record's bytes, to be sent; valid until the next call that changes it. */
const uint8_t *slot_file_bytes(const SlotFile *file, int slot);

/** fdatasync. What leads to the file is runner_dir_sync()'s. 0 or a negative errno. */
int slot_file_sync(SlotFile *file);
