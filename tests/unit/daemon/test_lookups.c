/* SPDX-License-Identifier: MIT */
/* Variables and connections of the environment, and what of them may be shown. */
#include "scheduler/daemon/lookups.h"
#include "tests/unit/daemon/cmocka_all.h"

#include <string.h>

static void assert_connection(const char *text, const char *expected)
{
    json_t *connection = connection_parse("c", text, NULL);
    char *dumped = connection != NULL ? json_dumps(connection, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(connection);
    if (expected == NULL)
        assert_null(dumped);
    else
        assert_string_equal(dumped, expected);
    free(dumped);
}

static void test_connection_uris(void **state)
{
    (void)state;
    assert_connection(
        "postgres://me:p%40ss@db.example:5432/main",
        "{\"conn_type\":\"postgres\",\"host\":\"db.example\",\"login\":\"me\",\"password\":\"p@ss\","
        "\"port\":5432,\"schema\":\"main\"}");
    assert_connection("google-cloud-platform://", "{\"conn_type\":\"google_cloud_platform\"}");
    assert_connection("http://host", "{\"conn_type\":\"http\",\"host\":\"host\"}");
    assert_connection("http://:secret@host",
                      "{\"conn_type\":\"http\",\"host\":\"host\",\"password\":\"secret\"}");
    assert_connection("http://[::1]:80/", "{\"conn_type\":\"http\",\"host\":\"[::1]\",\"port\":80}");
    assert_connection("a://h?x=1&y=a%26b",
                      "{\"conn_type\":\"a\",\"extra\":{\"x\":\"1\",\"y\":\"a&b\"},\"host\":\"h\"}");
    assert_connection("a://h?__extra__=%7B%22n%22%3A1%7D",
                      "{\"conn_type\":\"a\",\"extra\":{\"n\":1},\"host\":\"h\"}");
    assert_connection("{\"conn_type\": \"x\", \"port\": 1}", "{\"conn_type\":\"x\",\"port\":1}");
    assert_connection("a://h:port", NULL);
    assert_connection("a://h:99999", NULL);
    assert_connection("no uri", NULL);
    assert_connection("{broken", NULL);
}

static void test_errors_hold_no_secret(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(connection_parse("c", "me:hunter2@host", &error));
    assert_null(strstr(error->message, "hunter2"));
}

static void test_variables(void **state)
{
    (void)state;
    g_setenv("AIRFLOW_VAR_CITY", "Paris", TRUE);
    g_setenv("WEIR_VAR_DB_PASSWORD", "hunter2", TRUE);
    LookupScope scope = {0};
    g_autofree char *city = lookup_variable(&scope, "city", NULL);
    assert_string_equal(city, "Paris");
    assert_false(scope.saw_secret);
    g_setenv("WEIR_VAR_CITY", "Rome", TRUE); /* ours come first */
    g_autofree char *again = lookup_variable(&scope, "city", NULL);
    assert_string_equal(again, "Rome");
    g_autofree char *password = lookup_variable(&scope, "db_password", NULL);
    assert_string_equal(password, "hunter2");
    assert_true(scope.saw_secret);
    scope.is_masked = true;
    g_autofree char *masked = lookup_variable(&scope, "db_password", NULL);
    assert_string_equal(masked, "***");
    assert_null(lookup_variable(&scope, "nothing", NULL));
}

static void test_masked_connection(void **state)
{
    (void)state;
    g_setenv("AIRFLOW_CONN_DB", "pg://me:hunter2@host?token=hunter3", TRUE);
    LookupScope scope = {.is_masked = true};
    json_t *connection = lookup_connection(&scope, "db", NULL);
    assert_true(scope.saw_secret);
    char *text = json_dumps(connection, 0);
    assert_null(strstr(text, "hunter"));
    assert_non_null(strstr(text, "\"host\""));
    free(text);
    json_decref(connection);
    assert_null(lookup_connection(&scope, "other", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_uris),
        cmocka_unit_test(test_errors_hold_no_secret),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_masked_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
