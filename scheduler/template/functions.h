/* SPDX-License-Identifier: MIT */
/**
 * Filters and methods: their names, arguments and what they do, in tables that check and render share.
 * Private to this folder.
 */
#pragma once

#include "scheduler/template/value.h"

#define TPL_ARGUMENTS_MAX 8

/** One call while it runs. Every argument that is set is data. */
typedef struct {
    const TemplateContext *context;
    const TplValue *self; /**< what is to the left of the dot or the bar */
    TplValue arguments[TPL_ARGUMENTS_MAX];
    bool given[TPL_ARGUMENTS_MAX];
} TplCall;

typedef struct {
    TplType owner;    /**< what must be to the left; ANY: all data */
    const char *name; /**< NULL ends a table */
    TplType result;   /**< for check */
    const char *parameters[TPL_ARGUMENTS_MAX + 1];
    guint required;   /**< the first so many must be given */
    guint positional; /**< the first so many may be given without a name */
    /** False with `error` set; the caller puts the place and the function's name in front of the message. */
    bool (*run)(TplCall *call, TplValue *ret_value, GError **error);
} TplFunction;

/** Tables, each ended by a row without a name. */
extern const TplFunction TPL_FILTERS[];
extern const TplFunction TPL_METHODS_DATA[];    /**< of strings and objects */
extern const TplFunction TPL_METHODS_INSTANT[]; /**< of instants, and macros */
extern const TplFunction TPL_METHODS_LOOKUP[];  /**< of ti, var and conn */

/** NULL when there is none. */
const TplFunction *tpl_filter_find(const char *name);
/** The method `name` of `owner`; with owner ANY, of whatever type has one. */
const TplFunction *tpl_method_find(TplType owner, const char *name);
/** The known filter or method of `owner` nearest to `name`, or NULL. */
const char *tpl_filter_suggest(const char *name);
const char *tpl_method_suggest(TplType owner, const char *name);

/**
 * Puts each of `arguments` (of TplArgument) into the place of the parameter it is for. False when they do not
 * fit, with `ret_wrong` (owned by the caller) saying how.
 */
bool tpl_function_bind(const TplFunction *function, const GPtrArray *arguments,
                       const TplArgument *ret_bound[TPL_ARGUMENTS_MAX], char **ret_wrong);

/** For run functions. Sets the error to the formatted message; always false. */
bool tpl_call_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** The string, whole number or number in place `index`; false with `error` set when it is something else. */
bool tpl_call_string(const TplCall *call, guint index, const char *parameter, const char **ret,
                     GError **error);
bool tpl_call_integer(const TplCall *call, guint index, const char *parameter, int64_t *ret, GError **error);
