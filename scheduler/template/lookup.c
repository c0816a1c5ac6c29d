/* SPDX-License-Identifier: MIT */
#include "scheduler/template/lookup.h"

#include "scheduler/template/functions.h"
#include "scheduler/template/text.h"

/** Parses `text` of `what`. The parser's message could show a part of a secret, so it is not passed on. */
static bool parse_json(const char *text, const char *what, TplValue *ret_value, GError **error)
{
    json_t *data = json_loads(text, JSON_DECODE_ANY, NULL);
    if (data == NULL)
        return tpl_call_fail(error, "%s is not valid JSON", what);
    *ret_value = tpl_value_data(data);
    return true;
}

bool tpl_lookup_variable(const TemplateContext *context, const char *key, bool as_json, TplValue *ret_value,
                         GError **error)
{
    GError *failure = NULL;
    char *text = context->variable_get != NULL ? context->variable_get(context->user, key, &failure) : NULL;
    if (failure != NULL) {
        g_propagate_error(error, failure);
        g_free(text);
        return false;
    }
    if (text == NULL) {
        *ret_value = tpl_value_undefined(NULL);
        return true;
    }
    if (!as_json) {
        *ret_value = tpl_value_text(text);
        return true;
    }
    g_autofree char *owned = text;
    return parse_json(owned, "the variable", ret_value, error);
}

bool tpl_lookup_connection(const TemplateContext *context, const char *conn_id, TplValue *ret_value,
                           GError **error)
{
    GError *failure = NULL;
    json_t *record =
        context->connection_get != NULL ? context->connection_get(context->user, conn_id, &failure) : NULL;
    if (failure != NULL) {
        g_propagate_error(error, failure);
        json_decref(record);
        return false;
    }
    if (!json_is_object(record)) {
        json_decref(record);
        *ret_value = tpl_value_undefined(NULL);
        return true;
    }
    if (json_object_get(record, "conn_id") == NULL) { /* a copy: the record may be the caller's own */
        json_t *named = json_copy(record);
        json_decref(record);
        json_object_set_new(named, "conn_id", json_string(conn_id));
        record = named;
    }
    *ret_value = (TplValue){.type = TPL_TYPE_CONNECTION, .data = record};
    return true;
}

bool tpl_lookup_extra(const TplValue *connection, bool as_json, TplValue *ret_value, GError **error)
{
    json_t *extra = json_object_get(connection->data, "extra");
    const char *text = json_string_value(extra);
    if (as_json && (extra == NULL || json_is_null(extra) || (text != NULL && *text == '\0'))) {
        *ret_value = tpl_value_data(json_object());
        return true;
    }
    if (as_json && text != NULL)
        return parse_json(text, "the extra of the connection", ret_value, error);
    if (as_json || !json_is_object(extra)) {
        *ret_value = tpl_value_data(json_incref(extra));
        return true;
    }
    g_auto(TplValue) object = tpl_value_data(json_incref(extra));
    GString *json = g_string_new(NULL);
    if (tpl_value_append_json(&object, json))
        return tpl_text_finish(json, ret_value, error);
    g_string_free(json, TRUE);
    return tpl_call_fail(error, "the extra of the connection is too long or nests too deep");
}

/** var.value.get, var.json.get and conn.get give their default, else None, for what is not there. */
static void use_default(const TplCall *call, TplValue *value)
{
    if (value->type != TPL_TYPE_UNDEFINED)
        return;
    tpl_value_clear(value);
    *value = call->given[1] ? tpl_value_copy(&call->arguments[1]) : tpl_value_data(json_null());
}

static bool run_variable_get(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *key;
    if (!tpl_call_string(call, 0, "key", &key, error) ||
        !tpl_lookup_variable(call->context, key, call->self->type == TPL_TYPE_VAR_JSON, ret_value, error))
        return false;
    if (ret_value->type == TPL_TYPE_UNDEFINED && !call->given[1])
        return true; /* as in Airflow, a missing variable is an error unless a default is given */
    use_default(call, ret_value);
    return true;
}

static bool run_connection_get(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *conn_id;
    if (!tpl_call_string(call, 0, "conn_id", &conn_id, error) ||
        !tpl_lookup_connection(call->context, conn_id, ret_value, error))
        return false;
    use_default(call, ret_value);
    return true;
}

static bool pull_one(TplCall *call, const char *task_id, const char *key, json_t **ret_data, GError **error)
{
    enum { DEFAULT = 2 };
    GError *failure = NULL;
    const TemplateContext *context = call->context;
    *ret_data = NULL;
    if (context->xcom_pull != NULL && task_id != NULL)
        *ret_data = context->xcom_pull(context->user, task_id, key, &failure);
    if (failure != NULL) {
        g_propagate_error(error, failure);
        g_clear_pointer(ret_data, json_decref);
        return false;
    }
    if ((*ret_data == NULL || json_is_null(*ret_data)) && call->given[DEFAULT]) {
        json_decref(*ret_data);
        *ret_data = json_incref(call->arguments[DEFAULT].data);
    }
    if (*ret_data == NULL)
        *ret_data = json_null();
    return true;
}

static bool pull_list(TplCall *call, const char *key, TplValue *ret_value, GError **error)
{
    g_auto(TplValue) pulled = tpl_value_data(json_array());
    for (size_t i = 0; i < json_array_size(call->arguments[0].data); i++) {
        const char *task_id = json_string_value(json_array_get(call->arguments[0].data, i));
        json_t *data;
        if (task_id == NULL)
            return tpl_call_fail(error, "task_ids must be a task's id or a list of them");
        if (!pull_one(call, task_id, key, &data, error))
            return false;
        json_array_append_new(pulled.data, data);
    }
    *ret_value = tpl_value_copy(&pulled);
    return true;
}

/** One value for one task id (none: the own task), a list for a list; None where nothing was pushed. */
static bool run_xcom_pull(TplCall *call, TplValue *ret_value, GError **error)
{
    const char *key = "return_value", *task_id = call->context->task_id;
    TplType type = call->given[0] ? call->arguments[0].type : TPL_TYPE_NONE;
    if (call->given[1] && !tpl_call_string(call, 1, "key", &key, error))
        return false;
    if (call->given[2] && call->arguments[2].data == NULL)
        return tpl_call_fail(error, "default must not be a date; format it, as with ts");
    if (type == TPL_TYPE_LIST)
        return pull_list(call, key, ret_value, error);
    if (type != TPL_TYPE_NONE && type != TPL_TYPE_STRING)
        return tpl_call_fail(error, "task_ids must be a task's id or a list of them");
    if (type == TPL_TYPE_STRING)
        task_id = tpl_value_string(&call->arguments[0]);
    json_t *data;
    if (!pull_one(call, task_id, key, &data, error))
        return false;
    *ret_value = tpl_value_data(data);
    return true;
}

const TplFunction TPL_METHODS_LOOKUP[] = {
    {TPL_TYPE_TI, "xcom_pull", TPL_TYPE_ANY, {"task_ids", "key", "default"}, 0, 1, run_xcom_pull},
    {TPL_TYPE_VAR_VALUE, "get", TPL_TYPE_ANY, {"key", "default"}, 1, 2, run_variable_get},
    {TPL_TYPE_VAR_JSON, "get", TPL_TYPE_ANY, {"key", "default"}, 1, 2, run_variable_get},
    {TPL_TYPE_CONN, "get", TPL_TYPE_CONNECTION, {"conn_id", "default_conn"}, 1, 2, run_connection_get},
    {0},
};
