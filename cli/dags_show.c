/* SPDX-License-Identifier: MIT */
/* weir dags show, weir dags details: one DAG as its file says now. */
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/documents.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "cli/verbs.h"
#include "scheduler/time/duration.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *task_rows(const Dag *dag)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        json_array_append_new(rows, document_of_dag_task(dag, i));
    return rows;
}

int verb_dags_show(Cli *cli, GError **error)
{
    const Dag *dag = cli_find_dag(cli, args_word(cli->args, 0), error);
    if (dag == NULL)
        return EXIT_FAILURE;
    if (cli->format == OUTPUT_JSON || cli->format == OUTPUT_YAML) {
        json_auto_t *rows = task_rows(dag);
        output_rows(cli->format, NULL, rows);
        return EXIT_SUCCESS;
    }
    g_autofree char *schedule = schedule_spec_summary(&dag->schedule);
    g_autofree char *tree = tree_draw(dag, text_is_utf8_locale(), colour_on_stdout());
    bool has_zone = dag->schedule.timezone != NULL && dag->schedule.kind == SCHEDULE_CRON;
    printf("%s: schedule %s%s%s%s, %u task%s\n", dag->dag_id, schedule, has_zone ? " (" : "",
           has_zone ? dag->schedule.timezone : "", has_zone ? ")" : "", dag->n_tasks,
           dag->n_tasks == 1 ? "" : "s");
    fputs(tree, stdout);
    return EXIT_SUCCESS;
}

static json_t *text_list(const char *const *texts)
{
    json_t *list = json_array();
    for (; *texts != NULL; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

static json_t *param_objects(const ParamSet *params)
{
    json_t *object = json_object();
    for (guint i = 0; i < param_set_size(params); i++) {
        const Param *param = param_set_get(params, i);
        json_t *item = json_object();
        json_object_set(item, "value", param->default_json);
        json_object_set(item, "schema", param->schema);
        json_object_set_new(object, param->name, item);
    }
    return object;
}

/** "joe (string: who it is for)": a param for people. */
static json_t *param_words(const Param *param)
{
    g_autofree char *value = output_cell(param->default_json);
    const char *type = json_string_value(json_object_get(param->schema, "type"));
    const char *what = json_string_value(json_object_get(param->schema, "description"));
    const char *shown = param->default_json != NULL ? value : "(no default)";
    if (type == NULL && what == NULL)
        return document_text(shown);
    g_autofree char *text =
        g_strdup_printf("%s (%s%s%s)", shown, type != NULL ? type : "",
                        type != NULL && what != NULL ? ": " : "", what != NULL ? what : "");
    return document_text(text);
}

/** json and yaml have REST's object; a table has a line for each. */
static void add_params(json_t *object, const ParamSet *params, OutputFormat format)
{
    if (format == OUTPUT_JSON || format == OUTPUT_YAML || param_set_size(params) == 0) {
        json_object_set_new(object, "params", param_objects(params));
        return;
    }
    for (guint i = 0; i < param_set_size(params); i++) {
        const Param *param = param_set_get(params, i);
        g_autofree char *key = g_strconcat("params.", param->name, NULL);
        json_object_set_new(object, key, param_words(param));
    }
}

static json_t *duration_text(int64_t us)
{
    g_autofree char *text = us > 0 ? duration_format(us) : NULL;
    return document_text(text);
}

/** Null: as the settings say. */
static json_t *retention_text(int64_t us)
{
    g_autofree char *text = us >= 0 ? (us > 0 ? duration_format(us) : g_strdup("0s")) : NULL;
    return document_text(text);
}

int verb_dags_details(Cli *cli, GError **error)
{
    const Dag *dag = cli_find_dag(cli, args_word(cli->args, 0), error);
    StoreConn *reader = dag != NULL ? cli_reader(cli, NULL) : NULL;
    if (dag == NULL)
        return EXIT_FAILURE;
    g_autoptr(DagRow) row = reader != NULL ? store_get_dag(reader, dag->dag_id, NULL) : NULL;
    g_autofree char *summary = schedule_spec_summary(&dag->schedule);
    json_auto_t *object = json_object();
    json_object_set_new(object, "dag_id", json_string(dag->dag_id));
    json_object_set_new(object, "description", document_text(dag->description));
    json_object_set_new(object, "owner", document_text(dag->owner));
    json_object_set_new(object, "tags", text_list((const char *const *)dag->tags));
    json_object_set_new(
        object, "is_paused",
        json_boolean(row != NULL ? row->is_paused : cli->settings->dags_are_paused_at_creation));
    json_object_set_new(object, "timetable_summary",
                        document_text(dag->schedule.kind != SCHEDULE_NONE ? summary : NULL));
    json_object_set_new(object, "timezone",
                        document_text(dag->schedule.timezone != NULL ? dag->schedule.timezone : "UTC"));
    json_object_set_new(object, "start_date", document_time(dag->schedule.start_date_us));
    json_object_set_new(object, "end_date", document_time(dag->schedule.end_date_us));
    json_object_set_new(object, "catchup", json_boolean(dag->schedule.catchup));
    json_object_set_new(object, "data_interval",
                        document_text(data_interval_mode_to_string(dag->schedule.data_interval)));
    json_object_set_new(object, "max_active_runs", json_integer(dag->max_active_runs));
    json_object_set_new(object, "max_active_tasks", json_integer(dag->max_active_tasks));
    json_object_set_new(object, "dag_run_timeout", duration_text(dag->dagrun_timeout_us));
    json_object_set_new(object, "retention", retention_text(dag->retention.runs_us));
    json_object_set_new(object, "log_retention", retention_text(dag->retention.logs_us));
    add_params(object, dag->params, cli->format);
    document_set_hooks(object, dag->hooks);
    json_object_set_new(object, "n_tasks", json_integer(dag->n_tasks));
    json_object_set_new(object, "fileloc", document_text(dag->fileloc));
    json_object_set_new(object, "doc_md", document_text(dag->doc_md));
    output_object(cli->format, object);
    return EXIT_SUCCESS;
}
