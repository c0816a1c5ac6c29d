/* SPDX-License-Identifier: MIT */
#include "tests/oracle/local_clock.h"

#include <stdlib.h>
#include <time.h>

const char *const local_clock_zones[] = {
    "UTC",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Europe/Moscow",
    "Europe/Volgograd",
    "Europe/Istanbul",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Juba",
    "Africa/Windhoek",
    "America/Asuncion",
    "America/Caracas",
    "America/Chicago",
    "America/Havana",
    "America/Los_Angeles",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Macquarie",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Dhaka",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "Pacific/Norfolk",
    NULL,
};

/** From `from_us` on, until the next one. */
typedef struct {
    int64_t from_us, offset_us;
} Span;

struct LocalClock {
    GArray *spans; /**< Span, by time; never empty */
};

static int64_t ask(int64_t us)
{
    struct tm local;
    time_t second = (time_t)(us / USEC_PER_SEC - (us % USEC_PER_SEC < 0));
    if (localtime_r(&second, &local) == NULL)
        g_error("the C library knows no local time");
    return local.tm_gmtoff * USEC_PER_SEC;
}

/** The first second in (low_us, high_us] with another offset than at low_us. */
static int64_t find_change(int64_t low_us, int64_t high_us)
{
    int64_t before = ask(low_us);
    while (high_us - low_us > USEC_PER_SEC) {
        int64_t middle = low_us + (high_us - low_us) / USEC_PER_SEC / 2 * USEC_PER_SEC;
        if (ask(middle) == before)
            low_us = middle;
        else
            high_us = middle;
    }
    return high_us;
}

/* Day by day: no clock was ever changed there and back within one. */
static void look(LocalClock *clock, int64_t from_us, int64_t until_us)
{
    Span span = {INT64_MIN, ask(from_us)};
    g_array_append_val(clock->spans, span);
    for (int64_t us = from_us; us < until_us; us += USEC_PER_DAY) {
        if (ask(us + USEC_PER_DAY) == span.offset_us)
            continue;
        span.from_us = find_change(us, us + USEC_PER_DAY);
        span.offset_us = ask(span.from_us);
        g_array_append_val(clock->spans, span);
        if (ask(us + USEC_PER_DAY) != span.offset_us)
            g_error("a clock that changes twice a day");
    }
}

LocalClock *local_clock_new(const char *zone, int64_t from_us, int64_t until_us)
{
    g_autofree char *file = g_strdup_printf("/usr/share/zoneinfo/%s", zone);
    if (!g_file_test(file, G_FILE_TEST_EXISTS)) /* the C library would take it for UTC */
        g_error("no time zone %s", zone);
    g_autofree char *before = g_strdup(g_getenv("TZ"));
    g_autofree char *name = g_strconcat(":", zone, NULL);
    LocalClock *clock = g_new0(LocalClock, 1);
    clock->spans = g_array_new(FALSE, FALSE, sizeof(Span));
    g_setenv("TZ", name, TRUE);
    tzset();
    from_us -= from_us % USEC_PER_SEC;
    look(clock, from_us, until_us);
    if (before != NULL)
        g_setenv("TZ", before, TRUE);
    else
        g_unsetenv("TZ");
    tzset();
    return clock;
}

void local_clock_free(LocalClock *clock)
{
    if (clock == NULL)
        return;
    g_array_unref(clock->spans);
    g_free(clock);
}

/** The number of the span that holds at `us`. */
static guint span_at(const LocalClock *clock, int64_t us)
{
    guint low = 0, high = clock->spans->len;
    while (high - low > 1) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(clock->spans, Span, middle).from_us <= us)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t local_clock_offset(const LocalClock *clock, int64_t us)
{
    return g_array_index(clock->spans, Span, span_at(clock, us)).offset_us;
}

int64_t local_clock_next_change(const LocalClock *clock, int64_t us)
{
    guint next = span_at(clock, us) + 1;
    return next < clock->spans->len ? g_array_index(clock->spans, Span, next).from_us : INT64_MAX;
}

guint local_clock_n_changes(const LocalClock *clock)
{
    return clock->spans->len - 1;
}

int64_t local_clock_change(const LocalClock *clock, guint i)
{
    return g_array_index(clock->spans, Span, i + 1).from_us;
}
