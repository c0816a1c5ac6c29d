/* SPDX-License-Identifier: MIT */
/* A slot file may be torn or edited: reading it must stay within its bytes, and within what it promises. */
#include "executors/local/slot_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const SlotRecord *record, void *user)
{
    int *seen = user;
    (*seen)++;
    if (record->phase < SLOT_CLAIMED || record->phase > SLOT_EXITED)
        abort();
    if (record->phase == SLOT_STARTED && record->start.process.pid <= 0)
        abort();
    if (record->phase == SLOT_EXITED &&
        (record->exit.outcome < 0 || record->exit.outcome >= EXECUTOR_OUTCOME_COUNT ||
         strnlen(record->exit.text, SLOT_TEXT_SIZE) == SLOT_TEXT_SIZE))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int seen = 0;
    ProcIdentity runner;
    int count = slot_file_read(data, size, &runner, check, &seen);
    if (count != (seen > 0 || count == 0 ? seen : -1))
        abort();
    /* Also without the header's blessing, which a mutation rarely keeps. */
    SlotRecord record;
    if (size >= SLOT_RECORD_SIZE && slot_record_decode(data, &record))
        check(&record, &seen);
    return 0;
}
