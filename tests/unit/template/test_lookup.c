/* SPDX-License-Identifier: MIT */
/* XComs, variables and connections, and that no message shows what is in them. */
#include "tests/unit/template/fixture.h"

static const Case FOUND[] = {
    {"{{ ti.xcom_pull(task_ids='load') }} {{ ti.xcom_pull('load') }}", "137 rows 137 rows"},
    {"{{ task_instance.xcom_pull(task_ids='load', key='stats') }}",
     "{\"parts\": [\"a\", \"b\"], \"rows\": 137}"},
    {"{{ ti.xcom_pull(task_ids='load', key='stats').rows }}", "137"},
    {"{{ ti.xcom_pull(task_ids='load', key='stats')['parts'][1] }}", "b"},
    {"{{ ti.xcom_pull() }} {{ ti.xcom_pull(task_ids=none) }}", "own own"},
    {"{{ ti.xcom_pull(task_ids=['load', 'clean_geo', 'nobody']) }}", "[\"137 rows\", 12, null]"},
    {"{{ ti.xcom_pull(['load'], default='d') }} {{ ti.xcom_pull(['nobody'], default='d') }}",
     "[\"137 rows\"] [\"d\"]"},
    {"{{ ti.xcom_pull('nobody') }} {{ ti.xcom_pull('nobody', default=[1]) }}", "None [1]"},
    {"{{ ti.xcom_pull('nobody') | default('x', true) }}", "x"},
    {"{{ var.value.bucket }} {{ var.value['my.key'] }} {{ var.value.get('bucket') }}",
     "s3://pins dotted s3://pins"},
    {"{{ var.value.get('nope', 'd') }} {{ var.value.nope | default('e') }}", "d e"},
    {"{{ var.value.get('nope', none) }}", "None"},
    {"{{ var.json.settings.depth.x }} {{ var.json.settings['list'][0] }}", "1.5 1"},
    {"{{ var.json.get('settings')['list'] | length }}", "2"},
    {"{{ var.json.get('nope', [])}}", "[]"},
    {"{{ conn.my_db.host }}:{{ conn.my_db.port }}/{{ conn.my_db.schema }}", "db.example:5432/pins"},
    {"{{ conn['my_db'].login }} {{ conn.get('my_db').conn_type }} {{ conn.my_db.conn_id }}",
     "ann postgres my_db"},
    {"{{ conn.my_db.password }} {{ conn.my_db.description }}", FIXTURE_SECRET " None"},
    {"{{ conn.my_db.extra_dejson.region }} {{ conn.my_db.extra_dejson.deep.a[0] }}", "eu-west-2 1"},
    {"{{ conn.my_db.extra }}", "{\"deep\": {\"a\": [1]}, \"region\": \"eu-west-2\"}"},
    {"{{ conn['text-extra'].extra_dejson.region }} {{ conn['text-extra'].extra }}",
     "us {\"region\": \"us\"}"},
    {"{{ conn['text-extra'].host }} {{ conn.get('nope') }} {{ conn.get('nope', 'd') }}", "None None d"},
    {"{{ conn.my_db.extra_dejson.get('region', 'x') }} {{ conn.my_db.extra_dejson.get('zone', 'x') }}",
     "eu-west-2 x"},
};

static void test_found(void **state)
{
    (void)state;
    assert_renders(FOUND, G_N_ELEMENTS(FOUND), fixture_context());
}

static const Case FAILURES[] = {
    {"{{ ti.xcom_pull('broken') }}", "1:7: xcom_pull: the store is gone"},
    {"{{ ti.xcom_pull(['load', 'broken']) }}", "1:7: xcom_pull: the store is gone"},
    {"{{ ti.xcom_pull([1]) }}", "1:7: xcom_pull: task_ids must be a task's id or a list of them"},
    {"{{ ti.xcom_pull(3) }}", "1:7: xcom_pull: task_ids must be a task's id or a list of them"},
    {"{{ ti.xcom_pull('a', default=ts.x) }}",
     "1:30: a string has no attribute 'x' (default('...') can stand in for it)"},
    {"{{ ti.xcom_pull('a', default=logical_date) }}",
     "1:7: xcom_pull: default must not be a date; format it, as with ts"},
    {"{{ var.value.nope }}", "1:4: 'var.value.nope' is not defined (default('...') can stand in for it)"},
    {"{{ var.value.get('nope') }}",
     "1:4: 'var.value.get('nope')' is not defined (default('...') can stand in for it)"},
    {"{{ var.value.broken }}", "1:14: var.value.broken: the store is gone"},
    {"{{ var.json.broken.x }}", "1:13: var.json.broken: the store is gone"},
    {"{{ var.json.secret }}", "1:13: var.json.secret: the variable is not valid JSON"},
    {"{{ var.json.bucket.x | default('y') }}", "1:13: var.json.bucket: the variable is not valid JSON"},
    {"{{ conn.nope.host }}", "1:14: 'conn.nope' is not defined (default('...') can stand in for it)"},
    {"{{ conn.broken.host }}", "1:9: conn.broken: the store is gone"},
    {"{{ conn.bad_extra.extra_dejson.x }}",
     "1:19: conn.bad_extra.extra_dejson: the extra of the connection is not valid JSON"},
    {"{{ conn.my_db.password | int }}",
     "1:26: int: the value is not a number that fits; to go on with 0, give 0 as argument"},
    {"{{ conn.my_db.password.x }}",
     "1:4: a string has no attribute 'x' (default('...') can stand in for it)"},
    {"{{ macros.ds_add(conn.my_db.password, 1) }}", "1:11: ds_add: ds is not a date (YYYY-MM-DD)"},
    {"{{ params[conn.my_db.password] }}",
     "1:4: 'params[conn.my_db.password]' is not defined (default('...') can stand in for it)"},
    {"{{ var.value[conn.my_db.password] }}",
     "1:4: 'var.value[conn.my_db.password]' is not defined (default('...') can stand in for it)"},
    {"{{ conn[conn.my_db.password].host }}",
     "1:30: 'conn[conn.my_db.password]' is not defined (default('...') can stand in for it)"},
    {"{{ var.value.get(conn.my_db.password) }}",
     "1:4: 'var.value.get(conn.my_db.password)' is not defined (default('...') can stand in for it)"},
    {"{{ ti[conn.my_db.password] }}",
     "1:4: 'ti[conn.my_db.password]' is not defined (default('...') can stand in for it)"},
    {"{{ logical_date.strftime(conn.my_db.password ~ '%') }}",
     "1:17: strftime: the format has a lone %; a literal one is %%"},
    {"{{ macros.ds_format(ds, conn.my_db.password, '%Y') }}",
     "1:11: ds_format: the date does not match its format"},
};

static void test_failures(void **state)
{
    (void)state;
    assert_render_fails(FAILURES, G_N_ELEMENTS(FAILURES), fixture_context());
}

static void test_callback_error_keeps_its_code(void **state)
{
    (void)state;
    g_auto(TemplateError) syntax = {0};
    g_autoptr(Template) template = template_parse("{{ var.value.broken }}", &syntax);
    g_autoptr(GError) error = NULL;
    assert_null(template_render(template, fixture_context(), &error));
    assert_true(g_error_matches(error, WEIR_ERROR, WEIR_ERROR_IO));
}

int run_lookup_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_callback_error_keeps_its_code),
    };
    return cmocka_run_group_tests_name("template lookup", tests, NULL, NULL);
}
