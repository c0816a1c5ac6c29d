/* SPDX-License-Identifier: MIT */
#include "scheduler/template/instant.h"

#include <locale.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define FORMATTED_MAX_BYTES (64 * 1024)
#define FIRST_US            (INT64_C(-62135596800) * USEC_PER_SEC)     /* 0001-01-01 */
#define LAST_US             (INT64_C(253402300800) * USEC_PER_SEC - 1) /* 9999-12-31 */

GDateTime *tpl_instant_new(int64_t time_us)
{
    if (time_us < FIRST_US || time_us > LAST_US)
        return NULL;
    int64_t fraction_us = ((time_us % USEC_PER_SEC) + USEC_PER_SEC) % USEC_PER_SEC;
    g_autoptr(GDateTime) whole = g_date_time_new_from_unix_utc((time_us - fraction_us) / USEC_PER_SEC);
    return g_date_time_add(whole, fraction_us);
}

int64_t tpl_instant_us(GDateTime *instant)
{
    return g_date_time_to_unix(instant) * USEC_PER_SEC + g_date_time_get_microsecond(instant);
}

char *tpl_instant_iso(GDateTime *instant, char separator)
{
    int year, month, day;
    g_date_time_get_ymd(instant, &year, &month, &day);
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%04d-%02d-%02d%c%02d:%02d:%02d", year, month, day, separator,
                           g_date_time_get_hour(instant), g_date_time_get_minute(instant),
                           g_date_time_get_second(instant));
    if (g_date_time_get_microsecond(instant) != 0)
        g_string_append_printf(text, ".%06d", g_date_time_get_microsecond(instant));
    int offset_s = (int)(g_date_time_get_utc_offset(instant) / USEC_PER_SEC);
    int distance_s = ABS(offset_s);
    g_string_append_printf(text, "%c%02d:%02d", offset_s < 0 ? '-' : '+', distance_s / 3600,
                           distance_s / 60 % 60);
    if (distance_s % 60 != 0) /* local mean time, before there were zones */
        g_string_append_printf(text, ":%02d", distance_s % 60);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/** `text` without `characters`; takes it. */
static char *without(char *text, const char *characters)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (strchr(characters, *from) == NULL)
            *to++ = *from;
    }
    *to = '\0';
    return text;
}

char *tpl_instant_stamp(GDateTime *instant, const char *name)
{
    char *iso = tpl_instant_iso(instant, 'T');
    if (g_str_equal(name, "ts"))
        return iso;
    if (g_str_equal(name, "ts_nodash_with_tz"))
        return without(iso, "-:");
    if (g_str_equal(name, "ts_nodash")) {
        iso[strlen("2026-01-01T00:00:00")] = '\0';
        return without(iso, "-:");
    }
    iso[strlen("2026-01-01")] = '\0';
    return without(iso, g_str_equal(name, "ds_nodash") ? "-" : "");
}

/** Formats and parses as if setlocale() had never been called. */
static locale_t c_locale(void)
{
    static gsize initialised;
    static locale_t locale;
    if (g_once_init_enter(&initialised)) {
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        g_once_init_leave(&initialised, 1);
    }
    return locale;
}

static struct tm broken_down(GDateTime *instant)
{
    struct tm tm = {0};
    g_date_time_get_ymd(instant, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    tm.tm_hour = g_date_time_get_hour(instant);
    tm.tm_min = g_date_time_get_minute(instant);
    tm.tm_sec = g_date_time_get_second(instant);
    tm.tm_wday = g_date_time_get_day_of_week(instant) % 7;
    tm.tm_yday = g_date_time_get_day_of_year(instant) - 1;
    tm.tm_gmtoff = g_date_time_get_utc_offset(instant) / USEC_PER_SEC;
    tm.tm_zone = g_date_time_get_timezone_abbreviation(instant);
    return tm;
}

/**
 * The directive at `at`: `%`, maybe one of glibc's flags, one letter of `allowed`. Its length, or 0 with
 * `error` set.
 */
static size_t directive_length(const char *at, const char *flags, const char *allowed, GError **error)
{
    size_t n = 1;
    if (at[n] != '\0' && strchr(flags, at[n]) != NULL)
        n++;
    if (at[n] != '\0' && strchr(allowed, at[n]) != NULL)
        return n + 1;
    if (g_ascii_isalnum(at[n]))
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the format has no directive %%%c here", at[n]);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the format has a lone %%; a literal one is %%%%");
    return 0;
}

/** One directive of `n` bytes. strftime_l knows neither microseconds nor the epoch without the local zone. */
static void append_directive(GString *text, GDateTime *instant, const struct tm *tm, const char *at, size_t n)
{
    char letter = at[n - 1];
    if (letter == 'f') {
        g_string_append_printf(text, "%06d", g_date_time_get_microsecond(instant));
    } else if (letter == 's') {
        g_string_append_printf(text, "%" G_GINT64_FORMAT, g_date_time_to_unix(instant));
    } else {
        char directive[4] = "", formatted[128];
        memcpy(directive, at, n);
        size_t bytes = strftime_l(formatted, sizeof formatted, directive, tm, c_locale());
        g_string_append_len(text, formatted, (gssize)bytes);
    }
}

