/* SPDX-License-Identifier: MIT */
/**
 * Values whose key decides what they are. A plain `no` is text for `description` and false for `catchup`; a
 * quoted one is always text.
 */
#include "scheduler/load/loader.h"
#include "scheduler/load/yaml_scalar.h"
#include "scheduler/time/duration.h"
#include "scheduler/time/instant.h"

#include <inttypes.h>
#include <string.h>

#define FIELD(target, spec, type) ((type *)(void *)((char *)(target) + (spec)->offset))

void value_error(Loader *loader, const KeySpec *spec, const YamlNode *node, const char *expected)
{
    if (node->reported)
        return;
    if (node->kind != YAML_KIND_SCALAR)
        loader_error(loader, node, "\"%s\" must be %s, not %s", spec->name, expected,
                     yaml_node_describe(node));
    else
        loader_error(loader, node, "\"%s\" must be %s, not \"%s\"%s", spec->name, expected, node->text,
                     node->style == YAML_STYLE_QUOTED ? " in quotes" : "");
}

const char *value_text(Loader *loader, const KeySpec *spec, const YamlNode *node)
{
    if (node->reported)
        return NULL;
    if (node->kind != YAML_KIND_SCALAR) {
        value_error(loader, spec, node, "text");
        return NULL;
    }
    return node->text;
}

void read_text(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    const char *text = value_text(loader, spec, node);
    if (text == NULL)
        return;
    if ((spec->flags & KEY_NOT_EMPTY) && text[0] == '\0') {
        loader_error(loader, node, "\"%s\" must not be empty", spec->name);
        return;
    }
    if (spec->flags & KEY_TEMPLATE)
        loader_check_template(loader, node);
    *FIELD(target, spec, const char *) = dag_intern(loader->dag, text);
}

bool value_bool(const YamlNode *node, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on", NULL}, *const no[] = {"false", "no", "off", NULL};
    if (node->kind != YAML_KIND_SCALAR || node->style != YAML_STYLE_PLAIN || node->n > 5)
        return false;
    g_autofree char *lower = g_ascii_strdown(node->text, -1);
    *ret = g_strv_contains(yes, lower);
    return *ret || g_strv_contains(no, lower);
}

void read_bool(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    bool value;
    if (value_bool(node, &value))
        *FIELD(target, spec, bool) = value;
    else
        value_error(loader, spec, node, "true or false");
}

bool value_int(Loader *loader, const KeySpec *spec, const YamlNode *node, int64_t min, int64_t max,
               int64_t *ret)
{
    CoreValue value = {.type = CORE_STRING};
    if (node->kind == YAML_KIND_SCALAR && !node->reported)
        value = yaml_scalar_resolve(node);
    bool too_big = value.type == CORE_INT_TOO_BIG;
    if (value.type == CORE_INT && value.integer >= min && value.integer <= max) {
        *ret = value.integer;
        return true;
    }
    if (value.type != CORE_INT && !too_big)
        value_error(loader, spec, node, "a whole number");
    else if (!too_big && value.integer < min)
        loader_error(loader, node, "\"%s\" must be at least %" PRId64 ", not %s", spec->name, min,
                     node->text);
    else
        loader_error(loader, node, "\"%s\" must be at most %" PRId64 ", not %s", spec->name, max, node->text);
    return false;
}

void read_int32(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    int64_t value;
    if (value_int(loader, spec, node, spec->min, spec->max, &value))
        *FIELD(target, spec, int32_t) = (int32_t)value;
}

void read_duration(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    g_autoptr(GError) error = NULL;
    int64_t duration_us;
    if (node->kind != YAML_KIND_SCALAR)
        value_error(loader, spec, node, "a duration such as 90, 30s, 5m, 2h or 1d");
    else if (!duration_parse(node->text, &duration_us, &error))
        loader_error(loader, node, "\"%s\": %s", spec->name, error->message);
    else if ((spec->flags & KEY_POSITIVE) && duration_us <= 0)
        loader_error(loader, node, "\"%s\" must be more than 0%s", spec->name,
                     (spec->flags & KEY_NULL_OK) ? "; leave it out for no limit" : "");
    else
        *FIELD(target, spec, int64_t) = duration_us;
}

void read_date(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    g_autoptr(GError) error = NULL;
    int64_t instant_us;
    if (node->kind != YAML_KIND_SCALAR)
        value_error(loader, spec, node, "a date such as 2026-01-31 or 2026-01-31T08:30:00Z");
    else if (!instant_parse(node->text, loader->zone, &instant_us, &error))
        loader_error(loader, node, "\"%s\": %s", spec->name, error->message);
    else
        *FIELD(target, spec, int64_t) = instant_us;
}

static bool env_name_is_valid(const char *name)
{
    if (!g_ascii_isalpha(name[0]) && name[0] != '_')
        return false;
    while (g_ascii_isalnum(*name) || *name == '_')
        name++;
    return *name == '\0';
}

bool value_env(Loader *loader, const KeySpec *spec, const YamlNode *node, const EnvVar **ret_env,
               uint32_t *ret_n)
{
    if (node->kind != YAML_KIND_MAPPING) {
        value_error(loader, spec, node, "a mapping of names to texts");
        return false;
    }
    EnvVar *env = dag_alloc(loader->dag, node->n * sizeof *env);
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->n; i++) {
        const YamlNode *name = node->pairs[i].key, *value = node->pairs[i].value;
        if (!env_name_is_valid(name->text)) {
            loader_error(loader, name, "\"%s\" cannot be the name of an environment variable", name->text);
            continue;
        }
        if (value->reported)
            continue;
        if (value->kind != YAML_KIND_SCALAR) {
            loader_error(loader, value, "the environment variable %s must be text, not %s", name->text,
                         yaml_node_describe(value));
            continue;
        }
        loader_check_template(loader, value);
        env[n++] = (EnvVar){.name = dag_intern(loader->dag, name->text),
                            .value = dag_intern(loader->dag, value->text)};
    }
    *ret_env = env;
    *ret_n = n;
    return true;
}
