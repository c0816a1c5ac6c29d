/* SPDX-License-Identifier: MIT */
/* What is reported when a file is loaded. */
#include "tests/unit/template/fixture.h"

static const char *const PARAMS[] = {"user_id", "source", NULL};
static const char *const TASKS[] = {"load", "clean_geo", NULL};
static const TemplateNames NAMES = {.params = PARAMS, .task_ids = TASKS};

static const Case CLEAN[] = {
    {"{{ params.user_id }} {{ params['source'] }} {{ params.get('source', 'x') }}", ""},
    {"{{ params | tojson }} {{ dag_run.conf.anything.at.all }} {{ dag_run.conf.get('x') }}", ""},
    {"{{ ti.xcom_pull(task_ids='load', key='a', default=1) }} {{ ti.xcom_pull(['load', 'clean_geo']) }}", ""},
    {"{{ ti.xcom_pull('load').rows[0].x | int }} {{ task_instance.xcom_pull('load') }}", ""},
    {"{{ conn.a.host }} {{ conn['b-c'].extra_dejson.x.y }} {{ conn.get('x').port }}", ""},
    {"{{ var.value.a.upper() }} {{ var.json.a.b[0].c }} {{ var.value.get('a.b', 'c') }}", ""},
    {"{{ logical_date.add(days=1).in_timezone('UTC').year }} {{ data_interval_end | ds_nodash }}", ""},
    {"{{ macros.ds_add(ds, -5) | replace('-', '') }} {{ macros.ds_format(ds, '%Y', '%y') }}", ""},
    {"{{ (dag_run).run_id }} {{ ds.split('-')[0] }} {{ 'a,b'.split(',') | join(';') }}", ""},
};

