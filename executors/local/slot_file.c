/* SPDX-License-Identifier: MIT */
/*
 * Writing slot records: the file is mapped shared over reserved address space, so that it can grow without
 * moving, and a record is plain memory to us and page cache to the kernel.
 */
#include "executors/local/slot_file.h"

#include "executors/local/slot_layout.h"
#include "scheduler/model/crash_point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RESERVED_BYTES = (SLOT_FILE_MAX_RECORDS + 1) * SLOT_RECORD_SIZE };

struct SlotFile {
    int fd;
    char *path;
    uint8_t *base;      /* RESERVED_BYTES of address space, the first `size` bytes of which are the file */
    size_t size;        /* a multiple of the page size */
    int slots;          /* records that fit into `size` */
    GArray *free_slots; /* of int, used as a stack: the hottest slot is taken first */
    uint64_t sequence;
};

static SlotRecordBytes *slot_at(const SlotFile *file, int slot)
{
    g_assert(slot >= 0 && slot < file->slots);
    return (SlotRecordBytes *)(void *)(file->base + ((size_t)slot + 1) * SLOT_RECORD_SIZE);
}

static void phase_publish(SlotRecordBytes *record, SlotPhase phase)
{
    __atomic_store_n(&record->phase, (uint32_t)phase, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* what is written next must not move in front of it either */
}

/** What a file of `size` bytes grows to. */
static size_t next_size(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + SLOT_FILE_STEP * SLOT_RECORD_SIZE + page - 1) / page * page;
}

/** Blocks for [from, to); 0 or a negative errno. */
static int allocate(int fd, size_t from, size_t to)
{
    int r;
    do
        r = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
    while (r == EINTR);
    return -r;
}

int slot_file_reserve(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = allocate(fd, 0, next_size(0));
    close(fd);
    return r;
}

/** Makes the file a step longer; 0 or a negative errno. */
static int file_grow(SlotFile *file)
{
    size_t want = next_size(file->size);
    if (want > RESERVED_BYTES)
        return -ENOSPC;
    int r = allocate(file->fd, file->size, want);
    if (r < 0)
        return r;
    void *mapped = mmap(file->base + file->size, want - file->size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED, file->fd, (off_t)file->size);
    if (mapped == MAP_FAILED)
        return -errno;
    int slots = (int)(want / SLOT_RECORD_SIZE) - 1;
    for (int slot = slots - 1; slot >= file->slots; slot--)
        g_array_append_val(file->free_slots, slot);
    file->slots = slots;
    file->size = want;
    return 0;
}

/** Whether there is anything in it yet. */
static bool is_begun(int fd)
{
    char magic[sizeof((SlotHeaderBytes *)NULL)->magic] = "";
    return pread(fd, magic, sizeof magic, 0) > 0 && magic[0] != '\0';
}

SlotFile *slot_file_create(const char *path, const ProcIdentity *runner, GError **error)
{
    SlotFile *file = g_new0(SlotFile, 1);
    file->path = g_strdup(path);
    file->free_slots = g_array_new(FALSE, FALSE, sizeof(int));
    file->base = mmap(NULL, RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int r = file->base == MAP_FAILED || file->fd < 0 ? -errno
            : is_begun(file->fd)                     ? -EEXIST
                                                     : file_grow(file);
    if (r < 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "can not make %s: %s", path, g_strerror(-r));
        slot_file_free(file);
        return NULL;
    }
    SlotHeaderBytes header = {.version = SLOT_FILE_VERSION,
                              .record_size = SLOT_RECORD_SIZE,
                              .pid = runner->pid,
                              .start_time = runner->start_time,
                              .boot = runner->boot};
    memcpy(header.magic, SLOT_MAGIC, sizeof header.magic);
    header.crc = slot_header_crc(&header);
    memcpy(file->base, &header, sizeof header);
    CRASH_POINT("runner.slots_created");
    return file;
}

