/* SPDX-License-Identifier: MIT */
#include "executors/local/protocol.h"

#include <string.h>

int protocol_next_frame(const uint8_t *data, size_t size, size_t *offset, ProtocolFrame *frame)
{
    uint32_t head[2];
    size_t left = size - *offset;
    if (left < sizeof head)
        return 0;
    memcpy(head, data + *offset, sizeof head);
    if (head[0] > PROTOCOL_MAX_PAYLOAD)
        return -1;
    if (left - sizeof head < head[0])
        return 0;
    *frame = (ProtocolFrame){.type = head[1], .payload = data + *offset + sizeof head, .size = head[0]};
    *offset += sizeof head + head[0];
    return 1;
}

/* --- Writing --- */

/** Appends a head whose length frame_end() fills in; returns where it is. */
static guint frame_begin(GByteArray *out, ProtocolType type)
{
    guint at = out->len;
    uint32_t head[2] = {0, type};
    g_byte_array_append(out, (const uint8_t *)head, sizeof head);
    return at;
}

static void frame_end(GByteArray *out, guint at)
{
    uint32_t length = out->len - at - PROTOCOL_FRAME_HEAD;
    memcpy(out->data + at, &length, sizeof length);
}

static void put_u32(GByteArray *out, uint32_t value)
{
    g_byte_array_append(out, (const uint8_t *)&value, sizeof value);
}

static void put_i64(GByteArray *out, int64_t value)
{
    g_byte_array_append(out, (const uint8_t *)&value, sizeof value);
}

static void put_key(GByteArray *out, AttemptId key)
{
    put_i64(out, key.ti_id);
    put_u32(out, (uint32_t)key.try_number);
}

/** {u32 length, bytes, NUL}: readable in place. */
static void put_string(GByteArray *out, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    put_u32(out, (uint32_t)length);
    g_byte_array_append(out, (const uint8_t *)(text != NULL ? text : ""), (guint)length + 1);
}

static void put_strings(GByteArray *out, const char *const *list)
{
    uint32_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    put_u32(out, count);
    for (uint32_t i = 0; i < count; i++)
        put_string(out, list[i]);
}

void protocol_put_hello(GByteArray *out, const ProtocolHello *hello)
{
    guint at = frame_begin(out, PROTOCOL_HELLO);
    put_u32(out, hello->version);
    put_u32(out, hello->task_umask);
    put_string(out, hello->instance);
    put_strings(out, (const char *const *)hello->environment);
    frame_end(out, at);
}

void protocol_put_start(GByteArray *out, const ExecutorRequest *request)
{
    guint at = frame_begin(out, PROTOCOL_START);
    put_key(out, request->key);
    put_u32(out, request->token);
    put_i64(out, request->timeout_us);
    put_i64(out, request->grace_us);
    put_string(out, request->cwd);
    put_string(out, request->log_path);
    put_string(out, request->header);
    put_strings(out, request->argv);
    put_strings(out, request->env_extra);
    frame_end(out, at);
}

void protocol_put_key(GByteArray *out, ProtocolType type, AttemptId key)
{
    guint at = frame_begin(out, type);
    put_key(out, key);
    frame_end(out, at);
}

void protocol_put_welcome(GByteArray *out, const ProtocolWelcome *welcome)
{
    guint at = frame_begin(out, PROTOCOL_WELCOME);
    put_u32(out, welcome->version);
    put_u32(out, (uint32_t)welcome->pid);
    frame_end(out, at);
}

void protocol_put_record(GByteArray *out, const uint8_t *bytes, size_t size)
{
    guint at = frame_begin(out, PROTOCOL_RECORD);
    g_byte_array_append(out, bytes, (guint)size);
    frame_end(out, at);
}

void protocol_put_records_end(GByteArray *out)
{
    frame_end(out, frame_begin(out, PROTOCOL_RECORDS_END));
}

void protocol_put_refused(GByteArray *out, const ProtocolRefused *refused)
{
    guint at = frame_begin(out, PROTOCOL_REFUSED);
    put_key(out, refused->key);
    put_u32(out, (uint32_t)refused->error_number);
    put_string(out, refused->text);
    frame_end(out, at);
}

