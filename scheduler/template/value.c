/* SPDX-License-Identifier: MIT */
#include "scheduler/template/value.h"

#include "scheduler/template/instant.h"

const char *tpl_type_label(TplType type)
{
    static const char *const labels[] = {
        [TPL_TYPE_UNDEFINED] = "undefined",
        [TPL_TYPE_ANY] = "a value",
        [TPL_TYPE_NONE] = "None",
        [TPL_TYPE_BOOL] = "a boolean",
        [TPL_TYPE_NUMBER] = "a number",
        [TPL_TYPE_STRING] = "a string",
        [TPL_TYPE_LIST] = "a list",
        [TPL_TYPE_OBJECT] = "an object",
        [TPL_TYPE_INSTANT] = "a date and time",
        [TPL_TYPE_ROOT] = "a template",
        [TPL_TYPE_PARAMS] = "params",
        [TPL_TYPE_DAG_RUN] = "dag_run",
        [TPL_TYPE_DAG] = "dag",
        [TPL_TYPE_TASK] = "task",
        [TPL_TYPE_TI] = "ti",
        [TPL_TYPE_VAR] = "var",
        [TPL_TYPE_VAR_VALUE] = "var.value",
        [TPL_TYPE_VAR_JSON] = "var.json",
        [TPL_TYPE_CONN] = "conn",
        [TPL_TYPE_CONNECTION] = "a connection",
        [TPL_TYPE_MACROS] = "macros",
    };
    return labels[type];
}

bool tpl_type_is_data(TplType type)
{
    return type < TPL_TYPE_ROOT || type == TPL_TYPE_PARAMS;
}

void tpl_value_clear(TplValue *value)
{
    g_clear_pointer(&value->data, json_decref);
    g_clear_pointer(&value->instant, g_date_time_unref);
    g_clear_pointer(&value->missing, g_free);
    value->type = TPL_TYPE_UNDEFINED;
}

TplValue tpl_value_copy(const TplValue *value)
{
    return (TplValue){.type = value->type,
                      .data = json_incref(value->data),
                      .instant = value->instant != NULL ? g_date_time_ref(value->instant) : NULL,
                      .missing = g_strdup(value->missing)};
}

static TplType type_of(const json_t *data)
{
    switch (json_typeof(data)) {
    case JSON_OBJECT:
        return TPL_TYPE_OBJECT;
    case JSON_ARRAY:
        return TPL_TYPE_LIST;
    case JSON_STRING:
        return TPL_TYPE_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return TPL_TYPE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return TPL_TYPE_BOOL;
    case JSON_NULL:
        break;
    }
    return TPL_TYPE_NONE;
}

TplValue tpl_value_data(json_t *data)
{
    return (TplValue){.type = data != NULL ? type_of(data) : TPL_TYPE_NONE,
                      .data = data != NULL ? data : json_null()};
}

TplValue tpl_value_text(char *text)
{
    json_t *data = text != NULL ? json_string(text) : NULL;
    if (text != NULL && data == NULL) { /* not UTF-8: from outside, since templates are checked */
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        data = json_string(valid);
    }
    g_free(text);
    return tpl_value_data(data);
}

TplValue tpl_value_instant(GDateTime *instant)
{
    return (TplValue){.type = TPL_TYPE_INSTANT, .instant = instant};
}

TplValue tpl_value_object(TplType type)
{
    return (TplValue){.type = type};
}

TplValue tpl_value_undefined(char *missing)
{
    return (TplValue){.type = TPL_TYPE_UNDEFINED, .missing = missing};
}

const char *tpl_value_string(const TplValue *value)
{
    return value->type == TPL_TYPE_STRING ? json_string_value(value->data) : NULL;
}

bool tpl_value_is_true(const TplValue *value)
{
    switch (value->type) {
    case TPL_TYPE_UNDEFINED:
    case TPL_TYPE_NONE:
        return false;
    case TPL_TYPE_BOOL:
        return json_is_true(value->data);
    case TPL_TYPE_NUMBER:
        return json_number_value(value->data) != 0;
    case TPL_TYPE_STRING:
        return json_string_length(value->data) > 0;
    case TPL_TYPE_LIST:
        return json_array_size(value->data) > 0;
    case TPL_TYPE_OBJECT:
        return json_object_size(value->data) > 0;
    default:
        return true;
    }
}

bool tpl_value_append(const TplValue *value, GString *text)
{
    switch (value->type) {
    case TPL_TYPE_NONE:
        g_string_append(text, "None");
        break;
    case TPL_TYPE_BOOL:
        g_string_append(text, json_is_true(value->data) ? "True" : "False");
        break;
    case TPL_TYPE_STRING:
        if (json_string_length(value->data) > TEMPLATE_OUTPUT_MAX)
            return false;
        g_string_append(text, json_string_value(value->data));
        break;
    case TPL_TYPE_INSTANT: {
        g_autofree char *printed = tpl_instant_iso(value->instant, ' ');
        g_string_append(text, printed);
        break;
    }
    default:
        return tpl_value_append_json(value, text);
    }
    return text->len <= TEMPLATE_OUTPUT_MAX;
}
