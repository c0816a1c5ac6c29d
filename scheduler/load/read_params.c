/* SPDX-License-Identifier: MIT */
/** params: each is a default alone (`x: 5`), or a mapping with its specification. */
#include "scheduler/load/loader.h"
#include "scheduler/load/yaml_scalar.h"

#include <string.h>

/** What one param is read into. */
typedef struct {
    json_t *schema, *default_json;
    bool ok;
} Draft;

static void set_schema(Draft *draft, const KeySpec *spec, json_t *value)
{
    if (value == NULL)
        draft->ok = false;
    else
        json_object_set_new_nocheck(draft->schema, spec->name, value);
}

static void read_schema_text(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    const char *text = value_text(loader, spec, node);
    set_schema(target, spec, text == NULL ? NULL : json_stringn_nocheck(text, node->n));
}

static void read_schema_number(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    CoreValue value = {.type = CORE_STRING};
    if (node->kind == YAML_KIND_SCALAR)
        value = yaml_scalar_resolve(node);
    bool whole_only = spec->max != 0;
    if (value.type == CORE_INT &&
        (!whole_only || (value.integer >= spec->min && value.integer <= spec->max))) {
        set_schema(target, spec, json_integer(value.integer));
    } else if (value.type == CORE_FLOAT && !whole_only) {
        set_schema(target, spec, yaml_node_to_json(node, loader->errors));
    } else {
        value_error(loader, spec, node, whole_only ? "a whole number, 0 or more" : "a number");
        set_schema(target, spec, NULL);
    }
}

static void read_schema_json(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    set_schema(target, spec, yaml_node_to_json(node, loader->errors));
}

/** Names of types are text whatever they look like: `type: [string, null]`. */
static json_t *type_names(Loader *loader, const KeySpec *spec, const YamlNode *node)
{
    if (node->kind == YAML_KIND_SCALAR)
        return json_string_nocheck(node->text);
    if (node->kind != YAML_KIND_SEQUENCE) {
        value_error(loader, spec, node, "the name of a type, or a list of them");
        return NULL;
    }
    json_t *names = json_array();
    for (uint32_t i = 0; i < node->n; i++) {
        const YamlNode *item = node->items[i];
        if (item->kind == YAML_KIND_SCALAR && !item->reported) {
            json_array_append_new(names, json_string_nocheck(item->text));
        } else {
            value_error(loader, spec, item, "the name of a type, or a list of them");
            g_clear_pointer(&names, json_decref);
            return NULL;
        }
    }
    return names;
}

static void read_schema_type(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    set_schema(target, spec, type_names(loader, spec, node));
}

static void read_schema_items(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    const YamlNode *type = yaml_mapping_get(node, "type");
    if (node->kind != YAML_KIND_MAPPING || type == NULL || node->n != 1) {
        if (!node->reported)
            loader_error(loader, node, "\"items\" must be {type: ...}");
        set_schema(target, spec, NULL);
        return;
    }
    json_t *names = type_names(loader, spec, type);
    set_schema(target, spec, names == NULL ? NULL : json_pack("{s:o}", "type", names));
}

static const KeySpec param_keys[] = {
    {.name = "type", .read = read_schema_type},
    {.name = "default"}, /* null is a value here: read_default() */
    {.name = "title", .read = read_schema_text},
    {.name = "description", .read = read_schema_text},
    {.name = "format", .read = read_schema_text},
    {.name = "enum", .read = read_schema_json},
    {.name = "minimum", .read = read_schema_number},
    {.name = "maximum", .read = read_schema_number},
    {.name = "exclusiveMinimum", .read = read_schema_number},
    {.name = "exclusiveMaximum", .read = read_schema_number},
    {.name = "multipleOf", .read = read_schema_number},
    {.name = "minLength", .read = read_schema_number, .min = 0, .max = INT32_MAX},
    {.name = "maxLength", .read = read_schema_number, .min = 0, .max = INT32_MAX},
    {.name = "pattern", .read = read_schema_text},
    {.name = "items", .read = read_schema_items},
};
static const KeyHint param_hints[] = {
    {"values", "enum", NULL},
    {"choices", "enum", NULL},
    {"min", "minimum", NULL},
    {"max", "maximum", NULL},
    {"regex", "pattern", NULL},
    {"value", "default", NULL},
    {"help", "description", NULL},
    {"description_md", "description", NULL},
    {"examples", "enum", NULL},
    {"required", NULL, "a param without a default is required"},
    {"section", NULL, "sections of the trigger form are not supported"},
    {NULL, NULL, NULL},
};
static const KeyTable param_table = {
    .what = "param", .keys = param_keys, .n_keys = G_N_ELEMENTS(param_keys), .hints = param_hints};

