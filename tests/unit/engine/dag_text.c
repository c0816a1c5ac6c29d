/* SPDX-License-Identifier: MIT */
/* DAGs from the compact text that fixture.h describes. */
#include "tests/unit/engine/fixture.h"

static const char *option_value(const char *option, const char *key)
{
    size_t n = strlen(key);
    return strncmp(option, key, n) == 0 && option[n] == '=' ? option + n + 1 : NULL;
}

static int to_int(const char *text)
{
    return (int)g_ascii_strtoll(text, NULL, 10);
}

static void set_hooks(const CommandLine **hooks)
{
    static const CommandLine command = {.shell = "tell"};
    for (int i = 0; i < HOOK_EVENT_COUNT; i++)
        hooks[i] = &command;
}

static void apply_option(Dag *dag, Task *task, const char *option)
{
    const char *value;
    TriggerRule rule = trigger_rule_from_string(option);
    WeightRule weight = weight_rule_from_string(option);
    if (rule != TRIGGER_RULE_INVALID)
        task->trigger_rule = rule;
    else if (weight != WEIGHT_RULE_INVALID)
        task->weight_rule = weight;
    else if (strcmp(option, "empty") == 0)
        task->body = TASK_BODY_EMPTY;
    else if (strcmp(option, "hooks") == 0)
        set_hooks(task->hooks);
    else if (strcmp(option, "past") == 0)
        task->depends_on_past = true;
    else if (strcmp(option, "wait") == 0)
        task->wait_for_downstream = true;
    else if ((value = option_value(option, "retries")))
        task->retries = to_int(value);
    else if ((value = option_value(option, "delay")))
        task->retry_delay_us = to_int(value) * USEC_PER_SEC;
    else if ((value = option_value(option, "backoff")))
        task->retry_backoff = g_ascii_strtod(value, NULL);
    else if ((value = option_value(option, "max_delay")))
        task->max_retry_delay_us = to_int(value) * USEC_PER_SEC;
    else if ((value = option_value(option, "pool")))
        task->pool = dag_intern(dag, value);
    else if ((value = option_value(option, "slots")))
        task->pool_slots = to_int(value);
    else if ((value = option_value(option, "weight")))
        task->priority_weight = to_int(value);
    else if ((value = option_value(option, "tis")))
        task->max_active_tis_per_dag = to_int(value);
    else if ((value = option_value(option, "skip"))) {
        int32_t *codes = dag_alloc(dag, sizeof *codes);
        codes[0] = to_int(value);
        task->skip_exit_codes = codes;
        task->n_skip_exit_codes = 1;
    } else
        fail_msg("unknown task option '%s'", option);
}

static uint32_t parse_task(Dag *dag, const char *text)
{
    g_auto(GStrv) parts = g_strsplit_set(text, "[]", 3);
    const char *id = g_strstrip(parts[0]);
    int32_t index = dag_task_index(dag, id);
    if (index < 0) {
        Task *task = dag_add_task(dag, id);
        task->body = TASK_BODY_COMMAND;
        index = dag_task_index(dag, id);
    }
    if (parts[1] == NULL)
        return (uint32_t)index;
    g_auto(GStrv) options = g_strsplit(parts[1], " ", -1);
    for (char **option = options; *option != NULL; option++) {
        if (**option != '\0')
            apply_option(dag, dag_building_task(dag, (uint32_t)index), *option);
    }
    return (uint32_t)index;
}

static GArray *parse_tasks(Dag *dag, const char *text)
{
    GArray *tasks = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    for (char **part = parts; *part != NULL; part++) {
        uint32_t index = parse_task(dag, *part);
        g_array_append_val(tasks, index);
    }
    return tasks;
}

static void parse_dag_options(Dag *dag, const char *text)
{
    g_auto(GStrv) options = g_strsplit(text, " ", -1);
    for (char **option = options; *option != NULL; option++) {
        const char *value;
        if ((value = option_value(*option, "max_runs")))
            dag->max_active_runs = to_int(value);
        else if (strcmp(*option, "hooks") == 0)
            set_hooks(dag->hooks);
        else if ((value = option_value(*option, "max_tasks")))
            dag->max_active_tasks = to_int(value);
        else if ((value = option_value(*option, "timeout")))
            dag->dagrun_timeout_us = to_int(value) * USEC_PER_SEC;
        else if (**option != '\0')
            fail_msg("unknown DAG option '%s'", *option);
    }
}

static void parse_chain(Dag *dag, const char *text)
{
    g_auto(GStrv) links = g_strsplit(text, "->", -1);
    g_autoptr(GArray) before = NULL;
    for (char **link = links; *link != NULL; link++) {
        g_autoptr(GArray) tasks = parse_tasks(dag, *link);
        for (guint i = 0; before != NULL && i < before->len; i++) {
            for (guint k = 0; k < tasks->len; k++)
                dag_add_dependency(dag, g_array_index(tasks, uint32_t, k),
                                   g_array_index(before, uint32_t, i));
        }
        g_clear_pointer(&before, g_array_unref);
        before = g_steal_pointer(&tasks);
    }
}

Dag *fx_dag(Fixture *fx, const char *dag_id, const char *text)
{
    Dag *dag = dag_new(dag_id);
    dag->max_active_tasks = 1000000;
    g_auto(GStrv) statements = g_strsplit(text, ";", -1);
    for (char **statement = statements; *statement != NULL; statement++) {
        const char *stripped = g_strstrip(*statement);
        if (*stripped == '@')
            parse_dag_options(dag, stripped + 1);
        else if (*stripped != '\0')
            parse_chain(dag, stripped);
    }
    assert_true(dag_seal(dag, NULL, NULL));
    g_ptr_array_add(fx->dags, dag);
    engine_set_dag(fx->engine, dag_id, g_hash_table_contains(fx->paused, dag_id), dag->max_active_runs);
    return dag;
}
