/* SPDX-License-Identifier: MIT */
#include "scheduler/time/instant.h"

#include <string.h>

/* Eras of 400 years, years beginning in March so that the leap day is the last one: no tables, no branches.
 */
#define DAYS_PER_ERA        INT64_C(146097)
#define DAYS_TO_EPOCH_MARCH INT64_C(719468) /* 0000-03-01 to 1970-01-01 */

int64_t days_from_civil(int64_t year, int month, int day)
{
    if (month <= 2)
        year--;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH_MARCH + day - 1;
}

void civil_from_days(int64_t days, CivilTime *ret)
{
    int64_t shifted = days + DAYS_TO_EPOCH_MARCH;
    int64_t era = floor_div(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    *ret = (CivilTime){
        .year = (int)(year_of_era + era * 400 + (month_from_march >= 10)),
        .month = month_from_march + (month_from_march < 10 ? 3 : -9),
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .weekday = weekday_from_days(days),
    };
}

int days_in_month(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

int weekday_from_days(int64_t days)
{
    int64_t since_sunday = days + 4; /* 1970-01-01 was a Thursday */
    return (int)(since_sunday - floor_div(since_sunday, 7) * 7);
}

CivilTime civil_from_us(int64_t us)
{
    CivilTime civil;
    int64_t days = floor_div(us, USEC_PER_DAY);
    civil_from_days(days, &civil);
    int64_t rest = us - days * USEC_PER_DAY;
    civil.hour = (int)(rest / USEC_PER_HOUR);
    civil.minute = (int)(rest / USEC_PER_MIN % 60);
    civil.second = (int)(rest / USEC_PER_SEC % 60);
    civil.microsecond = (int)(rest % USEC_PER_SEC);
    return civil;
}

int64_t civil_to_us(const CivilTime *civil)
{
    return days_from_civil(civil->year, civil->month, civil->day) * USEC_PER_DAY +
           civil->hour * USEC_PER_HOUR + civil->minute * USEC_PER_MIN + civil->second * USEC_PER_SEC +
           civil->microsecond;
}

/** The fraction of a second as ".123456"; empty when there is none. */
static void format_fraction(int microsecond, char *ret, gsize size)
{
    ret[0] = '\0';
    if (microsecond != 0)
        g_snprintf(ret, size, ".%06d", microsecond);
}

char *instant_format(int64_t us, InstantFormat format)
{
    if (us < INSTANT_MIN_US || us > INSTANT_MAX_US)
        return NULL;
    CivilTime t = civil_from_us(us);
    char fraction[8];
    format_fraction(t.microsecond, fraction, sizeof fraction);
    switch (format) {
    case INSTANT_ISO:
        return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d%s+00:00", t.year, t.month, t.day, t.hour,
                               t.minute, t.second, fraction);
    case INSTANT_SECONDS_Z:
        return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month, t.day, t.hour, t.minute,
                               t.second);
    case INSTANT_JSON:
        return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d%sZ", t.year, t.month, t.day, t.hour, t.minute,
                               t.second, fraction);
    case INSTANT_STR:
        return g_strdup_printf("%04d-%02d-%02d %02d:%02d:%02d%s+00:00", t.year, t.month, t.day, t.hour,
                               t.minute, t.second, fraction);
    case INSTANT_DS:
        return g_strdup_printf("%04d-%02d-%02d", t.year, t.month, t.day);
    case INSTANT_DS_NODASH:
        return g_strdup_printf("%04d%02d%02d", t.year, t.month, t.day);
    case INSTANT_TS_NODASH:
        return g_strdup_printf("%04d%02d%02dT%02d%02d%02d", t.year, t.month, t.day, t.hour, t.minute,
                               t.second);
    case INSTANT_TS_NODASH_WITH_TZ:
        return g_strdup_printf("%04d%02d%02dT%02d%02d%02d%s+0000", t.year, t.month, t.day, t.hour, t.minute,
                               t.second, fraction);
    }
    g_return_val_if_reached(NULL);
}

char *instant_format_in_zone(int64_t us, const Zone *zone)
{
    if (us < INSTANT_MIN_US || us > INSTANT_MAX_US)
        return NULL;
    int64_t offset_us = zone_offset(zone, us);
    CivilTime t = civil_from_us(us + offset_us);
    if (t.year < 1 || t.year > 9999)
        return NULL;
    char fraction[8], seconds[8] = "";
    format_fraction(t.microsecond, fraction, sizeof fraction);
    int64_t offset = ABS(offset_us) / USEC_PER_SEC;
    if (offset % 60 != 0) /* local mean times of the 19th century */
        g_snprintf(seconds, sizeof seconds, ":%02d", (int)(offset % 60));
    return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d%s%c%02d:%02d%s", t.year, t.month, t.day, t.hour,
                           t.minute, t.second, fraction, offset_us < 0 ? '-' : '+', (int)(offset / 3600),
                           (int)(offset / 60 % 60), seconds);
}
