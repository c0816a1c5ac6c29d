/* SPDX-License-Identifier: MIT */
/*
 * One table says all: a new setting is a line in it. settings_load() fills `values` from the three sources in
 * order of precedence, each value checked by its type where its origin is still known, and then copies what
 * the code asks for often into the fields of Settings.
 */
#include "scheduler/load/settings.h"

#include "scheduler/load/load.h"
#include "scheduler/load/yaml_tree.h"
#include "scheduler/model/byte_size.h"
#include "scheduler/time/duration.h"
#include "scheduler/time/zone.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

typedef enum {
    SETTING_TEXT,
    SETTING_PATH,
    SETTING_INTEGER,
    SETTING_BOOLEAN,
    SETTING_DURATION,
    SETTING_SIZE,
    SETTING_ZONE
} SettingType;

typedef struct {
    const char *section, *key;
    SettingType type;
    const char *fallback;
    int64_t min, max; /**< of integers; of durations `min` in seconds, without `max` */
} SettingSpec;

static const SettingSpec specs[] = {
    {"core", "dags_folder", SETTING_PATH, "dags"},
    {"core", "parallelism", SETTING_INTEGER, "32", 1, 100000},
    {"core", "default_timezone", SETTING_ZONE, "UTC"},
    {"core", "dags_are_paused_at_creation", SETTING_BOOLEAN, "false"},
    {"core", "killed_task_cleanup_time", SETTING_DURATION, "60s"},
    {"scheduler", "retention", SETTING_DURATION, "0s"},
    {"scheduler", "log_retention", SETTING_DURATION, "0s"},
    {"scheduler", "hook_timeout", SETTING_DURATION, "5m", 1},
    {"scheduler", "hook_retries", SETTING_INTEGER, "3", 0, 1000},
    {"scheduler", "hook_retry_delay", SETTING_DURATION, "15s"},
    {"scheduler", "min_free_disk", SETTING_SIZE, "100M"},
    {"web", "host", SETTING_TEXT, "127.0.0.1"},
    {"web", "port", SETTING_INTEGER, "8080", 0, 65535},
    {"logging", "base_log_folder", SETTING_PATH, "logs"},
};

/** Sections may be written although nothing of theirs can be set yet. */
static const char *const sections[] = {"core",     "scheduler",  "web",     "logging",
                                       "database", "databricks", "secrets", NULL};

static const SettingSpec *find_spec(const char *section, const char *key)
{
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++)
        if (strcmp(specs[i].section, section) == 0 && strcmp(specs[i].key, key) == 0)
            return &specs[i];
    return NULL;
}

const char **settings_names(const char *section)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; section == NULL && sections[i] != NULL; i++)
        g_ptr_array_add(names, (gpointer)sections[i]);
    for (guint i = 0; section != NULL && i < G_N_ELEMENTS(specs); i++)
        if (strcmp(specs[i].section, section) == 0)
            g_ptr_array_add(names, (gpointer)specs[i].key);
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(names, FALSE);
}

static SettingValue *find_value(const Settings *settings, const char *section, const char *key)
{
    for (guint i = 0; i < settings->values->len; i++) {
        SettingValue *value = g_ptr_array_index(settings->values, i);
        if (strcmp(value->section, section) == 0 && strcmp(value->key, key) == 0)
            return value;
    }
    return NULL;
}

const char *settings_get(const Settings *settings, const char *section, const char *key)
{
    const SettingValue *value = find_value(settings, section, key);
    return value != NULL ? value->value : NULL;
}

/* ---- Types ---- */

/** The one way a boolean is stored; NULL for other words. */
static const char *canonical_boolean(const char *text)
{
    static const char *const yes[] = {"true", "yes", "on", "1", NULL}, *const no[] = {"false", "no", "off",
                                                                                      "0", NULL};
    g_autofree char *lower = g_ascii_strdown(text, -1);
    if (g_strv_contains(yes, lower))
        return "true";
    return g_strv_contains(no, lower) ? "false" : NULL;
}

/** $HOME; what the system says of the user where that is empty or relative. */
static const char *user_home(void)
{
    const char *home = g_get_home_dir();
    if (g_path_is_absolute(home))
        return home;
    const struct passwd *user = getpwuid(getuid());
    return user != NULL && g_path_is_absolute(user->pw_dir) ? user->pw_dir : "/";
}

static char *absolute_path(const char *home, const char *text)
{
    if (text[0] == '~' && (text[1] == '/' || text[1] == '\0'))
        return g_canonicalize_filename(text[1] != '\0' ? text + 2 : ".", user_home());
    return g_canonicalize_filename(text, home);
}

