/* SPDX-License-Identifier: MIT */
/**
 * What controller and runner say to each other over the runner's Unix socket.
 *
 * A frame is {u32 payload length, u32 type, payload}, native byte order: both ends are this binary, or an
 * older build of it. So that a new controller can talk to an old runner, fields are only ever appended to a
 * payload, readers ignore what follows the fields they know, and unknown types are skipped.
 *
 * A conversation:
 *   controller                         runner
 *   HELLO (instance, base env, umask)  -> takes over from the former controller, drops its unread requests
 *                                      <- WELCOME, RECORD for each slot in use, RECORDS_END
 *   START                              <- RECORD (started), later RECORD (exited); REFUSED when no slot is
 * left START of a known attempt           <- RECORD as it stands CANCEL                             <- RECORD
 * (exited), when all is gone ACKNOWLEDGE                        the slot is freed, if it has exited
 */
#pragma once

#include "executors/executor.h"

#include <stdint.h>

enum {
    PROTOCOL_VERSION = 1,
    PROTOCOL_FRAME_HEAD = 8,
    PROTOCOL_MAX_PAYLOAD = 16 * 1024 * 1024,
};

typedef enum {
    PROTOCOL_HELLO = 1,
    PROTOCOL_START = 2,
    PROTOCOL_CANCEL = 3,
    PROTOCOL_ACKNOWLEDGE = 4,
    PROTOCOL_WELCOME = 64,
    PROTOCOL_RECORD = 65, /* payload: the slot record's bytes */
    PROTOCOL_RECORDS_END = 66,
    PROTOCOL_REFUSED = 67,
} ProtocolType;

/** A received frame; `payload` points into the receive buffer. */
typedef struct {
    uint32_t type;
    const uint8_t *payload;
    size_t size;
} ProtocolFrame;

/** 1: a frame was taken from data[*offset..size), *offset moved behind it. 0: it is not complete. -1: too
 * long. */
int protocol_next_frame(const uint8_t *data, size_t size, size_t *offset, ProtocolFrame *frame);

typedef struct {
    uint32_t version;
    uint32_t task_umask;
    const char *instance;
    const char **environment; /* NULL-terminated; g_free() the array, not the strings */
} ProtocolHello;

typedef struct {
    uint32_t version;
    int32_t pid;
} ProtocolWelcome;

typedef struct {
    AttemptId key;
    int32_t error_number;
    const char *text;
} ProtocolRefused;

/** Appending frames to a buffer. */
void protocol_put_hello(GByteArray *out, const ProtocolHello *hello);
void protocol_put_start(GByteArray *out, const ExecutorRequest *request);
/** CANCEL, ACKNOWLEDGE. */
void protocol_put_key(GByteArray *out, ProtocolType type, AttemptId key);
void protocol_put_welcome(GByteArray *out, const ProtocolWelcome *welcome);
void protocol_put_record(GByteArray *out, const uint8_t *bytes, size_t size);
void protocol_put_records_end(GByteArray *out);
void protocol_put_refused(GByteArray *out, const ProtocolRefused *refused);

/** Reading payloads: false when malformed. Strings point into the frame. */
bool protocol_get_hello(const ProtocolFrame *frame, ProtocolHello *out);
/** request->argv and request->env_extra are g_malloc'ed arrays of pointers into the frame: g_free() both. */
bool protocol_get_start(const ProtocolFrame *frame, ExecutorRequest *out);
bool protocol_get_key(const ProtocolFrame *frame, AttemptId *out);
bool protocol_get_welcome(const ProtocolFrame *frame, ProtocolWelcome *out);
bool protocol_get_refused(const ProtocolFrame *frame, ProtocolRefused *out);
