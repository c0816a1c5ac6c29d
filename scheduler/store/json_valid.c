/* SPDX-License-Identifier: MIT */
/*
 * SQLite 3.40 does not let its own json_valid() stand in a CHECK while trusted_schema is off (later ones do).
 * This one may, because it is declared innocuous; and it is the parser that will read the value.
 */
#include "scheduler/store/conn.h"

#include <jansson.h>

static void json_valid(sqlite3_context *context, int n_values, sqlite3_value **values)
{
    (void)n_values;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return; /* gives NULL */
    const char *text = (const char *)sqlite3_value_text(values[0]);
    size_t length = (size_t)sqlite3_value_bytes(values[0]);
    json_t *json = text != NULL ? json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    sqlite3_result_int(context, json != NULL);
    json_decref(json);
}

int conn_define_json_valid(sqlite3 *db)
{
    return sqlite3_create_function_v2(db, "json_valid", 1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, json_valid,
                                      NULL, NULL, NULL);
}
