/* SPDX-License-Identifier: MIT */
/**
 * Private to the model: the JSON-Schema subset behind param.h.
 *
 * A schema is checked once, when it is declared; after that, checking a value cannot fail for other reasons
 * than the value. Messages say what would fit, without the param's name: the caller puts that in front.
 */
#pragma once

#include "scheduler/model/types.h"

#include <jansson.h>

/** The types of a schema as a set of bits. */
typedef enum {
    PARAM_TYPE_NULL = 1 << 0,
    PARAM_TYPE_BOOLEAN = 1 << 1,
    PARAM_TYPE_INTEGER = 1 << 2,
    PARAM_TYPE_NUMBER = 1 << 3,
    PARAM_TYPE_STRING = 1 << 4,
    PARAM_TYPE_ARRAY = 1 << 5,
    PARAM_TYPE_OBJECT = 1 << 6,
    PARAM_TYPE_ANY = 0x7f,
} ParamTypes;

/** The types that `schema` allows; PARAM_TYPE_ANY without "type". 0 if the schema is wrong. */
ParamTypes param_schema_types(const json_t *schema);

/** Whether the schema itself is well-formed. `ret_pattern` gets its compiled pattern, or NULL if it has none.
 */
bool param_schema_check(const json_t *schema, GRegex **ret_pattern, GError **error);
/** Whether `value` fits a schema that param_schema_check() accepted. */
bool param_schema_accepts(const json_t *schema, const GRegex *pattern, const json_t *value, GError **error);
