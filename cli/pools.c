/* SPDX-License-Identifier: MIT */
/* weir pools list|get|set|delete */
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

static const char *const columns[] = {"name",         "slots",         "description", "include_deferred",
                                      "queued_slots", "running_slots", "open_slots",  NULL};

/** All pools. A home without a store has the one that always exists. */
static GPtrArray *read_pools(Cli *cli, GError **error)
{
    g_autoptr(GError) local = NULL;
    StoreConn *reader = cli_reader(cli, &local);
    if (reader != NULL)
        return store_list_pools(reader, error);
    if (local != NULL) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    GPtrArray *pools = g_ptr_array_new_with_free_func((GDestroyNotify)pool_free);
    Pool *pool = g_new0(Pool, 1);
    pool->name = g_strdup(DEFAULT_POOL);
    pool->slots = 128;
    pool->open_slots = 128;
    pool->description = g_strdup("Default pool");
    g_ptr_array_add(pools, pool);
    return pools;
}

static int print_pools(Cli *cli, const char *name, GError **error)
{
    g_autoptr(GPtrArray) pools = read_pools(cli, error);
    if (pools == NULL)
        return EXIT_FAILURE;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    json_auto_t *rows = json_array();
    for (guint i = 0; i < pools->len; i++) {
        const Pool *pool = g_ptr_array_index(pools, i);
        g_ptr_array_add(names, (gpointer)pool->name);
        if (name == NULL || strcmp(pool->name, name) == 0)
            json_array_append_new(rows, document_of_pool(pool));
    }
    g_ptr_array_add(names, NULL);
    if (name != NULL && json_array_size(rows) == 0) {
        const char *near = suggest_nearest(name, (const char *const *)names->pdata);
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                    near != NULL ? "pool \"%s\" was not found; did you mean \"%s\"?"
                                 : "pool \"%s\" was not found",
                    name, near);
        return EXIT_FAILURE;
    }
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}

int verb_pools_list(Cli *cli, GError **error)
{
    return print_pools(cli, NULL, error);
}

int verb_pools_get(Cli *cli, GError **error)
{
    return print_pools(cli, args_word(cli->args, 0), error);
}

static int print_result(Cli *cli, const char *const *shown, json_t *result)
{
    if (result == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    json_array_append_new(rows, result);
    output_rows(cli->format, shown, rows);
    return EXIT_SUCCESS;
}

int verb_pools_set(Cli *cli, GError **error)
{
    static const char *const shown[] = {"name", "slots", "description", "include_deferred", NULL};
    const char *slots_text = args_word(cli->args, 1), *description = args_word(cli->args, 2);
    int64_t slots;
    if (!parse_integer(slots_text, -1, INT32_MAX, &slots)) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "SLOTS \"%s\" is not a whole number from -1 on",
                    slots_text);
        return EXIT_FAILURE;
    }
    json_t *args = json_object();
    json_object_set_new(args, "name", document_text(args_word(cli->args, 0)));
    json_object_set_new(args, "slots", json_integer(slots));
    if (description != NULL)
        json_object_set_new(args, "description", document_text(description));
    int deferred = args_switch(cli->args, "include-deferred");
    if (deferred >= 0)
        json_object_set_new(args, "include_deferred", json_boolean(deferred));
    return print_result(cli, shown, send_command(cli, "pools.set", args, error));
}

int verb_pools_delete(Cli *cli, GError **error)
{
    static const char *const shown[] = {"name", "slots", "description", NULL};
    json_t *args = json_object();
    json_object_set_new(args, "name", document_text(args_word(cli->args, 0)));
    return print_result(cli, shown, send_command(cli, "pools.delete", args, error));
}
