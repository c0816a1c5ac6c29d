/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"
#include "executors/local/crc32.h"
#include "executors/local/slot_file.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

typedef struct {
    char *folder, *path;
    SlotFile *file;
    ProcIdentity self;
} Fixture;

static int setup(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    f->folder = g_dir_make_tmp("weir-slots-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "slots", NULL);
    proc_identity_read(getpid(), &f->self);
    f->file = slot_file_create(f->path, &f->self, NULL);
    *state = f;
    return f->file != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    slot_file_free(f->file);
    g_unlink(f->path);
    g_rmdir(f->folder);
    g_free(f->path);
    g_free(f->folder);
    g_free(f);
    return 0;
}

static const SlotClaim some_claim = {.claimed_us = 1000, .grace_us = 2000, .timeout_us = 3000};

static SlotStart some_start(const Fixture *f)
{
    return (SlotStart){.process = f->self, .started_us = 4000, .log_begin = 50};
}

static SlotExit some_exit(const char *text)
{
    SlotExit exit = {.outcome = EXECUTOR_OUTCOME_SIGNALED,
                     .exit_code = -1,
                     .signal = 9,
                     .flags = SLOT_EXIT_OOM,
                     .finished_us = 5000,
                     .log_begin = 50,
                     .log_end = 60,
                     .max_rss_kb = 70,
                     .user_us = 80,
                     .system_us = 90};
    g_strlcpy(exit.text, text, sizeof exit.text);
    return exit;
}

static SlotRecord decode(const Fixture *f, int slot)
{
    SlotRecord record;
    slot_record_decode(slot_file_bytes(f->file, slot), &record);
    return record;
}

static void crc_is_the_usual_one(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(crc32_update(crc32_update(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void all_phases(void **state)
{
    Fixture *f = *state;
    int slot = slot_file_claim(f->file, (AttemptId){7, 2}, &some_claim);
    SlotRecord r = decode(f, slot);
    assert_int_equal(r.phase, SLOT_CLAIMED);
    assert_int_equal(r.key.ti_id, 7);
    assert_int_equal(r.key.try_number, 2);
    assert_int_equal(r.claim.grace_us, 2000);
    assert_int_equal(r.start.process.pid, 0);

    SlotStart start = some_start(f);
    slot_file_start(f->file, slot, &start);
    r = decode(f, slot);
    assert_int_equal(r.phase, SLOT_STARTED);
    assert_true(proc_identity_is_alive(&r.start.process));
    assert_int_equal(r.start.log_begin, 50);

    SlotExit exit = some_exit("it was killed");
    slot_file_exit(f->file, slot, &exit);
    r = decode(f, slot);
    assert_int_equal(r.phase, SLOT_EXITED);
    assert_int_equal(r.start.process.pid, getpid());
    assert_int_equal(r.exit.outcome, EXECUTOR_OUTCOME_SIGNALED);
    assert_int_equal(r.exit.signal, 9);
    assert_int_equal(r.exit.log_end, 60);
    assert_string_equal(r.exit.text, "it was killed");

    slot_file_release(f->file, slot);
    assert_false(slot_record_decode(slot_file_bytes(f->file, slot), &r));
    assert_int_equal(slot_file_sync(f->file), 0);
}

static void an_exit_without_a_process(void **state)
{
    Fixture *f = *state;
    int slot = slot_file_claim(f->file, (AttemptId){1, 1}, &some_claim);
    SlotStart start = some_start(f);
    slot_file_start(f->file, slot, &start);
    slot_file_release(f->file, slot);
    /* The same slot again: nothing of its former attempt shows through. */
    assert_int_equal(slot_file_claim(f->file, (AttemptId){2, 1}, &some_claim), slot);
    SlotExit exit = some_exit("");
    slot_file_exit(f->file, slot, &exit);
    SlotRecord r = decode(f, slot);
    assert_int_equal(r.phase, SLOT_EXITED);
    assert_int_equal(r.start.process.pid, 0);
}

static void a_part_of_the_former_attempt_never_passes(void **state)
{
    Fixture *f = *state;
    uint8_t torn[SLOT_RECORD_SIZE];
    int slot = slot_file_claim(f->file, (AttemptId){1, 1}, &some_claim);
    SlotStart start = some_start(f);
    SlotExit exit = some_exit("former");
    slot_file_start(f->file, slot, &start);
    slot_file_exit(f->file, slot, &exit);
    slot_file_release(f->file, slot);
    slot_file_claim(f->file, (AttemptId){1, 1}, &some_claim); /* even with the same key */
    memcpy(torn, slot_file_bytes(f->file, slot), sizeof torn);
    torn[0] = SLOT_EXITED; /* the phase reached the disk, the exit part did not */
    SlotRecord r;
    assert_true(slot_record_decode(torn, &r));
    assert_int_equal(r.phase, SLOT_CLAIMED);
}

static void every_torn_byte_is_seen(void **state)
{
    Fixture *f = *state;
    int slot = slot_file_claim(f->file, (AttemptId){7, 2}, &some_claim);
    SlotStart start = some_start(f);
    SlotExit exit = some_exit("twelve bytes");
    slot_file_start(f->file, slot, &start);
    slot_file_exit(f->file, slot, &exit);
    uint8_t whole[SLOT_RECORD_SIZE];
    memcpy(whole, slot_file_bytes(f->file, slot), sizeof whole);
    for (size_t i = 4; i < 192 + strlen("twelve bytes"); i++) {
        uint8_t torn[SLOT_RECORD_SIZE];
        memcpy(torn, whole, sizeof torn);
        torn[i] ^= 0x55;
        SlotRecord r;
        bool usable = slot_record_decode(torn, &r);
        if (i < 56)
            assert_false(usable); /* the claim: whose record it is can not be said */
        else if (i < 112)
            assert_true(usable && r.phase == SLOT_EXITED && r.start.process.pid == 0);
        else
            assert_true(usable && r.phase == SLOT_STARTED);
    }
}

static void count_record(const SlotRecord *record, void *user)
{
    (void)record;
    (*(int *)user)++;
}

static void the_file_grows_and_is_read_back(void **state)
{
    Fixture *f = *state;
    enum { MANY = 3 * SLOT_FILE_STEP };
    for (int i = 0; i < MANY; i++)
        assert_true(slot_file_claim(f->file, (AttemptId){i + 1, 1}, &some_claim) >= 0);
    g_autofree char *data = NULL;
    gsize size;
    ProcIdentity runner;
    int seen = 0;
    assert_true(g_file_get_contents(f->path, &data, &size, NULL));
    assert_int_equal(slot_file_read((const uint8_t *)data, size, &runner, count_record, &seen), MANY);
    assert_int_equal(seen, MANY);
    assert_int_equal(runner.pid, getpid());
    assert_true(boot_id_equal(&runner.boot, boot_id_current()));
    for (gsize cut = 0; cut < size; cut += 100) /* of any length */
        assert_true(slot_file_read((const uint8_t *)data, cut, NULL, NULL, NULL) <= MANY);
    for (int i = 0; i < 48; i++) {
        data[i] ^= 0x55;
        assert_int_equal(slot_file_read((const uint8_t *)data, size, NULL, NULL, NULL), -1);
        data[i] ^= 0x55;
    }
}

static void what_exists_is_not_overwritten(void **state)
{
    Fixture *f = *state;
    GError *error = NULL;
    assert_null(slot_file_create(f->path, &f->self, &error));
    assert_non_null(error);
    g_clear_error(&error);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_is_the_usual_one),
        T(all_phases),
        T(an_exit_without_a_process),
        T(a_part_of_the_former_attempt_never_passes),
        T(every_torn_byte_is_seen),
        T(the_file_grows_and_is_read_back),
        T(what_exists_is_not_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
