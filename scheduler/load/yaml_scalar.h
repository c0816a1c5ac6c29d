/* SPDX-License-Identifier: MIT */
/**
 * Scalars as YAML 1.2's core schema types them, and trees as JSON: for values whose type no key decides, such
 * as defaults of params and bodies passed to other services. `no` is a string, `0o17` is 15, `1e3` is a
 * number.
 */
#pragma once

#include "scheduler/load/yaml_tree.h"

#include <jansson.h>

typedef enum {
    CORE_NULL,
    CORE_BOOL,
    CORE_INT,
    CORE_FLOAT,
    CORE_STRING,
    CORE_INT_TOO_BIG, /**< looks like an integer but does not fit in 64 bits */
} CoreType;

typedef struct {
    CoreType type;
    union {
        bool boolean;
        int64_t integer;
        double real;
    };
} CoreValue;

CoreValue yaml_scalar_resolve(const YamlNode *scalar);

/**
 * The subtree as JSON; a new reference. NULL if something in it has no JSON form, which is then in `errors`,
 * or was reported before.
 */
json_t *yaml_node_to_json(const YamlNode *node, LoadErrorList *errors);