/** Checks `text` and returns it as it is kept; NULL with an error that lacks the place. */
static char *check_value(const SettingSpec *spec, const char *home, const char *text, GError **error)
{
    int64_t number;
    g_autoptr(Zone) zone = NULL;
    switch (spec->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
        if (*text != '\0')
            return spec->type == SETTING_PATH ? absolute_path(home, text) : g_strdup(text);
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "\"%s\" must not be empty", spec->key);
        return NULL;
    case SETTING_INTEGER:
        if (g_ascii_string_to_signed(text, 10, spec->min, spec->max, &number, NULL))
            return g_strdup_printf("%" G_GINT64_FORMAT, number);
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "\"%s\" must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                    ", not \"%s\"",
                    spec->key, spec->min, spec->max, text);
        return NULL;
    case SETTING_BOOLEAN:
        if (canonical_boolean(text) != NULL)
            return g_strdup(canonical_boolean(text));
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "\"%s\" must be true or false, not \"%s\"",
                    spec->key, text);
        return NULL;
    case SETTING_DURATION:
        if (!duration_parse(text, &number, error)) {
            g_prefix_error(error, "\"%s\": ", spec->key);
            return NULL;
        }
        if (number >= spec->min * USEC_PER_SEC)
            return g_strdup(text);
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "\"%s\" must be at least %" G_GINT64_FORMAT "s, not \"%s\"", spec->key, spec->min, text);
        return NULL;
    case SETTING_SIZE:
        if (byte_size_parse(text, &number, error))
            return g_strdup(text);
        g_prefix_error(error, "\"%s\": ", spec->key);
        return NULL;
    case SETTING_ZONE:
        zone = zone_open(text, error);
        if (zone != NULL)
            return g_strdup(text);
        g_prefix_error(error, "\"%s\": ", spec->key);
        return NULL;
    }
    g_assert_not_reached();
}

/** False with the error of check_value(). Takes over nothing. */
static bool set_value(Settings *settings, const SettingSpec *spec, const char *text, const char *origin,
                      GError **error)
{
    char *checked = check_value(spec, settings->home, text, error);
    if (checked == NULL)
        return false;
    SettingValue *value = find_value(settings, spec->section, spec->key);
    g_free(value->value);
    g_free(value->origin);
    value->value = checked;
    value->origin = g_strdup(origin);
    return true;
}

/* ---- weir.yaml ---- */

static void read_setting(Settings *settings, const char *path, const char *section, const YamlPair *pair,
                         LoadErrorList *errors)
{
    const SettingSpec *spec = find_spec(section, pair->key->text);
    if (spec == NULL) {
        g_autofree const char **names = settings_names(section);
        load_error_add(errors, pair->key->line, pair->key->column, suggest_nearest(pair->key->text, names),
                       "unknown setting \"%s\" in section \"%s\"", pair->key->text, section);
        return;
    }
    if (pair->value->kind != YAML_KIND_SCALAR || yaml_node_is_null(pair->value)) {
        load_error_add(errors, pair->value->line, pair->value->column, NULL,
                       "\"%s\" must be one value, not %s", spec->key, yaml_node_describe(pair->value));
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *origin = g_strdup_printf("%s:%" G_GUINT32_FORMAT ":%" G_GUINT32_FORMAT, path,
                                              pair->value->line, pair->value->column);
    if (!set_value(settings, spec, pair->value->text, origin, &error))
        load_error_add(errors, pair->value->line, pair->value->column, NULL, "%s", error->message);
}

static void read_section(Settings *settings, const char *path, const YamlPair *pair, LoadErrorList *errors)
{
    const char *section = pair->key->text;
    if (!g_strv_contains(sections, section)) {
        load_error_add(errors, pair->key->line, pair->key->column, suggest_nearest(section, sections),
                       "unknown section \"%s\"", section);
        return;
    }
    if (yaml_node_is_null(pair->value)) /* `web:` with all of it commented out */
        return;
    if (pair->value->kind != YAML_KIND_MAPPING) {
        load_error_add(errors, pair->value->line, pair->value->column, NULL,
                       "section \"%s\" must be a mapping, not %s", section, yaml_node_describe(pair->value));
        return;
    }
    for (uint32_t i = 0; i < pair->value->n; i++)
        read_setting(settings, path, section, &pair->value->pairs[i], errors);
}

static bool read_file(Settings *settings, GError **error)
{
    g_autofree char *path = g_build_filename(settings->home, "weir.yaml", NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    size_t n_text;
    g_autofree char *text = load_read_file(path, &n_text, error);
    if (text == NULL) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    g_autoptr(LoadErrorList) errors = load_error_list_new(path);
    g_autoptr(YamlTree) tree = yaml_tree_parse(text, n_text, errors);
    const YamlNode *root = tree != NULL ? yaml_tree_root(tree) : NULL;
    if (root != NULL && root->kind == YAML_KIND_MAPPING) {
        for (uint32_t i = 0; i < root->n; i++)
            read_section(settings, path, &root->pairs[i], errors);
    } else if (root != NULL && !yaml_node_is_null(root)) {
        load_error_add(errors, root->line, root->column, NULL,
                       "settings must be a mapping of sections, not %s", yaml_node_describe(root));
    }
    if (errors->items->len == 0)
        return true;
    load_error_list_sort(errors);
    g_autofree char *lines = load_error_list_format(errors, "error");
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "%s", g_strchomp(lines));
    return false;
}

/* ---- WEIR__SECTION__KEY ---- */

static char *variable_name(const SettingSpec *spec)
{
    g_autofree char *lower = g_strdup_printf("WEIR__%s__%s", spec->section, spec->key);
    return g_ascii_strup(lower, -1);
}

static bool set_unknown_variable(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++)
        g_ptr_array_add(names, variable_name(&specs[i]));
    g_ptr_array_add(names, NULL);
    const char *near = suggest_nearest(name, (const char *const *)names->pdata);
    if (near != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "the environment variable %s is not a setting; did you mean %s?", name, near);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "the environment variable %s is not a setting",
                    name);
    return false;
}