void slot_file_free(SlotFile *file)
{
    if (file == NULL)
        return;
    if (file->base != NULL && file->base != MAP_FAILED)
        munmap(file->base, RESERVED_BYTES);
    if (file->fd >= 0)
        close(file->fd);
    g_array_unref(file->free_slots);
    g_free(file->path);
    g_free(file);
}

int slot_file_claim(SlotFile *file, AttemptId key, const SlotClaim *claim)
{
    if (file->free_slots->len == 0) {
        int r = file_grow(file);
        if (r < 0) {
            errno = -r;
            return -1;
        }
    }
    int slot = g_array_index(file->free_slots, int, file->free_slots->len - 1);
    g_array_set_size(file->free_slots, file->free_slots->len - 1);
    SlotRecordBytes *record = slot_at(file, slot);
    record->claim = (SlotClaimBytes){.ti_id = key.ti_id,
                                     .try_number = key.try_number,
                                     .token = claim->token,
                                     .sequence = ++file->sequence,
                                     .claimed_us = claim->claimed_us,
                                     .grace_us = claim->grace_us,
                                     .timeout_us = claim->timeout_us};
    record->claim_crc = slot_claim_crc(&record->claim);
    /* No process yet: in EXITED, a pid of 0 says that there never was one. */
    record->start = (SlotStartBytes){0};
    phase_publish(record, SLOT_CLAIMED);
    CRASH_POINT("runner.claimed");
    return slot;
}

void slot_file_start(SlotFile *file, int slot, const SlotStart *start)
{
    SlotRecordBytes *record = slot_at(file, slot);
    g_assert(record->phase == SLOT_CLAIMED);
    record->start = (SlotStartBytes){.pid = start->process.pid,
                                     .start_time = start->process.start_time,
                                     .start_slack = start->process.start_slack,
                                     .boot = start->process.boot,
                                     .started_us = start->started_us,
                                     .log_begin = start->log_begin};
    record->start.crc = slot_start_crc(&record->claim, &record->start);
    phase_publish(record, SLOT_STARTED);
    CRASH_POINT("runner.pid_recorded");
}

void slot_file_exit(SlotFile *file, int slot, const SlotExit *exit)
{
    SlotRecordBytes *record = slot_at(file, slot);
    g_assert(record->phase == SLOT_CLAIMED || record->phase == SLOT_STARTED);
    SlotExitBytes *out = &record->exit;
    out->outcome = exit->outcome;
    out->exit_code = exit->exit_code;
    out->signal = exit->signal;
    out->flags = exit->flags;
    out->error_number = exit->error_number;
    out->finished_us = exit->finished_us;
    out->log_begin = exit->log_begin;
    out->log_end = exit->log_end;
    out->max_rss_kb = exit->max_rss_kb;
    out->user_us = exit->user_us;
    out->system_us = exit->system_us;
    out->reserved = 0;
    out->text_length = (uint32_t)strnlen(exit->text, SLOT_TEXT_SIZE - 1);
    memcpy(out->text, exit->text, out->text_length);
    out->crc = slot_exit_crc(&record->claim, out);
    phase_publish(record, SLOT_EXITED);
    CRASH_POINT("runner.exit_recorded");
}

void slot_file_mark_synced(SlotFile *file, int slot)
{
    SlotRecordBytes *record = slot_at(file, slot);
    g_assert(record->phase == SLOT_EXITED || record->phase == SLOT_SYNCED);
    phase_publish(record, SLOT_SYNCED);
}

void slot_file_release(SlotFile *file, int slot)
{
    phase_publish(slot_at(file, slot), SLOT_FREE);
    g_array_append_val(file->free_slots, slot);
    CRASH_POINT("runner.freed");
}

const uint8_t *slot_file_bytes(const SlotFile *file, int slot)
{
    return (const uint8_t *)slot_at(file, slot);
}

int slot_file_sync(SlotFile *file)
{
    if (fdatasync(file->fd) < 0)
        return -errno;
    CRASH_POINT("runner.synced");
    return 0;
}
