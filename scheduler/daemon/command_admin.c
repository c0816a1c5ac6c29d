/* SPDX-License-Identifier: MIT */
/* Commands about what holds for many runs: pause, pools; and about this process. */
#include "scheduler/daemon/command.h"
#include "scheduler/daemon/dag_bag.h"
#include "scheduler/daemon/starts_hold.h"
#include "scheduler/time/instant.h"
#include "weir_version.h"

#include <string.h>
#include <unistd.h>

/* ---- Pause ---- */

static json_t *set_paused(Command *command, bool is_paused, GError **error)
{
    Daemon *daemon = command->daemon;
    const char *dag_id = command_text(command, "dag_id");
    DagLatest latest;
    if (!dag_bag_get_good(daemon->bag, daemon, dag_id, &latest, error))
        return NULL;
    persist_add_dag_paused(daemon, dag_id, is_paused);
    engine_set_dag(daemon->engine, dag_id, is_paused, latest.dag->max_active_runs);
    fire_set_paused(daemon, dag_id, is_paused, command->now_us);
    engine_tick(daemon->engine, command->now_us);
    command_audit(command, is_paused ? "paused" : "unpaused", dag_id, NULL, NULL, NULL);
    if (daemon->mode == DAEMON_OFFLINE)
        command_add_note(command, "no scheduler is running: it takes effect when one starts");
    return json_pack("{s:s, s:b}", "dag_id", dag_id, "is_paused", is_paused);
}

static json_t *dags_pause(Command *command, GError **error)
{
    return set_paused(command, true, error);
}

static json_t *dags_unpause(Command *command, GError **error)
{
    return set_paused(command, false, error);
}

/* ---- Pools ---- */

static json_t *document_of_pool(const Pool *pool)
{
    return json_pack("{s:s, s:i, s:s?, s:b}", "name", pool->name, "slots", (int)pool->slots, "description",
                     pool->description, "include_deferred", pool->include_deferred);
}

static bool get_pool(Command *command, const char *name, Pool **ret, GError **error)
{
    g_autoptr(GError) failure = NULL;
    *ret = store_get_pool(store_conn(command->daemon->store), name, &failure);
    if (*ret != NULL || g_error_matches(failure, WEIR_ERROR, WEIR_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static json_t *pools_set(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    const char *name = command_text(command, "name");
    json_int_t slots = json_integer_value(command_json(command, "slots"));
    if (name[0] == '\0' || strlen(name) > 256) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID, "a pool's name has 1 to 256 characters");
        return NULL;
    }
    if (slots < -1 || slots > INT32_MAX) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                            "slots must be a number from 0 on, or -1 for no limit");
        return NULL;
    }
    g_autoptr(Pool) old = NULL;
    if (!get_pool(command, name, &old, error))
        return NULL;
    const char *description = command_text(command, "description");
    if (description == NULL && old != NULL)
        description = old->description;
    Pool *pool = g_new0(Pool, 1);
    pool->name = g_strdup(name);
    pool->slots = (int32_t)slots;
    pool->description = g_strdup(description);
    pool->include_deferred = command_flag(command, "include_deferred", old != NULL && old->include_deferred);
    engine_set_pool(daemon->engine, name, pool->slots);
    engine_tick(daemon->engine, command->now_us);
    json_t *result = document_of_pool(pool);
    persist_add_pool(daemon, pool);
    command_audit(command, old != NULL ? "patch_pool" : "post_pool", NULL, NULL, NULL,
                  json_deep_copy(result));
    return result;
}

static json_t *pools_delete(Command *command, GError **error)
{
    Daemon *daemon = command->daemon;
    const char *name = command_text(command, "name");
    if (strcmp(name, DEFAULT_POOL) == 0) {
        g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_CONFLICT, "default_pool cannot be deleted");
        return NULL;
    }
    g_autoptr(Pool) pool = store_get_pool(store_conn(daemon->store), name, error);
    if (pool == NULL)
        return NULL;
    engine_remove_pool(daemon->engine, name);
    persist_add_delete_pool(daemon, name);
    command_audit(command, "delete_pool", NULL, NULL, NULL, json_pack("{s:s}", "name", name));
    return document_of_pool(pool);
}

/* ---- This process ---- */

static json_t *status(Command *command, GError **error)
{
    (void)error;
    const Daemon *daemon = command->daemon;
    g_autofree char *started_at = instant_format(daemon->started_at_us, INSTANT_JSON);
    return json_pack("{s:i, s:s, s:s, s:s, s:b, s:s?}", "pid", (int)getpid(), "verb", daemon->verb, "version",
                     WEIR_VERSION, "started_at", started_at, "is_scheduler", daemon->mode == DAEMON_SERVICE,
                     "starts_held", starts_hold_reason(daemon));
}

/* Only looks whether there is such a run; the connection that asked does the watching. */
static json_t *runs_watch(Command *command, GError **error)
{
    g_autoptr(DagRun) run = command_find_run(command, error);
    return run != NULL ? json_null() : NULL;
}

static const ArgSpec dag_args[] = {{"dag_id", ARG_ID, true}, {NULL}};
static const ArgSpec pools_set_args[] = {{"name", ARG_TEXT, true},
                                         {"slots", ARG_INTEGER, true},
                                         {"description", ARG_TEXT},
                                         {"include_deferred", ARG_FLAG},
                                         {NULL}};
static const ArgSpec pools_delete_args[] = {{"name", ARG_TEXT, true}, {NULL}};
static const ArgSpec watch_args[] = {{"dag_id", ARG_ID, true}, {"run_id", ARG_RUN_ID, true}, {NULL}};
static const ArgSpec no_args[] = {{NULL}};

const CommandSpec commands_admin[] = {
    {"dags.pause", dags_pause, dag_args},
    {"dags.unpause", dags_unpause, dag_args},
    {"pools.set", pools_set, pools_set_args},
    {"pools.delete", pools_delete, pools_delete_args},
    {"status", status, no_args},
    {"runs.watch", runs_watch, watch_args},
    {NULL},
};
