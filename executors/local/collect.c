/* SPDX-License-Identifier: MIT */
/*
 * A resync for a command that runs without a daemon: a private loop, the same machinery, nothing started and
 * nothing killed.
 */
#include "executors/local/local_executor.h"
#include "executors/local/local_internal.h"

typedef struct {
    const LocalExecutorConfig *config;
    uv_loop_t loop;
    uv_timer_t deadline;
    GArray *finished; /* of AttemptId: to be acknowledged */
} Collection;

static void on_event(const ExecutorEvent *event, void *user)
{
    Collection *collection = user;
    switch (event->kind) {
    case EXECUTOR_EVENT_FINISHED:
        g_array_append_val(collection->finished, event->key);
        G_GNUC_FALLTHROUGH;
    case EXECUTOR_EVENT_STARTED:
        collection->config->on_event(event, collection->config->user);
        break;
    case EXECUTOR_EVENT_RESYNCED:
        uv_stop(&collection->loop);
        break;
    case EXECUTOR_EVENT_NOT_STARTED:
        break;
    }
}

static void on_deadline(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

bool local_executor_collect(const LocalExecutorConfig *config, const ExecutorExpected *expected, size_t count,
                            LocalExecutorCommitFn commit, int64_t timeout_us, GError **error)
{
    Collection collection = {.config = config, .finished = g_array_new(FALSE, FALSE, sizeof(AttemptId))};
    uv_loop_init(&collection.loop);
    uv_timer_init(&collection.loop, &collection.deadline);
    LocalExecutorConfig ours = *config;
    ours.loop = &collection.loop;
    ours.on_event = on_event;
    ours.user = &collection;
    Executor *ex = local_executor_new(&ours, error);
    bool ok = ex != NULL;
    if (ok) {
        ((LocalExecutor *)ex)->collecting = true;
        uv_timer_start(&collection.deadline, on_deadline, (uint64_t)(timeout_us / USEC_PER_MSEC), 0);
        executor_resync(ex, expected, count);
        uv_run(&collection.loop, UV_RUN_DEFAULT);
        if (commit(config->user))
            for (guint i = 0; i < collection.finished->len; i++)
                executor_acknowledge(ex, g_array_index(collection.finished, AttemptId, i));
        executor_close(ex, NULL, NULL);
    }
    uv_close((uv_handle_t *)&collection.deadline, NULL);
    uv_run(&collection.loop, UV_RUN_DEFAULT);
    uv_loop_close(&collection.loop);
    g_array_unref(collection.finished);
    return ok;
}
