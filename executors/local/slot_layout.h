/* SPDX-License-Identifier: MIT */
/**
 * The bytes of a slot file, as slot_file.h describes them. Shared by its writer and its reader only.
 */
#pragma once

#include "executors/local/slot_file.h"

#include <assert.h>

#define SLOT_MAGIC "WEIRSLOT"

typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t record_size;
    int32_t pid;
    uint32_t crc; /* of everything else up to the end of boot */
    uint64_t start_time;
    BootId boot;
} SlotHeaderBytes;

typedef struct {
    int64_t ti_id;
    int32_t try_number;
    uint32_t token; /* 0 of a runner that did not know it yet */
    uint64_t sequence;
    int64_t claimed_us;
    int64_t grace_us;
    int64_t timeout_us;
} SlotClaimBytes;

typedef struct {
    uint32_t crc; /* of claim, then of what follows here */
    int32_t pid;
    uint64_t start_time;
    BootId boot;
    int64_t started_us;
    int64_t log_begin;
    uint32_t start_slack;
    uint32_t reserved;
} SlotStartBytes;

typedef struct {
    uint32_t crc; /* of claim, then of what follows here */
    int32_t outcome;
    int32_t exit_code;
    int32_t signal;
    uint32_t flags;
    int32_t error_number;
    int64_t finished_us;
    int64_t log_begin;
    int64_t log_end;
    int64_t max_rss_kb;
    int64_t user_us;
    int64_t system_us;
    uint32_t text_length;
    uint32_t reserved;
    char text[SLOT_TEXT_SIZE];
} SlotExitBytes;

typedef struct {
    uint32_t phase;
    uint32_t claim_crc;
    SlotClaimBytes claim;
    SlotStartBytes start;
    SlotExitBytes exit;
} SlotRecordBytes;

static_assert(sizeof(SlotRecordBytes) == SLOT_RECORD_SIZE, "the layout is what is on disk");
static_assert(offsetof(SlotRecordBytes, start) == 56 && offsetof(SlotRecordBytes, exit) == 112, "layout");
static_assert(offsetof(SlotRecordBytes, exit.text) == 192, "layout");
static_assert(sizeof(SlotHeaderBytes) == 48, "layout");

uint32_t slot_header_crc(const SlotHeaderBytes *header);
uint32_t slot_claim_crc(const SlotClaimBytes *claim);
uint32_t slot_start_crc(const SlotClaimBytes *claim, const SlotStartBytes *start);
/** The text is covered as far as text_length says (clamped). */
uint32_t slot_exit_crc(const SlotClaimBytes *claim, const SlotExitBytes *exit);
