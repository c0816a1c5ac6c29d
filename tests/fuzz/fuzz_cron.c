/* SPDX-License-Identifier: MIT */
/**
 * Fuzz target for everything people write about time: one input is tried as a cron expression, a duration and
 * an instant. The first byte picks a zone and a moment, the rest is the text.
 */
#include "scheduler/time/cron.h"
#include "scheduler/time/duration.h"
#include "scheduler/time/instant.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_cron(const char *text, const Zone *zone, int64_t from_us)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Cron) cron = cron_new(text, &error);
    if (cron == NULL) {
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        return;
    }
    int64_t now = from_us;
    for (int i = 0; i < 4; i++) {
        int64_t next = cron_next(cron, zone, now);
        if (next == TIME_NONE)
            return;
        g_assert_true(next > now);
        g_assert_true(cron_prev(cron, zone, next) == next);
        g_assert_true(cron_prev(cron, zone, next - 1) <= now);
        now = next;
    }
}

static void try_duration(const char *text)
{
    int64_t us = -1;
    if (!duration_parse(text, &us, NULL))
        return;
    g_assert_true(us >= 0);
    g_autofree char *shown = duration_format(us);
    g_assert_nonnull(shown);
}

static void try_instant(const char *text, const Zone *zone)
{
    int64_t us, again;
    if (!instant_parse(text, zone, &us, NULL))
        return;
    g_autofree char *iso = instant_format(us, INSTANT_ISO);
    g_assert_true(instant_parse(iso, zone, &again, NULL));
    g_assert_true(us == again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const zones[] = {"UTC", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia"};
    if (size < 1 || size > 4096)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    g_autoptr(Zone) zone = zone_open(zones[data[0] % G_N_ELEMENTS(zones)], NULL);
    if (zone == NULL)
        zone = zone_utc();
    int64_t from_us = (int64_t)data[0] * 100 * USEC_PER_DAY;
    try_cron(text, zone, from_us);
    try_duration(text);
    try_instant(text, zone);
    return 0;
}
