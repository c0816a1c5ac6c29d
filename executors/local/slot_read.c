/* SPDX-License-Identifier: MIT */
/*
 * Reading slot records. The bytes come from a file that a crash may have torn or a hand may have edited, so
 * everything is copied out first and checked then.
 */
#include "executors/local/crc32.h"
#include "executors/local/slot_layout.h"

#include <string.h>

/** CRC of a struct whose first member is its own CRC, up to `end`. */
static uint32_t crc_behind_first(uint32_t crc, const void *part, size_t end)
{
    return crc32_update(crc, (const uint8_t *)part + sizeof(uint32_t), end - sizeof(uint32_t));
}

uint32_t slot_header_crc(const SlotHeaderBytes *header)
{
    uint32_t crc = crc32_update(0, header, offsetof(SlotHeaderBytes, crc));
    return crc32_update(crc, &header->start_time, sizeof *header - offsetof(SlotHeaderBytes, start_time));
}

uint32_t slot_claim_crc(const SlotClaimBytes *claim)
{
    return crc32_update(0, claim, sizeof *claim);
}

uint32_t slot_start_crc(const SlotClaimBytes *claim, const SlotStartBytes *start)
{
    return crc_behind_first(slot_claim_crc(claim), start, sizeof *start);
}

uint32_t slot_exit_crc(const SlotClaimBytes *claim, const SlotExitBytes *exit)
{
    size_t text = MIN(exit->text_length, (uint32_t)SLOT_TEXT_SIZE);
    return crc_behind_first(slot_claim_crc(claim), exit, offsetof(SlotExitBytes, text) + text);
}

static void decode_exit(const SlotExitBytes *in, SlotExit *out)
{
    *out = (SlotExit){
        .outcome = (ExecutorOutcome)in->outcome,
        .exit_code = in->exit_code,
        .signal = in->signal,
        .flags = in->flags,
        .error_number = in->error_number,
        .finished_us = in->finished_us,
        .log_begin = in->log_begin,
        .log_end = in->log_end,
        .max_rss_kb = in->max_rss_kb,
        .user_us = in->user_us,
        .system_us = in->system_us,
    };
    memcpy(out->text, in->text, in->text_length);
    out->text[in->text_length] = '\0';
}

static bool exit_is_whole(const SlotRecordBytes *record)
{
    return record->exit.text_length < SLOT_TEXT_SIZE && record->exit.outcome >= 0 &&
           record->exit.outcome < EXECUTOR_OUTCOME_COUNT &&
           record->exit.crc == slot_exit_crc(&record->claim, &record->exit);
}

bool slot_record_decode(const uint8_t bytes[static SLOT_RECORD_SIZE], SlotRecord *out)
{
    SlotRecordBytes in;
    memcpy(&in, bytes, sizeof in);
    *out = (SlotRecord){.phase = SLOT_FREE};
    if (in.phase == SLOT_FREE || in.phase > SLOT_SYNCED || in.claim_crc != slot_claim_crc(&in.claim))
        return false;

    out->phase = SLOT_CLAIMED;
    out->key = (AttemptId){in.claim.ti_id, in.claim.try_number};
    out->claim = (SlotClaim){.token = in.claim.token,
                             .claimed_us = in.claim.claimed_us,
                             .grace_us = in.claim.grace_us,
                             .timeout_us = in.claim.timeout_us};
    if (in.phase >= SLOT_STARTED && in.start.pid > 0 &&
        in.start.crc == slot_start_crc(&in.claim, &in.start)) {
        out->phase = SLOT_STARTED;
        out->start = (SlotStart){
            .process = {.pid = in.start.pid,
                        .start_time = in.start.start_time,
                        .start_slack = in.start.start_slack,
                        .boot = in.start.boot},
            .started_us = in.start.started_us,
            .log_begin = in.start.log_begin,
        };
    }
    if (in.phase >= SLOT_EXITED && exit_is_whole(&in)) {
        out->phase = SLOT_EXITED;
        out->is_synced = in.phase == SLOT_SYNCED;
        decode_exit(&in.exit, &out->exit);
    }
    return true;
}

int slot_file_read(const uint8_t *data, size_t size, ProcIdentity *runner, SlotRecordFn fn, void *user)
{
    SlotHeaderBytes header;
    if (size < SLOT_RECORD_SIZE)
        return -1;
    memcpy(&header, data, sizeof header);
    if (memcmp(header.magic, SLOT_MAGIC, sizeof header.magic) != 0 || header.version != SLOT_FILE_VERSION ||
        header.record_size != SLOT_RECORD_SIZE || header.crc != slot_header_crc(&header))
        return -1;
    if (runner != NULL)
        *runner = (ProcIdentity){.pid = header.pid, .start_time = header.start_time, .boot = header.boot};

    int count = 0;
    size_t slots = MIN(size / SLOT_RECORD_SIZE - 1, (size_t)SLOT_FILE_MAX_RECORDS);
    for (size_t i = 0; i < slots; i++) {
        SlotRecord record;
        if (!slot_record_decode(data + (i + 1) * SLOT_RECORD_SIZE, &record))
            continue;
        count++;
        if (fn != NULL)
            fn(&record, user);
    }
    return count;
}
