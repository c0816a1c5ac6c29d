/* SPDX-License-Identifier: MIT */
#include "scheduler/load/load.h"

#include "scheduler/load/loader.h"

#include <string.h>

#define SUGGESTION_BUDGET 20000 /* names compared for all suggestions of one file */

char *load_content_hash(const char *text, size_t n_text, const char *folder)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)folder, (gssize)strlen(folder) + 1);
    g_checksum_update(checksum, (const guchar *)text, (gssize)n_text);
    return g_strdup(g_checksum_get_string(checksum));
}

/** The name of the file without folder and extension, or NULL. */
static char *id_of_path(const char *path)
{
    if (path == NULL)
        return NULL;
    char *name = g_path_get_basename(path);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    return name;
}

/** The DAG's id: what the file says, else the default; "" after a report if that is no id. */
static const char *read_dag_id(Loader *loader, const YamlNode *root, const char *default_id)
{
    const YamlNode *node = yaml_mapping_get(root, "dag_id");
    const char *id = default_id == NULL ? "" : default_id;
    if (node != NULL && node->reported)
        return "";
    if (node != NULL && node->kind != YAML_KIND_SCALAR) {
        loader_error(loader, node, "\"dag_id\" must be text, not %s", yaml_node_describe(node));
        return "";
    }
    if (node != NULL && !yaml_node_is_null(node))
        id = node->text;
    else
        node = NULL;
    if (id_is_valid(id))
        return id;
    if (node != NULL)
        loader_error(loader, node, "\"%s\" is not a valid dag_id: " LOAD_ID_RULE, id);
    else if (id[0] != '\0')
        loader_error(loader, root,
                     "\"dag_id\" is missing, and the file's name \"%s\" is not valid as one: " LOAD_ID_RULE,
                     id);
    else
        loader_error(loader, root, "\"dag_id\" is missing");
    return "";
}

static void set_default_timezone(Loader *loader, const char *name)
{
    g_autoptr(GError) error = NULL;
    if (name == NULL)
        return;
    Zone *zone = zone_open(name, &error);
    if (zone == NULL) {
        load_error_add(loader->errors, 0, 0, NULL, "the default timezone: %s", error->message);
        return;
    }
    zone_unref(loader->zone);
    loader->zone = zone;
    loader->dag->schedule.timezone = g_strdup(name);
}

static void read_root(Loader *loader, const YamlNode *root, LoadResult *result, const char *folder)
{
    const LoadOrigin *origin = loader->origin;
    g_autofree char *path_id = origin->default_dag_id == NULL ? id_of_path(origin->path) : NULL;
    const char *id =
        read_dag_id(loader, root, origin->default_dag_id != NULL ? origin->default_dag_id : path_id);
    const YamlNode *id_node = yaml_mapping_get(root, "dag_id");
    result->dag_id = id[0] == '\0' ? NULL : g_strdup(id);
    if (id_node != NULL && id_node->kind == YAML_KIND_SCALAR)
        result->dag_id_position = (SourcePosition){.line = id_node->line, .column = id_node->column};
    loader->dag = dag_new(id);
    loader->dag->params = param_set_new();
    loader->dag->folder = dag_intern(loader->dag, folder);
    if (origin->path != NULL) {
        g_autofree char *fileloc = g_canonicalize_filename(origin->path, NULL);
        loader->dag->fileloc = dag_intern(loader->dag, fileloc);
    }
    set_default_timezone(loader, origin->default_timezone);
    dag_read(loader, root);
    if (loader->task_ids->len > 1)
        tasks_seal(loader);
}

/** Everything between a tree and a result; frees what only the loading needs. */
static void load_tree(LoadResult *result, YamlTree *tree, const LoadOrigin *origin, const char *folder)
{
    Loader loader = {
        .origin = origin,
        .errors = result->errors,
        .warnings = result->warnings,
        .tree = tree,
        .zone = zone_utc(),
        .param_names = g_ptr_array_new(),
        .task_ids = g_ptr_array_new(),
        .suggestions_left = SUGGESTION_BUDGET,
    };
    const YamlNode *root = yaml_tree_root(tree);
    g_ptr_array_add(loader.param_names, NULL);
    loader.names.params = (const char *const *)loader.param_names->pdata;
    if (root->kind == YAML_KIND_MAPPING)
        read_root(&loader, root, result, folder);
    else if (!root->reported)
        loader_error(&loader, root, "a DAG file is a mapping of keys such as \"tasks:\", not %s",
                     yaml_node_describe(root));
    if (result->errors->items->len == 0)
        result->dag = g_steal_pointer(&loader.dag);
    dag_unref(loader.dag);
    zone_unref(loader.zone);
    g_ptr_array_unref(loader.param_names);
    g_ptr_array_unref(loader.task_ids);
    g_free(loader.depends);
}

static LoadResult *result_new(const LoadOrigin *origin)
{
    LoadResult *result = g_new0(LoadResult, 1);
    result->errors = load_error_list_new(origin->path == NULL ? "<text>" : origin->path);
    result->warnings = load_error_list_new(result->errors->file);
    return result;
}

static char *folder_of(const LoadOrigin *origin)
{
    g_autofree char *folder = origin->path == NULL ? NULL : g_path_get_dirname(origin->path);
    if (origin->folder != NULL)
        return g_canonicalize_filename(origin->folder, NULL);
    return g_canonicalize_filename(folder == NULL ? "." : folder, NULL);
}

/** A copy with a NUL after it; the text may contain NULs itself. */
static char *copy_bytes(const char *text, size_t n_text)
{
    char *copy = g_malloc(n_text + 1);
    if (n_text > 0)
        memcpy(copy, text, n_text);
    copy[n_text] = '\0';
    return copy;
}

LoadResult *load_dag_text(const char *text, size_t n_text, const LoadOrigin *origin)
{
    static const LoadOrigin nowhere = {0};
    origin = origin == NULL ? &nowhere : origin;
    LoadResult *result = result_new(origin);
    g_autofree char *folder = folder_of(origin);
    result->text = copy_bytes(text, n_text);
    result->n_text = n_text;
    result->content_hash = load_content_hash(text, n_text, folder);
    g_autoptr(YamlTree) tree = yaml_tree_parse(text, n_text, result->errors);
    if (tree != NULL)
        load_tree(result, tree, origin, folder);
    else if (result->errors->items->len == 0)
        load_error_add(result->errors, 1, 1, NULL,
                       "the file is empty; a DAG needs at least \"tasks:\" with one task");
    load_error_list_sort(result->errors);
    load_error_list_sort(result->warnings);
    return result;
}

LoadResult *load_result_unreadable(const LoadOrigin *origin, const GError *why)
{
    LoadResult *result = result_new(origin);
    load_error_add(result->errors, 0, 0, NULL, "%s", why->message);
    return result;
}

LoadResult *load_dag_file(const char *path, const char *default_timezone)
{
    const LoadOrigin origin = {.path = path, .default_timezone = default_timezone};
    g_autoptr(GError) error = NULL;
    size_t n_text;
    g_autofree char *text = load_read_file(path, &n_text, &error);
    if (text != NULL)
        return load_dag_text(text, n_text, &origin);
    return load_result_unreadable(&origin, error);
}

void load_result_free(LoadResult *result)
{
    if (result == NULL)
        return;
    dag_unref(result->dag);
    g_free(result->dag_id);
    load_error_list_free(result->errors);
    load_error_list_free(result->warnings);
    g_free(result->content_hash);
    g_free(result->text);
    g_free(result);
}
