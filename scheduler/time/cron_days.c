/* SPDX-License-Identifier: MIT */
/** Matching local times, without any thought of time zones: by month, day, hour and minute, never minute by
 * minute. */
#include "scheduler/time/cron_fields.h"
#include "scheduler/time/instant.h"

static bool day_of_month_matches(const Cron *cron, int day, int last, int last_weekday)
{
    if (cron->days & (UINT32_C(1) << day))
        return true;
    if (cron->last_day && day == last)
        return true;
    if (!cron->last_workday)
        return false;
    int back_to_friday = last_weekday == 6 ? 1 : last_weekday == 0 ? 2 : 0;
    return day == last - back_to_friday;
}

static bool weekday_matches(const Cron *cron, int day, int weekday, int last)
{
    uint8_t bit = (uint8_t)(1u << weekday);
    if ((cron->weekdays & bit) || (cron->nth_weekdays[(day - 1) / 7] & bit))
        return true;
    return (cron->last_weekdays & bit) && day + 7 > last;
}

uint32_t cron_days_of_month(const Cron *cron, int64_t year, int month)
{
    if (!(cron->months & (1u << month)))
        return 0;
    uint32_t result = 0;
    int last = days_in_month(year, month);
    int first_weekday = weekday_from_days(days_from_civil(year, month, 1));
    int last_weekday = (first_weekday + last - 1) % 7;
    for (int day = 1; day <= last; day++) {
        bool by_date = day_of_month_matches(cron, day, last, last_weekday);
        bool by_weekday = weekday_matches(cron, day, (first_weekday + day - 1) % 7, last);
        if (cron->days_and ? by_date && by_weekday : by_date || by_weekday)
            result |= UINT32_C(1) << day;
    }
    return result;
}

bool cron_has_days(const Cron *cron)
{
    for (int year = 2000; year < 2400; year++) {
        for (int month = 1; month <= 12; month++) {
            if (cron_days_of_month(cron, year, month) != 0)
                return true;
        }
    }
    return false;
}

/** Bits `from` and above. */
static uint64_t bits_from(int from)
{
    return from > 63 ? 0 : UINT64_MAX << from;
}

/** Bits up to and including `until`. */
static uint64_t bits_until(int until)
{
    return until >= 63 ? UINT64_MAX : (UINT64_C(1) << (until + 1)) - 1;
}

static int lowest_bit(uint64_t bits)
{
    return __builtin_ctzll(bits);
}

static int highest_bit(uint64_t bits)
{
    return 63 - __builtin_clzll(bits);
}

/** The first matching minute of the day at or after `minute`; -1 if that day has no more. */
static int minute_from(const Cron *cron, int minute)
{
    int hour = minute / 60;
    if (minute >= 24 * 60)
        return -1;
    uint64_t rest = cron->minutes & bits_from(minute % 60);
    if ((cron->hours >> hour & 1) && rest != 0)
        return hour * 60 + lowest_bit(rest);
    uint64_t hours = cron->hours & bits_from(hour + 1);
    return hours == 0 ? -1 : lowest_bit(hours) * 60 + lowest_bit(cron->minutes);
}

/** The last matching minute of the day at or before `minute`; -1 if there is none. */
static int minute_until(const Cron *cron, int minute)
{
    int hour = minute / 60;
    uint64_t rest = cron->minutes & bits_until(minute % 60);
    if ((cron->hours >> hour & 1) && rest != 0)
        return hour * 60 + highest_bit(rest);
    uint64_t hours = cron->hours & (bits_until(hour) >> 1);
    return hours == 0 ? -1 : highest_bit(hours) * 60 + highest_bit(cron->minutes);
}

/** The first matching day at or after `day`; TIME_NONE after the year 10000. */
static int64_t day_from(const Cron *cron, int64_t day)
{
    CivilTime t;
    civil_from_days(day, &t);
    uint64_t wanted = bits_from(t.day);
    for (int64_t year = t.year; year <= 10000; year++) {
        for (int month = year == t.year ? t.month : 1; month <= 12; month++) {
            uint64_t days = cron_days_of_month(cron, year, month) & wanted;
            if (days != 0)
                return days_from_civil(year, month, lowest_bit(days));
            wanted = UINT64_MAX;
        }
    }
    return TIME_NONE;
}

/** The last matching day at or before `day`; TIME_NONE before the year 0. */
static int64_t day_until(const Cron *cron, int64_t day)
{
    CivilTime t;
    civil_from_days(day, &t);
    uint64_t wanted = bits_until(t.day);
    for (int64_t year = t.year; year >= 0; year--) {
        for (int month = year == t.year ? t.month : 12; month >= 1; month--) {
            uint64_t days = cron_days_of_month(cron, year, month) & wanted;
            if (days != 0)
                return days_from_civil(year, month, highest_bit(days));
            wanted = UINT64_MAX;
        }
    }
    return TIME_NONE;
}

int64_t cron_match_from(const Cron *cron, int64_t local_us)
{
    int64_t day = floor_div(local_us, USEC_PER_DAY);
    int first_minute = (int)((local_us - day * USEC_PER_DAY + USEC_PER_MIN - 1) / USEC_PER_MIN);
    int64_t found = day_from(cron, day);
    int minute = minute_from(cron, found == day ? first_minute : 0);
    if (minute < 0 &&
        found != TIME_NONE) { /* that day has no more, and then every day has one from 00:00 on */
        found = day_from(cron, found + 1);
        minute = minute_from(cron, 0);
    }
    return found == TIME_NONE ? TIME_NONE : found * USEC_PER_DAY + minute * USEC_PER_MIN;
}

int64_t cron_match_until(const Cron *cron, int64_t local_us)
{
    const int last_minute_of_day = 24 * 60 - 1;
    int64_t day = floor_div(local_us, USEC_PER_DAY);
    int last_minute = (int)((local_us - day * USEC_PER_DAY) / USEC_PER_MIN);
    int64_t found = day_until(cron, day);
    int minute = minute_until(cron, found == day ? last_minute : last_minute_of_day);
    if (minute < 0 && found != TIME_NONE) {
        found = day_until(cron, found - 1);
        minute = minute_until(cron, last_minute_of_day);
    }
    return found == TIME_NONE ? TIME_NONE : found * USEC_PER_DAY + minute * USEC_PER_MIN;
}
