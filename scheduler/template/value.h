/* SPDX-License-Identifier: MIT */
/**
 * What an expression can be: data (a JSON value), an instant, one of Airflow's objects (dag_run, ti, ...), or
 * undefined. Private to this folder.
 */
#pragma once

#include "scheduler/template/ast.h"

/** Types of values; check infers them before there are values, so some exist only there. */
typedef enum {
    TPL_TYPE_UNDEFINED, /**< does not exist; an error unless the filter default comes next */
    TPL_TYPE_ANY,       /**< check only: known when rendering */
    TPL_TYPE_NONE,
    TPL_TYPE_BOOL,
    TPL_TYPE_NUMBER,
    TPL_TYPE_STRING,
    TPL_TYPE_LIST,
    TPL_TYPE_OBJECT,
    TPL_TYPE_INSTANT,
    /* From here on: no data, one has to name an attribute. */
    TPL_TYPE_ROOT,   /**< the owner of the names an expression may begin with */
    TPL_TYPE_PARAMS, /**< check only: an object whose keys are declared */
    TPL_TYPE_DAG_RUN,
    TPL_TYPE_DAG,
    TPL_TYPE_TASK,
    TPL_TYPE_TI,
    TPL_TYPE_VAR,
    TPL_TYPE_VAR_VALUE,
    TPL_TYPE_VAR_JSON,
    TPL_TYPE_CONN,
    TPL_TYPE_CONNECTION, /**< one connection: its record is in `data` */
    TPL_TYPE_MACROS,
} TplType;

/** "a string", "a date and time", "the object dag_run"; static. */
const char *tpl_type_label(TplType type);
/** Whether it can be printed, filtered and passed on: data or an instant. */
bool tpl_type_is_data(TplType type);

typedef struct {
    TplType type;
    json_t *data;       /**< of data types and TPL_TYPE_CONNECTION; owned */
    GDateTime *instant; /**< of TPL_TYPE_INSTANT; owned */
    char *missing;      /**< of TPL_TYPE_UNDEFINED: what is not there, a sentence; owned */
} TplValue;

void tpl_value_clear(TplValue *value);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TplValue, tpl_value_clear)
TplValue tpl_value_copy(const TplValue *value);

/** Take what they are given. */
TplValue tpl_value_data(json_t *data);
TplValue tpl_value_text(char *text);
TplValue tpl_value_instant(GDateTime *instant);
/** A namespace such as dag_run. */
TplValue tpl_value_object(TplType type);
TplValue tpl_value_undefined(char *missing);

/** Borrowed; NULL when it is not a string. */
const char *tpl_value_string(const TplValue *value);
/** As Python sees it: none, false, 0, "", [] and {} are false. */
bool tpl_value_is_true(const TplValue *value);

/**
 * Appends the value as it is printed: strings as they are, True/False/None, numbers as Python prints them,
 * instants as str() of Airflow's, lists and objects as tpl_value_append_json(). False when `text` becomes
 * longer than TEMPLATE_OUTPUT_MAX. The value must be data.
 */
bool tpl_value_append(const TplValue *value, GString *text);

/**
 * Appends JSON as Jinja's tojson writes it: keys sorted, and & < > ' as \u escapes, so that it stays one word
 * between single quotes of a shell command. False when too long or too deep.
 */
bool tpl_value_append_json(const TplValue *value, GString *text);
