/* SPDX-License-Identifier: MIT */
#include "scheduler/template/functions.h"
#include "scheduler/template/instant.h"
#include "scheduler/template/lookup.h"
#include "scheduler/template/names.h"

#define AT_OFFSET(type, context, offset) (*(const type *)((const char *)(context) + (offset)))

static TplValue text_or_none(const char *text)
{
    return tpl_value_text(g_strdup(text));
}

static bool read_instant(int64_t time_us, TplValue *ret_value, GError **error)
{
    if (time_us == TIME_NONE) {
        *ret_value = tpl_value_data(json_null());
        return true;
    }
    GDateTime *instant = tpl_instant_new(time_us);
    if (instant == NULL)
        return tpl_call_fail(error, "the date is outside of the years 1 to 9999");
    *ret_value = tpl_value_instant(instant);
    return true;
}

/** What exists only in runs that have a logical date. */
static bool read_of_logical_date(const TplAttribute *attribute, const TemplateContext *context,
                                 TplValue *ret_value, GError **error)
{
    if (context->logical_date_us == TIME_NONE) {
        *ret_value = tpl_value_undefined(
            g_strdup_printf("this run has no logical date, so there is no '%s'; dag_run.run_after and run_id "
                            "always exist",
                            attribute->name));
        return true;
    }
    g_auto(TplValue) date = {0};
    if (!read_instant(context->logical_date_us, &date, error))
        return false;
    if (attribute->source == TPL_SOURCE_LOGICAL_DATE) {
        *ret_value = tpl_value_copy(&date);
    } else if (attribute->source == TPL_SOURCE_STAMP) {
        *ret_value = tpl_value_text(tpl_instant_stamp(date.instant, attribute->name));
    } else {
        g_autofree char *day = tpl_instant_stamp(date.instant, "ds_nodash");
        *ret_value = tpl_value_text(g_strdup_printf("%s__%s__%s", context->dag_id, context->task_id, day));
    }
    return true;
}

static TplValue read_clock(GDateTime *instant, const char *name)
{
    const struct {
        const char *name;
        gint64 value;
    } parts[] = {
        {"year", g_date_time_get_year(instant)},
        {"month", g_date_time_get_month(instant)},
        {"day", g_date_time_get_day_of_month(instant)},
        {"hour", g_date_time_get_hour(instant)},
        {"minute", g_date_time_get_minute(instant)},
        {"second", g_date_time_get_second(instant)},
        {"microsecond", g_date_time_get_microsecond(instant)},
        {"int_timestamp", g_date_time_to_unix(instant)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (g_str_equal(parts[i].name, name))
            return tpl_value_data(json_integer(parts[i].value));
    }
    g_return_val_if_reached(tpl_value_data(json_null()));
}

static TplValue read_json(json_t *object)
{
    return tpl_value_data(object != NULL ? json_incref(object) : json_object());
}

bool tpl_attribute_read(const TplAttribute *attribute, const TplValue *owner, const TemplateContext *context,
                        TplValue *ret_value, GError **error)
{
    size_t offset = attribute->offset;
    switch (attribute->source) {
    case TPL_SOURCE_OBJECT:
        *ret_value = tpl_value_object(attribute->type);
        return true;
    case TPL_SOURCE_STRING:
        *ret_value = text_or_none(AT_OFFSET(char *, context, offset));
        return true;
    case TPL_SOURCE_INTEGER:
        *ret_value = tpl_value_data(json_integer(AT_OFFSET(int64_t, context, offset)));
        return true;
    case TPL_SOURCE_INSTANT:
        return read_instant(AT_OFFSET(int64_t, context, offset), ret_value, error);
    case TPL_SOURCE_JSON:
        *ret_value = read_json(*(json_t *const *)((const char *)context + offset));
        return true;
    case TPL_SOURCE_MINUS_ONE:
        *ret_value = tpl_value_data(json_integer(-1));
        return true;
    case TPL_SOURCE_LOGICAL_DATE:
    case TPL_SOURCE_STAMP:
    case TPL_SOURCE_INSTANCE_KEY:
        return read_of_logical_date(attribute, context, ret_value, error);
    case TPL_SOURCE_RECORD:
        *ret_value = tpl_value_data(json_incref(json_object_get(owner->data, attribute->name)));
        return true;
    case TPL_SOURCE_EXTRA:
    case TPL_SOURCE_EXTRA_JSON:
        return tpl_lookup_extra(owner, attribute->source == TPL_SOURCE_EXTRA_JSON, ret_value, error);
    case TPL_SOURCE_CLOCK:
        *ret_value = read_clock(owner->instant, attribute->name);
        return true;
    }
    g_return_val_if_reached(false);
}
