/* SPDX-License-Identifier: MIT */
#include "scheduler/load/loader.h"

#include <string.h>

void loader_error(Loader *loader, const YamlNode *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    load_error_add(loader->errors, at->line, at->column, NULL, "%s", message);
}

void loader_warning(Loader *loader, const YamlNode *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    load_error_add(loader->warnings, at->line, at->column, NULL, "%s", message);
}

void loader_error_near(Loader *loader, const YamlNode *at, const char *word, const char *const *candidates,
                       const char *format, ...)
{
    const char *near = NULL;
    int64_t cost = candidates == NULL ? 0 : (int64_t)g_strv_length((char **)candidates);
    if (cost > 0 && cost <= loader->suggestions_left) {
        loader->suggestions_left -= cost;
        near = suggest_nearest(word, candidates);
    }
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    load_error_add(loader->errors, at->line, at->column, near, "%s", message);
}

/* ---- templates --------------------------------------------------------------------------------------------
 */

typedef struct {
    Loader *loader;
    const YamlNode *scalar;
} TemplateSite;

static void report_template(const TemplateError *error, void *user)
{
    const TemplateSite *site = user;
    uint32_t line, column;
    yaml_tree_locate(site->loader->tree, site->scalar, error->line, error->column, &line, &column);
    load_error_add(site->loader->errors, line, column, NULL, "template: %s", error->message);
}

void loader_check_template(Loader *loader, const YamlNode *scalar)
{
    if (strchr(scalar->text, '{') == NULL)
        return;
    TemplateSite site = {.loader = loader, .scalar = scalar};
    g_auto(TemplateError) error = {0};
    g_autoptr(Template) template = template_parse(scalar->text, &error);
    if (template == NULL)
        report_template(&error, &site);
    else
        template_check(template, &loader->names, report_template, &site);
}

/* ---- tables of keys ---------------------------------------------------------------------------------------
 */

static bool in_table(const KeyTable *table, const KeySpec *spec)
{
    return (spec->flags & table->skip_flags) == 0;
}

static const KeyHint *find_hint(const KeyTable *table, const char *name)
{
    for (const KeyHint *hint = table->hints; hint != NULL && hint->name != NULL; hint++) {
        if (strcmp(hint->name, name) == 0)
            return hint;
    }
    return NULL;
}

static void report_unknown_key(Loader *loader, const KeyTable *table, const YamlNode *key, const char *name)
{
    g_autofree char *of =
        name == NULL ? g_strdup(table->what) : g_strdup_printf("%s \"%s\"", table->what, name);
    const KeyHint *hint = find_hint(table, key->text);
    const char *explained = table->explain == NULL ? NULL : table->explain(key->text);
    if (explained != NULL) {
        loader_error(loader, key, "unknown key \"%s\" in %s: %s", key->text, of, explained);
    } else if (hint != NULL && hint->message != NULL) {
        loader_error(loader, key, "unknown key \"%s\" in %s: %s", key->text, of, hint->message);
    } else if (hint != NULL) {
        load_error_add(loader->errors, key->line, key->column, hint->instead, "unknown key \"%s\" in %s",
                       key->text, of);
    } else {
        const char *known[KEY_TABLE_MAX + 1];
        size_t n = 0;
        for (uint32_t i = 0; i < table->n_keys; i++) {
            if (in_table(table, &table->keys[i]))
                known[n++] = table->keys[i].name;
        }
        known[n] = NULL;
        loader_error_near(loader, key, key->text, known, "unknown key \"%s\" in %s", key->text, of);
    }
}

void key_table_match(Loader *loader, const KeyTable *table, const YamlNode *mapping, const char *name,
                     KeyMatch *ret_match)
{
    g_assert(table->n_keys <= KEY_TABLE_MAX);
    memset(ret_match->pairs, 0, table->n_keys * sizeof ret_match->pairs[0]);
    for (uint32_t i = 0; i < mapping->n; i++) {
        const YamlPair *pair = &mapping->pairs[i];
        uint32_t k = 0;
        while (k < table->n_keys && strcmp(table->keys[k].name, pair->key->text) != 0)
            k++;
        if (k < table->n_keys && in_table(table, &table->keys[k]))
            ret_match->pairs[k] = pair;
        else if (!pair->key->reported)
            report_unknown_key(loader, table, pair->key, name);
    }
}

void key_table_read(Loader *loader, const KeyTable *table, const KeyMatch *match, void *target)
{
    for (uint32_t i = 0; i < table->n_keys; i++) {
        const YamlPair *pair = match->pairs[i];
        const KeySpec *spec = &table->keys[i];
        if (pair == NULL || pair->value->reported || spec->read == NULL)
            continue;
        if (!yaml_node_is_null(pair->value) || (spec->flags & KEY_NULL_VALUE))
            spec->read(loader, spec, pair->value, target);
        else if (!(spec->flags & KEY_NULL_OK))
            loader_error(loader, pair->key, "\"%s\" has no value", spec->name);
    }
}

const YamlPair *key_match_get(const KeyTable *table, const KeyMatch *match, const char *name)
{
    for (uint32_t i = 0; i < table->n_keys; i++) {
        if (strcmp(table->keys[i].name, name) == 0)
            return match->pairs[i];
    }
    return NULL;
}
