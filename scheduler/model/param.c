/* SPDX-License-Identifier: MIT */
#include "scheduler/model/param.h"

#include "scheduler/model/param_schema.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/** Characters of a value in a message. */
#define SHOWN_MAX 60

/** What the set keeps; a Param handed out is the first member of one. */
typedef struct {
    Param param;
    GRegex *pattern; /**< compiled from the schema, or NULL */
} Entry;

struct ParamSet {
    GPtrArray *entries; /**< Entry*, in order of declaration */
    GHashTable *by_name;
    GPtrArray *names; /**< char*, NULL-terminated */
};

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->param.name);
    json_decref(entry->param.schema);
    json_decref(entry->param.default_json);
    g_clear_pointer(&entry->pattern, g_regex_unref);
    g_free(entry);
}

ParamSet *param_set_new(void)
{
    ParamSet *set = g_new0(ParamSet, 1);
    set->entries = g_ptr_array_new_with_free_func(entry_free);
    set->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    set->names = g_ptr_array_new();
    g_ptr_array_add(set->names, NULL);
    return set;
}

void param_set_free(ParamSet *set)
{
    if (set == NULL)
        return;
    g_hash_table_unref(set->by_name);
    g_ptr_array_unref(set->entries);
    g_ptr_array_unref(set->names);
    g_free(set);
}

bool param_set_add(ParamSet *set, const char *name, json_t *schema, json_t *default_json, GError **error)
{
    if (name[0] == '\0') {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the name of a param is empty");
        return false;
    }
    if (g_hash_table_contains(set->by_name, name)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "param \"%s\" is declared twice", name);
        return false;
    }
    g_autoptr(GRegex) pattern = NULL;
    if (!param_schema_check(schema, &pattern, error)) {
        g_prefix_error(error, "param \"%s\": ", name);
        return false;
    }
    if (default_json != NULL && !param_schema_accepts(schema, pattern, default_json, error)) {
        g_prefix_error(error, "param \"%s\": the default ", name);
        return false;
    }
    Entry *entry = g_new0(Entry, 1);
    entry->param.name = g_strdup(name);
    entry->param.schema = json_incref(schema);
    entry->param.default_json = default_json == NULL ? NULL : json_incref(default_json);
    entry->param.is_path = g_strcmp0(json_string_value(json_object_get(schema, "format")), "path") == 0;
    entry->pattern = g_steal_pointer(&pattern);
    g_ptr_array_add(set->entries, entry);
    g_hash_table_insert(set->by_name, entry->param.name, entry);
    g_ptr_array_insert(set->names, (gint)set->names->len - 1, entry->param.name);
    return true;
}

guint param_set_size(const ParamSet *set)
{
    return set->entries->len;
}

const Param *param_set_get(const ParamSet *set, guint index)
{
    return &((const Entry *)g_ptr_array_index(set->entries, index))->param;
}

const Param *param_set_find(const ParamSet *set, const char *name)
{
    return g_hash_table_lookup(set->by_name, name); /* an Entry begins with its Param */
}

const Param *param_set_need(const ParamSet *set, const char *name, GError **error)
{
    const Param *param = param_set_find(set, name);
    if (param != NULL)
        return param;
    const char *near = suggest_nearest(name, param_set_names(set));
    g_autofree char *all = g_strjoinv(", ", (char **)param_set_names(set));
    if (near != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "the DAG has no param \"%s\"; did you mean \"%s\"?", name, near);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the DAG has no param \"%s\"; it declares %s",
                    name, param_set_size(set) > 0 ? all : "none");
    return NULL;
}

const char *const *param_set_names(const ParamSet *set)
{
    return (const char *const *)set->names->pdata;
}

/** The value as JSON, or its beginning. */
static char *value_shown(const json_t *value)
{
    g_autofree char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) /* not UTF-8 */
        return g_strdup("such a value");
    if (g_utf8_strlen(text, -1) <= SHOWN_MAX)
        return g_steal_pointer(&text);
    g_autofree char *begin = g_utf8_substring(text, 0, SHOWN_MAX);
    return g_strconcat(begin, "...", NULL);
}

bool param_validate(const Param *param, const json_t *value, GError **error)
{
    const Entry *entry = (const Entry *)param;
    g_autoptr(GError) rule = NULL;
    if (param_schema_accepts(param->schema, entry->pattern, value, &rule))
        return true;
    g_autofree char *shown = value_shown(value);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "param \"%s\" is %s: %s%s", param->name, shown,
                g_str_has_prefix(rule->message, "must ") ? "it " : "", rule->message);
    return false;
}

