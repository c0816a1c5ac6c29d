/* SPDX-License-Identifier: MIT */
/**
 * Dates and times as templates print, format and move them: Python's datetime on GDateTime, always in the C
 * locale. Years 1 to 9999. Private to this folder.
 */
#pragma once

#include "scheduler/model/types.h"

/** In UTC; NULL when outside of years 1 to 9999. */
GDateTime *tpl_instant_new(int64_t time_us);
int64_t tpl_instant_us(GDateTime *instant);

/** `2026-01-01T00:00:00+00:00`, with `.123456` when there are microseconds; `separator` is the T. */
char *tpl_instant_iso(GDateTime *instant, char separator);

/** By the name of Airflow's filter: ds, ds_nodash, ts, ts_nodash or ts_nodash_with_tz. */
char *tpl_instant_stamp(GDateTime *instant, const char *name);

/** Python's strftime. */
char *tpl_instant_format(GDateTime *instant, const char *format, GError **error);

/** Python's strptime, without zone and fractions: UTC. */
GDateTime *tpl_instant_parse(const char *text, const char *format, GError **error);

/** How far to move an instant; months and days move the wall clock, the rest real time. */
typedef struct {
    int64_t years, months, weeks, days, hours, minutes;
    double seconds;
    int64_t microseconds;
} TplShift;

/** Moved by `sign` (1 or -1) times `shift`; NULL when outside of years 1 to 9999. */
GDateTime *tpl_instant_move(GDateTime *instant, const TplShift *shift, int sign);

/** The same instant on the clocks of `zone` (IANA name); NULL when there is no such zone. */
GDateTime *tpl_instant_in_zone(GDateTime *instant, const char *zone);
