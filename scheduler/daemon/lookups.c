/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/lookups.h"

#include <stdlib.h>
#include <string.h>

#define MASK "***"

/* WEIR_<KIND>_<ID> before AIRFLOW_<KIND>_<ID>, as Airflow's with the id in capitals. */
static const char *find_in_environment(const char *kind, const char *id)
{
    g_autofree char *upper = g_ascii_strup(id, -1);
    g_autofree char *own = g_strdup_printf("WEIR_%s_%s", kind, upper);
    const char *value = g_getenv(own);
    if (value != NULL)
        return value;
    g_autofree char *theirs = g_strdup_printf("AIRFLOW_%s_%s", kind, upper);
    return g_getenv(theirs);
}

json_t *lookup_xcom(void *user, const char *task_id, const char *key, GError **error)
{
    const LookupScope *scope = user;
    g_autofree char *text = NULL;
    if (scope->conn == NULL || !store_find_xcom(scope->conn, scope->dag_run_id, task_id, key, &text, error) ||
        text == NULL)
        return NULL;
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (value == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_CORRUPT, "the XCom %s of task %s is not JSON", key,
                    task_id);
    return value;
}

/* airflow-compatible: DEFAULT_SENSITIVE_FIELDS. */
static bool name_is_sensitive(const char *name)
{
    static const char *const words[] = {"access_token", "api_key", "apikey",       "authorization",
                                        "passphrase",   "passwd",  "password",     "private_key",
                                        "secret",       "token",   "keyfile_dict", "service_account"};
    g_autofree char *lower = g_ascii_strdown(name, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strstr(lower, words[i]) != NULL)
            return true;
    }
    return false;
}

char *lookup_variable(void *user, const char *key, GError **error)
{
    (void)error;
    LookupScope *scope = user;
    const char *value = find_in_environment("VAR", key);
    if (value == NULL)
        return NULL;
    if (!name_is_sensitive(key))
        return g_strdup(value);
    scope->saw_secret = true;
    return g_strdup(scope->is_masked ? MASK : value);
}

static void set_text(json_t *connection, const char *name, const char *begin, size_t n)
{
    if (n == 0)
        return;
    g_autofree char *decoded = g_uri_unescape_segment(begin, begin + n, NULL);
    if (decoded != NULL)
        json_object_set_new(connection, name, json_string(decoded));
}

/* `key=value&key=value` into `extra`; `__extra__` is a whole JSON object. */
static void set_extra(json_t *connection, const char *query)
{
    json_t *extra = json_object();
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
    for (char **pair = pairs; *pair != NULL; pair++) {
        char *equals = strchr(*pair, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        g_autofree char *name = g_uri_unescape_string(*pair, NULL);
        g_autofree char *value = g_uri_unescape_string(equals + 1, NULL);
        if (name == NULL || value == NULL)
            continue;
        json_t *whole = strcmp(name, "__extra__") == 0 ? json_loads(value, 0, NULL) : NULL;
        if (json_is_object(whole))
            json_object_update(extra, whole);
        else
            json_object_set_new(extra, name, json_string(value));
        json_decref(whole);
    }
    json_object_set_new(connection, "extra", extra);
}

/* [login[:password]@]host[:port] */
static bool set_authority(json_t *connection, const char *begin, const char *end)
{
    const char *at = memrchr(begin, '@', (size_t)(end - begin));
    if (at != NULL) {
        const char *colon = memchr(begin, ':', (size_t)(at - begin));
        set_text(connection, "login", begin, (size_t)((colon != NULL ? colon : at) - begin));
        if (colon != NULL)
            set_text(connection, "password", colon + 1, (size_t)(at - colon - 1));
        begin = at + 1;
    }
    const char *colon = memrchr(begin, ':', (size_t)(end - begin));
    if (colon != NULL && memchr(colon, ']', (size_t)(end - colon)) != NULL)
        colon = NULL; /* inside of an IPv6 address */
    set_text(connection, "host", begin, (size_t)((colon != NULL ? colon : end) - begin));
    if (colon == NULL || colon + 1 == end)
        return true;
    g_autofree char *digits = g_strndup(colon + 1, (size_t)(end - colon - 1));
    guint64 port;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, 65535, &port, NULL))
        return false;
    json_object_set_new(connection, "port", json_integer((json_int_t)port));
    return true;
}

static json_t *parse_uri(const char *text)
{
    const char *colon = strstr(text, "://");
    if (colon == NULL)
        return NULL;
    json_t *connection = json_object();
    g_autofree char *type = g_strndup(text, (size_t)(colon - text));
    json_object_set_new(connection, "conn_type", json_string(g_strdelimit(type, "-", '_')));
    const char *begin = colon + 3;
    const char *query = strchr(begin, '?');
    const char *end = query != NULL ? query : begin + strlen(begin);
    const char *slash = memchr(begin, '/', (size_t)(end - begin));
    bool is_valid = set_authority(connection, begin, slash != NULL ? slash : end);
    if (slash != NULL)
        set_text(connection, "schema", slash + 1, (size_t)(end - slash - 1));
    if (query != NULL)
        set_extra(connection, query + 1);
    if (is_valid)
        return connection;
    json_decref(connection);
    return NULL;
}

json_t *connection_parse(const char *conn_id, const char *text, GError **error)
{
    json_t *connection = text[0] == '{' ? json_loads(text, 0, NULL) : parse_uri(text);
    if (connection == NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "the connection %s is neither a JSON object nor a URI like "
                    "type://login:password@host:port/schema",
                    conn_id);
    return connection;
}

json_t *lookup_connection(void *user, const char *conn_id, GError **error)
{
    LookupScope *scope = user;
    const char *text = find_in_environment("CONN", conn_id);
    if (text == NULL)
        return NULL;
    json_t *connection = connection_parse(conn_id, text, error);
    if (connection == NULL)
        return NULL;
    scope->saw_secret = true;
    if (scope->is_masked) {
        if (json_object_get(connection, "password") != NULL)
            json_object_set_new(connection, "password", json_string(MASK));
        json_object_del(connection, "extra");
    }
    return connection;
}