/** Whether `default: 123` would fit if it stood in quotes. */
static bool fits_in_quotes(json_t *schema, const YamlNode *node)
{
    const json_t *type = json_object_get(schema, "type");
    bool is_text = g_strcmp0(json_string_value(type), "string") == 0;
    if (!is_text || node->kind != YAML_KIND_SCALAR || node->style != YAML_STYLE_PLAIN ||
        yaml_node_is_null(node))
        return false;
    ParamSet *scratch = param_set_new();
    json_t *text = json_stringn_nocheck(node->text, node->n);
    bool fits = param_set_add(scratch, "x", schema, text, NULL);
    json_decref(text);
    param_set_free(scratch);
    return fits;
}

/** Adds the param; if that fails, the schema or the default is to blame, and is pointed at. */
static void declare(Loader *loader, const YamlPair *pair, const Draft *draft, const YamlNode *default_node)
{
    g_autoptr(GError) error = NULL;
    if (param_set_add(loader->dag->params, pair->key->text, draft->schema, draft->default_json, &error))
        return;
    ParamSet *scratch = param_set_new();
    bool schema_ok =
        draft->default_json != NULL && param_set_add(scratch, pair->key->text, draft->schema, NULL, NULL);
    param_set_free(scratch);
    if (schema_ok && fits_in_quotes(draft->schema, default_node))
        loader_error(loader, default_node, "%s; put it in quotes", error->message);
    else if (schema_ok && json_is_null(draft->default_json))
        loader_error(loader, default_node, "%s; leave \"default\" out if it must be given for each run",
                     error->message);
    else
        loader_error(loader, schema_ok ? default_node : pair->value, "%s", error->message);
}

static void read_param(Loader *loader, const YamlPair *pair)
{
    Draft draft = {.schema = json_object(), .ok = true};
    const YamlNode *default_node = pair->value;
    if (pair->value->kind == YAML_KIND_MAPPING) {
        KeyMatch match;
        guint n_before = loader->errors->items->len;
        key_table_match(loader, &param_table, pair->value, pair->key->text, &match);
        key_table_read(loader, &param_table, &match, &draft);
        const YamlPair *given = key_match_get(&param_table, &match, "default");
        default_node = given == NULL ? NULL : given->value;
        draft.ok = draft.ok && loader->errors->items->len == n_before;
    }
    if (default_node != NULL) {
        draft.default_json = yaml_node_to_json(default_node, loader->errors);
        draft.ok = draft.ok && draft.default_json != NULL;
    }
    if (draft.ok)
        declare(loader, pair, &draft, default_node);
    json_decref(draft.schema);
    json_decref(draft.default_json);
}

void read_params(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    (void)target;
    loader->names.params = NULL; /* not known: not checked */
    if (node->kind != YAML_KIND_MAPPING) {
        value_error(loader, spec, node, "a mapping of names to defaults or specifications");
        return;
    }
    if (node->n > LOAD_MAX_PARAMS) {
        loader_error(loader, node, "%u params are too many; a DAG may have %d", node->n, LOAD_MAX_PARAMS);
        return;
    }
    for (uint32_t i = 0; i < node->n; i++) {
        const YamlPair *pair = &node->pairs[i];
        if (pair->key->n == 0 || pair->key->n > 200)
            loader_error(loader, pair->key, "the name of a param has 1 to 200 bytes");
        else if (!pair->value->reported)
            read_param(loader, pair);
        g_ptr_array_insert(loader->param_names, (gint)i, (gpointer)pair->key->text);
    }
    loader->names.params = (const char *const *)loader->param_names->pdata; /* broken ones, too */
}
