/* SPDX-License-Identifier: MIT */
/** What the tests of this folder share: cmocka with its prerequisites in order, and instants written as text.
 */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "scheduler/time/instant.h"

#include <string.h>

/** The instant a literal stands for; a test with a wrong literal stops. */
static inline int64_t at(const char *text)
{
    int64_t us = 0;
    g_autoptr(GError) error = NULL;
    if (!instant_parse(text, NULL, &us, &error))
        fail_msg("%s", error->message);
    return us;
}

/** Fails, showing both as dates, unless they are the same instant. */
static inline void assert_instant(const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return;
    g_autofree char *got_text = instant_format(got, INSTANT_ISO),
                    *want_text = instant_format(want, INSTANT_ISO);
    fail_msg("%s: got %s, want %s", what, got_text != NULL ? got_text : "none",
             want_text != NULL ? want_text : "none");
}

static inline Zone *zone_or_fail(const char *name)
{
    g_autoptr(GError) error = NULL;
    Zone *zone = zone_open(name, &error);
    if (zone == NULL)
        fail_msg("%s", error->message);
    return zone;
}

/** GLib 2.74 has Dublin's summer and winter the wrong way round once its table of changes ends. */
static inline const char *last_year_of_glib(const char *zone)
{
    return strcmp(zone, "Europe/Dublin") == 0 ? "2037-01-01" : "2080-01-01";
}
