/* SPDX-License-Identifier: MIT */
/** Reading ISO 8601: strict, because a date that was guessed wrong starts the wrong runs. */
#include "scheduler/time/instant.h"

#include <string.h>

#define EXAMPLE "write it like 2026-01-31, 2026-01-31T02:00:00Z or 2026-01-31 02:00:00+01:00"

/** Where the reader stands. `problem` is set once, by whoever finds the first mistake. */
typedef struct {
    const char *p;
    const char *problem;
} Reader;

static bool fail(Reader *r, const char *problem)
{
    if (r->problem == NULL)
        r->problem = problem;
    return false;
}

static bool accept(Reader *r, char c)
{
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static bool read_digits(Reader *r, int n, int *ret)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!g_ascii_isdigit(*r->p))
            return fail(r, "it is not an ISO 8601 date");
        value = value * 10 + (*r->p++ - '0');
    }
    *ret = value;
    return true;
}

static bool read_date(Reader *r, CivilTime *t)
{
    if (!read_digits(r, 4, &t->year))
        return false;
    if (!accept(r, '-'))
        return fail(r, "it is not an ISO 8601 date");
    if (!read_digits(r, 2, &t->month))
        return false;
    if (!accept(r, '-'))
        return fail(r, "it is not an ISO 8601 date");
    if (!read_digits(r, 2, &t->day))
        return false;
    if (t->year < 1)
        return fail(r, "years go from 0001 to 9999");
    if (t->month < 1 || t->month > 12)
        return fail(r, "there is no such month");
    if (t->day < 1 || t->day > days_in_month(t->year, t->month))
        return fail(r, "there is no such day in that month");
    return true;
}

static bool read_fraction(Reader *r, int *ret_microsecond)
{
    int microsecond = 0, digits = 0;
    for (; g_ascii_isdigit(*r->p); r->p++, digits++) {
        if (digits < 6)
            microsecond = microsecond * 10 + (*r->p - '0');
    }
    if (digits < 1 || digits > 9)
        return fail(r, "a fraction of a second has 1 to 9 digits");
    for (; digits < 6; digits++)
        microsecond *= 10;
    *ret_microsecond = microsecond;
    return true;
}

/** Also says how much time the text means: a minute, a second or, with a fraction, a microsecond. */
static bool read_time(Reader *r, CivilTime *t, int64_t *ret_unit_us)
{
    if (!read_digits(r, 2, &t->hour))
        return false;
    if (!accept(r, ':'))
        return fail(r, "the time of day is not HH:MM or HH:MM:SS");
    if (!read_digits(r, 2, &t->minute))
        return false;
    *ret_unit_us = USEC_PER_MIN;
    if (accept(r, ':')) {
        if (!read_digits(r, 2, &t->second))
            return false;
        *ret_unit_us = *r->p == '.' ? 1 : USEC_PER_SEC;
        if (accept(r, '.') && !read_fraction(r, &t->microsecond))
            return false;
    }
    if (t->hour > 23 || t->minute > 59 || t->second > 59)
        return fail(r, "there is no such time of day");
    return true;
}

/** Reads `Z`, `+01`, `+01:00`, `+0100`, `+01:00:30` or nothing at all (then *ret_naive). */
static bool read_offset(Reader *r, int64_t *ret_offset_us, bool *ret_naive)
{
    *ret_offset_us = 0;
    *ret_naive = *r->p == '\0';
    if (*ret_naive || accept(r, 'Z') || accept(r, 'z'))
        return true;
    int sign = *r->p == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;
    if (*r->p != '+' && *r->p != '-')
        return fail(r, "something follows the time");
    r->p++;
    if (!read_digits(r, 2, &hours))
        return false;
    bool colon = accept(r, ':');
    if ((colon || *r->p != '\0') && !read_digits(r, 2, &minutes))
        return false;
    if (colon && accept(r, ':') && !read_digits(r, 2, &seconds))
        return false;
    if (hours > 23 || minutes > 59 || seconds > 59)
        return fail(r, "there is no such offset from UTC");
    *ret_offset_us = sign * (hours * USEC_PER_HOUR + minutes * USEC_PER_MIN + seconds * USEC_PER_SEC);
    return true;
}

static int64_t from_local(const Zone *zone, int64_t local_us)
{
    return zone != NULL ? zone_from_local(zone, local_us, NULL) : local_us;
}

static bool read_instant(Reader *r, const Zone *zone, int64_t *ret_us, int64_t *ret_last_us)
{
    CivilTime t = {0};
    int64_t offset_us = 0, unit_us = USEC_PER_DAY;
    bool naive = true;
    if (!read_date(r, &t))
        return false;
    if (*r->p != '\0') {
        if (!accept(r, 'T') && !accept(r, 't') && !accept(r, ' '))
            return fail(r, "something follows the date");
        if (!read_time(r, &t, &unit_us) || !read_offset(r, &offset_us, &naive))
            return false;
        if (*r->p != '\0')
            return fail(r, "something follows the time");
    }
    int64_t local_us = civil_to_us(&t);
    int64_t us = naive ? from_local(zone, local_us) : local_us - offset_us;
    if (us < INSTANT_MIN_US || us > INSTANT_MAX_US)
        return fail(r, "years go from 0001 to 9999");
    *ret_us = us;
    /* A day is as long as its zone has it; all that is shorter has one length. */
    int64_t end_us = unit_us == USEC_PER_DAY ? from_local(zone, local_us + unit_us) : us + unit_us;
    *ret_last_us = MIN(end_us, INSTANT_MAX_US + 1) - 1;
    return true;
}

bool instant_parse(const char *text, const Zone *zone, int64_t *ret_us, GError **error)
{
    int64_t last_us;
    return instant_parse_span(text, zone, ret_us, &last_us, error);
}

bool instant_parse_span(const char *text, const Zone *zone, int64_t *ret_first_us, int64_t *ret_last_us,
                        GError **error)
{
    Reader r = {.p = text};
    if (text == NULL || text[0] == '\0') {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the date is empty; " EXAMPLE);
        return false;
    }
    if (!read_instant(&r, zone, ret_first_us, ret_last_us)) {
        g_autofree char *shown = g_utf8_make_valid(text, (gssize)strnlen(text, 64));
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "cannot read '%s' as a date: %s; " EXAMPLE, shown,
                    r.problem);
        return false;
    }
    return true;
}
