/* SPDX-License-Identifier: MIT */
/* The one way in for everything that changes something: check the document, run its handler, make the answer.
 */
#include "scheduler/daemon/command.h"

#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/pool_hindrances.h"
#include "scheduler/time/instant.h"

static const CommandSpec *const groups[] = {commands_trigger, commands_runs,    commands_tasks,
                                            commands_admin,   commands_explain, commands_clean,
                                            commands_backfill};

/* ---- Answers ---- */

static json_t *answer_new(const json_t *document, bool is_ok)
{
    json_t *answer = json_object();
    json_t *id = json_is_object(document) ? json_object_get(document, "id") : NULL;
    if (id != NULL)
        json_object_set(answer, "id", id);
    json_object_set_new(answer, "ok", json_boolean(is_ok));
    return answer;
}

json_t *command_error_answer(const json_t *document, const char *code, const char *message)
{
    json_t *answer = answer_new(document, false);
    json_object_set_new(answer, "error", json_pack("{s:s, s:s}", "code", code, "message", message));
    return answer;
}

json_t *command_result_answer(const json_t *document, json_t *result)
{
    json_t *answer = answer_new(document, true);
    json_object_set_new(answer, "result", result);
    return answer;
}

json_t *command_gerror_answer(const json_t *document, const GError *error)
{
    const char *code = "io";
    if (error->domain == WEIR_ERROR) {
        switch ((WeirError)error->code) {
        case WEIR_ERROR_INVALID:
            code = "invalid";
            break;
        case WEIR_ERROR_NOT_FOUND:
            code = "not_found";
            break;
        case WEIR_ERROR_CONFLICT:
            code = "conflict";
            break;
        case WEIR_ERROR_BUSY:
            code = "busy";
            break;
        case WEIR_ERROR_IO:
        case WEIR_ERROR_CORRUPT:
        case WEIR_ERROR_FULL:
            break;
        }
    }
    g_autofree char *message = g_utf8_make_valid(error->message, -1);
    return command_error_answer(document, code, message);
}

/* ---- Checking ---- */

static const CommandSpec *find_command(const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (size_t g = 0; g < G_N_ELEMENTS(groups); g++) {
        for (const CommandSpec *spec = groups[g]; spec->name != NULL; spec++) {
            if (g_str_equal(spec->name, name))
                return spec;
            g_ptr_array_add(names, (gpointer)spec->name);
        }
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_nearest(name, (const char *const *)names->pdata);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                near != NULL ? "unknown command \"%s\"; did you mean \"%s\"?" : "unknown command \"%s\"",
                name, near);
    return NULL;
}

static bool all_texts(const json_t *array)
{
    size_t index;
    json_t *item;
    json_array_foreach(array, index, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_array(array);
}

static const char *wanted_type(ArgType type, const json_t *value)
{
    switch (type) {
    case ARG_TEXT:
        return json_is_string(value) ? NULL : "a text";
    case ARG_ID:
        return json_is_string(value) && id_is_valid(json_string_value(value))
                   ? NULL
                   : "an id (letters, digits, '.', '_' and '-')";
    case ARG_RUN_ID:
        return json_is_string(value) && run_id_is_valid(json_string_value(value))
                   ? NULL
                   : "a run id (at most 200 letters, digits, and any of _.~:+- after the first)";
    case ARG_FLAG:
        return json_is_boolean(value) ? NULL : "true or false";
    case ARG_INTEGER:
        return json_is_integer(value) ? NULL : "an integer";
    case ARG_TIME:
    case ARG_ANY_TIME:
        return json_is_string(value) ? NULL : "a date and time in ISO 8601";
    case ARG_TEXTS:
        return all_texts(value) ? NULL : "a list of texts";
    case ARG_OBJECT:
        return json_is_object(value) ? NULL : "an object";
    }
    return "something else";
}

static bool check_known(const CommandSpec *spec, const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const ArgSpec *arg = spec->args; arg->name != NULL; arg++) {
        if (g_str_equal(arg->name, name))
            return true;
        g_ptr_array_add(names, (gpointer)arg->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_nearest(name, (const char *const *)names->pdata);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                near != NULL ? "%s does not take \"%s\"; did you mean \"%s\"?" : "%s does not take \"%s\"",
                spec->name, name, near);
    return false;
}

static bool check_args(const CommandSpec *spec, json_t *args, GError **error)
{
    const char *name;
    json_t *value;
    json_object_foreach(args, name, value)
    {
        if (!check_known(spec, name, error))
            return false;
    }
    for (const ArgSpec *arg = spec->args; arg->name != NULL; arg++) {
        value = json_object_get(args, arg->name);
        if (value == NULL || json_is_null(value)) {
            if (!arg->is_required)
                continue;
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "%s needs \"%s\"", spec->name, arg->name);
            return false;
        }
        const char *wanted = wanted_type(arg->type, value);
        if (wanted != NULL) {
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "%s: \"%s\" must be %s", spec->name, arg->name,
                        wanted);
            return false;
        }
    }
    return true;
}

/* ---- Running ---- */

