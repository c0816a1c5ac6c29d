/* SPDX-License-Identifier: MIT */
/* Methods of dates and times, as pendulum has them, and Airflow's macros. */
#include "scheduler/template/functions.h"
#include "scheduler/template/instant.h"
#include "scheduler/template/text.h"

static bool run_strftime(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *format;
    if (!tpl_call_string(call, 0, "format", &format, error))
        return false;
    char *text = tpl_instant_format(call->self->instant, format, error);
    if (text == NULL)
        return false;
    *ret_value = tpl_value_text(text);
    return true;
}

static bool run_isoformat(TplCall *call, TplValue *ret_value, GError **error)
{
    (void)error;
    *ret_value = tpl_value_text(tpl_instant_iso(call->self->instant, 'T'));
    return true;
}

static bool run_to_date_string(TplCall *call, TplValue *ret_value, GError **error)
{
    (void)error;
    *ret_value = tpl_value_text(tpl_instant_stamp(call->self->instant, "ds"));
    return true;
}

static bool run_timestamp(TplCall *call, TplValue *ret_value, GError **error)
{
    (void)error;
    *ret_value =
        tpl_value_data(json_real((double)tpl_instant_us(call->self->instant) / (double)USEC_PER_SEC));
    return true;
}

static bool run_in_timezone(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *zone;
    if (!tpl_call_string(call, 0, "tz", &zone, error))
        return false;
    GDateTime *instant = tpl_instant_in_zone(call->self->instant, zone);
    if (instant == NULL)
        return tpl_call_fail(error, "tz is not a known time zone (as Europe/London)");
    *ret_value = tpl_value_instant(instant);
    return true;
}

#define SHIFT_PARAMETERS                                                                                     \
    {                                                                                                        \
        "years", "months", "weeks", "days", "hours", "minutes", "seconds", "microseconds"                    \
    }

static bool move(TplCall *call, int sign, TplValue *ret_value, GError **error)
{
    static const char *const names[] = SHIFT_PARAMETERS;
    enum { SECONDS = 6 };
    TplShift shift = {0};
    int64_t *const units[] = {&shift.years, &shift.months,  &shift.weeks, &shift.days,
                              &shift.hours, &shift.minutes, NULL,         &shift.microseconds};
    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        if (!call->given[i])
            continue;
        if (i == SECONDS && call->arguments[i].type == TPL_TYPE_NUMBER)
            shift.seconds = json_number_value(call->arguments[i].data);
        else if (i == SECONDS)
            return tpl_call_fail(error, "seconds must be a number");
        else if (!tpl_call_integer(call, i, names[i], units[i], error))
            return false;
    }
    GDateTime *moved = tpl_instant_move(call->self->instant, &shift, sign);
    if (moved == NULL)
        return tpl_call_fail(error, "the date leaves the years 1 to 9999");
    *ret_value = tpl_value_instant(moved);
    return true;
}

static bool run_add(TplCall *call, TplValue *ret_value, GError **error)
{
    return move(call, 1, ret_value, error);
}

static bool run_subtract(TplCall *call, TplValue *ret_value, GError **error)
{
    return move(call, -1, ret_value, error);
}

static bool run_ds_add(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *ds;
    TplShift shift = {0};
    if (!tpl_call_string(call, 0, "ds", &ds, error) || !tpl_call_integer(call, 1, "days", &shift.days, error))
        return false;
    g_autoptr(GDateTime) date = tpl_instant_parse(ds, "%Y-%m-%d", NULL);
    if (date == NULL)
        return tpl_call_fail(error, "ds is not a date (YYYY-MM-DD)");
    g_autoptr(GDateTime) moved = tpl_instant_move(date, &shift, 1);
    if (moved == NULL)
        return tpl_call_fail(error, "the date leaves the years 1 to 9999");
    *ret_value = tpl_value_text(tpl_instant_stamp(moved, "ds"));
    return true;
}

static bool run_ds_format(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *ds, *input, *output;
    if (!tpl_call_string(call, 0, "ds", &ds, error) ||
        !tpl_call_string(call, 1, "input_format", &input, error) ||
        !tpl_call_string(call, 2, "output_format", &output, error))
        return false;
    g_autoptr(GDateTime) date = tpl_instant_parse(ds, input, error);
    char *text = date != NULL ? tpl_instant_format(date, output, error) : NULL;
    if (text == NULL)
        return false;
    *ret_value = tpl_value_text(text);
    return true;
}

const TplFunction TPL_METHODS_INSTANT[] = {
    {TPL_TYPE_INSTANT, "strftime", TPL_TYPE_STRING, {"format"}, 1, 1, run_strftime},
    {TPL_TYPE_INSTANT, "isoformat", TPL_TYPE_STRING, {0}, 0, 0, run_isoformat},
    {TPL_TYPE_INSTANT, "to_date_string", TPL_TYPE_STRING, {0}, 0, 0, run_to_date_string},
    {TPL_TYPE_INSTANT, "timestamp", TPL_TYPE_NUMBER, {0}, 0, 0, run_timestamp},
    {TPL_TYPE_INSTANT, "in_timezone", TPL_TYPE_INSTANT, {"tz"}, 1, 1, run_in_timezone},
    {TPL_TYPE_INSTANT, "in_tz", TPL_TYPE_INSTANT, {"tz"}, 1, 1, run_in_timezone},
    {TPL_TYPE_INSTANT, "add", TPL_TYPE_INSTANT, SHIFT_PARAMETERS, 0, 0, run_add},
    {TPL_TYPE_INSTANT, "subtract", TPL_TYPE_INSTANT, SHIFT_PARAMETERS, 0, 0, run_subtract},
    {TPL_TYPE_MACROS, "ds_add", TPL_TYPE_STRING, {"ds", "days"}, 2, 2, run_ds_add},
    {TPL_TYPE_MACROS,
     "ds_format",
     TPL_TYPE_STRING,
     {"ds", "input_format", "output_format"},
     3,
     3,
     run_ds_format},
    {0},
};
