/* SPDX-License-Identifier: MIT */
#include "scheduler/model/schedule.h"

#include <string.h>

void schedule_spec_init(ScheduleSpec *spec)
{
    *spec = (ScheduleSpec){.start_date_us = TIME_NONE, .end_date_us = TIME_NONE};
}

static void clear_kind(ScheduleSpec *spec)
{
    g_clear_pointer(&spec->crons, g_strfreev);
    spec->every_us = 0;
    spec->kind = SCHEDULE_NONE;
}

void schedule_spec_clear(ScheduleSpec *spec)
{
    clear_kind(spec);
    g_free(spec->timezone);
    schedule_spec_init(spec);
}

void schedule_spec_copy(const ScheduleSpec *spec, ScheduleSpec *ret)
{
    *ret = *spec;
    ret->crons = g_strdupv(spec->crons);
    ret->timezone = g_strdup(spec->timezone);
}

bool schedule_spec_equal(const ScheduleSpec *a, const ScheduleSpec *b)
{
    if ((a->crons == NULL) != (b->crons == NULL))
        return false;
    if (a->crons != NULL && !g_strv_equal((const char *const *)a->crons, (const char *const *)b->crons))
        return false;
    return a->kind == b->kind && a->every_us == b->every_us && a->start_date_us == b->start_date_us &&
           a->end_date_us == b->end_date_us && a->catchup == b->catchup &&
           a->data_interval == b->data_interval && g_strcmp0(a->timezone, b->timezone) == 0;
}

void schedule_spec_set_text(ScheduleSpec *spec, const char *text)
{
    clear_kind(spec);
    if (strcmp(text, "@once") == 0) {
        spec->kind = SCHEDULE_ONCE;
    } else if (strcmp(text, "@continuous") == 0) {
        spec->kind = SCHEDULE_CONTINUOUS;
    } else if (text[0] != '\0' && strcmp(text, "None") != 0) {
        const char *const crons[] = {text, NULL};
        schedule_spec_set_crons(spec, crons);
    }
}

void schedule_spec_set_crons(ScheduleSpec *spec, const char *const *crons)
{
    char **copy = g_strdupv((char **)crons);
    clear_kind(spec);
    spec->crons = copy;
    spec->kind = SCHEDULE_CRON;
}

void schedule_spec_set_every(ScheduleSpec *spec, int64_t every_us)
{
    clear_kind(spec);
    spec->kind = SCHEDULE_EVERY;
    spec->every_us = every_us;
}

/** Exact, in the form duration_parse() reads: "1h30m", "0.5s" is "500ms". */
static char *every_to_string(int64_t us)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR}, {"m", USEC_PER_MIN}, {"s", USEC_PER_SEC}};
    GString *text = g_string_new("every ");
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (us >= units[i].us)
            g_string_append_printf(text, "%" G_GINT64_FORMAT "%s", us / units[i].us, units[i].name);
        us %= units[i].us;
    }
    if (us % USEC_PER_MSEC != 0)
        g_string_append_printf(text, "%d.%03dms", (int)(us / USEC_PER_MSEC), (int)(us % USEC_PER_MSEC));
    else if (us > 0)
        g_string_append_printf(text, "%dms", (int)(us / USEC_PER_MSEC));
    return g_string_free(text, FALSE);
}

char *schedule_spec_summary(const ScheduleSpec *spec)
{
    switch (spec->kind) {
    case SCHEDULE_NONE:
        return g_strdup("None");
    case SCHEDULE_ONCE:
        return g_strdup("@once");
    case SCHEDULE_CONTINUOUS:
        return g_strdup("@continuous");
    case SCHEDULE_CRON:
        return g_strjoinv(", ", spec->crons);
    case SCHEDULE_EVERY:
        return every_to_string(spec->every_us);
    }
    g_return_val_if_reached(NULL);
}

const char *data_interval_mode_to_string(DataIntervalMode mode)
{
    return mode == DATA_INTERVAL_INTERVAL ? "interval" : "trigger";
}

bool data_interval_mode_from_string(const char *name, DataIntervalMode *ret)
{
    if (strcmp(name, "trigger") == 0)
        *ret = DATA_INTERVAL_TRIGGER;
    else if (strcmp(name, "interval") == 0)
        *ret = DATA_INTERVAL_INTERVAL;
    else
        return false;
    return true;
}
