/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"
#include "executors/local/protocol.h"

#include <string.h>

static ProtocolFrame only_frame(const GByteArray *out)
{
    ProtocolFrame frame;
    size_t offset = 0;
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 1);
    assert_int_equal(offset, out->len);
    return frame;
}

static GByteArray *some_start(void)
{
    static const char *const argv[] = {"/bin/sh", "-c", "echo \"$A\"\n", NULL};
    static const char *const env[] = {"A=b", "EMPTY=", NULL};
    GByteArray *out = g_byte_array_new();
    protocol_put_start(out, &(ExecutorRequest){.key = {INT64_MAX, 3},
                                               .argv = argv,
                                               .env_extra = env,
                                               .cwd = "/tmp",
                                               .log_path = "/tmp/log",
                                               .timeout_us = 5,
                                               .grace_us = 6});
    return out;
}

static void start_comes_back(void **state)
{
    (void)state;
    g_autoptr(GByteArray) out = some_start();
    ProtocolFrame frame = only_frame(out);
    ExecutorRequest r;
    assert_int_equal(frame.type, PROTOCOL_START);
    assert_true(protocol_get_start(&frame, &r));
    assert_true(r.key.ti_id == INT64_MAX && r.key.try_number == 3 && r.timeout_us == 5 && r.grace_us == 6);
    assert_string_equal(r.argv[2], "echo \"$A\"\n");
    assert_null(r.argv[3]);
    assert_string_equal(r.env_extra[1], "EMPTY=");
    assert_string_equal(r.cwd, "/tmp");
    assert_string_equal(r.header, "");
    g_free((gpointer)r.argv);
    g_free((gpointer)r.env_extra);
}

/** Those of hooks are negative. */
static void any_key_comes_back(void **state)
{
    (void)state;
    static const AttemptId keys[] = {{-1, 1}, {INT64_MIN, INT32_MAX}, {1, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        protocol_put_key(out, PROTOCOL_CANCEL, keys[i]);
        ProtocolFrame frame = only_frame(out);
        AttemptId key;
        assert_true(protocol_get_key(&frame, &key));
        assert_true(attempt_id_equal(&key, &keys[i]));
    }
}

static void a_newer_peer_may_append_fields(void **state)
{
    (void)state;
    g_autoptr(GByteArray) out = some_start();
    g_byte_array_append(out, (const uint8_t *)"new field", 9);
    uint32_t length = out->len - PROTOCOL_FRAME_HEAD;
    memcpy(out->data, &length, sizeof length);
    ProtocolFrame frame = only_frame(out);
    ExecutorRequest r;
    assert_true(protocol_get_start(&frame, &r));
    g_free((gpointer)r.argv);
    g_free((gpointer)r.env_extra);
}

static void what_is_cut_or_twisted_is_refused(void **state)
{
    (void)state;
    g_autoptr(GByteArray) out = some_start();
    ProtocolFrame whole = only_frame(out);
    for (size_t size = 0; size < whole.size; size++) {
        g_autofree uint8_t *copy =
            g_memdup2(whole.payload, MAX(size, 1)); /* so that reading behind it is seen */
        ProtocolFrame cut = {.type = whole.type, .payload = copy, .size = size};
        ExecutorRequest r;
        assert_false(protocol_get_start(&cut, &r));
    }
    for (size_t i = 0; i < whole.size; i++) {
        g_autofree uint8_t *copy = g_memdup2(whole.payload, whole.size);
        copy[i] ^= 0xFF;
        ProtocolFrame twisted = {.type = whole.type, .payload = copy, .size = whole.size};
        ExecutorRequest r;
        if (protocol_get_start(&twisted, &r)) {
            g_free((gpointer)r.argv);
            g_free((gpointer)r.env_extra);
        }
    }
}

static void hello_and_the_small_ones_come_back(void **state)
{
    (void)state;
    const char *env[] = {"PATH=/bin", NULL};
    g_autoptr(GByteArray) out = g_byte_array_new();
    protocol_put_hello(
        out, &(ProtocolHello){.version = 1, .task_umask = 027, .instance = "db", .environment = env});
    protocol_put_key(out, PROTOCOL_CANCEL, (AttemptId){5, 6});
    protocol_put_welcome(out, &(ProtocolWelcome){.version = 1, .pid = 77});
    protocol_put_records_end(out);
    protocol_put_refused(out, &(ProtocolRefused){.key = {8, 9}, .error_number = 28, .text = "full"});
    size_t offset = 0;
    ProtocolFrame frame;
    ProtocolHello hello;
    AttemptId key;
    ProtocolWelcome welcome;
    ProtocolRefused refused;
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 1);
    assert_true(protocol_get_hello(&frame, &hello));
    assert_int_equal(hello.task_umask, 027);
    assert_string_equal(hello.instance, "db");
    assert_string_equal(hello.environment[0], "PATH=/bin");
    g_free(hello.environment);
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 1);
    assert_true(protocol_get_key(&frame, &key) && key.ti_id == 5 && key.try_number == 6);
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 1);
    assert_true(protocol_get_welcome(&frame, &welcome) && welcome.pid == 77);
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 1);
    assert_true(frame.type == PROTOCOL_RECORDS_END && frame.size == 0);
    assert_int_equal(protocol_next_frame(out->data, out->len - 1, &offset, &frame), 0);
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 1);
    assert_true(protocol_get_refused(&frame, &refused));
    assert_string_equal(refused.text, "full");
    assert_int_equal(protocol_next_frame(out->data, out->len, &offset, &frame), 0);
}

static void a_giant_frame_is_an_error(void **state)
{
    (void)state;
    uint32_t head[] = {PROTOCOL_MAX_PAYLOAD + 1, PROTOCOL_START};
    size_t offset = 0;
    ProtocolFrame frame;
    assert_int_equal(protocol_next_frame((const uint8_t *)head, sizeof head, &offset, &frame), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_comes_back),
        cmocka_unit_test(any_key_comes_back),
        cmocka_unit_test(a_newer_peer_may_append_fields),
        cmocka_unit_test(what_is_cut_or_twisted_is_refused),
        cmocka_unit_test(hello_and_the_small_ones_come_back),
        cmocka_unit_test(a_giant_frame_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
