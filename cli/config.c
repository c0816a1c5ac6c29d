/* SPDX-License-Identifier: MIT */
/* weir config list|get-value */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/text.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>

int verb_config_list(Cli *cli, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return EXIT_FAILURE;
    json_auto_t *rows = json_array();
    for (guint i = 0; i < settings->values->len; i++) {
        const SettingValue *value = g_ptr_array_index(settings->values, i);
        json_t *row = json_object();
        json_object_set_new(row, "section", json_string(value->section));
        json_object_set_new(row, "key", json_string(value->key));
        json_object_set_new(row, "value", document_text(value->value));
        json_object_set_new(row, "source", document_text(value->origin));
        json_array_append_new(rows, row);
    }
    static const char *const columns[] = {"section", "key", "value", "source", NULL};
    output_rows(cli->format, columns, rows);
    return EXIT_SUCCESS;
}

int verb_config_get_value(Cli *cli, GError **error)
{
    const char *section = args_word(cli->args, 0), *key = args_word(cli->args, 1);
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return EXIT_FAILURE;
    const char *value = settings_get(settings, section, key);
    if (value != NULL) {
        json_auto_t *object = json_object();
        json_object_set_new(object, "section", json_string(section));
        json_object_set_new(object, "key", json_string(key));
        json_object_set_new(object, "value", document_text(value));
        output_word(cli->format, value, object);
        return EXIT_SUCCESS;
    }
    g_autofree const char **sections = settings_names(NULL), **keys = settings_names(section);
    bool is_section = g_strv_contains((const char *const *)sections, section);
    const char *near = is_section ? suggest_nearest(key, (const char *const *)keys)
                                  : suggest_nearest(section, (const char *const *)sections);
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                near != NULL ? "there is no %s \"%s\"; did you mean \"%s\"?" : "there is no %s \"%s\"",
                is_section ? "setting" : "section", is_section ? key : section, near);
    return EXIT_FAILURE;
}