char *tpl_instant_format(GDateTime *instant, const char *format, GError **error)
{
    const struct tm tm = broken_down(instant);
    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *at = format; *at != '\0';) {
        size_t plain = strcspn(at, "%");
        g_string_append_len(text, at, (gssize)plain);
        at += plain;
        if (*at != '\0') {
            size_t n = directive_length(at, "-_0^#", "aAbBcCdDeFfgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%", error);
            if (n == 0)
                return NULL;
            append_directive(text, instant, &tm, at, n);
            at += n;
        }
        if (text->len > FORMATTED_MAX_BYTES) {
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the formatted date is too long");
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool parse_format_is_known(const char *format, GError **error)
{
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        size_t n = directive_length(at, "", "aAbBdDeFhHIjmMnpRStTyY%", error);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

GDateTime *tpl_instant_parse(const char *text, const char *format, GError **error)
{
    if (!parse_format_is_known(format, error))
        return NULL;
    struct tm tm = {.tm_year = 0, .tm_mon = 0, .tm_mday = 1}; /* 1900-01-01, as Python has it */
    const char *rest = strptime_l(text, format, &tm, c_locale());
    GDateTime *instant = NULL;
    if (rest != NULL && *rest == '\0' && tm.tm_sec < 60)
        instant = g_date_time_new_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                                      tm.tm_sec);
    if (instant == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the date does not match its format");
    return instant;
}

/** `us + count * unit_us`; false when that leaves what an int64 can hold. */
static bool add_units(int64_t *us, int64_t count, int64_t unit_us)
{
    int64_t product;
    return !__builtin_mul_overflow(count, unit_us, &product) && !__builtin_add_overflow(*us, product, us);
}

/** `wall_us` (a wall clock read as if it were UTC) later by months and days; the day is cut to the month's
 * length. */
static GDateTime *move_wall(int64_t wall_us, const TplShift *shift, int sign)
{
    int64_t months = 0, days_us = 0;
    if (!add_units(&months, shift->years, 12 * sign) || !add_units(&months, shift->months, sign) ||
        months < -120000 || months > 120000)
        return NULL;
    if (!add_units(&days_us, shift->weeks, 7 * USEC_PER_DAY * sign) ||
        !add_units(&days_us, shift->days, USEC_PER_DAY * sign))
        return NULL;
    g_autoptr(GDateTime) wall = tpl_instant_new(wall_us);
    g_autoptr(GDateTime) moved = wall != NULL ? g_date_time_add_months(wall, (gint)months) : NULL;
    if (moved == NULL || !add_units(&days_us, tpl_instant_us(moved), 1))
        return NULL;
    return tpl_instant_new(days_us);
}

GDateTime *tpl_instant_move(GDateTime *instant, const TplShift *shift, int sign)
{
    g_autoptr(GDateTime) wall =
        move_wall(tpl_instant_us(instant) + g_date_time_get_utc_offset(instant), shift, sign);
    if (wall == NULL)
        return NULL;
    GTimeZone *zone = g_date_time_get_timezone(instant);
    g_autoptr(GDateTime) day = g_date_time_new(zone, g_date_time_get_year(wall), g_date_time_get_month(wall),
                                               g_date_time_get_day_of_month(wall), g_date_time_get_hour(wall),
                                               g_date_time_get_minute(wall), g_date_time_get_seconds(wall));
    double seconds_us = shift->seconds * (double)USEC_PER_SEC;
    if (day == NULL || !(fabs(seconds_us) < (double)LAST_US))
        return NULL;
    /* g_date_time_new() takes seconds as a double and may lose the last microsecond, so set them again. */
    int64_t us = g_date_time_to_unix(day) * USEC_PER_SEC + g_date_time_get_microsecond(wall);
    if (!add_units(&us, shift->hours, USEC_PER_HOUR * sign) ||
        !add_units(&us, shift->minutes, USEC_PER_MIN * sign) || !add_units(&us, llround(seconds_us), sign) ||
        !add_units(&us, shift->microseconds, sign))
        return NULL;
    g_autoptr(GDateTime) moved = tpl_instant_new(us);
    return moved != NULL ? g_date_time_to_timezone(moved, zone) : NULL;
}

GDateTime *tpl_instant_in_zone(GDateTime *instant, const char *zone)
{
    /* GTimeZone would also read a file by its path, or a POSIX rule; only IANA names are meant here. */
    if (!g_ascii_isalpha(zone[0]) || strstr(zone, "..") != NULL || strlen(zone) > 64)
        return NULL;
    g_autoptr(GTimeZone) found = g_time_zone_new_identifier(zone);
    return found != NULL ? g_date_time_to_timezone(instant, found) : NULL;
}
