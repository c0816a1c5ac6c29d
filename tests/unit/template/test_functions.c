/* SPDX-License-Identifier: MIT */
/* Every filter and method. */
#include "tests/unit/template/fixture.h"

static const Case FILTERS[] = {
    {"{{ params.nope | default('d') }} {{ params.n | default('d') }} {{ params.nope | d(1) }}", "d 3 1"},
    {"{{ params.none | default('d') }} {{ params.none | default('d', true) }}", "None d"},
    {"{{ params.empty | default('d', boolean=True) }} {{ params.no_list | default('d', true) }}", "d d"},
    {"{{ params.nope | default(params.no2) | default(params.n) }}[{{ params.nope | default }}]", "3[]"},
    {"{{ params.n | default(params.nope) }}", "3"},
    {"{{ params.files | tojson }}", "[\"a b\", \"it\\u0027s\"]"},
    {"{{ params.none | tojson }} {{ params.on | tojson }} {{ params.ratio | tojson }}", "null true 0.1"},
    {"{{ 'a\"\\n\\x01ü' | tojson }} {{ logical_date | tojson }}",
     "\"a\\\"\\n\\u0001ü\" \"2026-01-02T00:00:00+00:00\""},
    {"{{ params.text | quote }}", "'  Grüße, World '"},
    {"{{ \"it's; rm -rf $HOME `x` \\\\ \\\" \\n\" | quote }}", "'it'\\''s; rm -rf $HOME `x` \\ \" \n'"},
    {"{{ params.empty | quote }} {{ params.n | quote }}", "'' '3'"},
    {"{{ params.text | upper }}|{{ params.text | lower }}|{{ params.text | trim }}",
     "  GRÜSSE, WORLD |  grüße, world |Grüße, World"},
    {"{{ 'xxaxx' | trim('x') }} {{ 'üaü' | trim(chars='ü') }}", "a a"},
    {"{{ ds | replace('-', '/') }} {{ 'aaa' | replace('aa', 'b') }} {{ 3 | replace('3', '4') }}",
     "2026/01/02 ba 4"},
    {"{{ '42' | int }} {{ ' 42 ' | int }} {{ 3.9 | int }} {{ '-3.9' | int }} {{ true | int }}",
     "42 42 3 -3 1"},
    {"{{ 'x' | int(0) }} {{ none | int(default=-1) }} {{ 'nan' | float(0) }}", "0 -1 0"},
    {"{{ '1.5' | float }} {{ 2 | float }} {{ '1e3' | float }}", "1.5 2.0 1000.0"},
    {"{{ params.n | string }} {{ params.on | string }}", "3 True"},
    {"{{ params.files | length }} {{ 'Grüße' | length }} {{ params.nested | length }}", "2 5 2"},
    {"{{ params.files | first }} {{ params.files | last }} {{ 'üx' | first }} {{ 'xü' | last }}",
     "a b it's ü ü"},
    {"{{ params.no_list | first | default('none') }}", "none"},
    {"{{ params.files | join(', ') }} {{ [1, none, true] | join }} {{ [] | join(',') }}",
     "a b, it's 1NoneTrue "},
    {"{{ data_interval_start | ds }} {{ data_interval_start | ds_nodash }}", "2026-01-01 20260101"},
    {"{{ data_interval_start | ts }} {{ data_interval_start | ts_nodash }}",
     "2026-01-01T00:00:00+00:00 20260101T000000"},
    {"{{ data_interval_start | ts_nodash_with_tz }}", "20260101T000000+0000"},
    {"{{ 1e15 }} {{ 1e16 }} {{ 123456789.125 }} {{ 1e-5 }} {{ 0.0001 }} {{ 1.1 }} {{ 5e-324 }} {{ 0.0 }}",
     "1000000000000000.0 1e+16 123456789.125 1e-05 0.0001 1.1 5e-324 0.0"},
};

