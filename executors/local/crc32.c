/* SPDX-License-Identifier: MIT */
#include "executors/local/crc32.h"

#include <glib.h>

static uint32_t table[256];

static void table_fill(void)
{
    for (uint32_t i = 0; i < G_N_ELEMENTS(table); i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
        table[i] = value;
    }
}

uint32_t crc32_update(uint32_t crc, const void *data, size_t size)
{
    static gsize once;
    if (g_once_init_enter(&once)) {
        table_fill();
        g_once_init_leave(&once, 1);
    }
    const uint8_t *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ bytes[i]) & 0xFF] ^ (crc >> 8);
    return ~crc;
}
