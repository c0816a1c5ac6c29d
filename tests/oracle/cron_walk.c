/* SPDX-License-Identifier: MIT */
#include "tests/oracle/cron_walk.h"

#include <string.h>
#include <time.h>

/* ---- Making expressions ---- */

static void add_field(GRand *rng, GString *text, bool *set, int min, int max, int dense, bool *ret_star)
{
    int kind = g_rand_int_range(rng, 0, 10);
    *ret_star = kind < dense;
    if (text->len > 0)
        g_string_append_c(text, ' ');
    if (kind < dense) {
        int step = g_rand_boolean(rng) ? 1 : g_rand_int_range(rng, 1, (max - min) / 2 + 2);
        g_string_append(text, "*");
        if (step > 1)
            g_string_append_printf(text, "/%d", step);
        for (int v = min; v <= max; v += step)
            set[v] = true;
        return;
    }
    int items = g_rand_int_range(rng, 1, 4);
    for (int i = 0; i < items; i++) {
        int first = g_rand_int_range(rng, min, max + 1), last = g_rand_int_range(rng, first, max + 1);
        int step = g_rand_int_range(rng, 1, 8), form = g_rand_int_range(rng, 0, 4);
        g_string_append(text, i > 0 ? "," : "");
        if (form == 0) {
            g_string_append_printf(text, "%d", first);
            last = first;
        } else if (form == 1) {
            g_string_append_printf(text, "%d-%d", first, last);
            step = 1;
        } else if (form == 2) {
            g_string_append_printf(text, "%d-%d/%d", first, last, step);
        } else {
            g_string_append_printf(text, "%d/%d", first, step);
            last = max;
        }
        for (int v = first; v <= last; v += step)
            set[v] = true;
    }
}

CronModel cron_model_random(GRand *rng)
{
    CronModel m = {0};
    bool weekdays[8] = {false}, star[5];
    g_autoptr(GString) text = g_string_new("");
    add_field(rng, text, m.minute, 0, 59, 3, &star[0]);
    add_field(rng, text, m.hour, 0, 23, 4, &star[1]);
    add_field(rng, text, m.day, 1, 31, 7, &star[2]);
    add_field(rng, text, m.month, 1, 12, 9, &star[3]);
    add_field(rng, text, weekdays, 0, 7, 7, &star[4]);
    weekdays[0] = weekdays[0] || weekdays[7];
    memcpy(m.weekday, weekdays, sizeof m.weekday);
    m.is_and = star[2] || star[4];
    m.is_fixed = !star[0] && !star[1];
    g_strlcpy(m.text, text->str, sizeof m.text);
    return m;
}

static void fill(bool *set, int min, int max, int step)
{
    for (int v = min; v <= max; v += step)
        set[v] = true;
}

/* Minute and hour: often in the hours in which clocks are changed. */
static void add_plain_time(GRand *rng, CronModel *m, GString *text)
{
    static const int minutes[] = {0, 0, 1, 15, 30, 30, 45, 59};
    int minute = minutes[g_rand_int_range(rng, 0, G_N_ELEMENTS(minutes))];
    int hour = g_rand_boolean(rng) ? g_rand_int_range(rng, 0, 4) : g_rand_int_range(rng, 0, 24);
    m->minute[minute] = true;
    switch (g_rand_int_range(rng, 0, 10)) {
    case 0: { /* some times an hour */
        int step = 5 * g_rand_int_range(rng, 1, 7);
        m->minute[minute] = false;
        fill(m->minute, 0, 59, step);
        fill(m->hour, 0, 23, 1);
        g_string_append_printf(text, "*/%d *", step);
        break;
    }
    case 1: { /* every some hours */
        int step = g_rand_int_range(rng, 1, 13);
        fill(m->hour, 0, 23, step);
        g_string_append_printf(text, "%d */%d", minute, step);
        break;
    }
    case 2: { /* in office hours */
        fill(m->hour, 8, 18, 1);
        g_string_append_printf(text, "%d 8-18", minute);
        break;
    }
    case 3: /* twice a day */
        m->hour[hour] = m->hour[(hour + 12) % 24] = true;
        g_string_append_printf(text, "%d %d,%d", minute, hour, (hour + 12) % 24);
        break;
    case 4: { /* three times in an hour, a star before */
        m->minute[minute] = false;
        fill(m->minute, 0, 59, 20);
        m->hour[hour] = true;
        g_string_append_printf(text, "*/20 %d", hour);
        m->is_fixed = false;
        return;
    }
    default: /* once a day */
        m->hour[hour] = true;
        g_string_append_printf(text, "%d %d", minute, hour);
    }
    m->is_fixed = strchr(text->str, '*') == NULL;
}