/* ---- text of a command line -------------------------------------------------------------------------------
 */

static json_t *parse_number(const char *text, bool whole)
{
    char *end;
    errno = 0;
    if (text[0] == '\0' || g_ascii_isspace(text[0]))
        return NULL;
    gint64 integer = g_ascii_strtoll(text, &end, 10);
    if (*end == '\0' && errno == 0)
        return json_integer(integer);
    if (whole || strpbrk(text, "xX") != NULL)
        return NULL;
    errno = 0;
    double real = g_ascii_strtod(text, &end);
    return *end == '\0' && errno == 0 && isfinite(real) ? json_real(real) : NULL;
}

static json_t *parse_json(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

/** The value of `text` as one of `types`, or NULL when only a string would do. */
static json_t *parse_as(ParamTypes types, const char *text)
{
    json_t *value = NULL;
    if ((types & PARAM_TYPE_NULL) && strcmp(text, "null") == 0)
        return json_null();
    if ((types & PARAM_TYPE_BOOLEAN) &&
        (g_ascii_strcasecmp(text, "true") == 0 || g_ascii_strcasecmp(text, "false") == 0))
        return json_boolean(g_ascii_tolower(text[0]) == 't');
    if (types & PARAM_TYPE_NUMBER)
        value = parse_number(text, false);
    else if (types & PARAM_TYPE_INTEGER)
        value = parse_number(text, true);
    if (value != NULL || !(types & (PARAM_TYPE_ARRAY | PARAM_TYPE_OBJECT)))
        return value;
    value = parse_json(text);
    if ((json_is_array(value) && (types & PARAM_TYPE_ARRAY)) ||
        (json_is_object(value) && (types & PARAM_TYPE_OBJECT)))
        return value;
    json_decref(value);
    return NULL;
}

json_t *param_parse_text(const Param *param, const char *text, GError **error)
{
    ParamTypes types = param_schema_types(param->schema);
    json_t *value = NULL;
    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "param \"%s\": the value is not UTF-8",
                    param->name);
        return NULL;
    }
    if (types == PARAM_TYPE_ANY && (param->default_json == NULL || json_is_string(param->default_json)))
        types = PARAM_TYPE_STRING; /* untyped: what it is by default tells what it is */
    value = parse_as(types, text);
    if (value == NULL)
        value = json_string(text);
    if (!param_validate(param, value, error)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

/* ---- the params of one run --------------------------------------------------------------------------------
 */

static bool check_declared(const ParamSet *set, const json_t *conf, GError **error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)conf, name, value)
    {
        if (param_set_need(set, name, error) == NULL)
            return false;
    }
    return true;
}

/** New reference: the value, with a relative path made absolute against `base`. */
static json_t *absolute_value(const Param *param, json_t *value, const char *base)
{
    if (!param->is_path || !json_is_string(value) || base == NULL)
        return json_incref(value);
    g_autofree char *path = g_canonicalize_filename(json_string_value(value), base);
    return json_string(path);
}

json_t *param_set_resolve(const ParamSet *set, const json_t *conf, const char *folder, const char *caller_cwd,
                          GError **error)
{
    if (conf != NULL && !json_is_null(conf) && !json_is_object(conf)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "conf must be a JSON object");
        return NULL;
    }
    if (!check_declared(set, conf, error))
        return NULL;
    json_t *resolved = json_object();
    for (guint i = 0; i < set->entries->len; i++) {
        const Param *param = param_set_get(set, i);
        json_t *given = json_object_get(conf, param->name);
        json_t *value = given != NULL ? given : param->default_json;
        if (value == NULL) {
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                        "param \"%s\" has no default and must be given", param->name);
            json_decref(resolved);
            return NULL;
        }
        if (given != NULL && !param_validate(param, value, error)) {
            json_decref(resolved);
            return NULL;
        }
        const char *base = given != NULL && caller_cwd != NULL ? caller_cwd : folder;
        json_object_set_new(resolved, param->name, absolute_value(param, value, base));
    }
    return resolved;
}

json_t *param_set_move(const ParamSet *set, const json_t *conf, const json_t *params, const char *folder,
                       GError **error)
{
    json_t *given = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)conf, name, value)
    {
        json_t *was = json_object_get(params, name);
        if (param_set_find(set, name) != NULL)
            json_object_set(given, name, was != NULL ? was : value);
    }
    json_t *moved = param_set_resolve(set, given, folder, NULL, error);
    json_decref(given);
    return moved;
}