static const Case REPORTED[] = {
    {"{{ dss }}", "1:4: unknown name 'dss': did you mean 'ds'?"},
    {"{{ user_identifier }}",
     "1:4: unknown name 'user_identifier': params are params.user_identifier; a literal "
     "'{{' is {{ '{{' }}"},
    {"{{ execution_date }}",
     "1:4: unknown name 'execution_date': use logical_date (Airflow 3 has no execution_date either)"},
    {"{{ prev_ds }}",
     "1:4: unknown name 'prev_ds': use macros.ds_add(ds, -1), or the interval of your schedule"},
    {"{{ next_ds }}", "1:4: unknown name 'next_ds': use data_interval_end | ds"},
    {"{{ yesterday_ds }}", "1:4: unknown name 'yesterday_ds': use macros.ds_add(ds, -1)"},
    {"{{ tomorrow_ds_nodash }}",
     "1:4: unknown name 'tomorrow_ds_nodash': use logical_date.add(days=1) | ds_nodash"},
    {"{{ next_execution_date }}", "1:4: unknown name 'next_execution_date': use data_interval_end"},
    {"a\n  {{ params.user_if }}", "2:13: the DAG has no param 'user_if': did you mean 'user_id'?"},
    {"{{ params['zzzzzz'] }}", "1:10: the DAG has no param 'zzzzzz'"},
    {"{{ params.get('sourc') }}", "1:15: the DAG has no param 'sourc': did you mean 'source'?"},
    {"{{ ds | uper }}", "1:9: unknown filter 'uper': did you mean 'upper'?"},
    {"{{ ds | xxxxxxxxx }}", "1:9: unknown filter 'xxxxxxxxx'"},
    {"{{ ds | replace('a') }}", "1:9: replace needs its argument 'new'"},
    {"{{ ds | replace('a', 'b', 'c') }}", "1:9: replace takes at most 2 arguments (old, new)"},
    {"{{ ds | upper(1) }}", "1:9: upper takes no arguments"},
    {"{{ ds | trim(char='x') }}", "1:9: trim has no argument 'char'; it has chars"},
    {"{{ ds | replace('a', old='b', new='c') }}", "1:9: replace has its argument 'old' twice"},
    {"{{ ds | ds }}", "1:9: the filter 'ds' needs a date and time, not a string"},
    {"{{ ds | join(',') }}", "1:9: the filter 'join' needs a list, not a string"},
    {"{{ dag_run.logical_dat }}",
     "1:12: dag_run has no attribute 'logical_dat': did you mean 'logical_date'?"},
    {"{{ dag_run.execution_date }}",
     "1:12: dag_run has no attribute 'execution_date': use dag_run.logical_date"},
    {"{{ dag.xxxxxxxxx }}", "1:8: dag has no attribute 'xxxxxxxxx'; it has dag_id, description, owner"},
    {"{{ task.taskid }}", "1:9: task has no attribute 'taskid': did you mean 'task_id'?"},
    {"{{ ti['try_numbr'] }}", "1:6: ti has no attribute 'try_numbr': did you mean 'try_number'?"},
    {"{{ ti.xcom_pull }}", "1:7: 'xcom_pull' is a method: call it, xcom_pull(...)"},
    {"{{ ti.try_number() }}", "1:7: 'try_number' is no method: leave out the ()"},
    {"{{ ti.xcom_pul('load') }}", "1:7: unknown method 'xcom_pul': did you mean 'xcom_pull'?"},
    {"{{ ti.xcom_pull(task_ids='lod') }}", "1:17: the DAG has no task 'lod': did you mean 'load'?"},
    {"{{ ti.xcom_pull(['load', 'geo']) }}", "1:26: the DAG has no task 'geo'"},
    {"{{ ti.xcom_pull('load', 'k') }}",
     "1:7: xcom_pull takes its arguments by name, as in key=...; it has task_ids, key, default"},
    {"{{ ti.xcom_pull(dag_id='x') }}",
     "1:7: xcom_pull has no argument 'dag_id'; it has task_ids, key, default"},
    {"{{ macros.ds_ad(ds, 1) }}", "1:11: unknown method 'ds_ad': did you mean 'ds_add'?"},
    {"{{ macros.ds_add(ds) }}", "1:11: ds_add needs its argument 'days'"},
    {"{{ macros.timedelta(days=1) }}", "1:11: macros has no attribute 'timedelta': move dates with "
                                       "logical_date.add(days=1) or macros.ds_add(ds, 1)"},
    {"{{ logical_date.add(1) }}", "1:17: add takes its arguments by name, as in years=...; it has years, "
                                  "months, weeks, days, hours, minutes, "
                                  "seconds, microseconds"},
    {"{{ logical_date.add(day=1) }}", "1:17: add has no argument 'day'; it has years, months, weeks, days, "
                                      "hours, minutes, seconds, microseconds"},
    {"{{ ds.strftime('%Y') }}", "1:7: a string has no method 'strftime'"},
    {"{{ ds.year }}", "1:7: a string has no attribute 'year'"},
    {"{{ var.bucket }}", "1:8: var has no attribute 'bucket'; it has value, json"},
    {"{{ conn.x.hots }}", "1:11: a connection has no attribute 'hots': did you mean 'host'?"},
    {"{{ conn.x.user }}", "1:11: a connection has no attribute 'user': use login"},
    {"{{ dag_run }}",
     "1:4: dag_run is not a value; name one of its attributes: dag_id, run_id, run_type, conf, "
     "logical_date, data_interval_start, data_interval_end, run_after, start_date"},
    {"{{ conn.x | tojson }}", "1:4: a connection is not a value; name one of its attributes: conn_id, "
                              "conn_type, description, host, login, "
                              "password, schema, port, extra, extra_dejson"},
    {"{{ var.value }}", "1:4: var.value needs a name: var.value.my_key"},
    {"{{ conn ~ 'x' }}", "1:4: conn needs a name: conn.my_db.host"},
    {"{{ [ti] }}", "1:5: ti is not a value; name one of its attributes: dag_id, task_id, run_id, try_number, "
                   "max_tries, map_index, start_date, xcom_pull(...)"},
    {"{{ aaaaaaaaa | upper }} {{ ds | lowr }}\n{{ params.x }}",
     "1:4: unknown name 'aaaaaaaaa': params are params.aaaaaaaaa; a literal '{{' is {{ '{{' }}\n"
     "1:33: unknown filter 'lowr': did you mean 'lower'?\n"
     "2:11: the DAG has no param 'x'"},
};

static void assert_checks(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *reports = check_text(cases[i].text, &NAMES);
        if (!g_str_equal(reports, cases[i].expected))
            fail_msg("%s\n   reports: %s\n  expected: %s", cases[i].text, reports, cases[i].expected);
    }
}

static void test_clean(void **state)
{
    (void)state;
    assert_checks(CLEAN, G_N_ELEMENTS(CLEAN));
}

static void test_reported(void **state)
{
    (void)state;
    assert_checks(REPORTED, G_N_ELEMENTS(REPORTED));
}

static void test_unknown_names_are_not_checked(void **state)
{
    (void)state;
    const TemplateNames nothing = {0};
    g_autofree char *reports = check_text("{{ params.x }} {{ ti.xcom_pull('nobody') }}", &nothing);
    assert_string_equal(reports, "");
}

int run_check_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_reported),
        cmocka_unit_test(test_unknown_names_are_not_checked),
    };
    return cmocka_run_group_tests_name("template check", tests, NULL, NULL);
}
