/* SPDX-License-Identifier: MIT */
/**
 * The names expressions may begin with and the attributes of Airflow's objects, with where their values are
 * in a context: one table for check and render. Private to this folder.
 */
#pragma once

#include "scheduler/template/value.h"

/** Where an attribute's value comes from. */
typedef enum {
    TPL_SOURCE_OBJECT,       /**< it is a namespace: the type says all */
    TPL_SOURCE_STRING,       /**< const char * at `offset` of the context */
    TPL_SOURCE_INTEGER,      /**< int64_t at `offset` */
    TPL_SOURCE_INSTANT,      /**< int64_t at `offset`; None when absent */
    TPL_SOURCE_JSON,         /**< json_t * at `offset`; an empty object when NULL */
    TPL_SOURCE_MINUS_ONE,    /**< ti.map_index: weir maps no tasks */
    TPL_SOURCE_LOGICAL_DATE, /**< the root logical_date: undefined when absent */
    TPL_SOURCE_STAMP, /**< the logical date through the filter of the same name; undefined when absent */
    TPL_SOURCE_INSTANCE_KEY, /**< task_instance_key_str; undefined without a logical date */
    TPL_SOURCE_RECORD,       /**< the key of the same name of a connection's record; None when absent */
    TPL_SOURCE_EXTRA,        /**< a connection's extra as text */
    TPL_SOURCE_EXTRA_JSON,   /**< a connection's extra as an object */
    TPL_SOURCE_CLOCK,        /**< a part of an instant: year, ... */
} TplSource;

typedef struct {
    TplType owner;
    const char *name;
    TplType type;
    TplSource source;
    size_t offset;
} TplAttribute;

/** The attribute `name` of `owner`; TPL_TYPE_ROOT owns what an expression begins with. NULL: there is none.
 */
const TplAttribute *tpl_attribute_find(TplType owner, const char *name);

/** Whether `owner` has a fixed set of attributes, so that an unknown one is wrong whatever the data. */
bool tpl_attributes_are_fixed(TplType owner);

/**
 * Why `owner` has no attribute `name`, with what to write instead: a name of Airflow 2 or one weir does
 * without, a near one, or all there are. Owned by the caller.
 */
char *tpl_attribute_explain(TplType owner, const char *name);

/** Why a namespace cannot be printed or filtered as such. Owned by the caller. */
char *tpl_object_explain(TplType type);

/** The value of `attribute`, whose owner is `owner` (NULL for roots). */
bool tpl_attribute_read(const TplAttribute *attribute, const TplValue *owner, const TemplateContext *context,
                        TplValue *ret_value, GError **error);
