/* SPDX-License-Identifier: MIT */
/**
 * Instants: calendar arithmetic, reading and writing.
 *
 * An instant is int64_t microseconds since the epoch, UTC. Years 1 to 9999 of the proleptic Gregorian
 * calendar can be written and read; arithmetic a few days outside that range is safe, too. Nothing here knows
 * what time it is.
 */
#pragma once

#include "scheduler/model/types.h"
#include "scheduler/time/zone.h"

/** 0001-01-01T00:00:00Z and the last microsecond of 9999. */
#define INSTANT_MIN_US (INT64_C(-719162) * USEC_PER_DAY)
#define INSTANT_MAX_US (INT64_C(2932897) * USEC_PER_DAY - 1)

/** A wall clock reading. Month and day count from 1; weekday 0 is Sunday. */
typedef struct {
    int year, month, day;
    int hour, minute, second, microsecond;
    int weekday;
} CivilTime;

/** Days from 1970-01-01 to that date; `month` must be 1..12, `day` may be any small number. */
int64_t days_from_civil(int64_t year, int month, int day);
/** The inverse: fills year, month, day and weekday of `ret`, and clears the rest. */
void civil_from_days(int64_t days, CivilTime *ret);
int days_in_month(int64_t year, int month);
/** 0 (Sunday) to 6. */
int weekday_from_days(int64_t days);

/** Splits a count of microseconds (an instant, or a local time of a Zone) into its calendar fields. */
CivilTime civil_from_us(int64_t us);
/** The inverse of civil_from_us(); weekday is not looked at. */
int64_t civil_to_us(const CivilTime *civil);

/** Division that rounds towards minus infinity, so that times before 1970 fall into the right day. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/**
 * Reads an ISO 8601 date or date-time: `2026-01-01`, `2026-01-01T02:00`, `2026-01-01 02:00:00.123456+01:00`,
 * `...Z`. A text without offset is read on the clock of `zone` (NULL: UTC): in an overlap the first of the
 * two instants, in a gap the first instant after it. Digits below the microsecond are dropped. On failure:
 * false, WEIR_ERROR_INVALID, and *ret_us is left alone.
 */
bool instant_parse(const char *text, const Zone *zone, int64_t *ret_us, GError **error);

/**
 * The same, and all that the text may stand for: a date the whole of its day, HH:MM a minute, HH:MM:SS a
 * second. *ret_last_us is its last microsecond.
 */
bool instant_parse_span(const char *text, const Zone *zone, int64_t *ret_first_us, int64_t *ret_last_us,
                        GError **error);

typedef enum {
    INSTANT_ISO,               /**< 2026-01-01T00:00:00+00:00, as Airflow's `ts` and run ids */
    INSTANT_SECONDS_Z,         /**< 2026-01-01T00:00:00Z, never a fraction */
    INSTANT_JSON,              /**< 2026-01-01T00:00:00.000001Z, as Airflow's REST answers */
    INSTANT_STR,               /**< 2026-01-01 00:00:00+00:00, as str(datetime) */
    INSTANT_DS,                /**< 2026-01-01 */
    INSTANT_DS_NODASH,         /**< 20260101 */
    INSTANT_TS_NODASH,         /**< 20260101T000000, never a fraction */
    INSTANT_TS_NODASH_WITH_TZ, /**< 20260101T000000+0000 */
} InstantFormat;

/**
 * The instant as text in UTC; ISO, JSON, STR and TS_NODASH_WITH_TZ show microseconds when they are not zero.
 * NULL for TIME_NONE and for instants outside years 1..9999. The caller frees it.
 */
char *instant_format(int64_t us, InstantFormat format);

/** As INSTANT_ISO, on the clock of `zone` and with its offset: 2026-07-01T01:00:00+01:00. */
char *instant_format_in_zone(int64_t us, const Zone *zone);
