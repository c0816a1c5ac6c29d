/* SPDX-License-Identifier: MIT */
#include "scheduler/time/duration.h"

#include <string.h>

typedef struct {
    const char *name;
    int64_t us;
} Unit;

/* Largest first: a combination must go down this list. */
static const Unit short_units[] = {
    {"w", 7 * USEC_PER_DAY}, {"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR},
    {"m", USEC_PER_MIN},     {"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC},
};
static const Unit iso_date_units[] = {{"W", 7 * USEC_PER_DAY}, {"D", USEC_PER_DAY}};
static const Unit iso_time_units[] = {{"H", USEC_PER_HOUR}, {"M", USEC_PER_MIN}, {"S", USEC_PER_SEC}};

#define MAX_DECIMALS 6 /* so that the fraction of a week still fits 64 bits while it is scaled */

typedef struct {
    const char *p;
    int64_t total_us;
    const char *problem; /**< the first mistake */
} Reader;

static bool fail(Reader *r, const char *problem)
{
    r->problem = problem;
    return false;
}

/** `12`, `12.5`: the digits before the point, and those after it as a fraction of 10^decimals. */
typedef struct {
    int64_t whole;
    int64_t fraction;
    int64_t scale;
} Number;

static bool read_number(Reader *r, Number *ret)
{
    *ret = (Number){.scale = 1};
    if (*r->p == '-' || *r->p == '+')
        return fail(r, "a duration has no sign");
    if (!g_ascii_isdigit(*r->p))
        return fail(r, "a number is missing");
    for (; g_ascii_isdigit(*r->p); r->p++) {
        if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) ||
            __builtin_add_overflow(ret->whole, *r->p - '0', &ret->whole))
            return fail(r, "it is too long");
    }
    if (*r->p != '.')
        return true;
    r->p++;
    int decimals = 0;
    for (; g_ascii_isdigit(*r->p); r->p++, decimals++) {
        if (decimals == MAX_DECIMALS)
            return fail(r, "it has more than 6 decimals");
        ret->fraction = ret->fraction * 10 + (*r->p - '0');
        ret->scale *= 10;
    }
    return decimals > 0 || fail(r, "digits are missing after the point");
}

static bool add(Reader *r, const Number *number, int64_t unit_us)
{
    int64_t us;
    if (__builtin_mul_overflow(number->whole, unit_us, &us) ||
        __builtin_add_overflow(us, number->fraction * unit_us / number->scale, &us) ||
        __builtin_add_overflow(r->total_us, us, &r->total_us))
        return fail(r, "it is too long");
    return true;
}

/** Reads the unit at r->p, one of units[*next..]; *next becomes the one after it. */
static bool read_unit(Reader *r, const Unit *units, size_t n, size_t *next, int64_t *ret_us)
{
    size_t length = 0;
    while (g_ascii_isalpha(r->p[length]) && r->p[length] != 'T')
        length++;
    for (size_t i = 0; i < n; i++) {
        if (strlen(units[i].name) != length || strncmp(units[i].name, r->p, length) != 0)
            continue;
        if (i < *next)
            return fail(r, "its units do not go from large to small, each once");
        *next = i + 1;
        *ret_us = units[i].us;
        r->p += length;
        return true;
    }
    return fail(r, length == 0 ? "a unit is missing" : "a unit is not known");
}

static bool read_parts(Reader *r, const Unit *units, size_t n)
{
    for (size_t next = 0; *r->p != '\0' && *r->p != 'T';) {
        Number number;
        int64_t unit_us;
        if (!read_number(r, &number) || !read_unit(r, units, n, &next, &unit_us) || !add(r, &number, unit_us))
            return false;
    }
    return true;
}

static bool read_iso(Reader *r)
{
    r->p++; /* the P */
    if (*r->p == '\0')
        return fail(r, "a number is missing");
    /* "P1M" is a month; a minute is behind the T. */
    const char *time_part = strchr(r->p, 'T');
    size_t date_length = time_part != NULL ? (size_t)(time_part - r->p) : strlen(r->p);
    if (memchr(r->p, 'Y', date_length) != NULL || memchr(r->p, 'M', date_length) != NULL)
        return fail(r, "years and months have no fixed length; use days");
    if (!read_parts(r, iso_date_units, G_N_ELEMENTS(iso_date_units)))
        return false;
    if (*r->p == '\0')
        return true;
    r->p++; /* the T */
    if (*r->p == '\0')
        return fail(r, "a number is missing");
    return read_parts(r, iso_time_units, G_N_ELEMENTS(iso_time_units)) &&
           (*r->p == '\0' || fail(r, "it has two T"));
}

static bool read_short(Reader *r)
{
    Number number;
    size_t next = 0;
    for (bool first = true;; first = false) {
        int64_t unit_us = USEC_PER_SEC;
        if (!read_number(r, &number))
            return false;
        bool bare = first && *r->p == '\0';
        if (!bare && !read_unit(r, short_units, G_N_ELEMENTS(short_units), &next, &unit_us))
            return false;
        if (!add(r, &number, unit_us))
            return false;
        if (*r->p == '\0')
            return true;
        if (*r->p == ' ')
            r->p++;
    }
}

bool duration_parse(const char *text, int64_t *ret_us, GError **error)
{
    Reader r = {.p = text};
    if (text == NULL || text[0] == '\0') {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "the duration is empty; write 90 (seconds), 30s, 5m, 2h, 1d, 1h30m or PT5M");
        return false;
    }
    if (!(text[0] == 'P' ? read_iso(&r) : read_short(&r))) {
        g_autofree char *shown = g_utf8_make_valid(text, (gssize)strnlen(text, 64));
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "cannot read '%s' as a duration: %s; write 90 (seconds), 30s, 5m, 2h, 1d, 1h30m or PT5M",
                    shown, r.problem);
        return false;
    }
    *ret_us = r.total_us;
    return true;
}

char *duration_format(int64_t us)
{
    if (us < 0) {
        g_autofree char *positive = duration_format(us == INT64_MIN ? INT64_MAX : -us);
        return g_strconcat("-", positive, NULL);
    }
    int days = (int)(us / USEC_PER_DAY), hours = (int)(us / USEC_PER_HOUR % 24);
    int minutes = (int)(us / USEC_PER_MIN % 60), seconds = (int)(us / USEC_PER_SEC % 60);
    if (days > 0)
        return g_strdup_printf("%dd %02dh", days, hours);
    if (hours > 0)
        return g_strdup_printf("%dh %02dm", hours, minutes);
    if (minutes > 0)
        return g_strdup_printf("%dm %02ds", minutes, seconds);
    if (seconds > 0)
        return g_strdup_printf("%d.%ds", seconds, (int)(us % USEC_PER_SEC / (100 * USEC_PER_MSEC)));
    return g_strdup_printf("%dms", (int)(us / USEC_PER_MSEC));
}
