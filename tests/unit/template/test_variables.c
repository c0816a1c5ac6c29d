/* SPDX-License-Identifier: MIT */
/* Every variable, with and without what it stands for. */
#include "tests/unit/template/fixture.h"

static const Case VARIABLES[] = {
    {"{{ ds }}", "2026-01-02"},
    {"{{ ds_nodash }}", "20260102"},
    {"{{ ts }}", "2026-01-02T00:00:00+00:00"},
    {"{{ ts_nodash }}", "20260102T000000"},
    {"{{ ts_nodash_with_tz }}", "20260102T000000+0000"},
    {"{{ task_instance_key_str }}", "pinterest__query__20260102"},
    {"{{ logical_date }}", "2026-01-02 00:00:00+00:00"},
    {"{{ data_interval_start }}", "2026-01-01 00:00:00+00:00"},
    {"{{ data_interval_end }}", "2026-01-02 00:00:00+00:00"},
    {"{{ prev_data_interval_start_success }}", "2025-12-31 00:00:00+00:00"},
    {"{{ prev_data_interval_end_success }}", "2026-01-01 00:00:00+00:00"},
    {"{{ prev_start_date_success }}", "None"},
    {"{{ prev_end_date_success }}", "2026-01-01 23:00:00+00:00"},
    {"{{ run_id }}", "manual__2026-01-02T00:00:00+00:00"},
    {"{{ dag_run.dag_id }} {{ dag_run.run_id }}", "pinterest manual__2026-01-02T00:00:00+00:00"},
    {"{{ dag_run.run_type }}", "manual"},
    {"{{ dag_run.conf }}", "{\"n\": 7, \"tmpl\": \"{{ ds }}\", \"x\": \"from conf\"}"},
    {"{{ dag_run.conf.x }}/{{ dag_run.conf['x'] }}/{{ dag_run.conf.get('x') }}",
     "from conf/from conf/from conf"},
    {"{{ dag_run.conf.get('y') }} {{ dag_run.conf.get('y', 'd') }}", "None d"},
    {"{{ dag_run['conf']['n'] }}", "7"},
    {"{{ dag_run.logical_date | ds }}", "2026-01-02"},
    {"{{ dag_run.data_interval_start | ds }} {{ dag_run.data_interval_end | ds }}", "2026-01-01 2026-01-02"},
    {"{{ dag_run.run_after }}", "2026-01-02 00:00:00.123456+00:00"},
    {"{{ dag_run.start_date }}", "2026-01-02 00:00:01+00:00"},
    {"{{ dag.dag_id }} {{ dag.description }} {{ dag.owner }}", "pinterest Load and clean data-eng"},
    {"{{ task.task_id }} {{ task.dag_id }} {{ task.owner }} {{ task.retries }}",
     "query pinterest data-eng 3"},
    {"{{ ti.task_id }} {{ ti.dag_id }} {{ ti.run_id }}", "query pinterest manual__2026-01-02T00:00:00+00:00"},
    {"{{ ti.try_number }}/{{ ti.max_tries }} {{ ti.map_index }}", "2/3 -1"},
    {"{{ ti.start_date }} {{ task_instance.try_number }}", "2026-01-02 00:01:00+00:00 2"},
    {"{{ params.user_id }} {{ params['user_id'] }} {{ params.get('user_id') }}",
     "0ab336d6fcf7 0ab336d6fcf7 0ab336d6fcf7"},
    {"{{ params.n }} {{ params.ratio }} {{ params.on }} {{ params.none }}", "3 0.1 True None"},
    {"{{ params.files }} {{ params.files[1] }} {{ params.files[-2] }}", "[\"a b\", \"it\\u0027s\"] it's a b"},
    {"{{ params.nested }}", "{\"a\": \"\\u003c\\u0027\\u0026\\u0027\\u003e\", \"z\": 1}"},
    {"{{ params.nested.a }}", "<'&'>"},
    {"{{ params.user_id[0] }}{{ params.user_id[-1] }}", "07"},
    {"{{ dag_run.conf.tmpl }}", "{{ ds }}"}, /* output is never rendered again */
};

static void test_variables(void **state)
{
    (void)state;
    assert_renders(VARIABLES, G_N_ELEMENTS(VARIABLES), fixture_context());
}