/* --- Reading --- */

/** Once something does not fit, `bad` stays set and all further reads give zeros. */
typedef struct {
    const uint8_t *at, *end;
    bool bad;
} Cursor;

static Cursor cursor_of(const ProtocolFrame *frame)
{
    return (Cursor){frame->payload, frame->payload + frame->size, false};
}

static void get_bytes(Cursor *c, void *out, size_t size)
{
    if (c->bad || (size_t)(c->end - c->at) < size) {
        c->bad = true;
        memset(out, 0, size);
        return;
    }
    memcpy(out, c->at, size);
    c->at += size;
}

static uint32_t get_u32(Cursor *c)
{
    uint32_t value;
    get_bytes(c, &value, sizeof value);
    return value;
}

static int64_t get_i64(Cursor *c)
{
    int64_t value;
    get_bytes(c, &value, sizeof value);
    return value;
}

static AttemptId get_key(Cursor *c)
{
    int64_t ti_id = get_i64(c);
    return (AttemptId){.ti_id = ti_id, .try_number = (int32_t)get_u32(c)};
}

static const char *get_string(Cursor *c)
{
    uint32_t length = get_u32(c);
    if (c->bad || (size_t)(c->end - c->at) <= length || c->at[length] != '\0' ||
        memchr(c->at, '\0', length) != NULL) {
        c->bad = true;
        return "";
    }
    const char *text = (const char *)c->at;
    c->at += length + 1;
    return text;
}

/** A NULL-terminated array to be g_free()d; NULL when malformed. */
static const char **get_strings(Cursor *c)
{
    uint32_t count = get_u32(c);
    /* A string takes 5 bytes at least, which bounds the array by the frame. */
    if (c->bad || count > (size_t)(c->end - c->at) / 5) {
        c->bad = true;
        return NULL;
    }
    const char **list = g_new(const char *, (gsize)count + 1);
    for (uint32_t i = 0; i < count; i++)
        list[i] = get_string(c);
    list[count] = NULL;
    return list;
}

bool protocol_get_hello(const ProtocolFrame *frame, ProtocolHello *out)
{
    Cursor c = cursor_of(frame);
    out->version = get_u32(&c);
    out->task_umask = get_u32(&c);
    out->instance = get_string(&c);
    out->environment = get_strings(&c);
    if (c.bad)
        g_clear_pointer(&out->environment, g_free);
    return !c.bad;
}

bool protocol_get_start(const ProtocolFrame *frame, ExecutorRequest *out)
{
    Cursor c = cursor_of(frame);
    *out = (ExecutorRequest){.key = get_key(&c)};
    out->token = get_u32(&c);
    out->timeout_us = get_i64(&c);
    out->grace_us = get_i64(&c);
    out->cwd = get_string(&c);
    out->log_path = get_string(&c);
    out->header = get_string(&c);
    out->argv = get_strings(&c);
    out->env_extra = get_strings(&c);
    if (c.bad || out->argv[0] == NULL) {
        g_free((gpointer)out->argv);
        g_free((gpointer)out->env_extra);
        out->argv = out->env_extra = NULL;
        return false;
    }
    return true;
}

bool protocol_get_key(const ProtocolFrame *frame, AttemptId *out)
{
    Cursor c = cursor_of(frame);
    *out = get_key(&c);
    return !c.bad;
}

bool protocol_get_welcome(const ProtocolFrame *frame, ProtocolWelcome *out)
{
    Cursor c = cursor_of(frame);
    out->version = get_u32(&c);
    out->pid = (int32_t)get_u32(&c);
    return !c.bad;
}

bool protocol_get_refused(const ProtocolFrame *frame, ProtocolRefused *out)
{
    Cursor c = cursor_of(frame);
    out->key = get_key(&c);
    out->error_number = (int32_t)get_u32(&c);
    out->text = get_string(&c);
    return !c.bad;
}
