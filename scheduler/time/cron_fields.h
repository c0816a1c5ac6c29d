/* SPDX-License-Identifier: MIT */
/** What a cron expression says, field by field. Private to cron_parse.c, cron_days.c and cron_next.c. */
#pragma once

#include "scheduler/time/cron.h"

struct Cron {
    char *text;
    uint64_t minutes;        /**< bit 0..59 */
    uint32_t hours;          /**< bit 0..23 */
    uint32_t days;           /**< bit 1..31 */
    uint16_t months;         /**< bit 1..12 */
    uint8_t weekdays;        /**< bit 0 (Sunday) .. 6 */
    uint8_t last_weekdays;   /**< same bits, of weekdays that count only in the last seven days: `5L` */
    uint8_t nth_weekdays[5]; /**< same bits, of weekdays that count only in days 1-7, 8-14, ...: `MON#1` */
    bool last_day;           /**< `L` */
    bool last_workday;       /**< `LW`: the last Monday to Friday of the month */
    bool days_and;           /**< both day fields must match, not either */
    bool fixed;              /**< fires once per matching local time, see cron.h */
};

/** The matching days of that month, bit 1..31; 0 when the month itself does not match. */
uint32_t cron_days_of_month(const Cron *cron, int64_t year, int month);

/** Whether any day matches, ever. Exact: the calendar repeats after 400 years. */
bool cron_has_days(const Cron *cron);

/** The first matching local time at or after `local_us`; TIME_NONE after the year 10000. */
int64_t cron_match_from(const Cron *cron, int64_t local_us);
/** The last matching local time at or before `local_us`; TIME_NONE before the year 0. */
int64_t cron_match_until(const Cron *cron, int64_t local_us);