static const Case ABSENT[] = {
    {"{{ ds }}",
     "ERROR 1:4: this run has no logical date, so there is no 'ds'; dag_run.run_after and run_id always "
     "exist (default('...') can stand in for it)"},
    {"x\n{{ ts_nodash | upper }}", "ERROR 2:16: this run has no logical date, so there is no 'ts_nodash'; "
                                   "dag_run.run_after and run_id always "
                                   "exist (default('...') can stand in for it)"},
    {"{{ logical_date.year }}", "ERROR 1:17: this run has no logical date, so there is no 'logical_date'; "
                                "dag_run.run_after and run_id always "
                                "exist (default('...') can stand in for it)"},
    {"{{ ds | default('-') }}{{ task_instance_key_str | default }}", "-"},
    {"{{ dag_run.logical_date }} {{ data_interval_start }} {{ ti.start_date }}", "None None None"},
    {"{{ run_id }} {{ dag_run.conf }} {{ params }} {{ ti.try_number }}", "None {} {} 0"},
    {"{{ ti.xcom_pull('a') }} {{ var.value.x | default('v') }} {{ conn.x | default('c') }}", "None v c"},
    {"{{ data_interval_start | ds }}", "ERROR 1:26: the filter 'ds' needs a date and time, not None"},
};

static void test_absent(void **state)
{
    (void)state;
    TemplateContext empty;
    template_context_init(&empty);
    assert_renders(ABSENT, G_N_ELEMENTS(ABSENT), &empty);
}

static void test_microseconds(void **state)
{
    (void)state;
    TemplateContext context;
    template_context_init(&context);
    context.logical_date_us = -1; /* the microsecond before 1970 */
    const Case cases[] = {
        {"{{ ts }}", "1969-12-31T23:59:59.999999+00:00"},
        {"{{ ts_nodash }}", "19691231T235959"},
        {"{{ ts_nodash_with_tz }}", "19691231T235959.999999+0000"},
        {"{{ logical_date.timestamp() }} {{ logical_date.int_timestamp }}", "-1e-06 -1"},
    };
    assert_renders(cases, G_N_ELEMENTS(cases), &context);
    context.logical_date_us = INT64_MAX;
    const Case far[] = {{"{{ ds }}", "1:4: ds: the date is outside of the years 1 to 9999"}};
    assert_render_fails(far, 1, &context);
}

static const Case UNDEFINED[] = {
    {"{{ params.nope }}", "1:4: 'params.nope' is not defined (default('...') can stand in for it)"},
    {"{{ dag_run.conf.a.b }}", "1:19: 'dag_run.conf.a' is not defined (default('...') can stand in for it)"},
    {"{{ params.files[2] }}", "1:4: 'params.files[2]' is not defined (default('...') can stand in for it)"},
    {"{{ params.nope | upper }}", "1:18: 'params.nope' is not defined (default('...') can stand in for it)"},
    {"{{ params.nope.upper() }}", "1:16: 'params.nope' is not defined (default('...') can stand in for it)"},
    {"{{ 'a' ~ params.nope }}", "1:10: 'params.nope' is not defined (default('...') can stand in for it)"},
    {"{{ params.n.x }}", "1:4: a number has no attribute 'x' (default('...') can stand in for it)"},
    {"{{ params.none.x }}", "1:4: None has no attribute 'x' (default('...') can stand in for it)"},
    {"{{ params.files[1.5] }}", "1:16: an index is a string or a whole number, not a fraction"},
    {"{{ params.files[none] }}", "1:16: an index is a string or a whole number, not None"},
    {"{{ nobody }}", "1:4: unknown name 'nobody': params are params.nobody; a literal '{{' is {{ '{{' }}"},
    {"{{ ti }}", "1:4: ti is not a value; name one of its attributes: dag_id, task_id, run_id, try_number, "
                 "max_tries, map_index, start_date, xcom_pull(...)"},
};

static void test_undefined(void **state)
{
    (void)state;
    assert_render_fails(UNDEFINED, G_N_ELEMENTS(UNDEFINED), fixture_context());
}

int run_variable_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_microseconds),
        cmocka_unit_test(test_undefined),
    };
    return cmocka_run_group_tests_name("template variables", tests, NULL, NULL);
}
