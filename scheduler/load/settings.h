/* SPDX-License-Identifier: MIT */
/**
 * weir's settings: built-in defaults, then `$WEIR_HOME/weir.yaml`, then WEIR__SECTION__KEY in the
 * environment.
 *
 * No file is needed. Unknown sections and keys are errors with a suggestion; each value knows its origin.
 */
#pragma once

#include "scheduler/model/retention.h"

/** Bytes of the home's path: SQLite takes file names of 512, and the longest lies some way below the home. */
#define SETTINGS_HOME_MAX 450

typedef struct {
    const char *section, *key;
    char *value;  /**< as text, after all overrides */
    char *origin; /**< "default", "FILE:LINE:COLUMN" or the environment variable's name */
} SettingValue;

typedef struct {
    char *home;                          /**< absolute $WEIR_HOME (default ~/weir); need not exist yet */
    char *dags_folder;                   /**< core: absolute; default `<home>/dags` */
    int32_t parallelism;                 /**< core: 32 */
    char *default_timezone;              /**< core: UTC */
    bool dags_are_paused_at_creation;    /**< core: false */
    int64_t killed_task_cleanup_time_us; /**< core: 60 s: SIGTERM -> SIGKILL */
    Retention retention;                 /**< scheduler: retention, log_retention; 0 = nothing is deleted */
    int64_t hook_timeout_us;             /**< scheduler: 5 min: of one attempt of a hook */
    int32_t hook_retries;                /**< scheduler: 3: attempts of a hook after the first */
    int64_t hook_retry_delay_us;         /**< scheduler: 15 s */
    int64_t min_free_disk_bytes;         /**< scheduler: min_free_disk, 100M; 0 = not looked at */
    char *logs_folder;                   /**< logging: base_log_folder; default `<home>/logs` */
    GPtrArray *values; /**< SettingValue *, all of them, in table order (for `config list`) */
} Settings;

/** Reads everything; NULL with an error that says file, line and column or the variable. */
Settings *settings_load(GError **error);
/** The value of one setting as text; NULL if there is no such setting. */
const char *settings_get(const Settings *settings, const char *section, const char *key);
/** Names for suggestions, NULL-terminated: all sections, or with `section` its keys. Free with g_free. */
const char **settings_names(const char *section);
void settings_free(Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)
