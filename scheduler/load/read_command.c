/* SPDX-License-Identifier: MIT */
/** Commands: what a task runs, and what its hooks and those of its DAG run. */
#include "scheduler/load/loader.h"

#include <string.h>

static bool read_list(Loader *loader, const YamlNode *node, CommandLine *ret)
{
    const char **argv = dag_alloc(loader->dag, ((size_t)node->n + 1) * sizeof *argv);
    for (uint32_t i = 0; i < node->n; i++) {
        const YamlNode *item = node->items[i];
        if (item->reported)
            continue;
        if (item->kind != YAML_KIND_SCALAR) {
            loader_error(loader, item, "an argument of a command must be text, not %s",
                         yaml_node_describe(item));
            continue;
        }
        loader_check_template(loader, item);
        argv[i] = dag_intern(loader->dag, item->text);
    }
    if (node->n == 0 || (argv[0] != NULL && argv[0][0] == '\0'))
        loader_error(loader, node, "the command is empty");
    ret->argv = argv;
    return true;
}

bool value_command(Loader *loader, const KeySpec *spec, const YamlNode *node, CommandLine *ret)
{
    if (node->kind == YAML_KIND_SEQUENCE)
        return read_list(loader, node, ret);
    if (node->kind == YAML_KIND_MAPPING) {
        value_error(loader, spec, node, "a list of arguments, or text for the shell");
        return false;
    }
    if (node->text[strspn(node->text, " \t\n")] == '\0') {
        loader_error(loader, node, "the command is empty");
        return false;
    }
    loader_check_template(loader, node);
    ret->shell = dag_intern(loader->dag, node->text);
    return true;
}

void read_hook(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    const CommandLine **field = (const CommandLine **)(void *)((char *)target + spec->offset);
    *field = NULL;
    if (yaml_node_is_null(node)) /* switches an inherited one off */
        return;
    CommandLine *command = dag_alloc(loader->dag, sizeof *command);
    if (value_command(loader, spec, node, command))
        *field = command;
}

void read_run_hook(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target)
{
    loader->names.has_no_task = true;
    read_hook(loader, spec, node, target);
    loader->names.has_no_task = false;
}
