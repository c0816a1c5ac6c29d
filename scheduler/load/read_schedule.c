/* SPDX-License-Identifier: MIT */
/** schedule, timezone and the checks that need several keys. */
#include "scheduler/load/loader.h"
#include "scheduler/time/cron.h"
#include "scheduler/time/duration.h"

#include <string.h>

void read_timezone(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    Dag *dag = target;
    const char *name = value_text(loader, spec, node);
    if (name == NULL)
        return;
    g_autoptr(GError) error = NULL;
    Zone *zone = zone_open(name, &error);
    if (zone == NULL) {
        loader_error(loader, node, "%s", error->message);
        return;
    }
    zone_unref(loader->zone);
    loader->zone = zone;
    g_free(dag->schedule.timezone);
    dag->schedule.timezone = g_strdup(name);
}

/** The column (1-based) that a cron error names, or 0: `cron expression '...', column 3: ...`. */
static uint32_t cron_error_column(const char *message)
{
    static const char marker[] = "', column ";
    const char *found = NULL;
    for (const char *p = message; (p = strstr(p, marker)) != NULL; p++)
        found = p;
    return found == NULL ? 0 : (uint32_t)g_ascii_strtoull(found + strlen(marker), NULL, 10);
}

static bool check_cron(Loader *loader, const YamlNode *node)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Cron) cron = cron_new(node->text, &error);
    if (cron != NULL)
        return true;
    uint32_t line, column;
    yaml_tree_locate(loader->tree, node, 1, cron_error_column(error->message), &line, &column);
    load_error_add(loader->errors, line, column, NULL, "%s", error->message);
    return false;
}

static void read_schedule_text(Loader *loader, const YamlNode *node, ScheduleSpec *schedule)
{
    static const char *const presets[] = {"@once",     "@continuous", "@hourly",  "@daily",
                                          "@midnight", "@weekly",     "@monthly", "@quarterly",
                                          "@yearly",   "@annually",   NULL};
    bool special = node->text[0] == '\0' || strcmp(node->text, "None") == 0 ||
                   strcmp(node->text, "@once") == 0 || strcmp(node->text, "@continuous") == 0;
    if (node->text[0] == '@' && !g_strv_contains(presets, node->text)) {
        loader_error_near(loader, node, node->text, presets,
                          "unknown schedule \"%s\" (known: @once @continuous @hourly @daily @weekly @monthly "
                          "@quarterly @yearly, a cron expression, {every: 15m})",
                          node->text);
        return;
    }
    if (special || check_cron(loader, node))
        schedule_spec_set_text(schedule, node->text);
}

static void read_schedule_list(Loader *loader, const YamlNode *node, ScheduleSpec *schedule)
{
    g_autoptr(GPtrArray) crons = g_ptr_array_new();
    bool ok = true;
    for (uint32_t i = 0; i < node->n; i++) {
        const YamlNode *item = node->items[i];
        if (item->reported) {
            ok = false;
        } else if (item->kind != YAML_KIND_SCALAR) {
            loader_error(loader, item, "a schedule in a list must be a cron expression, not %s",
                         yaml_node_describe(item));
            ok = false;
        } else if (!check_cron(loader, item)) {
            ok = false;
        } else {
            g_ptr_array_add(crons, (gpointer)item->text);
        }
    }
    g_ptr_array_add(crons, NULL);
    if (node->n == 0)
        loader_error(loader, node, "the list of cron expressions is empty; leave \"schedule\" out for none");
    else if (ok)
        schedule_spec_set_crons(schedule, (const char *const *)crons->pdata);
}

static const KeySpec every_keys[] = {
    {.name = "every", .read = read_duration, .flags = KEY_POSITIVE},
};
static const KeyHint every_hints[] = {
    {"cron", NULL, "write the cron expression itself: schedule: \"0 2 * * *\""},
    {"interval", "every", NULL},
    {"seconds", NULL, "write {every: 30s}"},
    {"minutes", NULL, "write {every: 15m}"},
    {"hours", NULL, "write {every: 2h}"},
    {"days", NULL, "write {every: 1d}"},
    {NULL, NULL, NULL},
};
static const KeyTable every_table = {
    .what = "the schedule", .keys = every_keys, .n_keys = G_N_ELEMENTS(every_keys), .hints = every_hints};

static void read_schedule_every(Loader *loader, const YamlNode *node, ScheduleSpec *schedule)
{
    KeyMatch match;
    int64_t every_us = 0;
    key_table_match(loader, &every_table, node, NULL, &match);
    if (node->n == 0)
        loader_error(loader, node, "the schedule is an empty mapping; write {every: 15m}");
    key_table_read(loader, &every_table, &match, &every_us);
    if (every_us > 0)
        schedule_spec_set_every(schedule, every_us);
}

void read_schedule(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    (void)spec;
    ScheduleSpec *schedule = &((Dag *)target)->schedule;
    switch (node->kind) {
    case YAML_KIND_SCALAR:
        read_schedule_text(loader, node, schedule);
        break;
    case YAML_KIND_SEQUENCE:
        read_schedule_list(loader, node, schedule);
        break;
    case YAML_KIND_MAPPING:
        read_schedule_every(loader, node, schedule);
        break;
    }
}

static void check_params_of_schedule(Loader *loader, const YamlPair *params)
{
    const Dag *dag = loader->dag;
    for (guint i = 0; dag->params != NULL && i < param_set_size(dag->params); i++) {
        const Param *param = param_set_get(dag->params, i);
        const YamlNode *at = params->key;
        for (uint32_t j = 0; j < params->value->n; j++) {
            if (strcmp(params->value->pairs[j].key->text, param->name) == 0)
                at = params->value->pairs[j].key;
        }
        if (param->default_json == NULL)
            loader_error(loader, at, "the param \"%s\" needs a default, as the DAG has a schedule",
                         param->name);
    }
}

void schedule_check(Loader *loader, const KeyTable *table, const KeyMatch *match)
{
    const ScheduleSpec *schedule = &loader->dag->schedule;
    const YamlPair *end = key_match_get(table, match, "end_date"),
                   *params = key_match_get(table, match, "params");
    const YamlPair *when = key_match_get(table, match, "schedule"),
                   *catchup = key_match_get(table, match, "catchup");
    if (end != NULL && schedule->start_date_us != TIME_NONE && schedule->end_date_us != TIME_NONE &&
        schedule->end_date_us < schedule->start_date_us)
        loader_error(loader, end->value, "\"end_date\" is before \"start_date\"");
    if (when != NULL && schedule->kind == SCHEDULE_CONTINUOUS && loader->dag->max_active_runs != 1)
        loader_error(loader, when->value, "@continuous needs \"max_active_runs: 1\"");
    if (params != NULL && schedule->kind != SCHEDULE_NONE)
        check_params_of_schedule(loader, params);
    if (catchup != NULL && schedule->catchup && schedule->start_date_us == TIME_NONE)
        loader_warning(loader, catchup->key,
                       "\"catchup\" without \"start_date\" has nothing to catch up with");
}
