/* SPDX-License-Identifier: MIT */
/**
 * What templates may look up outside of their run: variables and connections of the environment, and XComs.
 */
#pragma once

#include "scheduler/store/reader.h"

#include <jansson.h>

/** Whose lookups they are, and whether the result is to be shown to people. */
typedef struct {
    StoreConn *conn; /**< NULL = no XComs yet */
    int64_t dag_run_id;
    bool is_masked;  /**< secrets come out as "***" */
    bool saw_secret; /**< set by a lookup that gave one */
} LookupScope;

/* Callbacks of TemplateContext; `user` is a LookupScope. */
json_t *lookup_xcom(void *user, const char *task_id, const char *key, GError **error);
char *lookup_variable(void *user, const char *key, GError **error);
json_t *lookup_connection(void *user, const char *conn_id, GError **error);

/** A connection written as JSON or as airflow-compatible URI. NULL with an error that holds no secret. */
json_t *connection_parse(const char *conn_id, const char *text, GError **error);
