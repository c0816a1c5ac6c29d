/* SPDX-License-Identifier: MIT */
/** What comes through the callbacks of a context: XComs, variables, connections. Private to this folder. */
#pragma once

#include "scheduler/template/value.h"

/** False with `error` set when looking up failed; a name that is not there is an undefined value. */
bool tpl_lookup_variable(const TemplateContext *context, const char *key, bool as_json, TplValue *ret_value,
                         GError **error);
bool tpl_lookup_connection(const TemplateContext *context, const char *conn_id, TplValue *ret_value,
                           GError **error);

/** `extra` or `extra_dejson` of a connection's record: as text, or parsed. */
bool tpl_lookup_extra(const TplValue *connection, bool as_json, TplValue *ret_value, GError **error);