static json_t *run_checked(Command *command, const json_t *document, GError **error)
{
    const char *name = json_string_value(json_object_get(document, "command"));
    if (name == NULL) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "a command is an object with \"command\" and \"args\"");
        return NULL;
    }
    const CommandSpec *spec = find_command(name, error);
    if (spec == NULL)
        return NULL;
    json_t *given = json_object_get(document, "args");
    if (given != NULL && !json_is_object(given)) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID, "\"args\" must be an object");
        return NULL;
    }
    json_t *args = given != NULL ? json_incref(given) : json_object();
    json_t *result = NULL;
    if (check_args(spec, args, error)) {
        command->name = spec->name;
        command->args = args;
        result = spec->handler(command, error);
    }
    json_decref(args);
    return result;
}

json_t *command_run(Daemon *daemon, const json_t *document, const Caller *caller, int64_t now_us)
{
    Command command = {.daemon = daemon, .caller = caller, .now_us = now_us};
    g_autoptr(GError) error = NULL;
    json_t *result = run_checked(&command, document, &error);
    g_autofree char *note = command.note;
    if (result == NULL) {
        persist_clear(daemon); /* nothing of it is to be written */
        return command_gerror_answer(document, error);
    }
    json_t *answer = command_result_answer(document, result);
    if (note != NULL)
        json_object_set_new(answer, "note", json_string(note));
    return answer;
}

/* ---- What handlers share ---- */

const json_t *command_json(const Command *command, const char *name)
{
    const json_t *value = json_object_get(command->args, name);
    return json_is_null(value) ? NULL : value;
}

const char *command_text(const Command *command, const char *name)
{
    return json_string_value(json_object_get(command->args, name));
}

bool command_flag(const Command *command, const char *name, bool otherwise)
{
    const json_t *value = command_json(command, name);
    return value != NULL ? json_is_true(value) : otherwise;
}

bool command_time(const Command *command, const char *name, int64_t *ret_us, GError **error)
{
    *ret_us = TIME_NONE;
    const char *text = command_text(command, name);
    if (text == NULL)
        return true;
    g_autoptr(Zone) zone = zone_open(command->daemon->settings->default_timezone, error);
    if (zone == NULL)
        return false;
    if (instant_parse(text, zone, ret_us, error))
        return true;
    g_prefix_error(error, "%s: ", name);
    return false;
}

DagRun *command_find_run(Command *command, GError **error)
{
    const char *dag_id = command_text(command, "dag_id"), *run_id = command_text(command, "run_id");
    StoreConn *conn = store_conn(command->daemon->store);
    g_autoptr(GError) failure = NULL;
    DagRun *run = store_get_run(conn, dag_id, run_id, &failure);
    if (run != NULL)
        return run;
    if (!g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_autoptr(DagRow) dag = store_get_dag(conn, dag_id, NULL);
    if (dag == NULL) {
        dag_bag_set_not_found(command->daemon->bag, command->daemon, dag_id, error);
        return NULL;
    }
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND, "DAG \"%s\" has no run \"%s\"", dag_id, run_id);
    return NULL;
}

void command_audit(Command *command, const char *event, const char *dag_id, const char *run_id,
                   const char *task_id, json_t *extra)
{
    EventLog *row = g_new0(EventLog, 1);
    row->when_us = command->now_us;
    row->event = g_strdup(event);
    row->owner = g_strdup(command->caller != NULL ? command->caller->user : NULL);
    row->dag_id = g_strdup(dag_id);
    row->run_id = g_strdup(run_id);
    row->task_id = g_strdup(task_id);
    json_t *all = extra != NULL ? extra : json_object();
    if (command->caller != NULL && command->caller->via != NULL)
        json_object_set_new(all, "via", json_string(command->caller->via));
    row->extra_json = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    persist_add_event(command->daemon, row);
}

void command_add_note(Command *command, const char *text)
{
    char *longer = command->note != NULL ? g_strconcat(command->note, "; ", text, NULL) : g_strdup(text);
    g_free(command->note);
    command->note = longer;
}

void command_note_waiting(Command *command, int64_t dag_run_id)
{
    Daemon *daemon = command->daemon;
    const DagRun *run = engine_run(daemon->engine, dag_run_id);
    if (run == NULL || run_state_is_finished(run->state))
        return;
    EngineRunFlags flags = engine_run_flags(daemon->engine, dag_run_id);
    const char *why = daemon->mode == DAEMON_OFFLINE ? "no scheduler is running"
                      : (flags & ENGINE_RUN_HELD) != 0
                          ? "the process that is running advances other runs only"
                          : NULL;
    if (why != NULL) {
        g_autofree char *note =
            g_strdup_printf("%s: `weir run %s --run-id %s` runs it", why, run->dag_id, run->run_id);
        command_add_note(command, note);
    }
    if (flags & ENGINE_RUN_IGNORES_PAUSE)
        return;
    g_autoptr(DagRow) dag = store_get_dag(store_conn(daemon->store), run->dag_id, NULL);
    if (dag != NULL && dag->is_paused)
        command_add_note(command, "the DAG is paused: the run waits until it is unpaused");
}

static void add_note(const char *text, void *user)
{
    command_add_note(user, text);
}

void command_note_pools(Command *command, int64_t dag_run_id)
{
    pool_hindrances(command->daemon->engine, dag_run_id, add_note, command);
}