static const Case METHODS[] = {
    {"{{ ds.upper() }} {{ 'aB'.upper() }} {{ 'aB'.lower() }}", "2026-01-02 AB ab"},
    {"[{{ ' a '.strip() }}] [{{ ' a '.lstrip() }}] [{{ ' a '.rstrip() }}] [{{ 'xax'.strip('x') }}]",
     "[a] [a ] [ a] [a]"},
    {"{{ ds.replace('-', '') }} {{ ds.split('-')[1] }} {{ ' a  b '.split() }}", "20260102 01 [\"a\", \"b\"]"},
    {"{{ logical_date.strftime('%Y/%m/%d %H:%M:%S.%f %j %a %B %y%%') }}",
     "2026/01/02 00:00:00.000000 002 Fri January 26%"},
    {"{{ logical_date.strftime('%-d %s %Z %z') }}", "2 1767312000 UTC +0000"},
    {"{{ logical_date.isoformat() }} {{ logical_date.to_date_string() }}",
     "2026-01-02T00:00:00+00:00 2026-01-02"},
    {"{{ logical_date.timestamp() }} {{ logical_date.int_timestamp }}", "1767312000.0 1767312000"},
    {"{{ dag_run.run_after.year }} {{ dag_run.run_after.month }} {{ dag_run.run_after.day }}", "2026 1 2"},
    {"{{ ti.start_date.hour }}:{{ ti.start_date.minute }}:{{ ti.start_date.second }}", "0:1:0"},
    {"{{ dag_run.run_after.microsecond }}", "123456"},
    {"{{ logical_date.add(days=1, hours=2) }}", "2026-01-03 02:00:00+00:00"},
    {"{{ logical_date.add(months=1, weeks=-1, minutes=5, seconds=1.5, microseconds=1) }}",
     "2026-01-26 00:05:01.500001+00:00"},
    {"{{ logical_date.subtract(years=1, days=2) | ds }}", "2024-12-31"},
    {"{{ logical_date.add(days=29).add(months=1) | ds }}", "2026-02-28"},
    {"{{ logical_date.add(months=6).in_timezone('Europe/London') }}", "2026-07-02 01:00:00+01:00"},
    {"{{ logical_date.in_tz('America/New_York').strftime('%Y-%m-%d %H:%M %Z%z') }}",
     "2026-01-01 19:00 EST-0500"},
    {"{{ logical_date.add(days=85).in_timezone('Europe/London').add(days=1) }}", "2026-03-29 00:00:00+00:00"},
    {"{{ logical_date.add(days=86, hours=12).in_timezone('Europe/London').subtract(days=1) }}",
     "2026-03-28 13:00:00+00:00"},
    {"{{ macros.ds_add(ds, 5) }} {{ macros.ds_add('2026-03-01', -1) }} {{ macros.ds_add(ds=ds, days=0) }}",
     "2026-01-07 2026-02-28 2026-01-02"},
    {"{{ macros.ds_format(ds, '%Y-%m-%d', '%Y/%m') }} {{ macros.ds_format('1/5/2015', '%m/%d/%Y', '%b %d') "
     "}}",
     "2026/01 Jan 05"},
};

static void test_filters(void **state)
{
    (void)state;
    assert_renders(FILTERS, G_N_ELEMENTS(FILTERS), fixture_context());
}

static void test_methods(void **state)
{
    (void)state;
    assert_renders(METHODS, G_N_ELEMENTS(METHODS), fixture_context());
}

static const Case FAILURES[] = {
    {"{{ params.user_id | int }}",
     "1:21: int: the value is not a number that fits; to go on with 0, give 0 as argument"},
    {"{{ 'inf' | float }}",
     "1:12: float: the value is not a number that fits; to go on with 0, give 0 as argument"},
    {"{{ 3 | length }}", "1:8: length: a number has no length"},
    {"{{ 3 | first }}", "1:8: first: needs a list, not a number"},
    {"{{ params.no_list | last }}", "1:4: the list is empty (default('...') can stand in for it)"},
    {"{{ params.n | join(',') }}", "1:15: the filter 'join' needs a list, not a number"},
    {"{{ ds | replace('', 'x') }}", "1:9: replace: old must not be empty"},
    {"{{ ds | replace(1, 'x') }}", "1:9: replace: old must be a string, not a number"},
    {"{{ ds.split('') }}", "1:7: split: sep must not be empty"},
    {"{{ params.n.upper() }}", "1:13: a number has no method 'upper'"},
    {"{{ params.n | nofilter }}", "1:15: there is no filter 'nofilter'"},
    {"{{ params.n | default(1, 2, 3) }}", "1:15: default takes at most 2 arguments (default_value, boolean)"},
    {"{{ [logical_date] }}", "1:4: a list cannot hold a date; format it (| ts)"},
    {"{{ logical_date.strftime('%Q') }}", "1:17: strftime: the format has no directive %Q here"},
    {"{{ logical_date.strftime('100%') }}", "1:17: strftime: the format has a lone %; a literal one is %%"},
    {"{{ logical_date.add(days='1') }}", "1:17: add: days must be a whole number, not a string"},
    {"{{ logical_date.add(days=1.5) }}", "1:17: add: days must be a whole number"},
    {"{{ logical_date.add(years=9999) }}", "1:17: add: the date leaves the years 1 to 9999"},
    {"{{ logical_date.add(hours=9223372036854775807) }}", "1:17: add: the date leaves the years 1 to 9999"},
    {"{{ logical_date.add(seconds=1e300) }}", "1:17: add: the date leaves the years 1 to 9999"},
    {"{{ logical_date.in_timezone('Europe/Londn') }}",
     "1:17: in_timezone: tz is not a known time zone (as Europe/London)"},
    {"{{ logical_date.in_timezone('../../etc/passwd') }}",
     "1:17: in_timezone: tz is not a known time zone (as Europe/London)"},
    {"{{ macros.ds_add('2026-02-30', 1) }}", "1:11: ds_add: ds is not a date (YYYY-MM-DD)"},
    {"{{ macros.ds_add(logical_date, 1) }}", "1:11: ds_add: ds must be a string, not a date and time"},
    {"{{ macros.ds_add(ds, 99999999) }}", "1:11: ds_add: the date leaves the years 1 to 9999"},
    {"{{ macros.ds_format(ds, '%d/%m', '%Y') }}", "1:11: ds_format: the date does not match its format"},
    {"{{ macros.ds_format(ds, '%s', '%Y') }}", "1:11: ds_format: the format has no directive %s here"},
};

static void test_failures(void **state)
{
    (void)state;
    assert_render_fails(FAILURES, G_N_ELEMENTS(FAILURES), fixture_context());
}

int run_function_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests_name("template functions", tests, NULL, NULL);
}