static bool read_variable(Settings *settings, const char *name, const char *text, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++) {
        g_autofree char *known = variable_name(&specs[i]);
        if (strcmp(known, name) != 0)
            continue;
        if (set_value(settings, &specs[i], text, name, error))
            return true;
        g_prefix_error(error, "%s: ", name);
        return false;
    }
    return set_unknown_variable(name, error);
}

static bool read_environment(Settings *settings, GError **error)
{
    g_auto(GStrv) environment = g_get_environ();
    for (char **entry = environment; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!g_str_has_prefix(*entry, "WEIR__") || equals == NULL)
            continue;
        g_autofree char *name = g_strndup(*entry, (gsize)(equals - *entry));
        if (!read_variable(settings, name, equals + 1, error))
            return false;
    }
    return true;
}

/* ---- All of it ---- */

/** NULL with an error. */
static char *find_home(GError **error)
{
    const char *home = g_getenv("WEIR_HOME");
    g_autofree char *path = home != NULL && *home != '\0' ? g_canonicalize_filename(home, NULL)
                                                          : g_build_filename(user_home(), "weir", NULL);
    if (strlen(path) <= SETTINGS_HOME_MAX)
        return g_steal_pointer(&path);
    g_set_error(
        error, WEIR_ERROR, WEIR_ERROR_INVALID,
        "the path of WEIR_HOME has %zu bytes (%.40s...); SQLite wants at most %d: choose a shorter one",
        strlen(path), path, SETTINGS_HOME_MAX);
    return NULL;
}

static void setting_value_free(gpointer data)
{
    SettingValue *value = data;
    g_free(value->value);
    g_free(value->origin);
    g_free(value);
}

static void set_defaults(Settings *settings)
{
    settings->values = g_ptr_array_new_with_free_func(setting_value_free);
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++) {
        SettingValue *value = g_new0(SettingValue, 1);
        value->section = specs[i].section;
        value->key = specs[i].key;
        g_ptr_array_add(settings->values, value);
        g_autoptr(GError) error = NULL;
        if (!set_value(settings, &specs[i], specs[i].fallback, "default", &error))
            g_error("default of %s.%s: %s", specs[i].section, specs[i].key, error->message);
    }
}

static int32_t integer_of(const Settings *settings, const char *section, const char *key)
{
    int64_t value = 0;
    g_ascii_string_to_signed(settings_get(settings, section, key), 10, 0, INT32_MAX, &value, NULL);
    return (int32_t)value;
}

static int64_t duration_of(const Settings *settings, const char *section, const char *key)
{
    int64_t us = 0;
    duration_parse(settings_get(settings, section, key), &us, NULL);
    return us;
}

/** The fields; every value is known to be of its type. */
static void fill_fields(Settings *settings)
{
    settings->parallelism = integer_of(settings, "core", "parallelism");
    settings->dags_folder = g_strdup(settings_get(settings, "core", "dags_folder"));
    settings->default_timezone = g_strdup(settings_get(settings, "core", "default_timezone"));
    settings->dags_are_paused_at_creation =
        strcmp(settings_get(settings, "core", "dags_are_paused_at_creation"), "true") == 0;
    settings->killed_task_cleanup_time_us = duration_of(settings, "core", "killed_task_cleanup_time");
    settings->retention = (Retention){.runs_us = duration_of(settings, "scheduler", "retention"),
                                      .logs_us = duration_of(settings, "scheduler", "log_retention")};
    settings->hook_timeout_us = duration_of(settings, "scheduler", "hook_timeout");
    settings->hook_retries = integer_of(settings, "scheduler", "hook_retries");
    settings->hook_retry_delay_us = duration_of(settings, "scheduler", "hook_retry_delay");
    byte_size_parse(settings_get(settings, "scheduler", "min_free_disk"), &settings->min_free_disk_bytes,
                    NULL);
    settings->logs_folder = g_strdup(settings_get(settings, "logging", "base_log_folder"));
}

Settings *settings_load(GError **error)
{
    g_autoptr(Settings) settings = g_new0(Settings, 1);
    settings->home = find_home(error);
    if (settings->home == NULL)
        return NULL;
    set_defaults(settings);
    if (!read_file(settings, error) || !read_environment(settings, error))
        return NULL;
    fill_fields(settings);
    return g_steal_pointer(&settings);
}

void settings_free(Settings *settings)
{
    if (settings == NULL)
        return;
    g_free(settings->home);
    g_free(settings->dags_folder);
    g_free(settings->default_timezone);
    g_free(settings->logs_folder);
    if (settings->values != NULL)
        g_ptr_array_unref(settings->values);
    g_free(settings);
}
