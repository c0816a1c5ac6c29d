/* SPDX-License-Identifier: MIT */
#include "tests/unit/template/fixture.h"

#include <string.h>

#define JAN_2_US (INT64_C(1767312000) * USEC_PER_SEC) /* 2026-01-02T00:00:00Z */

static json_t *pull(void *user, const char *task_id, const char *key, GError **error)
{
    (void)user;
    if (g_str_equal(task_id, "broken")) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "the store is gone");
        return NULL;
    }
    if (g_str_equal(task_id, "load") && g_str_equal(key, "return_value"))
        return json_string("137 rows");
    if (g_str_equal(task_id, "load") && g_str_equal(key, "stats"))
        return json_loads("{\"rows\": 137, \"parts\": [\"a\", \"b\"]}", 0, NULL);
    if (g_str_equal(task_id, "clean_geo"))
        return json_integer(12);
    if (g_str_equal(task_id, "query"))
        return json_string("own");
    return NULL;
}

static char *variable(void *user, const char *key, GError **error)
{
    (void)user;
    if (g_str_equal(key, "broken"))
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "the store is gone");
    if (g_str_equal(key, "bucket"))
        return g_strdup("s3://pins");
    if (g_str_equal(key, "my.key"))
        return g_strdup("dotted");
    if (g_str_equal(key, "settings"))
        return g_strdup("{\"depth\": {\"x\": 1.5}, \"list\": [1, 2]}");
    if (g_str_equal(key, "secret"))
        return g_strdup("{" FIXTURE_SECRET);
    return NULL;
}

static json_t *connection(void *user, const char *conn_id, GError **error)
{
    (void)user;
    if (g_str_equal(conn_id, "broken"))
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "the store is gone");
    if (g_str_equal(conn_id, "my_db"))
        return json_loads("{\"conn_type\": \"postgres\", \"host\": \"db.example\", \"login\": \"ann\","
                          "\"password\": \"" FIXTURE_SECRET "\", \"schema\": \"pins\", \"port\": 5432,"
                          "\"extra\": {\"region\": \"eu-west-2\", \"deep\": {\"a\": [1]}}}",
                          0, NULL);
    if (g_str_equal(conn_id, "text-extra"))
        return json_loads("{\"extra\": \"{\\\"region\\\": \\\"us\\\"}\"}", 0, NULL);
    if (g_str_equal(conn_id, "bad_extra"))
        return json_loads("{\"extra\": \"{" FIXTURE_SECRET "\"}", 0, NULL);
    return NULL;
}

static TemplateContext fixture;

const TemplateContext *fixture_context(void)
{
    if (fixture.dag_id != NULL)
        return &fixture;
    fixture = (TemplateContext){
        .dag_id = "pinterest",
        .dag_description = "Load and clean",
        .task_id = "query",
        .run_id = "manual__2026-01-02T00:00:00+00:00",
        .run_type = "manual",
        .owner = "data-eng",
        .try_number = 2,
        .max_tries = 3,
        .retries = 3,
        .logical_date_us = JAN_2_US,
        .data_interval_start_us = JAN_2_US - USEC_PER_DAY,
        .data_interval_end_us = JAN_2_US,
        .run_after_us = JAN_2_US + 123456,
        .run_start_date_us = JAN_2_US + USEC_PER_SEC,
        .task_start_date_us = JAN_2_US + USEC_PER_MIN,
        .prev_data_interval_start_success_us = JAN_2_US - 2 * USEC_PER_DAY,
        .prev_data_interval_end_success_us = JAN_2_US - USEC_PER_DAY,
        .prev_start_date_success_us = TIME_NONE,
        .prev_end_date_success_us = JAN_2_US - USEC_PER_HOUR,
        .xcom_pull = pull,
        .variable_get = variable,
        .connection_get = connection,
    };
    fixture.params =
        json_loads("{\"user_id\": \"0ab336d6fcf7\", \"n\": 3, \"ratio\": 0.1, \"on\": true, \"none\": null,"
                   "\"files\": [\"a b\", \"it's\"], \"empty\": \"\", \"no_list\": [],"
                   "\"nested\": {\"z\": 1, \"a\": \"<'&'>\"}, \"text\": \"  Grüße, World \"}",
                   0, NULL);
    fixture.conf = json_loads("{\"x\": \"from conf\", \"tmpl\": \"{{ ds }}\", \"n\": 7}", 0, NULL);
    return &fixture;
}

void fixture_free(void)
{
    json_decref(fixture.params);
    json_decref(fixture.conf);
    fixture = (TemplateContext){0};
}

char *render_text(const char *text, const TemplateContext *context)
{
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) template = template_parse(text, &syntax);
    if (template == NULL)
        return g_strdup_printf("SYNTAX %u:%u: %s", syntax.line, syntax.column, syntax.message);
    g_autoptr(GError) error = NULL;
    char *output = template_render(template, context, &error);
    if (output == NULL)
        return g_strdup_printf("ERROR %s", error->message);
    assert_null(error);
    return output;
}

void assert_renders(const Case *cases, size_t n, const TemplateContext *context)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *output = render_text(cases[i].text, context);
        if (!g_str_equal(output, cases[i].expected))
            fail_msg("%s\n     gives: %s\n  expected: %s", cases[i].text, output, cases[i].expected);
    }
}

void assert_render_fails(const Case *cases, size_t n, const TemplateContext *context)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *output = render_text(cases[i].text, context);
        g_autofree char *expected = g_strconcat("ERROR ", cases[i].expected, NULL);
        if (!g_str_equal(output, expected))
            fail_msg("%s\n     gives: %s\n  expected: %s", cases[i].text, output, expected);
        assert_null(strstr(output, FIXTURE_SECRET));
    }
}

static void append_report(const TemplateError *error, void *user)
{
    GString *reports = user;
    g_string_append_printf(reports, "%s%u:%u: %s", reports->len > 0 ? "\n" : "", error->line, error->column,
                           error->message);
}

char *check_text(const char *text, const TemplateNames *names)
{
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) template = template_parse(text, &syntax);
    if (template == NULL)
        return g_strdup_printf("SYNTAX %u:%u: %s", syntax.line, syntax.column, syntax.message);
    GString *reports = g_string_new(NULL);
    template_check(template, names, append_report, reports);
    return g_string_free(reports, FALSE);
}
