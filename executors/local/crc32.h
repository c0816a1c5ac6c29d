/* SPDX-License-Identifier: MIT */
/** CRC-32 (IEEE 802.3, as in gzip), for telling torn records from whole ones. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Continues `crc` (0 to begin) over `size` bytes. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);
