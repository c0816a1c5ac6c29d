/* SPDX-License-Identifier: MIT */
/**
 * DAG params: declared values of a run, each with a JSON-Schema-like specification, as Airflow's Param.
 *
 * Schema keys understood: type (string, integer, number, boolean, object, array, null, or a list of them),
 * format (path, date, date-time, uri, email), enum, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * multipleOf, minLength, maxLength, pattern, items (type only), title, description, default.
 * A param without default must be given for each run.
 */
#pragma once

#include "scheduler/model/types.h"

#include <jansson.h>

typedef struct {
    char *name;
    json_t *schema;       /**< object, as written, without default */
    json_t *default_json; /**< NULL = required */
    bool is_path;         /**< format: path: relative values are made absolute */
} Param;

typedef struct ParamSet ParamSet;

ParamSet *param_set_new(void);
void param_set_free(ParamSet *set);

/** Adds a param; takes new references. Fails if the name is taken, or the default does not fit the schema. */
bool param_set_add(ParamSet *set, const char *name, json_t *schema, json_t *default_json, GError **error);
guint param_set_size(const ParamSet *set);
const Param *param_set_get(const ParamSet *set, guint index);
const Param *param_set_find(const ParamSet *set, const char *name);
/** The same; WEIR_ERROR_INVALID if there is none of that name, with the near one. */
const Param *param_set_need(const ParamSet *set, const char *name, GError **error);
/** The names, NULL-terminated; borrowed, valid until the next add. */
const char *const *param_set_names(const ParamSet *set);

/** Checks one value; the error names the param and the value, and says what would fit. */
bool param_validate(const Param *param, const json_t *value, GError **error);

/**
 * A value given on a command line, as the param's type wants it: `12` for an integer param, `true` for a
 * boolean, JSON for object and array, else the text. New reference, or NULL with an error.
 */
json_t *param_parse_text(const Param *param, const char *text, GError **error);

/**
 * The params of a run that moves to another version of its DAG, whose set this is: names in `conf` (what was
 * given for it) keep their value of `params` (as it was resolved then), unless they are not declared any
 * more; all others are the defaults of now. Else as param_set_resolve().
 */
json_t *param_set_move(const ParamSet *set, const json_t *conf, const json_t *params, const char *folder,
                       GError **error);

/**
 * The params of one run: defaults overlaid with `conf` (object or NULL), checked. Relative paths are made
 * absolute: defaults against `folder`, values of conf against `caller_cwd` (NULL: `folder`). Undeclared names
 * in conf are refused. New reference to an object, or NULL.
 */
json_t *param_set_resolve(const ParamSet *set, const json_t *conf, const char *folder, const char *caller_cwd,
                          GError **error);
