/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/watch.h"

#include "scheduler/daemon/documents.h"

typedef struct {
    guint id;
    int64_t dag_run_id;
    DaemonWatcher watcher;
    void *user;
} Subscription;

typedef struct {
    guint subscription_id;
    json_t *document;
} Delivery;

struct Watch {
    GHashTable *by_id;  /**< Subscription */
    GHashTable *by_run; /**< int64_t -> GArray of guint: ids of subscriptions */
    GQueue deliveries;
    guint last_id;
    bool is_delivering;
};

static void delivery_free(gpointer data)
{
    Delivery *delivery = data;
    json_decref(delivery->document);
    g_free(delivery);
}

Watch *watch_new(void)
{
    Watch *watch = g_new0(Watch, 1);
    watch->by_id = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    watch->by_run = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_array_unref);
    g_queue_init(&watch->deliveries);
    return watch;
}

void watch_free(Watch *watch)
{
    if (watch == NULL)
        return;
    g_queue_clear_full(&watch->deliveries, delivery_free);
    g_hash_table_unref(watch->by_id);
    g_hash_table_unref(watch->by_run);
    g_free(watch);
}

/* ---- Documents ---- */

static void enqueue(Watch *watch, guint subscription_id, json_t *document)
{
    Delivery *delivery = g_new(Delivery, 1);
    *delivery = (Delivery){subscription_id, json_incref(document)};
    g_queue_push_tail(&watch->deliveries, delivery);
}

/* Takes `document`. */
static void send_to_all(Watch *watch, int64_t dag_run_id, json_t *document)
{
    const GArray *ids = g_hash_table_lookup(watch->by_run, &dag_run_id);
    for (guint i = 0; i < ids->len; i++)
        enqueue(watch, g_array_index(ids, guint, i), document);
    json_decref(document);
}

static bool is_watched(const Watch *watch, int64_t dag_run_id)
{
    return g_hash_table_contains(watch->by_run, &dag_run_id);
}

static json_t *run_event(const DagRun *run)
{
    return json_pack("{s:s, s:o}", "event", "run", "run", document_of_run(run));
}

static void collect_tasks(Daemon *daemon, const GPtrArray *tasks)
{
    for (guint i = 0; i < tasks->len; i++) {
        const TaskInstance *ti = tasks->pdata[i];
        if (!is_watched(daemon->watch, ti->dag_run_id))
            continue;
        const DagRun *run = engine_run(daemon->engine, ti->dag_run_id);
        json_t *task = document_of_progress(daemon->settings, run, ti);
        send_to_all(daemon->watch, run->id, json_pack("{s:s, s:o}", "event", "task", "task", task));
    }
}

void watch_collect(Daemon *daemon, const EngineOutput *output)
{
    if (g_hash_table_size(daemon->watch->by_run) == 0)
        return;
    collect_tasks(daemon, output->added_tasks);
    collect_tasks(daemon, output->tasks);
    for (guint i = 0; i < output->runs->len; i++) { /* last: a finished run ends the watching */
        const DagRun *run = output->runs->pdata[i];
        if (is_watched(daemon->watch, run->id))
            send_to_all(daemon->watch, run->id, run_event(run));
    }
}

void watch_deliver(Watch *watch)
{
    if (watch->is_delivering)
        return;
    watch->is_delivering = true;
    Delivery *delivery;
    while ((delivery = g_queue_pop_head(&watch->deliveries)) != NULL) {
        const Subscription *found =
            g_hash_table_lookup(watch->by_id, GUINT_TO_POINTER(delivery->subscription_id));
        if (found != NULL) {
            Subscription subscription = *found; /* the watcher may end it */
            subscription.watcher(delivery->document, subscription.user);
        }
        delivery_free(delivery);
    }
    watch->is_delivering = false;
}

/* ---- Subscriptions ---- */

static json_t *make_snapshot(Daemon *daemon, const DagRun *run)
{
    TaskQuery query = {.dag_run_id = run->id, .order = TASK_ORDER_INDEX};
    g_autoptr(TaskList) rows = store_list_tasks(store_conn(daemon->store), &query, NULL, NULL);
    if (rows == NULL)
        return NULL;
    json_t *tasks = json_array();
    for (size_t i = 0; i < rows->n_items; i++)
        json_array_append_new(tasks, document_of_progress(daemon->settings, run, &rows->items[i]));
    return json_pack("{s:s, s:o, s:o}", "event", "snapshot", "run", document_of_run(run), "tasks", tasks);
}

static guint add_subscription(Watch *watch, int64_t dag_run_id, DaemonWatcher watcher, void *user)
{
    Subscription *subscription = g_new(Subscription, 1);
    *subscription = (Subscription){++watch->last_id, dag_run_id, watcher, user};
    g_hash_table_insert(watch->by_id, GUINT_TO_POINTER(subscription->id), subscription);
    GArray *ids = g_hash_table_lookup(watch->by_run, &dag_run_id);
    if (ids == NULL) {
        ids = g_array_new(FALSE, FALSE, sizeof(guint));
        g_hash_table_insert(watch->by_run, g_memdup2(&dag_run_id, sizeof dag_run_id), ids);
    }
    g_array_append_val(ids, subscription->id);
    return subscription->id;
}

guint daemon_subscribe(Daemon *daemon, int64_t dag_run_id, DaemonWatcher watcher, void *user)
{
    /* From the rows: what the engine knows may not be committed yet, and comes when it is. */
    g_autoptr(DagRun) run = store_get_run_by_id(store_conn(daemon->store), dag_run_id, NULL);
    json_t *snapshot = run != NULL ? make_snapshot(daemon, run) : NULL;
    if (snapshot == NULL)
        return 0;
    guint id = add_subscription(daemon->watch, dag_run_id, watcher, user);
    if (run_state_is_finished(run->state)) {
        json_t *document = run_event(run);
        enqueue(daemon->watch, id, document);
        json_decref(document);
    }
    watcher(snapshot, user);
    json_decref(snapshot);
    return id;
}

void daemon_unsubscribe(Daemon *daemon, guint id)
{
    Watch *watch = daemon->watch;
    const Subscription *subscription = g_hash_table_lookup(watch->by_id, GUINT_TO_POINTER(id));
    if (subscription == NULL)
        return;
    int64_t dag_run_id = subscription->dag_run_id;
    GArray *ids = g_hash_table_lookup(watch->by_run, &dag_run_id);
    for (guint i = 0; i < ids->len; i++) {
        if (g_array_index(ids, guint, i) == id) {
            g_array_remove_index(ids, i);
            break;
        }
    }
    if (ids->len == 0)
        g_hash_table_remove(watch->by_run, &dag_run_id);
    g_hash_table_remove(watch->by_id, GUINT_TO_POINTER(id));
}
