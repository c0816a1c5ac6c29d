/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool all_digits(const char *text, const char *digits)
{
    return *text != '\0' && text[strspn(text, digits)] == '\0';
}

/** [-+]? [0-9]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+ */
static bool resolve_int(const char *text, CoreValue *value)
{
    guint base = 10;
    const char *digits = text;
    if (g_str_has_prefix(text, "0o") && all_digits(text + 2, "01234567")) {
        base = 8;
        digits = text + 2;
    } else if (g_str_has_prefix(text, "0x") && all_digits(text + 2, "0123456789abcdefABCDEF")) {
        base = 16;
        digits = text + 2;
    } else if (!all_digits(text + (text[0] == '-' || text[0] == '+'), "0123456789")) {
        return false;
    }
    errno = 0;
    value->integer = g_ascii_strtoll(digits, NULL, base);
    value->type = errno == 0 ? CORE_INT : CORE_INT_TOO_BIG;
    return true;
}

/** [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool looks_like_float(const char *p)
{
    p += *p == '-' || *p == '+';
    size_t before = strspn(p, "0123456789"), after = 0;
    p += before;
    if (*p == '.') {
        after = strspn(++p, "0123456789");
        p += after;
    }
    if (before + after == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        size_t exponent = strspn(p, "0123456789");
        if (exponent == 0)
            return false;
        p += exponent;
    }
    return *p == '\0';
}

static bool resolve_float(const char *text, CoreValue *value)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    const char *unsigned_text = text + (text[0] == '-' || text[0] == '+');
    if (g_strv_contains(infinities, unsigned_text))
        value->real = text[0] == '-' ? -INFINITY : INFINITY;
    else if (g_strv_contains(nans, text))
        value->real = NAN;
    else if (looks_like_float(text))
        value->real = g_ascii_strtod(text, NULL);
    else
        return false;
    value->type = CORE_FLOAT;
    return true;
}

CoreValue yaml_scalar_resolve(const YamlNode *scalar)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    CoreValue value = {.type = CORE_STRING};
    bool plain = scalar->style == YAML_STYLE_PLAIN || scalar->tagged == YAML_TAGGED_CORE;
    if (!plain || scalar->tagged == YAML_TAGGED_STR)
        return value;
    if (yaml_node_is_null(scalar)) {
        value.type = CORE_NULL;
    } else if (g_strv_contains(yes, scalar->text) || g_strv_contains(no, scalar->text)) {
        value.type = CORE_BOOL;
        value.boolean = g_ascii_tolower(scalar->text[0]) == 't';
    } else if (!resolve_int(scalar->text, &value) && !resolve_float(scalar->text, &value)) {
        value.type = CORE_STRING;
    }
    return value;
}

static json_t *scalar_to_json(const YamlNode *scalar, LoadErrorList *errors)
{
    CoreValue value = yaml_scalar_resolve(scalar);
    switch (value.type) {
    case CORE_NULL:
        return json_null();
    case CORE_BOOL:
        return json_boolean(value.boolean);
    case CORE_INT:
        return json_integer(value.integer);
    case CORE_FLOAT:
        if (isfinite(value.real))
            return json_real(value.real);
        load_error_add(errors, scalar->line, scalar->column, NULL,
                       "the number %s has no form in JSON; write it as text, in quotes", scalar->text);
        return NULL;
    case CORE_STRING:
        return json_stringn_nocheck(scalar->text, scalar->n); /* the whole file is known to be UTF-8 */
    case CORE_INT_TOO_BIG:
        load_error_add(errors, scalar->line, scalar->column, NULL,
                       "the number %s is too big; write it as text, in quotes", scalar->text);
        return NULL;
    }
    g_assert_not_reached();
}

/** Recursion is bounded: no tree is higher than LOAD_MAX_DEPTH. */
json_t *yaml_node_to_json(const YamlNode *node, LoadErrorList *errors)
{
    if (node->reported)
        return NULL;
    if (node->kind == YAML_KIND_SCALAR)
        return scalar_to_json(node, errors);
    json_t *json = node->kind == YAML_KIND_MAPPING ? json_object() : json_array();
    bool ok = true;
    for (uint32_t i = 0; i < node->n; i++) {
        const YamlNode *child = node->kind == YAML_KIND_MAPPING ? node->pairs[i].value : node->items[i];
        json_t *value = yaml_node_to_json(child, errors);
        ok = ok && value != NULL;
        if (value == NULL)
            continue;
        if (node->kind == YAML_KIND_MAPPING)
            json_object_set_new_nocheck(json, node->pairs[i].key->text, value);
        else
            json_array_append_new(json, value);
    }
    if (!ok)
        g_clear_pointer(&json, json_decref);
    return json;
}
