/* SPDX-License-Identifier: MIT */
/**
 * What the store may report besides WEIR_ERROR.
 *
 * WEIR_ERROR_INVALID: a row broke a CHECK or NOT NULL (a bug of ours, or JSON that is none).
 * WEIR_ERROR_CONFLICT: a UNIQUE or FOREIGN KEY said no (that run exists already).
 * WEIR_ERROR_NOT_FOUND: no such row, or no store there yet.
 * WEIR_ERROR_BUSY: another process holds it.
 * WEIR_ERROR_IO, WEIR_ERROR_CORRUPT: the disk or the file. On the writer these are final: stop starting
 * things, end the process, let the next start recover; a failed fsync is never tried again. Every message
 * names the file and says what to do.
 */
#pragma once

#include "scheduler/model/types.h"

#define STORE_ERROR (store_error_quark())
GQuark store_error_quark(void);

typedef enum {
    STORE_ERROR_FULL,  /**< no room on the disk: roll back, and the same writes may be issued again later */
    STORE_ERROR_NEWER, /**< the database was written by a newer weir */
    STORE_ERROR_OLDER, /**< a reader's: the database waits for a newer weir to upgrade it */
} StoreError;
