/* SPDX-License-Identifier: MIT */
#include "executors/local/environment.h"

#include <string.h>
#include <sys/stat.h>

static const char *const hidden_prefixes[] = {
    "WEIR_CONN_", "WEIR_VAR_",   "AIRFLOW_CONN_",  "AIRFLOW_VAR_",          "WEIR__", "AIRFLOW__", "LISTEN_",
    "WATCHDOG_",  "WEIR_CRASH_", "NOTIFY_SOCKET=", ATTEMPT_COOKIE_NAME "=", NULL,
};

static bool is_hidden(const char *assignment)
{
    for (size_t i = 0; hidden_prefixes[i] != NULL; i++)
        if (g_str_has_prefix(assignment, hidden_prefixes[i]))
            return true;
    return false;
}

char **environment_filter(const char *const *environment)
{
    g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (strchr(environment[i], '=') != NULL && !is_hidden(environment[i]))
            g_strv_builder_add(kept, environment[i]);
    return g_strv_builder_end(kept);
}

char *cookie_scope_format(const char *instance, const char *runners_dir)
{
    struct stat st = {0};
    if (stat(runners_dir, &st) < 0)
        return g_strdup(instance);
    return g_strdup_printf("%s.%" G_GINT64_MODIFIER "x.%" G_GINT64_MODIFIER "x", instance, (guint64)st.st_dev,
                           (guint64)st.st_ino);
}

char *attempt_cookie_format(const char *scope, AttemptId key)
{
    return g_strdup_printf(ATTEMPT_COOKIE_NAME "=%s:%" G_GINT64_FORMAT ":%d", scope, key.ti_id,
                           key.try_number);
}

/** The length of "NAME=" in an assignment; 0 when it is none. */
static size_t name_length(const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    return equals != NULL ? (size_t)(equals + 1 - assignment) : 0;
}

/** Appends an assignment, or replaces the one of the same name. */
static void put(GPtrArray *list, const char *assignment)
{
    size_t length = name_length(assignment);
    if (length <= 1)
        return;
    for (guint i = 0; i < list->len; i++) {
        if (strncmp(g_ptr_array_index(list, i), assignment, length) == 0) {
            list->pdata[i] = (gpointer)assignment;
            return;
        }
    }
    g_ptr_array_add(list, (gpointer)assignment);
}

const char **environment_compose(const char *const *base, const char *const *extra, const char *cookie)
{
    GPtrArray *list = g_ptr_array_sized_new(64);
    for (size_t i = 0; base != NULL && base[i] != NULL; i++)
        g_ptr_array_add(list, (gpointer)base[i]);
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        put(list, extra[i]);
    if (cookie != NULL)
        put(list, cookie);
    g_ptr_array_add(list, NULL);
    return (const char **)g_ptr_array_free(list, FALSE);
}

const char *environment_get(const char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=')
            return environment[i] + length + 1;
    return NULL;
}
