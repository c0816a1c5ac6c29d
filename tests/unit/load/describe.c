/* SPDX-License-Identifier: MIT */
#include "tests/unit/load/describe.h"

#include "scheduler/time/instant.h"

static void describe_text(GString *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    g_autofree char *escaped = g_strescape(text, "\x80\xc3\xa9\xf0\x9f\x8e\x89");
    g_string_append_printf(out, "%s: \"%s\"\n", name, escaped);
}

static void describe_env(GString *out, const char *name, const EnvVar *env, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        g_autofree char *full = g_strconcat(name, " ", env[i].name, NULL);
        describe_text(out, full, env[i].value);
    }
}

static void describe_schedule(GString *out, const ScheduleSpec *schedule)
{
    g_autofree char *summary = schedule_spec_summary(schedule);
    g_autofree char *start = instant_format(schedule->start_date_us, INSTANT_SECONDS_Z);
    g_autofree char *end = instant_format(schedule->end_date_us, INSTANT_SECONDS_Z);
    g_string_append_printf(out, "schedule: %s\n", summary);
    describe_text(out, "timezone", schedule->timezone);
    describe_text(out, "start_date", start);
    describe_text(out, "end_date", end);
    g_string_append_printf(out, "catchup: %d, data_interval: %s\n", schedule->catchup,
                           data_interval_mode_to_string(schedule->data_interval));
}

static void describe_params(GString *out, const ParamSet *params)
{
    for (guint i = 0; i < param_set_size(params); i++) {
        const Param *param = param_set_get(params, i);
        g_autofree char *schema = json_dumps(param->schema, JSON_COMPACT);
        g_autofree char *value = json_dumps(param->default_json, JSON_COMPACT | JSON_ENCODE_ANY);
        g_string_append_printf(out, "param %s: %s %s%s\n", param->name, value == NULL ? "required" : value,
                               schema, param->is_path ? " path" : "");
    }
}

static void describe_command(GString *out, const char *indent, const CommandLine *command)
{
    g_autofree char *shell = g_strconcat(indent, "shell", NULL), *word = g_strconcat(indent, "arg", NULL);
    describe_text(out, shell, command->shell);
    for (const char **arg = command->argv; arg != NULL && *arg != NULL; arg++)
        describe_text(out, word, *arg);
}

static void describe_hooks(GString *out, const char *indent, const CommandLine *const *hooks)
{
    for (int i = 0; i < HOOK_EVENT_COUNT; i++) {
        g_autofree char *inner = g_strdup_printf("%s%s ", indent, hook_event_to_string(i));
        if (hooks[i] != NULL)
            describe_command(out, inner, hooks[i]);
    }
}

static void describe_task(GString *out, const Dag *dag, uint32_t index)
{
    const Task *task = &dag->tasks[index];
    g_string_append_printf(out, "task %s at %u:%u, %s\n", task->task_id, task->position.line,
                           task->position.column, task_body_operator(task->body));
    describe_command(out, "  ", &task->command);
    describe_hooks(out, "  ", task->hooks);
    GraphSpan upstream = dag_upstream(dag, index);
    for (uint32_t i = 0; i < upstream.n; i++)
        g_string_append_printf(out, "  after %s\n", dag->tasks[upstream.items[i]].task_id);
    describe_env(out, "  env", task->env, task->n_env);
    describe_text(out, "  cwd", task->cwd);
    describe_text(out, "  owner", task->owner);
    describe_text(out, "  doc_md", task->doc_md);
    g_string_append_printf(
        out, "  retries %d, delay %" G_GINT64_FORMAT "s, backoff %g, max %" G_GINT64_FORMAT "s\n",
        task->retries, task->retry_delay_us / USEC_PER_SEC, task->retry_backoff,
        task->max_retry_delay_us / USEC_PER_SEC);
    g_string_append_printf(out, "  timeout %" G_GINT64_FORMAT "s, %s, pool %s x %d, weight %d %s = %d\n",
                           task->execution_timeout_us / USEC_PER_SEC,
                           trigger_rule_to_string(task->trigger_rule), task->pool, task->pool_slots,
                           task->priority_weight, weight_rule_to_string(task->weight_rule),
                           task->effective_weight);
    g_string_append_printf(out, "  past %d, downstream %d, xcom %d, max_active_tis %d, skip",
                           task->depends_on_past, task->wait_for_downstream, task->do_xcom_push,
                           task->max_active_tis_per_dag);
    for (uint32_t i = 0; i < task->n_skip_exit_codes; i++)
        g_string_append_printf(out, " %d", task->skip_exit_codes[i]);
    g_string_append_c(out, '\n');
}

char *describe_dag(const Dag *dag)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "dag %s in %s\n", dag->dag_id, dag->folder);
    describe_text(out, "description", dag->description);
    describe_text(out, "doc_md", dag->doc_md);
    describe_text(out, "owner", dag->owner);
    for (const char **tag = dag->tags; *tag != NULL; tag++)
        describe_text(out, "tag", *tag);
    describe_schedule(out, &dag->schedule);
    g_string_append_printf(out, "runs %d, tasks %d, timeout %" G_GINT64_FORMAT "s\n", dag->max_active_runs,
                           dag->max_active_tasks, dag->dagrun_timeout_us / USEC_PER_SEC);
    if (dag->retention.runs_us >= 0)
        g_string_append_printf(out, "retention %" G_GINT64_FORMAT "s\n",
                               dag->retention.runs_us / USEC_PER_SEC);
    if (dag->retention.logs_us >= 0)
        g_string_append_printf(out, "log_retention %" G_GINT64_FORMAT "s\n",
                               dag->retention.logs_us / USEC_PER_SEC);
    describe_env(out, "env", dag->env, dag->n_env);
    describe_hooks(out, "", dag->hooks);
    describe_params(out, dag->params);
    for (uint32_t i = 0; i < dag->n_tasks; i++)
        describe_task(out, dag, i);
    return g_string_free(out, FALSE);
}
