/* SPDX-License-Identifier: MIT */
#include "scheduler/template/names.h"

#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(TemplateContext, field)

static const TplAttribute ATTRIBUTES[] = {
    {TPL_TYPE_ROOT, "ds", TPL_TYPE_STRING, TPL_SOURCE_STAMP},
    {TPL_TYPE_ROOT, "ds_nodash", TPL_TYPE_STRING, TPL_SOURCE_STAMP},
    {TPL_TYPE_ROOT, "ts", TPL_TYPE_STRING, TPL_SOURCE_STAMP},
    {TPL_TYPE_ROOT, "ts_nodash", TPL_TYPE_STRING, TPL_SOURCE_STAMP},
    {TPL_TYPE_ROOT, "ts_nodash_with_tz", TPL_TYPE_STRING, TPL_SOURCE_STAMP},
    {TPL_TYPE_ROOT, "task_instance_key_str", TPL_TYPE_STRING, TPL_SOURCE_INSTANCE_KEY},
    {TPL_TYPE_ROOT, "logical_date", TPL_TYPE_INSTANT, TPL_SOURCE_LOGICAL_DATE},
    {TPL_TYPE_ROOT, "data_interval_start", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(data_interval_start_us)},
    {TPL_TYPE_ROOT, "data_interval_end", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(data_interval_end_us)},
    {TPL_TYPE_ROOT, "prev_data_interval_start_success", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT,
     AT(prev_data_interval_start_success_us)},
    {TPL_TYPE_ROOT, "prev_data_interval_end_success", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT,
     AT(prev_data_interval_end_success_us)},
    {TPL_TYPE_ROOT, "prev_start_date_success", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT,
     AT(prev_start_date_success_us)},
    {TPL_TYPE_ROOT, "prev_end_date_success", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT,
     AT(prev_end_date_success_us)},
    {TPL_TYPE_ROOT, "run_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(run_id)},
    {TPL_TYPE_ROOT, "dag_run", TPL_TYPE_DAG_RUN, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "dag", TPL_TYPE_DAG, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "task", TPL_TYPE_TASK, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "ti", TPL_TYPE_TI, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "task_instance", TPL_TYPE_TI, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "params", TPL_TYPE_PARAMS, TPL_SOURCE_JSON, AT(params)},
    {TPL_TYPE_ROOT, "var", TPL_TYPE_VAR, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "conn", TPL_TYPE_CONN, TPL_SOURCE_OBJECT},
    {TPL_TYPE_ROOT, "macros", TPL_TYPE_MACROS, TPL_SOURCE_OBJECT},

    {TPL_TYPE_DAG_RUN, "dag_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(dag_id)},
    {TPL_TYPE_DAG_RUN, "run_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(run_id)},
    {TPL_TYPE_DAG_RUN, "run_type", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(run_type)},
    {TPL_TYPE_DAG_RUN, "conf", TPL_TYPE_OBJECT, TPL_SOURCE_JSON, AT(conf)},
    {TPL_TYPE_DAG_RUN, "logical_date", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(logical_date_us)},
    {TPL_TYPE_DAG_RUN, "data_interval_start", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT,
     AT(data_interval_start_us)},
    {TPL_TYPE_DAG_RUN, "data_interval_end", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(data_interval_end_us)},
    {TPL_TYPE_DAG_RUN, "run_after", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(run_after_us)},
    {TPL_TYPE_DAG_RUN, "start_date", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(run_start_date_us)},

    {TPL_TYPE_DAG, "dag_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(dag_id)},
    {TPL_TYPE_DAG, "description", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(dag_description)},
    {TPL_TYPE_DAG, "owner", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(owner)},

    {TPL_TYPE_TASK, "task_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(task_id)},
    {TPL_TYPE_TASK, "dag_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(dag_id)},
    {TPL_TYPE_TASK, "owner", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(owner)},
    {TPL_TYPE_TASK, "retries", TPL_TYPE_NUMBER, TPL_SOURCE_INTEGER, AT(retries)},

    {TPL_TYPE_TI, "dag_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(dag_id)},
    {TPL_TYPE_TI, "task_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(task_id)},
    {TPL_TYPE_TI, "run_id", TPL_TYPE_STRING, TPL_SOURCE_STRING, AT(run_id)},
    {TPL_TYPE_TI, "try_number", TPL_TYPE_NUMBER, TPL_SOURCE_INTEGER, AT(try_number)},
    {TPL_TYPE_TI, "max_tries", TPL_TYPE_NUMBER, TPL_SOURCE_INTEGER, AT(max_tries)},
    {TPL_TYPE_TI, "map_index", TPL_TYPE_NUMBER, TPL_SOURCE_MINUS_ONE},
    {TPL_TYPE_TI, "start_date", TPL_TYPE_INSTANT, TPL_SOURCE_INSTANT, AT(task_start_date_us)},

    {TPL_TYPE_VAR, "value", TPL_TYPE_VAR_VALUE, TPL_SOURCE_OBJECT},
    {TPL_TYPE_VAR, "json", TPL_TYPE_VAR_JSON, TPL_SOURCE_OBJECT},

    {TPL_TYPE_CONNECTION, "conn_id", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "conn_type", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "description", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "host", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "login", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "password", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "schema", TPL_TYPE_STRING, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "port", TPL_TYPE_NUMBER, TPL_SOURCE_RECORD},
    {TPL_TYPE_CONNECTION, "extra", TPL_TYPE_STRING, TPL_SOURCE_EXTRA},
    {TPL_TYPE_CONNECTION, "extra_dejson", TPL_TYPE_OBJECT, TPL_SOURCE_EXTRA_JSON},

    {TPL_TYPE_INSTANT, "year", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "month", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "day", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "hour", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "minute", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "second", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "microsecond", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
    {TPL_TYPE_INSTANT, "int_timestamp", TPL_TYPE_NUMBER, TPL_SOURCE_CLOCK},
};

/** Names that people bring along from Airflow, and what to write in weir. */
static const struct {
    TplType owner;
    const char *name, *instead;
} ELSEWHERE[] = {
    {TPL_TYPE_ROOT, "execution_date", "use logical_date (Airflow 3 has no execution_date either)"},
    {TPL_TYPE_ROOT, "next_execution_date", "use data_interval_end"},
    {TPL_TYPE_ROOT, "prev_execution_date",
     "use logical_date.subtract(days=1), or the interval of your schedule"},
    {TPL_TYPE_ROOT, "prev_execution_date_success", "use prev_data_interval_start_success"},
    {TPL_TYPE_ROOT, "next_ds", "use data_interval_end | ds"},
    {TPL_TYPE_ROOT, "next_ds_nodash", "use data_interval_end | ds_nodash"},
    {TPL_TYPE_ROOT, "prev_ds", "use macros.ds_add(ds, -1), or the interval of your schedule"},
    {TPL_TYPE_ROOT, "prev_ds_nodash", "use logical_date.subtract(days=1) | ds_nodash"},
    {TPL_TYPE_ROOT, "yesterday_ds", "use macros.ds_add(ds, -1)"},
    {TPL_TYPE_ROOT, "yesterday_ds_nodash", "use logical_date.subtract(days=1) | ds_nodash"},
    {TPL_TYPE_ROOT, "tomorrow_ds", "use macros.ds_add(ds, 1)"},
    {TPL_TYPE_ROOT, "tomorrow_ds_nodash", "use logical_date.add(days=1) | ds_nodash"},
    {TPL_TYPE_ROOT, "conf", "use dag_run.conf for what a run was triggered with"},
    {TPL_TYPE_ROOT, "start_date", "use ti.start_date or dag_run.start_date"},
    {TPL_TYPE_ROOT, "test_mode", "weir does not have it"},
    {TPL_TYPE_ROOT, "inlets", "weir has no assets"},
    {TPL_TYPE_ROOT, "outlets", "weir has no assets"},
    {TPL_TYPE_ROOT, "triggering_asset_events", "weir has no assets"},
    {TPL_TYPE_ROOT, "env", "a command sees its environment as shell variables: $NAME"},
    {TPL_TYPE_DAG_RUN, "execution_date", "use dag_run.logical_date"},
    {TPL_TYPE_DAG_RUN, "external_trigger", "use dag_run.run_type, which is 'manual' for such runs"},
    {TPL_TYPE_DAG, "params", "use params"},
    {TPL_TYPE_TASK, "params", "use params"},
    {TPL_TYPE_TI, "execution_date", "use logical_date"},
    {TPL_TYPE_TI, "logical_date", "use logical_date"},
    {TPL_TYPE_CONNECTION, "user", "use login"},
    {TPL_TYPE_CONNECTION, "username", "use login"},
    {TPL_TYPE_CONNECTION, "extras", "use extra_dejson"},
    {TPL_TYPE_MACROS, "timedelta", "move dates with logical_date.add(days=1) or macros.ds_add(ds, 1)"},
    {TPL_TYPE_MACROS, "datetime", "dates are data_interval_start, logical_date and their kin"},
    {TPL_TYPE_MACROS, "dateutil", "move dates with logical_date.add(months=1)"},
    {TPL_TYPE_MACROS, "time", "templates know no clock; use dag_run.run_after or $(date) in the command"},
    {TPL_TYPE_MACROS, "uuid", "templates are the same each time; use run_id or task_instance_key_str"},
    {TPL_TYPE_MACROS, "random", "templates are the same each time they are rendered"},
};

const TplAttribute *tpl_attribute_find(TplType owner, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ATTRIBUTES); i++) {
        if (ATTRIBUTES[i].owner == owner && g_str_equal(ATTRIBUTES[i].name, name))
            return &ATTRIBUTES[i];
    }
    return NULL;
}

bool tpl_attributes_are_fixed(TplType owner)
{
    switch (owner) {
    case TPL_TYPE_ANY:
    case TPL_TYPE_OBJECT:
    case TPL_TYPE_PARAMS:
    case TPL_TYPE_VAR_VALUE:
    case TPL_TYPE_VAR_JSON:
    case TPL_TYPE_CONN:
        return false;
    default:
        return true;
    }
}

/** NULL-terminated; the names are static. */
static GPtrArray *attribute_names(TplType owner)
{
    GPtrArray *names = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(ATTRIBUTES); i++) {
        if (ATTRIBUTES[i].owner == owner)
            g_ptr_array_add(names, (char *)ATTRIBUTES[i].name);
    }
    if (owner == TPL_TYPE_TI)
        g_ptr_array_add(names, (char *)"xcom_pull(...)");
    if (owner == TPL_TYPE_MACROS) {
        g_ptr_array_add(names, (char *)"ds_add(...)");
        g_ptr_array_add(names, (char *)"ds_format(...)");
    }
    g_ptr_array_add(names, NULL);
    return names;
}

static const char *elsewhere(TplType owner, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ELSEWHERE); i++) {
        if (ELSEWHERE[i].owner == owner && g_str_equal(ELSEWHERE[i].name, name))
            return ELSEWHERE[i].instead;
    }
    return NULL;
}

char *tpl_attribute_explain(TplType owner, const char *name)
{
    g_autofree char *what = owner == TPL_TYPE_ROOT
                                ? g_strdup_printf("unknown name '%.60s'", name)
                                : g_strdup_printf("%s has no attribute '%.60s'", tpl_type_label(owner), name);
    const char *instead = elsewhere(owner, name);
    if (instead != NULL)
        return g_strdup_printf("%s: %s", what, instead);
    g_autoptr(GPtrArray) names = attribute_names(owner);
    const char *near = suggest_nearest(name, (const char *const *)names->pdata);
    if (near != NULL)
        return g_strdup_printf("%s: did you mean '%s'?", what, near);
    if (owner == TPL_TYPE_ROOT)
        return g_strdup_printf("%s: params are params.%.60s; a literal '{{' is {{ '{{' }}", what, name);
    if (names->len == 1)
        return g_steal_pointer(&what);
    g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
    return g_strdup_printf("%s; it has %s", what, all);
}

char *tpl_object_explain(TplType type)
{
    if (type == TPL_TYPE_VAR_VALUE || type == TPL_TYPE_VAR_JSON || type == TPL_TYPE_CONN)
        return g_strdup_printf("%s needs a name: %s.%s", tpl_type_label(type), tpl_type_label(type),
                               type == TPL_TYPE_CONN ? "my_db.host" : "my_key");
    g_autoptr(GPtrArray) names = attribute_names(type);
    g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
    return g_strdup_printf("%s is not a value; name one of its attributes: %s", tpl_type_label(type), all);
}
