/* SPDX-License-Identifier: MIT */
/**
 * Any text through the loader: no crash, no leak, and the promises of load.h hold.
 */
#include "scheduler/load/load.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const LoadErrorList *list)
{
    uint32_t line = 0;
    g_assert(list->items->len <= LOAD_MAX_ERRORS + 1);
    for (guint i = 0; i < list->items->len && i < LOAD_MAX_ERRORS; i++) {
        const LoadError *error = g_ptr_array_index(list->items, i);
        g_autofree char *text = load_error_format(error, "error");
        g_assert(error->message[0] != '\0' && g_utf8_validate(text, -1, NULL));
        g_assert(strpbrk(text, "\n\r\x1b") == NULL);
        g_assert(error->line >= line); /* sorted */
        line = error->line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const LoadOrigin origin = {.path = "fuzz.yaml", .folder = "/dags"};
    g_autoptr(LoadResult) result = load_dag_text((const char *)data, size, &origin);
    g_assert((result->dag != NULL) == (result->errors->items->len == 0));
    check_list(result->errors);
    check_list(result->warnings);
    if (result->dag == NULL)
        return 0;
    g_assert(result->dag->n_tasks > 0 && id_is_valid(result->dag->dag_id));
    for (uint32_t i = 0; i < result->dag->n_tasks; i++) {
        const Task *task = &result->dag->tasks[i];
        g_assert(id_is_valid(task->task_id) && dag_task_index(result->dag, task->task_id) == (int32_t)i);
        g_assert(task->retries >= 0 && task->pool_slots >= 1 && task->retry_delay_us >= 0);
        g_assert((task->body == TASK_BODY_COMMAND) ==
                 (task->command.argv != NULL || task->command.shell != NULL));
    }
    return 0;
}