CronModel cron_model_plain(GRand *rng)
{
    CronModel m = {0};
    g_autoptr(GString) text = g_string_new("");
    add_plain_time(rng, &m, text);
    fill(m.month, 1, 12, 1);
    m.is_and = true;
    int day = g_rand_int_range(rng, 1, 29), weekday = g_rand_int_range(rng, 0, 7);
    switch (g_rand_int_range(rng, 0, 8)) {
    case 0: /* once a month */
        m.day[day] = true;
        fill(m.weekday, 0, 6, 1);
        g_string_append_printf(text, " %d * *", day);
        break;
    case 1: /* once a week */
        fill(m.day, 1, 31, 1);
        m.weekday[weekday] = true;
        g_string_append_printf(text, " * * %d", weekday);
        break;
    case 2: /* on working days */
        fill(m.day, 1, 31, 1);
        fill(m.weekday, 1, 5, 1);
        g_string_append(text, " * * MON-FRI");
        break;
    case 3: /* either */
        m.is_and = false;
        m.day[day] = m.weekday[weekday] = true;
        g_string_append_printf(text, " %d * %d", day, weekday);
        break;
    case 4: /* both, for there is a star */
        fill(m.day, 1, 31, 2);
        m.weekday[weekday] = true;
        g_string_append_printf(text, " */2 * %d", weekday == 0 ? 7 : weekday);
        break;
    default:
        fill(m.day, 1, 31, 1);
        fill(m.weekday, 0, 6, 1);
        g_string_append(text, " * * *");
    }
    g_strlcpy(m.text, text->str, sizeof m.text);
    return m;
}

/* ---- What they match ---- */

/** The days since 1970 of the local time; its day of the calendar by the C library. */
static bool is_day(const CronModel *model, int64_t day)
{
    struct tm date;
    time_t second = (time_t)(day * (USEC_PER_DAY / USEC_PER_SEC));
    if (gmtime_r(&second, &date) == NULL)
        g_error("the C library knows no such day");
    bool by_day = model->day[date.tm_mday], by_weekday = model->weekday[date.tm_wday];
    return model->month[date.tm_mon + 1] && (model->is_and ? by_day && by_weekday : by_day || by_weekday);
}

int cron_model_longest_gap(const CronModel *model, int limit)
{
    int longest = 0, gap = 0;
    for (int64_t day = 10957; day < 10957 + 12 * 366 && longest < limit; day++) { /* from 2000 on */
        gap = is_day(model, day) ? 0 : gap + 1;
        longest = MAX(longest, gap);
    }
    return longest;
}

int cron_model_fires_a_day(const CronModel *model)
{
    int minutes = 0, hours = 0;
    for (int i = 0; i < 60; i++)
        minutes += model->minute[i];
    for (int i = 0; i < 24; i++)
        hours += model->hour[i];
    return minutes * hours;
}

static int64_t floor_of(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value / unit - (rest < 0);
}

static bool matches(CronWalk *walk, int64_t local_us)
{
    int64_t minute = floor_of(local_us, USEC_PER_MIN), day = floor_of(minute, 24 * 60);
    int of_day = (int)(minute - day * 24 * 60);
    if (day != walk->day) {
        walk->day = day;
        walk->is_day = is_day(walk->model, day);
    }
    return walk->is_day && walk->model->minute[of_day % 60] && walk->model->hour[of_day / 60];
}

/* ---- The walk ---- */

static int64_t local_at(CronWalk *walk, int64_t us)
{
    if (us >= walk->change_us) {
        walk->offset_us = local_clock_offset(walk->clock, us);
        walk->change_us = local_clock_next_change(walk->clock, us);
    }
    return us + walk->offset_us;
}

CronWalk cron_walk_begin(const CronModel *model, const LocalClock *clock, int64_t us)
{
    CronWalk walk = {.model = model, .clock = clock, .change_us = INT64_MIN, .day = INT64_MIN};
    walk.high_us = local_at(&walk, us);
    return walk;
}

bool cron_walk_look(CronWalk *walk, int64_t us)
{
    int64_t local = local_at(walk, us);
    int64_t from = walk->model->is_fixed ? walk->high_us + 1 : local;
    bool is_due = false;
    int64_t minute = (floor_of(from - 1, USEC_PER_MIN) + 1) * USEC_PER_MIN; /* the first at or after `from` */
    for (; minute <= local && !is_due; minute += USEC_PER_MIN)
        is_due = matches(walk, minute);
    walk->high_us = MAX(walk->high_us, local);
    return is_due;
}
